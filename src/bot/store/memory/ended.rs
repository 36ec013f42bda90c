//! The calls of one platform that have ended, until the bot was notified.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::call::{Call, LONGEST, Owner};
use crate::bot::input::CallKey;
use crate::bot::store::{Claimed, Lease, Opened};

/// The calls of one platform that were set aside. Several of them may have the same key.
#[derive(Default)]
pub(super) struct EndedCalls {
    /// By key, and by the epoch of the newest lease.
    calls: BTreeMap<(CallKey, u64), Ended>,
    /// When each may be claimed, the first ones first.
    due: BTreeMap<(Instant, u64), CallKey>,
}

struct Ended {
    call: Call,
    why: Option<Bytes>,
    due: Instant,
}

impl EndedCalls {
    /// Returns whether there is a call with this key.
    pub(super) fn contains(&self, key: &CallKey) -> bool {
        self.calls.range((key.clone(), 0)..=(key.clone(), u64::MAX)).next().is_some()
    }

    /// Sets a call aside until it may be claimed. Returns what the end of a call opens.
    pub(super) fn add(
        &mut self,
        key: &CallKey,
        mut call: Call,
        why: Option<Bytes>,
        again: Duration,
        epoch: &mut u64,
        now: Instant,
    ) -> Opened {
        let opened = call.open(key, Owner::BetweenTurns, epoch, now);
        let due = now.checked_add(again.min(LONGEST)).unwrap_or(now);
        self.due.insert((due, call.epoch), key.clone());
        self.calls.insert((key.clone(), call.epoch), Ended { call, why, due });
        opened
    }

    /// Returns the call that this lease set aside.
    pub(super) fn get(&self, lease: &Lease) -> Option<&Call> {
        self.calls.get(&(lease.call.clone(), lease.epoch)).map(|ended| &ended.call)
    }

    /// Changes the call with this key and epoch. Returns `None` if there is none.
    pub(super) fn change<T>(
        &mut self,
        key: &CallKey,
        epoch: u64,
        change: impl FnOnce(&mut Call) -> T,
    ) -> Option<T> {
        let ended = self.calls.get_mut(&(key.clone(), epoch))?;
        Some(change(&mut ended.call))
    }

    /// Returns the epoch of the call that this lease set aside, or that was set aside while the turn of this
    /// lease was still there.
    pub(super) fn find(&self, lease: &Lease) -> Option<u64> {
        let key = &lease.call;
        let mut same_key = self.calls.range((key.clone(), 0)..=(key.clone(), u64::MAX));
        let found = same_key
            .find(|((_, epoch), ended)| *epoch == lease.epoch || ended.call.is_unsettled(lease));
        found.map(|((_, epoch), _)| *epoch)
    }

    /// Lets a call be claimed immediately.
    pub(super) fn hurry(&mut self, lease: &Lease, now: Instant) {
        let Some(ended) = self.calls.get_mut(&(lease.call.clone(), lease.epoch)) else { return };
        if let Some(key) = self.due.remove(&(ended.due, lease.epoch)) {
            ended.due = now;
            self.due.insert((now, lease.epoch), key);
        }
    }

    pub(super) fn remove(&mut self, lease: &Lease) -> bool {
        let removed = self.calls.remove(&(lease.call.clone(), lease.epoch));
        removed.is_some_and(|ended| self.due.remove(&(ended.due, lease.epoch)).is_some())
    }

    /// Takes up to `max` calls that are due, and sets them aside again.
    pub(super) fn claim(
        &mut self,
        max: usize,
        version: u32,
        again: Duration,
        epoch: &mut u64,
        now: Instant,
    ) -> Vec<Claimed> {
        let due = self.due.iter().take_while(|((due, _), _)| *due <= now);
        let known = due.map(|((_, epoch), key)| (key.clone(), *epoch)).filter(|place| {
            self.calls.get(place).is_some_and(|ended| ended.call.version <= version)
        });
        let found: Vec<_> = known.take(max).collect();
        let claimed = found.into_iter().filter_map(|place| {
            let Ended { call, why, due } = self.calls.remove(&place)?;
            self.due.remove(&(due, place.1));
            let opened = self.add(&place.0, call, why.clone(), again, epoch, now);
            claimed(opened, why)
        });
        claimed.collect()
    }
}

/// Returns a call that was set aside as one that was claimed.
pub(super) fn claimed(opened: Opened, why: Option<Bytes>) -> Option<Claimed> {
    match opened {
        Opened::Run { lease, record, unsettled } => {
            Some(Claimed::new(lease, record, why, unsettled))
        }
        _ => None,
    }
}
