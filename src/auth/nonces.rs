//! The nonces that were used within the clock window.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::lock::Mutex;

/// Remembers each nonce until it has left the clock window.
#[derive(Debug)]
pub(super) struct Nonces {
    most: usize,
    /// By the id of the key, so that one key can't use up the room of the others. Only keys that exist get
    /// here, so their number is limited.
    used: Mutex<HashMap<String, Used>>,
}

#[derive(Debug, Default)]
struct Used {
    known: HashSet<String>,
    by_end: BTreeSet<(i64, String)>,
}

/// The error of a nonce that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    /// It was used before.
    Again,
    /// The maximum number of nonces of the key is remembered already.
    Full,
}

impl Nonces {
    pub(super) fn new(most: usize) -> Self {
        Self { most, used: Mutex::new(HashMap::new()) }
    }

    /// Accepts a nonce of a key and remembers it until `end`, Unix time in milliseconds.
    pub(super) fn take(
        &self,
        key_id: &str,
        nonce: String,
        now: i64,
        end: i64,
    ) -> Result<(), Spent> {
        let mut keys = self.used.lock();
        let used = keys.entry(key_id.to_owned()).or_default();
        while used.by_end.first().is_some_and(|(end, _)| *end < now) {
            if let Some((_, nonce)) = used.by_end.pop_first() {
                used.known.remove(&nonce);
            }
        }
        if used.known.contains(&nonce) {
            return Err(Spent::Again);
        }
        // Forgetting one early would allow its replay.
        if used.known.len() >= self.most {
            return Err(Spent::Full);
        }
        used.by_end.insert((end, nonce.clone()));
        used.known.insert(nonce);
        Ok(())
    }
}
