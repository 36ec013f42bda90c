//! A call of the store in memory: its record, its lease, its hold, and the turns that were answered.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::bot::input::{CallKey, TurnId};
use crate::bot::store::{Change, Lease, Opened, Record, Then};

/// The number of answered turns that are remembered of a call.
const ANSWERED: usize = 8;
/// The maximum number of notes of a call that no turn has read yet.
const NOTES: usize = 64;
/// The maximum size of these notes, in bytes. The newest note stays, however large it is.
const NOTES_BYTES: usize = 256 * 1024;
/// The longest hold: a year, which is far from overflowing an `Instant`.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// What a call takes besides the texts that belong to it: this struct, and its places in the maps and
/// in the index of [`Share`](super::share::Share). An estimate.
const FIXED_BYTES: usize = 512;

pub(super) struct Call {
    pub record: Record,
    /// The epoch of the newest lease, which may have ended.
    pub epoch: u64,
    pub owner: Owner,
    hold: Option<Hold>,
    pub touched: Instant,
    /// The turns that were answered or aborted last, the oldest first.
    answered: VecDeque<TurnId>,
    /// How many of the notes that the owner got have been dropped since. The owner counts them when it
    /// reports how many it has read.
    lost: usize,
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

struct Hold {
    until: Instant,
    /// Created for the first task that waits. Dropping it wakes all of them, however the hold ends.
    waiting: Option<watch::Sender<()>>,
}

/// A hold to wait for.
pub(super) struct Held {
    until: Instant,
    released: watch::Receiver<()>,
}

impl Held {
    /// Waits until the hold may be over. The caller has to check again.
    pub(super) async fn over(mut self) {
        let _ = timeout_at(self.until, self.released.changed()).await;
    }
}

impl Call {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            record: Record::default(),
            epoch: 0,
            owner: Owner::Nobody,
            hold: None,
            touched: now,
            answered: VecDeque::new(),
            lost: 0,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.owner, Owner::Nobody)
    }

    pub(super) fn is_answered(&self, turn: &TurnId) -> bool {
        self.answered.contains(turn)
    }

    /// Returns about how much memory the call takes, in bytes.
    pub(super) fn bytes(&self, key: &CallKey) -> usize {
        let Record { memory, state, notes } = &self.record;
        let notes = notes.iter().map(|note| note.capacity() + size_of::<Vec<u8>>());
        let answered = self.answered.iter().map(|turn| turn.as_str().len() + size_of::<TurnId>());
        let account = key.account.as_deref().map_or(0, str::len);
        let ids = key.platform.len() + key.id.len() + account;
        let texts = ids + memory.capacity() + state.capacity();
        FIXED_BYTES + texts + notes.chain(answered).sum::<usize>()
    }

    pub(super) fn open(
        &mut self,
        key: &CallKey,
        owner: Owner,
        epoch: &mut u64,
        now: Instant,
    ) -> Opened {
        *epoch += 1;
        self.epoch = *epoch;
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
        self.hold = None;
        self.touched = now;
        self.lost = 0;
        Opened::Run(Lease::new(key.clone(), turn, self.epoch), self.record.clone())
    }

    pub(super) fn hold(&mut self, time: Option<Duration>, now: Instant) {
        self.touched = now;
        // Tasks that wait for the former hold wake up and look again.
        self.hold = time
            .and_then(|time| now.checked_add(time.min(LONGEST)))
            .map(|until| Hold { until, waiting: None });
    }

    /// Returns the hold, if there is one at `now`. It ends with the lease that took it.
    pub(super) fn held(&mut self, now: Instant) -> Option<Held> {
        let hold = self.hold.as_mut().filter(|hold| hold.until > now)?;
        let waiting = hold.waiting.get_or_insert_with(|| watch::Sender::new(()));
        Some(Held { until: hold.until, released: waiting.subscribe() })
    }

    pub(super) fn write(&mut self, change: Change, now: Instant) {
        let Change { memory, state, notes_read, then } = change;
        if let Some(mut memory) = memory {
            memory.shrink_to_fit();
            self.record.memory = memory;
        }
        if let Some(mut state) = state {
            state.shrink_to_fit();
            self.record.state = state;
        }
        let lost = notes_read.min(self.lost);
        self.lost -= lost;
        let read = (notes_read - lost).min(self.record.notes.len());
        self.record.notes.drain(..read);
        self.record.notes.shrink_to_fit();
        self.touched = now;
        match then {
            Then::Keep => {}
            Then::Close => self.close(Answered::Yes),
            Then::CloseUnanswered => self.close(Answered::No),
        }
    }

    /// Adds a note. Returns how many of the oldest ones had to go for it.
    pub(super) fn note(&mut self, mut note: Vec<u8>, now: Instant) -> usize {
        note.shrink_to_fit();
        self.touched = now;
        let notes = &mut self.record.notes;
        notes.push(note);
        let (mut count, mut bytes) = (notes.len(), notes.iter().map(Vec::len).sum::<usize>());
        let over = |note: &&Vec<u8>| {
            let over = count > 1 && (count > NOTES || bytes > NOTES_BYTES);
            if over {
                count -= 1;
                bytes -= note.len();
            }
            over
        };
        let dropped = notes.iter().take_while(over).count();
        notes.drain(..dropped);
        self.lost += dropped;
        dropped
    }

    /// Ends the lease. A turn that was not answered may be requested again.
    pub(super) fn close(&mut self, answered: Answered) {
        self.hold = None;
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
            self.answered.pop_front();
        }
        self.answered.push_back(turn);
    }
}
