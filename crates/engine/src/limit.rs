//! How much one customer is answered: so many answers in a short time and on a day, by settings
//! that admins change.
//!
//! Beyond a bound a customer is told so, once; whatever they write is stored as ever, without an
//! answer and without a call of a model. When they are answered again, what they wrote in the
//! meantime is answered with it.
//!
//! The short time is counted in `live`, for all processes together. The answers of a day are
//! counted in the database, in the transaction that stores each: no restart forgets them. A
//! customer is a contact: a private chat or a group with one bot.

use std::time::Duration;

use chrono::TimeDelta;
use replyx_core::{
    assistant::{FixedText, Language},
    event::LimitBound,
    setting::{CONTACT_ANSWERS_PER_DAY, RATE_CONTACT},
};
use replyx_live::{Limit, Permit, Rate};
use replyx_storage::turns::ClaimedTurn;

use crate::{
    Engine,
    context::{AnswerRequest, Context},
};

/// A customer who writes too fast is told so no more often than this.
const TOLD_FOR: Duration = Duration::from_mins(10);

/// A bound that a customer has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachedLimit {
    /// Its id.
    pub bound: LimitBound,
    /// Are they to be told of it, or have they been?
    pub notice: Notice,
}

/// Whether a customer is told of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// They have not been told.
    Due,
    /// They know.
    Given,
}

/// Counts a turn that is to be answered; says so if it is beyond a bound.
pub async fn check(engine: &Engine, turn: &ClaimedTurn, context: &Context) -> Option<ReachedLimit> {
    let today = context.today;
    if today.answers >= engine.tuning.int(CONTACT_ANSWERS_PER_DAY) {
        let notice = if today.day_told_at.is_some() { Notice::Given } else { Notice::Due };
        return Some(ReachedLimit { bound: LimitBound::Day, notice });
    }
    // A turn that is tried again was let through the first time.
    if turn.attempts > 1 {
        return None;
    }

    let rate: Rate = engine.tuning.rate(RATE_CONTACT).into();
    let key = format!("contact:{}:{}:{}", rate.count, rate.per.as_secs(), context.contact.id);
    if engine.live.take(&[Limit { key, rate }]).await == Permit::Granted {
        return None;
    }
    let quiet = TimeDelta::from_std(rate.per.max(TOLD_FOR)).unwrap_or(TimeDelta::MAX);
    let told = today.rate_told_at.is_some_and(|told| context.ask.now - told < quiet);
    let notice = if told { Notice::Given } else { Notice::Due };
    Some(ReachedLimit { bound: LimitBound::Rate, notice })
}

/// A turn of a workspace that has nothing left to pay with.
pub fn unpaid(context: &Context) -> ReachedLimit {
    let told = context.today.balance_told_at;
    let notice = if told.is_some() { Notice::Given } else { Notice::Due };
    ReachedLimit { bound: LimitBound::Balance, notice }
}

/// What a customer is told.
pub fn text(bound: LimitBound, ask: &AnswerRequest) -> &str {
    match (bound, ask.language) {
        (LimitBound::Balance, _) => ask.say(FixedText::Unavailable),
        (LimitBound::Day, Language::English) => {
            "You have had all the answers I can give in one day. What you write is kept; please write again tomorrow."
        }
        (LimitBound::Day, Language::Russian) => {
            "На сегодня вы получили все ответы, которые я могу дать. Всё, что вы напишете, сохранится. Пожалуйста, напишите снова завтра."
        }
        (LimitBound::Rate, Language::English) => {
            "You are writing faster than I can answer. What you write is kept; please wait a little and write again."
        }
        (LimitBound::Rate, Language::Russian) => {
            "Вы пишете быстрее, чем я успеваю отвечать. Всё, что вы пишете, сохраняется. Пожалуйста, подождите немного и напишите снова."
        }
    }
}
