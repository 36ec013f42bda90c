//! The calls of one platform, in the order in which they were last used.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::call::Call;
use super::ended::EndedCalls;
use crate::bot::input::CallKey;
use crate::bot::store::{Record, StoreLimit};

/// How much a platform may keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub max_calls: usize,
    pub max_bytes: usize,
}

/// The calls of one platform.
///
/// Every change goes through [`change`](Self::change), which keeps the index and the size right. So the
/// call that has been idle longest is found in O(log n), however many calls there are.
pub(super) struct Share {
    platform: Arc<str>,
    // Tables have free places, so what is in them is small.
    calls: HashMap<Arc<CallKey>, Box<Kept>>,
    /// The calls without a live lease, those that have been idle longest first.
    idle: BTreeMap<Place, Arc<CallKey>>,
    /// The calls with a live lease, those that were used least recently first.
    live: BTreeMap<Place, Arc<CallKey>>,
    /// The size of all calls.
    bytes: usize,
    /// The number of places given so far.
    places: u64,
    /// The calls that were set aside. They count for no limit.
    pub ended: EndedCalls,
}

/// The place of a call in an index: when it was last used, and a number that no other place has.
type Place = (Instant, u64);

struct Kept {
    call: Call,
    place: Place,
    live: bool,
    bytes: usize,
}

impl Share {
    pub(super) fn new(platform: Arc<str>) -> Self {
        Self {
            platform,
            calls: HashMap::new(),
            idle: BTreeMap::new(),
            live: BTreeMap::new(),
            bytes: 0,
            places: 0,
            ended: EndedCalls::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, key: &CallKey) -> Option<&Call> {
        self.calls.get(key).map(|kept| &kept.call)
    }

    /// Changes a call. Returns `None` if the call is unknown.
    pub(super) fn change<T>(
        &mut self,
        key: &CallKey,
        change: impl FnOnce(&mut Call) -> T,
    ) -> Option<T> {
        let kept = self.calls.get_mut(key)?;
        let changed = change(&mut kept.call);
        let bytes = kept.call.bytes(key);
        self.bytes = self.bytes.saturating_sub(kept.bytes).saturating_add(bytes);
        kept.bytes = bytes;
        let (touched, live) = (kept.call.touched, kept.call.is_live());
        if (touched, live) != (kept.place.0, kept.live) {
            let before = if kept.live { &mut self.live } else { &mut self.idle };
            let key = before.remove(&kept.place).unwrap_or_else(|| Arc::new(key.clone()));
            self.places += 1;
            kept.place = (touched, self.places);
            kept.live = live;
            let after = if live { &mut self.live } else { &mut self.idle };
            after.insert(kept.place, key);
        }
        Some(changed)
    }

    /// Adds a call without a lease. There must be none with this key.
    pub(super) fn insert(&mut self, key: &CallKey, call: Call) {
        self.places += 1;
        let (place, bytes) = ((call.touched, self.places), call.bytes(key));
        let key = Arc::new(CallKey { platform: self.platform.clone(), ..key.clone() });
        self.idle.insert(place, key.clone());
        self.bytes = self.bytes.saturating_add(bytes);
        self.calls.insert(key, Box::new(Kept { call, place, live: false, bytes }));
    }

    pub(super) fn remove(&mut self, key: &CallKey) -> Option<Call> {
        let kept = self.calls.remove(key)?;
        let index = if kept.live { &mut self.live } else { &mut self.idle };
        index.remove(&kept.place);
        self.bytes = self.bytes.saturating_sub(kept.bytes);
        Some(kept.call)
    }

    /// Returns the limit that leaves no room for a call, be it known or new.
    pub(super) fn limit_for(&self, key: &CallKey, limits: Limits) -> Option<StoreLimit> {
        let Limits { max_calls, max_bytes } = limits;
        if self.calls.len() >= max_calls && !self.calls.contains_key(key) {
            return Some(StoreLimit::Calls(max_calls));
        }
        (self.bytes >= max_bytes).then_some(StoreLimit::Bytes(max_bytes))
    }

    /// Returns whether a call could be evicted for this one.
    pub(super) fn can_evict_for(&self, key: &CallKey) -> bool {
        self.idle.values().any(|idle| **idle != *key)
    }

    /// Removes calls until there is room for this one, or until only calls with a turn are left.
    pub(super) fn evict_for(&mut self, key: &CallKey, limits: Limits) -> Vec<(CallKey, Record)> {
        let mut evicted = Vec::new();
        while self.limit_for(key, limits).is_some() {
            let oldest = self.idle.values().find(|idle| ***idle != *key).cloned();
            let Some(oldest) = oldest else { break };
            let Some(call) = self.remove(&oldest) else { break };
            evicted.push((CallKey::clone(&oldest), call.record()));
        }
        evicted
    }

    /// Returns up to `max` calls that have been idle for at least `idle` at `now`, and whose memory has
    /// at most this version.
    pub(super) fn idle(
        &self,
        idle: Duration,
        max: usize,
        version: u32,
        now: Instant,
    ) -> Vec<Arc<CallKey>> {
        // A turn that has been idle for twice as long belongs to a process that has died.
        let both = [(&self.idle, idle), (&self.live, idle.saturating_mul(2))];
        let is_known = |key: &CallKey| self.get(key).is_some_and(|call| call.version <= version);
        let mut found: Vec<_> = both
            .into_iter()
            .flat_map(|(index, idle)| {
                let since = move |place: &Place| now.saturating_duration_since(place.0);
                let idle = index.iter().take_while(move |(place, _)| since(place) >= idle);
                idle.filter(|(_, key)| is_known(key)).take(max)
            })
            .collect();
        found.sort_unstable();
        found.into_iter().take(max).map(|(_, key)| key.clone()).collect()
    }
}
