//! What platform admins do with users and workspaces, over HTTP or on the command line. Every
//! change is in the platform's audit log.

pub mod users;
pub mod workspaces;
