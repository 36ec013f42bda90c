//! A call of the store in memory: its record, its lease, its hold, and the turns that were answered.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::bot::input::{CallKey, TurnId};
use crate::bot::store::{CallState, Change, Lease, Opened, Record, Standing, StoredTurns, Then};

/// The number of answered turns that are remembered of a call.
const ANSWERED: usize = 8;
/// The maximum number of notes of a call that no turn has read yet.
const NOTES: usize = 64;
/// The maximum size of these notes, in bytes. The newest note stays, however large it is.
const NOTES_BYTES: usize = 256 * 1024;
/// The longest time that counts: a year, which is far from overflowing an `Instant`.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// What a call takes besides the texts that belong to it: this struct, and its places in the maps and
/// in the index of [`Share`](super::share::Share). An estimate.
const FIXED_BYTES: usize = 512;

/// A call. Most calls are idle, so this is kept small.
pub(super) struct Call {
    /// The version of the bot's memory.
    pub version: u32,
    // Not `Bytes`, which take twice as much, and more once they were cloned.
    memory: Box<[u8]>,
    state: CallState,
    history: StoredTurns,
    /// The epoch of the newest lease, which may have ended. An abort raises it.
    pub epoch: u64,
    /// The epoch of the newest lease when the call was opened.
    opened: u64,
    pub owner: Owner,
    rare: Option<Box<Rare>>,
    pub touched: Instant,
    /// The turns that were answered or aborted last, the oldest first.
    answered: Vec<TurnId>,
}

/// What a call seldom has.
#[derive(Default, PartialEq, Eq)]
struct Rare {
    /// The notes that no turn has read yet.
    notes: Vec<Bytes>,
    /// When the hold of the owner ends.
    hold: Option<Instant>,
    /// Whether an opening was told to wait for the owner since the last message that the call is free.
    awaited: bool,
    stopped: Option<Stopped>,
    /// How many of the notes that the owner got have been dropped since. The owner counts them when it
    /// reports how many it has read.
    lost: usize,
}

/// The turn that was last told to stop. It has not left the call since.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stopped {
    epoch: u64,
    at: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Yes,
    No,
}

/// The owner of the live lease.
pub(super) enum Owner {
    Nobody,
    BetweenTurns,
    Turn(TurnId),
}

impl Call {
    pub(super) fn new(state: CallState, now: Instant) -> Self {
        Self {
            version: 0,
            memory: Box::default(),
            state,
            history: StoredTurns::default(),
            epoch: 0,
            opened: 0,
            owner: Owner::Nobody,
            rare: None,
            touched: now,
            answered: Vec::new(),
        }
    }

    pub(super) fn record(&self) -> Record {
        Record {
            version: self.version,
            memory: Bytes::copy_from_slice(&self.memory),
            state: self.state.clone(),
            history: self.history.clone(),
            notes: self.notes().to_vec(),
        }
    }

