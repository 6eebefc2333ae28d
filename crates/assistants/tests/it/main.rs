//! The use cases of assistants, called as the API and the command line call them.

mod assistants;
mod documents;
mod given;
mod strangers;
