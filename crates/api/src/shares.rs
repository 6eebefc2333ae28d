//! What many use at once and nobody may use up: so much in all, and so much of it for one.
//!
//! Places for requests, open connections and bytes in memory are counted in the same way. A
//! [`Share`] is what somebody holds; it is given back when it is dropped.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use crate::address::ClientAddress;

/// Why there is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareRefusal {
    /// All together hold all there is.
    All,
    /// The one who asks holds as much as one may.
    One,
}

/// Something to be shared. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: u64,
    each: u64,
    held: Mutex<Amounts>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Amounts {
    sum: u64,
    by: HashMap<Arc<str>, u64>,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Amounts> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A holder of nothing gets a share of any size, so that what is larger than a bound can
    /// still be had alone.
    fn add(&self, whose: Option<&Arc<str>>, amount: u64) -> Result<(), ShareRefusal> {
        let mut held = self.lock();
        let beyond = |used: u64, most: u64| used > 0 && used.saturating_add(amount) > most;
        if beyond(held.sum, self.all) {
            return Err(ShareRefusal::All);
        }
        if let Some(whose) = whose {
            let used = held.by.get(whose).copied().unwrap_or_default();
            if beyond(used, self.each) {
                return Err(ShareRefusal::One);
            }
            held.by.insert(Arc::clone(whose), used.saturating_add(amount));
        }
        held.sum = held.sum.saturating_add(amount);
        Ok(())
    }
}

impl Shares {
    /// So much in all, and at most so much of it for one.
    pub fn new(all: u64, each: u64) -> Self {
        let (held, freed) = Default::default();
        Self(Arc::new(Inner { all, each, held, freed }))
    }

    /// Takes a share. Without a name it counts among all, and for nobody.
    ///
    /// # Errors
    ///
    /// [`ShareRefusal`] says who holds too much.
    pub fn take(&self, whose: Option<&str>, amount: u64) -> Result<Share, ShareRefusal> {
        let whose: Option<Arc<str>> = whose.map(Arc::from);
        self.0.add(whose.as_ref(), amount)?;
        Ok(Share { of: Arc::clone(&self.0), whose, amount })
    }

    /// How much is held by all together.
    pub fn held(&self) -> u64 {
        self.0.lock().sum
    }
}

/// Places for single addresses, and for the networks they are in: neither takes all of them.
#[derive(Clone, Debug)]
pub struct Places {
    addresses: Shares,
    networks: Shares,
}

/// A place; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    _address: Share,
    _network: Option<Share>,
}

impl Places {
    /// So many in all, so many for one address, and half of all for one network.
    pub fn new(all: u64, each: u64) -> Self {
        let half = (all / 2).max(each);
        Self { addresses: Shares::new(all, each), networks: Shares::new(all, half) }
    }

    /// Takes a place for an address.
    ///
    /// # Errors
    ///
    /// [`ShareRefusal`] says who holds too many.
    pub fn take(&self, address: ClientAddress) -> Result<Place, ShareRefusal> {
        let of_address = self.addresses.take(Some(&address.key()), 1)?;
        let of_network = self.networks.take(Some(&address.network()), 1)?;
        Ok(Place { _address: of_address, _network: Some(of_network) })
    }

    /// Takes a place that counts for nobody.
    ///
    /// # Errors
    ///
    /// [`ShareRefusal::All`] when there is none.
    pub fn take_for_nobody(&self) -> Result<Place, ShareRefusal> {
        Ok(Place { _address: self.addresses.take(None, 1)?, _network: None })
    }

    /// How many are taken.
    pub fn held(&self) -> u64 {
        self.addresses.held()
    }
}

/// What somebody holds.
#[derive(Debug)]
pub struct Share {
    of: Arc<Inner>,
    whose: Option<Arc<str>>,
    amount: u64,
}

impl Share {
    /// Takes more.
    ///
    /// # Errors
    ///
    /// [`ShareRefusal`] when there is no more for this holder; what is held stays.
    pub fn grow(&mut self, more: u64) -> Result<(), ShareRefusal> {
        self.of.add(self.whose.as_ref(), more)?;
        self.amount = self.amount.saturating_add(more);
        Ok(())
    }

