//! What the use cases work with.

use std::{future::Future, sync::Arc};

use replyx_billing::BillingSettings;
use replyx_core::{clock::Clock, mail::Mail, secret::Keys, setting};
use replyx_live::{Live, Quota};
use replyx_storage::{Db, repeated, tuning::Tuning};

use crate::{
    Result,
    letters::{Letters, mailbox_key},
    password::Passwords,
    token::Tokens,
};

/// Whether letters reach people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailDelivery {
    /// By SMTP.
    Smtp,
    /// They are written to a folder of the server.
    Folder,
}

/// What the configuration says about accounts.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// What links in letters begin with, without a slash at the end.
    pub base_url: String,
    /// Whether letters reach people.
    pub mail: MailDelivery,
}

/// What the use cases work with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cx {
    /// Durable state.
    pub db: Db,
    /// Shared short-lived state: limits are kept there.
    pub live: Live,
    /// Time, ids and randomness.
    pub clock: Clock,
    /// Seals secrets and derives keys.
    pub keys: Keys,
    /// Settings that admins change.
    pub tuning: Arc<Tuning>,
    /// What the configuration says.
    pub settings: Arc<AccountSettings>,
    /// Password hashes.
    pub passwords: Passwords,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    /// Where letters are handed in.
    pub letters: Letters,
    /// Whether workspaces pay: then a new one is given a trial.
    pub billing: Arc<BillingSettings>,
}

impl Cx {
    /// Joins the parts.
    pub fn new(
        db: Db,
        live: Live,
        clock: Clock,
        keys: Keys,
        tuning: Arc<Tuning>,
        settings: AccountSettings,
    ) -> Self {
        let tokens = Tokens::new(&keys, clock.clone());
        let letters = Letters::new(keys.clone(), clock.clone());
        Self {
            db,
            live,
            clock,
            keys,
            tuning,
            settings: Arc::new(settings),
            passwords: Passwords::default(),
            tokens: Arc::new(tokens),
            letters,
            billing: Arc::default(),
        }
    }

    /// The same, where the configuration says this about money.
    #[must_use]
    pub fn with_billing(self, billing: Arc<BillingSettings>) -> Self {
        Self { billing, ..self }
    }

    /// Runs one whole transaction, again when the database rolls it back.
    pub(crate) async fn write<T, F>(&self, work: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        repeated(work).await
    }

    /// Charges limits that are not an address's or a caller's but, say, a mailbox's: either all let
    /// it through, or none is charged.
    pub(crate) async fn charge(&self, wanted: &[(&'static str, &str)]) -> Result<()> {
        let quota = |&(setting, key): &(&'static str, _)| Quota {
            setting,
            rate: self.tuning.rate(setting),
            key,
        };
        let quotas: Vec<Quota<'_>> = wanted.iter().map(quota).collect();
        self.live.charge(&quotas).await?;
        Ok(())
    }

    /// Whether one more notice of this kind may go to its mailbox. Beyond the limit it is left out,
    /// and what it would tell of is done all the same. To be asked before the transaction begins.
    pub(crate) async fn may_tell(&self, mail: &Mail) -> bool {
        let key = format!("{}:{}", mail.letter.kind(), mailbox_key(&mail.to));
        self.charge(&[(setting::RATE_NOTICE_MAIL, &key)]).await.is_ok()
    }

    /// The link to one of the pages. A fragment does not reach the logs of servers.
    pub(crate) fn link(&self, page: &str, token: &str) -> String {
        format!("{}{page}#token={token}", self.settings.base_url)
    }

    /// Must a new account's e-mail address be confirmed by a code?
    pub(crate) fn confirms_addresses(&self) -> bool {
        match self.tuning.word(setting::EMAIL_CONFIRMATION).as_str() {
            "always" => true,
            "never" => false,
            _ => self.settings.mail == MailDelivery::Smtp,
        }
    }
}
