//! When to retry.

use std::time::Duration;

/// What to do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again, not before this long.
    After(Duration),
    /// Trying again cannot help.
    Never,
}

/// Exponential backoff with jitter and a ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait before the second attempt.
    pub first: Duration,
    /// No wait is longer than this.
    pub ceiling: Duration,
    /// How many attempts are made in all.
    pub attempts: u32,
}

impl Backoff {
    /// The wait after `failed` attempts (1 = the first one failed), doubled each time and shortened
    /// by up to a half by `chance` (0 to 255), so that those who failed together do not return
    /// together. [`Retry::Never`] when all attempts are spent.
    pub fn after(&self, failed: u32, chance: u8) -> Retry {
        if failed >= self.attempts {
            return Retry::Never;
        }
        let doubled = self.first.saturating_mul(1_u32 << failed.saturating_sub(1).min(20));
        let whole = doubled.min(self.ceiling);
        Retry::After(whole.mul_f64(1.0 - f64::from(chance) / 510.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_millis(500), ceiling: Duration::from_secs(4), attempts: 6 };

    #[test]
    fn waits_double_up_to_the_ceiling_and_then_end() {
        let waits: Vec<_> = (1..=6).map(|failed| BACKOFF.after(failed, 0)).collect();
        let secs = |s: f64| Retry::After(Duration::from_secs_f64(s));
        assert_eq!(waits, [secs(0.5), secs(1.0), secs(2.0), secs(4.0), secs(4.0), Retry::Never]);
    }

    #[test]
    fn chance_takes_away_at_most_half() {
        assert_eq!(BACKOFF.after(1, 255), Retry::After(Duration::from_millis(250)));
    }
}
