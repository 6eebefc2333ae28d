//! Accounts: people, their sign-ins, second factors, codes and workspaces.

use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::random_hex,
    ids::UserId,
    session::{Rotation, Session},
    user::User,
};
use replyx_storage::Db;

use crate::given::{self, at, id};

mod codes;
mod second_factors;
mod sessions;
mod users;
mod workspaces;

const GRACE: Duration = Duration::from_secs(10);
const LIFETIME: Duration = Duration::from_secs(1_000);

/// Stores a user.
async fn user(db: &Db) -> User {
    let user = given::user();
    commit!(db, |tx| given::sign_up(&mut tx, &user, "$argon2id$"));
    user
}

/// A session that begins at `from` and lives for [`LIFETIME`].
fn session(user: UserId, from: DateTime<Utc>) -> Session {
    Session {
        id: id(),
        user_id: user,
        address: "203.0.113.7".to_owned(),
        user_agent: "Firefox".to_owned(),
        created_at: from,
        last_used_at: from,
        expires_at: from + LIFETIME,
    }
}

/// Stores a session that begins at second 0; returns it with its refresh token.
async fn sign_in(db: &Db, user: UserId) -> (Session, String) {
    let session = session(user, at(0));
    let token = random_hex::<8>();
    commit!(db, |tx| given::open_session(&mut tx, &session, &token));
    (session, token)
}

async fn rotate(db: &Db, old: &str, new: &str, now: DateTime<Utc>) -> Rotation {
    commit!(db, |tx| tx.system().sessions().rotate(old, new, now, GRACE, LIFETIME))
}