    fn notes(&self) -> &[Bytes] {
        self.rare.as_ref().map_or(&[], |rare| &rare.notes)
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.owner, Owner::Nobody)
    }

    pub(super) fn is_leased_by(&self, lease: &Lease) -> bool {
        self.is_live() && self.epoch == lease.epoch
    }

    pub(super) fn is_answered(&self, turn: &TurnId) -> bool {
        self.answered.contains(turn)
    }

    pub(super) fn standing(&self, lease: &Lease) -> Standing {
        if self.is_leased_by(lease) {
            Standing::Held
        } else if self.opened == lease.epoch {
            Standing::Aborted
        } else {
            Standing::Overtaken
        }
    }

    /// Returns about how much memory the call takes, in bytes.
    pub(super) fn bytes(&self, key: &CallKey) -> usize {
        let Self { memory, state, history, .. } = self;
        let notes = self.notes().iter().map(|note| note.len() + size_of::<Bytes>());
        let answered = self.answered.iter().map(|turn| turn.as_str().len() + size_of::<TurnId>());
        let account = key.account.as_deref().map_or(0, str::len);
        let ids = key.platform.len() + key.id.len() + account;
        let texts = ids + memory.len() + state.size() + history.bytes();
        FIXED_BYTES + texts + notes.chain(answered).sum::<usize>()
    }

    /// Opens the call. The former lease ends.
    pub(super) fn open(
        &mut self,
        key: &CallKey,
        owner: Owner,
        epoch: &mut u64,
        now: Instant,
    ) -> Opened {
        *epoch += 1;
        self.epoch = *epoch;
        self.opened = *epoch;
        let turn = match &owner {
            Owner::Turn(turn) => Some(turn.clone()),
            _ => None,
        };
        // A late copy of an overtaken turn must not overtake the newer one.
        if let Owner::Turn(before) = std::mem::replace(&mut self.owner, owner)
            && Some(&before) != turn.as_ref()
        {
            self.answer(before);
        }
        self.touched = now;
        self.change_rare(|rare| (rare.hold, rare.lost) = (None, 0));
        let stopped = self.rare.as_ref().and_then(|rare| rare.stopped);
        Opened::Run {
            lease: Lease::new(key.clone(), turn, self.epoch),
            record: self.record(),
            unsettled: stopped.map(|stopped| now.duration_since(stopped.at)),
        }
    }

    /// Changes what a call seldom has, if it has some.
    fn change_rare(&mut self, change: impl FnOnce(&mut Rare)) {
        if let Some(rare) = &mut self.rare {
            change(rare);
            if **rare == Rare::default() {
                self.rare = None;
            }
        }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn hold(&mut self, time: Option<Duration>, now: Instant) {
        self.touched = now;
        match time.and_then(|time| now.checked_add(time.min(LONGEST))) {
            Some(until) => self.rare().hold = Some(until),
            None => self.change_rare(|rare| rare.hold = None),
        }
    }

    /// Returns how long the hold lasts after `now`. It ends with the lease that took it.
    pub(super) fn held(&self, now: Instant) -> Option<Duration> {
        let left = self.rare.as_ref()?.hold?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Returns the answer to an opening that has to wait for the owner.
    pub(super) fn wait(&mut self, left: Option<Duration>) -> Opened {
        self.rare().awaited = true;
        Opened::Held { left, epoch: self.epoch }
    }

    /// Returns whether an opening waits for the owner, which has ended or released its hold.
    pub(super) fn take_awaited(&mut self) -> bool {
        let mut awaited = false;
        self.change_rare(|rare| awaited = std::mem::take(&mut rare.awaited));
        awaited
    }

    /// Remembers that the owner was told to stop. The first time counts.
    pub(super) fn stop(&mut self, now: Instant) {
        let epoch = self.epoch;
        let rare = self.rare();
        if rare.stopped.is_none_or(|stopped| stopped.epoch != epoch) {
            rare.stopped = Some(Stopped { epoch, at: now });
        }
    }

    /// Returns whether this is the lease of the turn that was last told to stop and has not left.
    pub(super) fn is_unsettled(&self, lease: &Lease) -> bool {
        let stopped = self.rare.as_ref().and_then(|rare| rare.stopped);
        stopped.is_some_and(|stopped| stopped.epoch == lease.epoch)
    }

    /// Settles the turn that was told to stop, if this is its lease. Returns whether it is.
    pub(super) fn settle(&mut self, lease: &Lease) -> bool {
        let settled = self.is_unsettled(lease);
        if settled {
            self.change_rare(|rare| rare.stopped = None);
        }
        settled
    }

    pub(super) fn write(&mut self, change: Change, now: Instant) {
        let Change { memory, state, history, turns, notes_read, then } = change;
        if let Some((version, memory)) = memory {
            self.version = version;
            self.memory = (*memory).into();
        }
        if let Some(state) = state {
            self.state = state;
        }
        match turns {
            Some(turns) => self.history = turns,
            None => self.history.apply(history),
        }
        self.change_rare(|rare| {
            let lost = notes_read.min(rare.lost);
            rare.lost -= lost;
            let read = (notes_read - lost).min(rare.notes.len());
            rare.notes.drain(..read);
            rare.notes.shrink_to_fit();
        });
        self.touched = now;
        self.end(then);
    }

    /// Adds a note. Returns how many of the oldest ones had to go for it.
    pub(super) fn note(&mut self, note: &Bytes, now: Instant) -> usize {
        self.touched = now;
        let Rare { notes, lost, .. } = self.rare();
        // The bytes given may be a small part of a large buffer.
        notes.push(Bytes::copy_from_slice(note));
        let (mut count, mut bytes) = (notes.len(), notes.iter().map(Bytes::len).sum::<usize>());
        let over = |note: &&Bytes| {
            let over = count > 1 && (count > NOTES || bytes > NOTES_BYTES);
            if over {
                count -= 1;
                bytes -= note.len();
            }
            over
        };
        let dropped = notes.iter().take_while(over).count();
        notes.drain(..dropped);
        *lost += dropped;
        dropped
    }

    /// Keeps or ends the lease.
    pub(super) fn end(&mut self, then: Then) {
        match then {
            Then::Keep => {}
            Then::Close => self.close(Answered::Yes),
            Then::CloseUnanswered => self.close(Answered::No),
        }
    }

    /// Ends the lease because its turn was aborted.
    pub(super) fn abort(&mut self, epoch: &mut u64) {
        *epoch += 1;
        self.epoch = *epoch;
        self.close(Answered::Yes);
    }

    fn close(&mut self, answered: Answered) {
        self.change_rare(|rare| rare.hold = None);
        if let Owner::Turn(turn) = std::mem::replace(&mut self.owner, Owner::Nobody)
            && answered == Answered::Yes
        {
            self.answer(turn);
        }
    }

    pub(super) fn answer(&mut self, turn: TurnId) {
        if self.answered.contains(&turn) {
            return;
        }
        if self.answered.len() >= ANSWERED {
            self.answered.remove(0);
        }
        self.answered.reserve_exact(1);
        self.answered.push(turn);
    }
}
