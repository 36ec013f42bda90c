//! A model of a store: simple, slow, and without time and limits.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::empty;

use super::case::LONG;
use crate::bot::input::{CallKey, TurnId};
use crate::bot::store::{
    Cancel, CancelReason, Change, Claim, Claimed, FreshState, Lease, Opened, Opening, Record,
    Signal, Standing, Store, StoreError, Then,
};
use crate::lock::Mutex;

/// A model: a hold lasts until it is released, a call is idle if a claim asks for no idle time, and a call
/// that has ended may be claimed immediately or never.
#[derive(Default)]
pub(super) struct Model(Mutex<State>);

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    epoch: u64,
    stops: Vec<Cancel>,
}

struct Call {
    key: CallKey,
    record: Record,
    /// The epoch of the last opening.
    opened: u64,
    /// The turn of the lease, if there is one.
    lease: Option<Option<TurnId>>,
    held: bool,
    /// The epoch of the turn that was last told to stop, until it leaves.
    unsettled: Option<u64>,
    answered: Vec<TurnId>,
    ended: Option<Ended>,
}

struct Ended {
    why: Option<Bytes>,
    due: bool,
}

impl Call {
    fn is_leased_by(&self, lease: &Lease) -> bool {
        self.key == lease.call && self.lease.is_some() && self.opened == lease.epoch
    }

    fn open(&mut self, turn: Option<TurnId>, epoch: &mut u64) -> Opened {
        *epoch += 1;
        self.opened = *epoch;
        if let Some(Some(before)) = self.lease.replace(turn.clone())
            && turn.as_ref() != Some(&before)
        {
            self.answered.push(before);
        }
        self.held = false;
        Opened::Run {
            lease: Lease::new(self.key.clone(), turn, *epoch),
            record: self.record.clone(),
            unsettled: self.unsettled.map(|_| Duration::ZERO),
        }
    }

    fn stop(&mut self, reason: CancelReason, told: Option<u64>, stops: &mut Vec<Cancel>) {
        if let Some(Some(turn)) = &self.lease {
            if told != Some(self.opened) {
                stops.push(Cancel::new(self.key.clone(), turn.clone(), self.opened, reason));
            }
            self.unsettled = Some(self.opened);
        }
    }

    fn close(&mut self, lease: &Lease, then: Then) {
        if then == Then::Keep || !self.is_leased_by(lease) {
            return;
        }
        if let Some(Some(turn)) = self.lease.take()
            && then == Then::Close
        {
            self.answered.push(turn);
        }
        self.held = false;
        if let Some(ended) = &mut self.ended
            && then == Then::CloseUnanswered
        {
            ended.due = true;
        }
    }

    /// Settles the turn of this lease, unless the lease goes on.
    fn settle(&mut self, lease: &Lease) {
        if self.unsettled == Some(lease.epoch) && !self.is_leased_by(lease) {
            self.unsettled = None;
        }
    }
}

impl State {
    fn call(&mut self, key: &CallKey) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.ended.is_none() && call.key == *key)
    }

    fn leased(&mut self, lease: &Lease) -> Result<&mut Call, StoreError> {
        let known = self.call(&lease.call).is_some();
        let found = self.calls.iter_mut().find(|call| call.is_leased_by(lease));
        found.ok_or(if known { StoreError::Fenced } else { StoreError::Gone })
    }

    fn create(&mut self, key: &CallKey, fresh: &FreshState) {
        self.calls.push(Call {
            key: key.clone(),
            record: Record { state: fresh.get().clone(), ..Record::default() },
            opened: 0,
            lease: None,
            held: false,
            unsettled: None,
            answered: Vec::new(),
            ended: None,
        });
    }

    fn open(&mut self, key: &CallKey, opening: &Opening) -> Opened {
        let is_new = self.call(key).is_none();
        let has_ended = self.calls.iter().any(|call| call.key == *key && call.ended.is_some());
        match opening {
            Opening::Turn { fresh, .. } if is_new => self.create(key, fresh),
            Opening::Restore { fresh, .. } if is_new && !has_ended => self.create(key, fresh),
            Opening::Restore { .. } => return Opened::Busy,
            _ if is_new => return Opened::Busy,
            _ => {}
        }
        let Self { calls, epoch, stops } = self;
        let call = calls.iter_mut().find(|call| call.ended.is_none() && call.key == *key);
        let Some(call) = call else { return Opened::Busy };
        let (turn, told) = match opening {
            Opening::Turn { turn, .. } if call.answered.contains(turn) => {
                return Opened::Repeated(call.record.clone());
            }
            Opening::Turn { overtake: false, .. } if matches!(call.lease, Some(Some(_))) => {
                return Opened::Held { left: call.held.then_some(LONG), epoch: call.opened };
            }
            Opening::IfFree if call.lease.is_some() => return Opened::Busy,
            Opening::Turn { turn, told, .. } => (Some(turn.clone()), *told),
            Opening::Restore { turn, .. } => (Some(turn.clone()), None),
            Opening::IfFree => (None, None),
            Opening::End { told, .. } => (None, *told),
        };
        let ends = matches!(opening, Opening::End { .. });
        let reason = if ends { CancelReason::Ended } else { CancelReason::Overtaken };
        call.stop(reason, told, stops);
        if call.held {
            return Opened::Held { left: Some(LONG), epoch: call.opened };
        }
        if let Opening::End { why, again, .. } = opening {
            call.ended = Some(Ended { why: Some(why.clone()), due: again.is_zero() });
        }
        call.open(turn, epoch)
    }
}

