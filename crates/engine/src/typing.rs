//! Shows the customer that the assistant is typing while a turn runs.

use std::time::Duration;

use tokio::{task::JoinHandle, time::sleep};

use crate::{Engine, context::Context};

/// Telegram shows it for five seconds; it is said again a little before.
const AGAIN: Duration = Duration::from_millis(4_500);

/// Goes on until dropped.
pub(crate) struct Typing(Option<JoinHandle<()>>);

impl Drop for Typing {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

/// Begins after a moment, so that a quick answer costs no extra call. A failure is of no
/// consequence.
pub(crate) fn show(engine: &Engine, context: &Context) -> Typing {
    let Some(token) = &context.token else { return Typing(None) };
    let client = engine.telegram.bot(token);
    let chat = context.contact.address.clone();
    let after = engine.settings.typing_after;
    Typing(Some(tokio::spawn(async move {
        sleep(after).await;
        while client.send_typing(&chat).await.is_ok() {
            sleep(AGAIN).await;
        }
    })))
}
