//! Entries that belong to callers and expire.

use std::collections::{HashMap, VecDeque};

use crate::aui::Principal;

/// What belongs to a caller for a time.
pub(super) trait Owned {
    fn owner(&self) -> &Principal;

    /// When the entry is forgotten, as Unix time in seconds.
    fn until(&self) -> i64;
}

/// Entries by id.
pub(super) struct Entries<T> {
    by_id: HashMap<String, T>,
    /// The ids of each caller's entries, oldest first. Some may belong to another caller by now.
    ids: HashMap<Principal, VecDeque<String>>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), ids: HashMap::new() }
    }
}

impl<T: Owned> Entries<T> {
    /// Returns the number of entries, including expired ones that were not swept.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns an entry, unless it has expired.
    pub(super) fn get(&self, id: &str, now: i64) -> Option<&T> {
        self.by_id.get(id).filter(|entry| entry.until() > now)
    }

    /// Returns an entry, unless it has expired.
    pub(super) fn get_mut(&mut self, id: &str, now: i64) -> Option<&mut T> {
        self.by_id.get_mut(id).filter(|entry| entry.until() > now)
    }

    /// Adds an entry. If its owner then has more than `max`, forgets the owner's oldest.
    pub(super) fn add(&mut self, id: &str, entry: T, max: usize) {
        let owner = entry.owner().clone();
        let before = self.by_id.insert(id.into(), entry);
        if before.is_some_and(|before| *before.owner() == owner) {
            return;
        }
        let ids = self.ids.entry(owner.clone()).or_default();
        ids.push_back(id.into());
        while ids.len() > max.max(1)
            && let Some(oldest) = ids.pop_front()
        {
            if self.by_id.get(&oldest).is_some_and(|entry| *entry.owner() == owner) {
                self.by_id.remove(&oldest);
            }
        }
    }

    /// Removes expired entries.
    pub(super) fn sweep(&mut self, now: i64) {
        let Self { by_id, ids } = self;
        by_id.retain(|_, entry| entry.until() > now);
        ids.retain(|owner, ids| {
            ids.retain(|id| by_id.get(id).is_some_and(|entry| entry.owner() == owner));
            !ids.is_empty()
        });
    }
}
