//! A point at which a call of a fake server waits until the test lets it go on.

use std::sync::Arc;

use tokio::sync::watch;

/// Holds calls until [`Self::release`]. Clones hold the same calls.
///
/// A test orders it as a fault, waits until a call has [arrived](Self::reached), does what is to
/// happen in the meantime, and releases it: nothing depends on how fast the machine is.
#[derive(Clone, Debug)]
pub struct Hold(Arc<watch::Sender<HoldState>>);

#[derive(Clone, Copy, Debug, Default)]
struct HoldState {
    arrived: usize,
    released: bool,
}

impl Default for Hold {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(HoldState::default())))
    }
}

impl PartialEq for Hold {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Hold {}

impl Hold {
    /// Waits until a call has arrived.
    pub async fn reached(&self) {
        self.until(|held| held.arrived > 0).await;
    }

    /// Lets all calls go on, those that have arrived and those that will.
    pub fn release(&self) {
        self.0.send_modify(|held| held.released = true);
    }

    /// The call has arrived, and waits until it is released.
    pub(crate) async fn pass(&self) {
        self.0.send_modify(|held| held.arrived += 1);
        self.until(|held| held.released).await;
    }

    async fn until(&self, wanted: impl Fn(&HoldState) -> bool) {
        let mut held = self.0.subscribe();
        // The sender lives as long as we do.
        let _ = held.wait_for(|held| wanted(held)).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn a_call_waits_until_it_is_released() {
        let hold = Hold::default();
        let mut call = std::pin::pin!(hold.pass());
        assert!(poll!(&mut call).is_pending());

        hold.reached().await;
        assert!(poll!(&mut call).is_pending());

        hold.release();
        call.await;
        hold.pass().await;
    }
}
