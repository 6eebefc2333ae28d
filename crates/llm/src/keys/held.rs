use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{ProviderKey, client::Client};

/// How long a process relies on what it was told of a key before it asks the shared state again.
const RELY: Duration = Duration::from_secs(5);

/// What a key can be used for, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Ready,
    CoolingDown,
    Exhausted,
    Refused,
    Disabled,
}

impl Standing {
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (Self::Ready, "ready"),
        (Self::CoolingDown, "cooling_down"),
        (Self::Exhausted, "exhausted"),
        (Self::Refused, "refused"),
        (Self::Disabled, "disabled"),
    ];
}

/// A key in use, with the client that shows it.
#[derive(Debug)]
pub(crate) struct HeldKey {
    pub(crate) key: ProviderKey,
    pub(crate) client: Client,
    /// Names the key together with its secret: another secret has another history.
    pub(crate) mark: String,
    last_use: AtomicU64,
    known: Mutex<KnownStanding>,
    guesses: AtomicU32,
    announced: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct KnownStanding {
    standing: Standing,
    until: Instant,
    ask_again: Instant,
}

impl HeldKey {
    pub(super) fn new(key: ProviderKey, client: Client) -> Self {
        let digest = Sha256::digest(key.secret.expose_secret());
        let print =
            digest.iter().take(8).fold(String::new(), |print, byte| print + &format!("{byte:02x}"));
        let mark = format!("{}:{print}", key.id);
        let now = Instant::now();
        let standing = if key.enabled { Standing::Ready } else { Standing::Disabled };
        Self {
            key,
            client,
            mark,
            last_use: AtomicU64::new(0),
            known: Mutex::new(KnownStanding { standing, until: now, ask_again: now }),
            guesses: AtomicU32::new(0),
            announced: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, KnownStanding> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key with the lowest order is used first.
    pub(crate) fn order(&self) -> (i32, u64) {
        (self.key.priority, self.last_use.load(Ordering::Relaxed))
    }

    pub(crate) fn used(&self) {
        static USES: AtomicU64 = AtomicU64::new(1);
        self.last_use.store(USES.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// How long it need not be tried, as far as is known here.
    pub(crate) fn rest(&self) -> Option<Duration> {
        let known = self.known();
        let now = Instant::now();
        (known.ask_again > now).then(|| known.until.saturating_duration_since(now))
    }

    pub(crate) fn rests(&self, standing: Standing, time: Duration) {
        let now = Instant::now();
        *self.known() =
            KnownStanding { standing, until: now + time, ask_again: now + time.min(RELY) };
    }

    /// It should rest, but may be tried where nothing else is left.
    pub(crate) fn should_rest(&self, time: Duration) {
        self.stands(Standing::CoolingDown, time);
    }

    /// It stands so for this time, but is asked for all the same: another call may pass.
    pub(crate) fn stands(&self, standing: Standing, time: Duration) {
        let now = Instant::now();
        *self.known() = KnownStanding { standing, until: now + time, ask_again: now };
    }

    /// It has answered. What was learnt of it while it did is not forgotten.
    pub(crate) fn works(&self) {
        let now = Instant::now();
        let mut known = self.known();
        if known.ask_again <= now {
            *known = KnownStanding { standing: Standing::Ready, until: now, ask_again: now };
        }
        self.guesses.store(0, Ordering::Relaxed);
    }

    /// Nothing that was known of it counts any more.
    pub(crate) fn readmitted(&self) {
        let now = Instant::now();
        *self.known() = KnownStanding { standing: Standing::Ready, until: now, ask_again: now };
    }

    pub(crate) fn standing(&self) -> Standing {
        let known = self.known();
        let over = known.until <= Instant::now() && known.standing != Standing::Disabled;
        if over { Standing::Ready } else { known.standing }
    }

    /// How many cool-downs in a row had to be guessed, this one not included.
    pub(crate) fn guess(&self) -> u32 {
        self.guesses.fetch_add(1, Ordering::Relaxed)
    }

    /// Its limit is met, for so long; is that new?
    pub(crate) fn announce(&self, time: Duration) -> bool {
        let now = Instant::now();
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = announced.is_none_or(|until| until <= now);
        if is_new {
            *announced = Some(now + time);
        }
        is_new
    }
}
