//! The turns of a call as a store sees them.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::bot::input::TurnId;

/// A turn of a call's history. `Debug` shows only its size, since it contains what was said.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredTurn {
    /// The id of the turn. A call has one stored turn with this id at most.
    pub turn: TurnId,
    /// The epoch of the lease under which it ran. Turns are ordered by epoch, then by `index`.
    pub epoch: u64,
    /// Its place among the turns with the same epoch.
    pub index: u32,
    /// The turn, as JSON.
    pub json: Box<[u8]>,
}

impl StoredTurn {
    /// Creates a stored turn.
    #[must_use]
    pub fn new(turn: TurnId, epoch: u64, index: u32, json: impl Into<Box<[u8]>>) -> Self {
        Self { turn, epoch, index, json: json.into() }
    }

    fn place(&self) -> (u64, u32) {
        (self.epoch, self.index)
    }

    /// Returns about how much memory the turn takes in a history, in bytes.
    fn bytes(&self) -> usize {
        const COUNTS: usize = 2 * size_of::<usize>();
        let id = COUNTS + self.turn.as_str().len();
        COUNTS + size_of::<Self>() + size_of::<Slot>() + id + self.json.len()
    }
}

impl fmt::Debug for StoredTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { turn, epoch, index, json } = self;
        f.debug_struct("StoredTurn")
            .field("turn", turn)
            .field("epoch", epoch)
            .field("index", index)
            .field("json", &json.len())
            .finish()
    }
}

/// A change of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Adds a turn, at its place. It replaces the turn with the same id.
    Put(Arc<StoredTurn>),
    /// Removes the turn with this id, if there is one.
    Remove(TurnId),
}

/// The turns of a call's history, the oldest first.
///
/// Clones share the turns. A change of a clone copies pointers to a few of them, not to all.
#[derive(Clone, Default)]
pub struct StoredTurns {
    /// The turns in chunks of at most [`CHUNK`], none empty. A change builds the list of chunks anew, and
    /// the chunks that it touches: some 32 pointers each for a history of 1,000 turns. The usual changes,
    /// one turn more at the end and one less at the front, leave all chunks between as they are.
    chunks: Option<Arc<[Chunk]>>,
    len: usize,
    bytes: usize,
}

/// The maximum number of turns in a chunk.
const CHUNK: usize = 32;

/// Some turns, one after the other.
#[derive(Clone)]
struct Chunk {
    /// Two bits for the hash of each turn: a search skips most of the chunks that it finds nothing in.
    filter: u128,
    slots: Arc<[Slot]>,
}

/// A turn with a hash of its id, so that a search reads only the turns that it finds. Turns lie scattered
/// in memory, so comparing all ids of a long history would take longer than the rest of a turn.
#[derive(Clone)]
struct Slot {
    hash: u64,
    turn: Arc<StoredTurn>,
}

impl Slot {
    fn is(&self, hash: u64, id: &TurnId) -> bool {
        self.hash == hash && self.turn.turn == *id
    }
}

impl Chunk {
    fn new(slots: impl IntoIterator<Item = Slot>) -> Self {
        let slots: Arc<[Slot]> = slots.into_iter().collect();
        let filter = slots.iter().fold(0, |filter, slot| filter | bits(slot.hash));
        Self { filter, slots }
    }

    fn find(&self, hash: u64, id: &TurnId) -> Option<usize> {
        let bits = bits(hash);
        if self.filter & bits != bits {
            return None;
        }
        self.slots.iter().position(|slot| slot.is(hash, id))
    }
}

fn hash(id: &TurnId) -> u64 {
    // Ids that someone chose to collide slow down the search in their own call only.
    foldhash::quality::FixedState::default().hash_one(id)
}

/// Returns two of 128 bits.
fn bits(hash: u64) -> u128 {
    1 << (hash % 128) | 1 << (hash / 128 % 128)
}

