//! The calls of one platform, in the order in which they were last used.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use hashlink::LinkedHashMap;
use hashlink::linked_hash_map::RawEntryMut;
use tokio::time::Instant;

use super::call::Call;
use super::ended::EndedCalls;
use crate::bot::hash::RandomState;
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
/// Every change goes through [`change`](Self::change), which keeps the order and the size right. So the
/// call that has been idle longest is found at once, however many calls there are.
pub(super) struct Share {
    platform: Arc<str>,
    /// The calls without a live lease.
    idle: Calls,
    /// The calls with a live lease.
    live: Calls,
    /// The size of all calls.
    bytes: usize,
    /// The calls that were set aside. They count for no limit.
    pub ended: EndedCalls,
}

/// For how many calls a map keeps its places in any case.
const FEW: usize = 1024;

/// Calls, those that were used least recently first.
type Calls = LinkedHashMap<CallKey, Kept, RandomState>;

struct Kept {
    call: Call,
    bytes: usize,
}

impl Share {
    pub(super) fn new(platform: Arc<str>) -> Self {
        // One hash is for both.
        let hasher = RandomState::default();
        Self {
            platform,
            idle: Calls::with_hasher(hasher.clone()),
            live: Calls::with_hasher(hasher),
            bytes: 0,
            ended: EndedCalls::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.idle.len() + self.live.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, key: &CallKey) -> Option<&Call> {
        let hash = self.idle.hasher().hash_one(key);
        let found = [&self.idle, &self.live]
            .into_iter()
            .find_map(|calls| calls.raw_entry().from_key_hashed_nocheck(hash, key));
        found.map(|(_, kept)| &kept.call)
    }

    /// Changes a call. Returns `None` if the call is unknown.
    pub(super) fn change<T>(
        &mut self,
        key: &CallKey,
        change: impl FnOnce(&mut Call) -> T,
    ) -> Option<T> {
        let Self { idle, live, .. } = self;
        let hash = idle.hasher().hash_one(key);
        let was_live = idle.raw_entry().from_key_hashed_nocheck(hash, key).is_none();
        let (before, other) = if was_live { (live, idle) } else { (idle, live) };
        let entry = before.raw_entry_mut().from_key_hashed_nocheck(hash, key);
        let RawEntryMut::Occupied(mut entry) = entry else { return None };
        let kept = entry.get_mut();
        let touched = kept.call.touched;
        let changed = change(&mut kept.call);
        let bytes = kept.call.bytes(key);
        self.bytes = self.bytes.saturating_sub(kept.bytes).saturating_add(bytes);
        kept.bytes = bytes;
        if kept.call.is_live() == was_live {
            if kept.call.touched != touched {
                entry.to_back();
            }
        } else {
            let (key, kept) = entry.remove_entry();
            other.insert(key, kept);
        }
        Some(changed)
    }

    /// Adds a call without a lease. There must be none with this key.
    pub(super) fn insert(&mut self, key: &CallKey, call: Call) {
        let bytes = call.bytes(key);
        let key = CallKey { platform: self.platform.clone(), ..key.clone() };
        self.bytes = self.bytes.saturating_add(bytes);
        self.idle.insert(key, Kept { call, bytes });
    }

    pub(super) fn remove(&mut self, key: &CallKey) -> Option<Call> {
        let kept = self.idle.remove(key).or_else(|| self.live.remove(key))?;
        self.bytes = self.bytes.saturating_sub(kept.bytes);
        for calls in [&mut self.idle, &mut self.live] {
            // A map keeps the places of calls that are gone. What a crowd has left behind is given back, rarely
            // enough to cost little for each call.
            if calls.capacity() > FEW && calls.len() < calls.capacity() / 8 {
                calls.shrink_to_fit();
            }
        }
        Some(kept.call)
    }

    /// Returns the limit that leaves no room for a call, be it known or new.
    pub(super) fn limit_for(&self, key: &CallKey, limits: Limits) -> Option<StoreLimit> {
        let Limits { max_calls, max_bytes } = limits;
        if self.len() >= max_calls && self.get(key).is_none() {
            return Some(StoreLimit::Calls(max_calls));
        }
        (self.bytes >= max_bytes).then_some(StoreLimit::Bytes(max_bytes))
    }

    /// Returns whether a call could be evicted for this one.
    pub(super) fn can_evict_for(&self, key: &CallKey) -> bool {
        self.idle.keys().any(|idle| idle != key)
    }

    /// Removes calls until there is room for this one, or until only calls with a turn are left.
    pub(super) fn evict_for(&mut self, key: &CallKey, limits: Limits) -> Vec<(CallKey, Record)> {
        let mut evicted = Vec::new();
        while self.limit_for(key, limits).is_some() {
            let oldest = self.idle.keys().find(|idle| *idle != key).cloned();
            let Some(oldest) = oldest else { break };
            let Some(call) = self.remove(&oldest) else { break };
            evicted.push((oldest, call.record()));
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
    ) -> Vec<CallKey> {
        // A turn that has been idle for twice as long belongs to a process that has died.
        let both = [(&self.idle, idle), (&self.live, idle.saturating_mul(2))];
        let mut found: Vec<_> = both
            .into_iter()
            .flat_map(|(calls, idle)| {
                let calls = calls.iter().map(|(key, kept)| (&kept.call, key));
                let since = move |call: &Call| now.saturating_duration_since(call.touched);
                let idle = calls.take_while(move |(call, _)| since(call) >= idle);
                idle.filter(|(call, _)| call.version <= version).take(max)
            })
            .collect();
        found.sort_by_key(|(call, _)| call.touched);
        found.into_iter().take(max).map(|(_, key)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::capabilities::Platform;
    use crate::bot::store::CallState;

    #[test]
    fn the_places_of_a_crowd_that_has_left_are_given_back() {
        let key = |id: usize| CallKey::new(Platform::Odfs, id.to_string());
        let mut share = Share::new(Platform::Odfs.name().into());
        let crowd = 20 * FEW;
        for id in 0..crowd {
            share.insert(&key(id), Call::new(CallState::default(), Instant::now()));
        }
        for id in 10..crowd {
            assert!(share.remove(&key(id)).is_some());
        }
        assert!(share.idle.capacity() <= 2 * FEW, "{}", share.idle.capacity());
        assert!((0..crowd).all(|id| share.get(&key(id)).is_some() == (id < 10)));
        assert_eq!(share.len(), 10);
    }
}
