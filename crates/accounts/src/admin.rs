//! What platform admins do with users, workspaces and settings, over HTTP or on the command line.
//! Every change is in the platform's audit log.

pub mod jobs;
pub mod settings;
pub mod users;
pub mod workspaces;