    /// As [`Self::grow`], and waits until others have given back enough.
    ///
    /// # Errors
    ///
    /// [`ShareRefusal`] when they have not within `patience`.
    pub async fn grow_within(&mut self, more: u64, patience: Duration) -> Result<(), ShareRefusal> {
        let of = Arc::clone(&self.of);
        let growing = async {
            loop {
                // First listen, then look: what is given back in between is heard.
                let mut freed = std::pin::pin!(of.freed.notified());
                freed.as_mut().enable();
                if self.grow(more).is_ok() {
                    return;
                }
                freed.await;
            }
        };
        if timeout(patience, growing).await.is_ok() { Ok(()) } else { self.grow(more) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.lock();
        held.sum = held.sum.saturating_sub(self.amount);
        if let Some(whose) = &self.whose
            && let Some(used) = held.by.get_mut(whose)
        {
            *used = used.saturating_sub(self.amount);
            if *used == 0 {
                held.by.remove(whose);
            }
        }
        drop(held);
        self.of.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cannot_hold_what_is_meant_for_all() {
        let shares = Shares::new(3, 2);
        let first = shares.take(Some("a"), 2).unwrap();
        assert_eq!(shares.take(Some("a"), 1).unwrap_err(), ShareRefusal::One);
        let _other = shares.take(Some("b"), 1).unwrap();
        assert_eq!(shares.take(Some("c"), 1).unwrap_err(), ShareRefusal::All);
        assert_eq!(shares.take(None, 1).unwrap_err(), ShareRefusal::All);
        drop(first);
        let _without_a_name = shares.take(None, 2).unwrap();
        assert_eq!(shares.held(), 3);
    }

    #[test]
    fn neither_an_address_nor_its_network_takes_all_places() {
        let address = |text: &str| ClientAddress(text.parse().unwrap());
        let places = Places::new(8, 2);
        let mut held = Vec::new();
        for last in 1..=2 {
            let neighbour = address(&format!("198.51.100.{last}"));
            held.push(places.take(neighbour).unwrap());
            held.push(places.take(neighbour).unwrap());
            assert_eq!(places.take(neighbour).unwrap_err(), ShareRefusal::One);
        }
        assert_eq!(places.take(address("198.51.100.3")).unwrap_err(), ShareRefusal::One);
        held.push(places.take(address("203.0.113.1")).unwrap());
        assert_eq!(places.held(), 5, "what was refused holds nothing");
        drop(held);
        assert!(places.take(address("198.51.100.3")).is_ok());
    }

    #[test]
    fn what_is_given_back_leaves_nothing_behind() {
        let shares = Shares::new(10, 10);
        let mut share = shares.take(Some("a"), 1).unwrap();
        share.grow(4).unwrap();
        assert_eq!(shares.held(), 5);
        assert_eq!(share.grow(6).unwrap_err(), ShareRefusal::All);
        drop(share);
        let held = shares.0.lock();
        assert!(held.by.is_empty() && held.sum == 0);
    }

    #[test]
    fn what_is_larger_than_the_bound_can_be_had_alone() {
        let shares = Shares::new(10, 5);
        let large = shares.take(Some("a"), 100).unwrap();
        assert_eq!(shares.take(Some("b"), 1).unwrap_err(), ShareRefusal::All);
        drop(large);
        assert!(shares.take(Some("b"), 1).is_ok());
    }

    #[tokio::test]
    async fn who_waits_gets_what_another_gives_back() {
        let shares = Shares::new(10, 10);
        let other = shares.take(Some("a"), 9).unwrap();
        let mut mine = shares.take(Some("b"), 1).unwrap();
        let grown = tokio::spawn(async move {
            mine.grow_within(5, Duration::from_mins(1)).await.map(|()| mine.amount)
        });
        tokio::task::yield_now().await;
        assert!(!grown.is_finished());
        drop(other);
        assert_eq!(grown.await.unwrap(), Ok(6));
    }

    #[tokio::test]
    async fn who_waits_in_vain_is_told() {
        let shares = Shares::new(10, 5);
        let mut mine = shares.take(Some("a"), 5).unwrap();
        assert_eq!(mine.grow_within(1, Duration::from_millis(50)).await, Err(ShareRefusal::One));
    }
}