impl StoredTurns {
    /// Returns the turns, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<StoredTurn>> + ExactSizeIterator {
        let turns = self.chunks().iter().flat_map(|chunk| &*chunk.slots).map(|slot| &slot.turn);
        Counted { turns, left: self.len }
    }

    /// Returns the oldest turn.
    #[must_use]
    pub fn first(&self) -> Option<&Arc<StoredTurn>> {
        self.iter().next()
    }

    /// Returns the newest turn.
    #[must_use]
    pub fn last(&self) -> Option<&Arc<StoredTurn>> {
        self.iter().next_back()
    }

    /// Returns the turn with this id. This is fast whether there is one or not.
    #[must_use]
    pub fn get(&self, id: &TurnId) -> Option<&Arc<StoredTurn>> {
        let (chunks, hash) = (self.chunks(), hash(id));
        let mut found = chunks.iter().filter_map(|chunk| chunk.slots.get(chunk.find(hash, id)?));
        found.next().map(|slot| &slot.turn)
    }

    /// Returns the number of turns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the history is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns about how much memory the turns take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes these changes, in this order.
    pub fn apply(&mut self, edits: Vec<Edit>) {
        if edits.is_empty() {
            return;
        }
        let mut chunks = Vec::with_capacity(self.chunks().len() + 1);
        chunks.extend_from_slice(self.chunks());
        for edit in edits {
            match edit {
                Edit::Put(turn) => self.put(&mut chunks, turn),
                Edit::Remove(id) => self.remove(&mut chunks, &id, hash(&id)),
            }
        }
        self.chunks = (!chunks.is_empty()).then(|| chunks.into());
    }

    fn chunks(&self) -> &[Chunk] {
        self.chunks.as_deref().unwrap_or_default()
    }

    fn put(&mut self, chunks: &mut Vec<Chunk>, turn: Arc<StoredTurn>) {
        let slot = Slot { hash: hash(&turn.turn), turn };
        self.remove(chunks, &slot.turn.turn, slot.hash);
        self.len += 1;
        self.bytes += slot.turn.bytes();
        let place = slot.turn.place();
        let is_before = |slot: &Slot| slot.turn.place() <= place;
        // The last chunk that begins before the turn, or the first one.
        let begins_after = |chunk: &&Chunk| !chunk.slots.first().is_some_and(is_before);
        let after = chunks.iter().rev().take_while(begins_after).count();
        let at = chunks.len().saturating_sub(after + 1);
        let is_last = at + 1 == chunks.len();
        let Some(chunk) = chunks.get_mut(at) else {
            chunks.push(Chunk::new([slot]));
            return;
        };
        let after = chunk.slots.iter().rev().take_while(|slot| !is_before(slot)).count();
        let within = chunk.slots.len() - after;
        if chunk.slots.len() < CHUNK {
            let (before, after) = chunk.slots.split_at(within);
            let slots = before.iter().chain([&slot]).chain(after).cloned();
            *chunk = Chunk::new(slots);
        } else if is_last && after == 0 {
            // A history grows at its end: the chunks before it stay full.
            chunks.push(Chunk::new([slot]));
        } else {
            let mut slots = chunk.slots.to_vec();
            slots.insert(within, slot);
            let second = slots.split_off(CHUNK / 2);
            *chunk = Chunk::new(slots);
            chunks.insert(at + 1, Chunk::new(second));
        }
    }

    fn remove(&mut self, chunks: &mut Vec<Chunk>, id: &TurnId, hash: u64) {
        let mut found =
            chunks.iter().enumerate().filter_map(|(at, chunk)| Some((at, chunk.find(hash, id)?)));
        let Some((at, within)) = found.next() else { return };
        let Some(chunk) = chunks.get_mut(at) else { return };
        let Some((before, [removed, after @ ..])) = chunk.slots.split_at_checked(within) else {
            return;
        };
        self.len -= 1;
        self.bytes -= removed.turn.bytes();
        if before.is_empty() && after.is_empty() {
            chunks.remove(at);
        } else {
            *chunk = Chunk::new(before.iter().chain(after).cloned());
        }
    }
}