impl Model {
    /// Returns the turns that were told to stop.
    pub(super) fn stops(&self) -> Vec<Cancel> {
        self.0.lock().stops.clone()
    }
}

impl Store for Model {
    fn shared(&self) -> bool {
        false
    }

    async fn open(&self, call: &CallKey, opening: &Opening) -> Result<Opened, StoreError> {
        Ok(self.0.lock().open(call, opening))
    }

    async fn hold(&self, lease: &Lease, time: Option<Duration>) -> Result<(), StoreError> {
        self.0.lock().leased(lease)?.held = time.is_some();
        Ok(())
    }

    async fn write(&self, lease: &Lease, change: Change) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        let call = state.leased(lease)?;
        let Change { memory, state, history, notes_read, then, .. } = change;
        let record = &mut call.record;
        if let Some((version, memory)) = memory {
            (record.version, record.memory) = (version, memory);
        }
        if let Some(state) = state {
            record.state = state;
        }
        record.history.apply(history);
        record.notes.drain(..notes_read.min(record.notes.len()));
        call.close(lease, then);
        call.settle(lease);
        Ok(())
    }

    async fn leave(
        &self,
        call: &CallKey,
        lease: Option<&Lease>,
        note: Bytes,
        then: Then,
    ) -> Result<bool, StoreError> {
        let mut state = self.0.lock();
        let ended = state.calls.iter().position(|known| {
            let is_of =
                |lease: &Lease| known.opened == lease.epoch || known.unsettled == Some(lease.epoch);
            known.key == *call && known.ended.is_some() && lease.is_some_and(is_of)
        });
        let known = match ended {
            Some(at) => state.calls.get_mut(at),
            None => state.call(call),
        };
        let Some(known) = known else { return Ok(false) };
        known.record.notes.push(note);
        if let Some(lease) = lease {
            known.close(lease, then);
            known.settle(lease);
        }
        Ok(true)
    }

    async fn abort(&self, call: &CallKey, turn: &TurnId, note: Bytes) -> Result<bool, StoreError> {
        let mut state = self.0.lock();
        let mut stops = Vec::new();
        let Some(call) = state.call(call) else { return Ok(false) };
        call.record.notes.push(note);
        call.answered.push(turn.clone());
        if call.lease.as_ref().is_some_and(|owner| owner.as_ref() == Some(turn)) {
            call.stop(CancelReason::Aborted, None, &mut stops);
            if !call.held {
                call.lease = None;
            }
        }
        state.stops.extend(stops);
        Ok(true)
    }

    async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        Ok(self.0.lock().call(call).map(|call| call.record.clone()))
    }

    async fn read_aside(&self, lease: &Lease) -> Result<Option<Record>, StoreError> {
        let state = self.0.lock();
        let aside = state.calls.iter().find(|call| {
            call.ended.is_some() && call.key == lease.call && call.opened == lease.epoch
        });
        Ok(aside.map(|call| call.record.clone()))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, StoreError> {
        let State { calls, epoch, stops } = &mut *self.0.lock();
        let mut claimed = Vec::new();
        for call in calls {
            let is_due = call.ended.as_ref().map_or(claim.idle.is_zero(), |ended| ended.due);
            if !is_due
                || &*call.key.platform != claim.platform.name()
                || call.record.version > claim.version
            {
                continue;
            }
            let ended = call.ended.is_some();
            if !ended {
                call.stop(CancelReason::Ended, None, stops);
            }
            let why = call.ended.take().and_then(|ended| ended.why);
            call.ended = Some(Ended { why: why.clone(), due: claim.again.is_zero() });
            if let Opened::Run { lease, record, unsettled } = call.open(None, epoch) {
                claimed.push(Claimed::new(lease, record, why, unsettled));
            }
        }
        Ok(claimed)
    }

    async fn remove(&self, lease: &Lease) -> Result<(), StoreError> {
        self.0.lock().calls.retain(|call| {
            call.ended.is_none() || call.key != lease.call || call.opened != lease.epoch
        });
        Ok(())
    }

    async fn check(&self, leases: &[Lease]) -> Result<Vec<Standing>, StoreError> {
        let mut state = self.0.lock();
        let standing = |lease: &Lease| match state.leased(lease) {
            Ok(_) => Standing::Held,
            Err(StoreError::Gone) => Standing::Gone,
            Err(_) => Standing::Overtaken,
        };
        Ok(leases.iter().map(standing).collect())
    }

    fn signals(&self) -> impl Stream<Item = Signal> + Send + 'static {
        empty()
    }
}
