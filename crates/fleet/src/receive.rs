//! Taking in what Telegram delivers, whichever way it comes.
//!
//! What is not understood is counted under its reason, and acknowledged: Telegram would deliver it
//! again for a day.

use std::error::Error;

use replyx_channels::telegram::{
    BotClient, RawUpdate,
    inbound::{self, BotIdentity, Read},
    webhook,
};
use replyx_core::{bot::Bot, channel::Inbound};
use replyx_engine::{
    Engine,
    intake::{self, Door, Gatherer, IntakeError},
};
use replyx_storage::StorageError;
use serde_json::Value;

/// The most bytes that a posted update may have.
pub const BODY_LIMIT: usize = webhook::BODY_LIMIT;

/// Takes an update that Telegram posted. It is stored when this returns `Ok`, unless it is nothing
/// to us. What is returned is to be answered to Telegram.
///
/// # Errors
///
/// Fails when too many are waiting; Telegram delivers it again.
pub async fn posted(
    gatherer: &Gatherer,
    bot: &Bot,
    body: &[u8],
) -> Result<Option<Value>, IntakeError> {
    let Ok(update) = webhook::update_from(body) else {
        metrics::counter!("updates_total", "outcome" => "malformed").increment(1);
        return Ok(None);
    };
    if let Some((door, inbound)) = understood(bot, &update) {
        gatherer.accept(door, inbound).await?;
    }
    Ok(inbound::press(&update).map(webhook::answer_press))
}

/// Answers the presses of buttons in a batch, so that the apps of those who pressed stop waiting.
/// Nothing depends on it: what was pressed is stored, and an app stops by itself after a while.
pub(crate) async fn answer_presses(client: BotClient, presses: Vec<String>) {
    for press in presses {
        if let Err(error) = client.answer_press(&press).await {
            tracing::debug!(error = &error as &dyn Error, "the press of a button was not answered");
        }
    }
}

/// The presses of buttons in a batch.
pub(crate) fn presses(batch: &[RawUpdate]) -> Vec<String> {
    batch.iter().filter_map(inbound::press).map(str::to_owned).collect()
}

/// What the updates of a batch mean, without those that are nothing to us.
pub(crate) fn understand(bot: &Bot, batch: &[RawUpdate]) -> Vec<(Door, Inbound)> {
    batch.iter().filter_map(|update| understood(bot, update)).collect()
}

/// Takes what a poller asked for, together with the place from which to go on. If it fails as a
/// whole, one by one: an update that the database will never take must not keep all later ones out;
/// it is counted and left behind.
///
/// # Errors
///
/// Fails when not all could be stored that the database takes.
pub(crate) async fn polled(
    engine: &Engine,
    updates: &[(Door, Inbound)],
    offset: (Door, i64),
) -> Result<(), StorageError> {
    let Err(error) = intake::accept_all(engine, updates, Some(offset)).await else { return Ok(()) };
    if error.is_transient() {
        return Err(error);
    }

    for update in updates {
        if let Err(error) = intake::accept_all(engine, std::slice::from_ref(update), None).await {
            if !matches!(error, StorageError::Constraint { .. } | StorageError::Corrupt { .. }) {
                return Err(error);
            }
            tracing::error!(error = &error as &dyn Error, "an update was skipped");
            metrics::counter!("updates_total", "outcome" => "left_behind").increment(1);
        }
    }
    intake::accept_all(engine, &[], Some(offset)).await
}

/// What an update means; nothing when it is nothing to us.
fn understood(bot: &Bot, update: &RawUpdate) -> Option<(Door, Inbound)> {
    match inbound::read(update, BotIdentity { id: bot.telegram_id, username: &bot.username }) {
        Read::Inbound(inbound) => Some((Door::from(bot), inbound)),
        Read::Ignored { reason, .. } => {
            metrics::counter!("updates_ignored_total", "reason" => reason).increment(1);
            metrics::counter!("updates_total", "outcome" => "ignored").increment(1);
            None
        }
    }
}