/// An iterator over all turns that counts those that are left.
struct Counted<I> {
    turns: I,
    left: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.turns.next()?;
        self.left -= 1;
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Counted<I> {
    fn next_back(&mut self) -> Option<I::Item> {
        let next = self.turns.next_back()?;
        self.left -= 1;
        Some(next)
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

impl PartialEq for StoredTurns {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl Eq for StoredTurns {}

impl fmt::Debug for StoredTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Sorts the turns. Each id must be there only once.
impl FromIterator<StoredTurn> for StoredTurns {
    fn from_iter<T: IntoIterator<Item = StoredTurn>>(turns: T) -> Self {
        let slot = |turn: StoredTurn| Slot { hash: hash(&turn.turn), turn: Arc::new(turn) };
        let mut slots: Vec<_> = turns.into_iter().map(slot).collect();
        slots.sort_by_key(|slot| slot.turn.place());
        let (len, bytes) = (slots.len(), slots.iter().map(|slot| slot.turn.bytes()).sum());
        let chunks: Arc<[Chunk]> =
            slots.chunks(CHUNK).map(|slots| Chunk::new(slots.iter().cloned())).collect();
        Self { chunks: (len > 0).then_some(chunks), len, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(id: u32, epoch: u64, index: u32) -> StoredTurn {
        StoredTurn::new(TurnId::new(id.to_string()), epoch, index, vec![b'x'; id as usize % 50])
    }

    /// The same as `StoredTurns`, with one list.
    fn apply(model: &mut Vec<StoredTurn>, edit: &Edit) {
        match edit {
            Edit::Put(turn) => {
                model.retain(|known| known.turn != turn.turn);
                let at = model.partition_point(|known| known.place() <= turn.place());
                model.insert(at, StoredTurn::clone(turn));
            }
            Edit::Remove(id) => model.retain(|known| known.turn != *id),
        }
    }

    fn assert_same(turns: &StoredTurns, model: &[StoredTurn], seed: u64) {
        assert!(turns.iter().map(|turn| &**turn).eq(model), "seed {seed}");
        assert!(turns.iter().rev().map(|turn| &**turn).eq(model.iter().rev()), "seed {seed}");
        assert_eq!((turns.len(), turns.is_empty()), (model.len(), model.is_empty()), "seed {seed}");
        assert_eq!(turns.first().map(|turn| &**turn), model.first(), "seed {seed}");
        assert_eq!(turns.last().map(|turn| &**turn), model.last(), "seed {seed}");
        let mut iter = turns.iter();
        for left in (0..model.len()).rev() {
            let _ = if left % 2 == 0 { iter.next() } else { iter.next_back() };
            assert_eq!(iter.len(), left, "seed {seed}");
        }
        assert!(iter.next().is_none() && iter.next_back().is_none(), "seed {seed}");
        let bytes = model.iter().map(StoredTurn::bytes).sum::<usize>();
        assert_eq!(turns.bytes(), bytes, "seed {seed}");
        assert!(
            turns.chunks().iter().all(|chunk| (1..=CHUNK).contains(&chunk.slots.len())),
            "seed {seed}"
        );
    }

    #[test]
    fn changes_do_the_same_as_on_a_plain_list() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut turns, mut model) = (StoredTurns::default(), Vec::new());
            let (ids, mut epoch) = (random.u32(1..400), 0);
            for _ in 0..random.usize(1..60) {
                let mut edits = Vec::new();
                for _ in 0..random.usize(0..8) {
                    epoch += random.u64(0..3);
                    let id = random.u32(0..ids);
                    edits.push(match random.u32(0..10) {
                        0 => Edit::Remove(stored(id, 0, 0).turn),
                        1 => {
                            Edit::Put(Arc::new(stored(id, random.u64(0..=epoch), random.u32(0..3))))
                        }
                        2 => match model.first() {
                            Some(StoredTurn { turn, .. }) => Edit::Remove(turn.clone()),
                            None => continue,
                        },
                        _ => Edit::Put(Arc::new(stored(id, epoch, random.u32(0..3)))),
                    });
                }
                let (before, model_before) = (turns.clone(), model.clone());
                edits.iter().for_each(|edit| apply(&mut model, edit));
                turns.apply(edits);
                assert_same(&turns, &model, seed);
                // A clone does not see the changes.
                assert_same(&before, &model_before, seed);
                assert_eq!(turns, model.iter().cloned().collect(), "seed {seed}");
                assert_eq!(turns == before, model == model_before, "seed {seed}");
            }
            for id in 0..ids {
                let id = stored(id, 0, 0).turn;
                let found = turns.get(&id).map(|turn| &**turn);
                assert_eq!(found, model.iter().find(|turn| turn.turn == id), "seed {seed}");
            }
        }
    }

    #[test]
    fn turns_are_sorted_when_they_are_collected() {
        let turns: StoredTurns =
            (0..100).rev().map(|n| stored(n, u64::from(n / 2), n % 2)).collect();
        let expected: Vec<_> = (0..100).map(|n| stored(n, u64::from(n / 2), n % 2)).collect();
        assert_same(&turns, &expected, 0);
        assert_eq!(
            std::iter::empty::<StoredTurn>().collect::<StoredTurns>(),
            StoredTurns::default()
        );
    }

    #[test]
    fn a_turn_more_and_a_turn_less_leave_most_of_a_long_history_shared() {
        let mut turns: StoredTurns = (0..1000).map(|n| stored(n, u64::from(n), 0)).collect();
        for n in 1000..3000 {
            let before = turns.clone();
            let oldest = turns.iter().next().unwrap().turn.clone();
            turns
                .apply(vec![Edit::Put(Arc::new(stored(n, u64::from(n), 0))), Edit::Remove(oldest)]);
            assert_eq!(turns.len(), 1000);
            let is_new = |chunk: &&Chunk| {
                !before.chunks().iter().any(|old| Arc::ptr_eq(&old.slots, &chunk.slots))
            };
            assert!(turns.chunks().iter().filter(is_new).count() <= 2);
            assert!(turns.chunks().len() <= 1000 / CHUNK + 2);
        }
    }

    #[test]
    fn debug_hides_what_was_said() {
        let mut turns = StoredTurns::default();
        let said = &b"my secret"[..];
        turns.apply(vec![Edit::Put(Arc::new(StoredTurn::new(TurnId::new("7"), 3, 0, said)))]);
        let shown = format!("{turns:?}");
        assert!(shown.contains("epoch: 3") && !shown.contains("secret"), "{shown}");
        assert!(!shown.contains(&format!("{said:?}")), "{shown}");
    }
}
