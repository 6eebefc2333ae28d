//! What a workspace has beside its assistants: members, invitations, keys, the audit log; and what
//! the installation remembers for all: requests with a key, settings.

mod api_keys;
mod audit;
mod idempotency;
mod invitations;
mod members;
mod settings;
