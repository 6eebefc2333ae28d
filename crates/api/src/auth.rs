//! Signing up, signing in, and what protects both. The rules are in `replyx_accounts`; here is what
//! is HTTP about them: bodies, cookies, statuses.

pub mod confirm;
pub mod login;
pub mod passwords;
pub mod refresh;
pub mod register;
pub mod sessions;
pub mod sign_in;
pub mod totp;

pub use replyx_accounts::token;
