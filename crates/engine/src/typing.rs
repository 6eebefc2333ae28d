//! Shows the customer that the assistant is typing while a turn runs.

use replyx_channels::Route;
use tokio::{task::JoinHandle, time::sleep};

use crate::{Engine, context::Context};

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
    let kind = context.channel.kind;
    let Some(lasts) = engine.channels.of(kind).typing_lasts() else { return Typing(None) };
    let channels = engine.channels.clone();
    let secret = context.secret.clone();
    let address = context.contact.address.clone();
    let after = engine.settings.typing_after;

    Typing(Some(tokio::spawn(async move {
        sleep(after).await;
        let route = Route { secret: secret.as_ref(), address: &address, reply_to: None };
        while channels.of(kind).type_to(route).await {
            sleep(lasts).await;
        }
    })))
}
