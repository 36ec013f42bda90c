//! A store under test, and what its checks have in common.

use std::fmt::{Debug, Write};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{sleep, timeout};

use crate::bot::capabilities::Platform;
use crate::bot::input::{CallKey, TurnId};
use crate::bot::store::{
    Cancel, CancelReason, Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Store,
    StoreError, Then,
};

/// How long a message may take.
const SIGNAL: Duration = Duration::from_secs(1);

/// The platform of all calls.
pub(super) const PLATFORM: Platform = Platform::Odfs;

pub(super) struct Case<S> {
    pub store: S,
    pub unit: Duration,
    signals: Pin<Box<dyn Stream<Item = Signal> + Send>>,
    sentinels: u32,
}

/// Fails the test.
#[track_caller]
pub(super) fn broken(rule: &str, what: impl std::fmt::Display) -> ! {
    panic!("the store breaks its contract: {rule}\n{what}\n")
}

/// Checks a rule.
#[track_caller]
pub(super) fn rule(rule: &str, holds: bool) {
    if !holds {
        broken(rule, "");
    }
}

/// Checks that a rule gives this result.
#[track_caller]
pub(super) fn equal<T: PartialEq + Debug>(rule: &str, found: T, expected: T) {
    if found != expected {
        broken(rule, format_args!("expected: {expected:?}\n   found: {found:?}"));
    }
}

pub(super) fn key(id: &str) -> CallKey {
    CallKey::new(PLATFORM, id)
}

pub(super) fn turn(id: &str) -> TurnId {
    TurnId::new(id)
}

pub(super) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// An opening for a turn that overtakes.
pub(super) fn opening(id: &str) -> Opening {
    Opening::Turn { turn: turn(id), told: None, overtake: true, fresh: "fresh".into() }
}

/// The same, after this turn was told to stop.
pub(super) fn opening_after(id: &str, told: u64) -> Opening {
    Opening::Turn { turn: turn(id), told: Some(told), overtake: true, fresh: "fresh".into() }
}

/// An opening for a turn that waits for its turn.
pub(super) fn patient(id: &str) -> Opening {
    Opening::Turn { turn: turn(id), told: None, overtake: false, fresh: "fresh".into() }
}

pub(super) fn end(again: Duration) -> Opening {
    Opening::End { told: None, why: bytes("why"), again }
}

/// A change of the memory.
pub(super) fn memory(text: &str) -> Change {
    Change { memory: Some((0, bytes(text))), ..Change::default() }
}

pub(super) fn closing(then: Then) -> Change {
    Change { then, ..Change::default() }
}

/// A long time, after which a check does not wait.
pub(super) const LONG: Duration = Duration::from_secs(60 * 60);

/// A claim of calls that have ended. No call has been idle for so long.
pub(super) fn ended(max: usize, again: Duration) -> Claim {
    Claim::new(PLATFORM, LONG, max, again, u32::MAX)
}

pub(super) fn is_fenced<T: Debug>(name: &str, result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Fenced) => {}
        other => broken(name, format_args!("expected: Err(Fenced)\n   found: {other:?}")),
    }
}

pub(super) fn is_gone<T: Debug>(name: &str, result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Gone) => {}
        other => broken(name, format_args!("expected: Err(Gone)\n   found: {other:?}")),
    }
}

/// For leases of records that were set aside.
pub(super) fn is_refused<T: Debug>(name: &str, result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Fenced | StoreError::Gone) => {}
        other => {
            broken(name, format_args!("expected: Err(Fenced) or Err(Gone)\n   found: {other:?}"))
        }
    }
}

/// Shows a record with its contents, which come from these checks.
pub(super) fn shown(record: &Record) -> String {
    let Record { version, memory, state, history, notes } = record;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut shown =
        format!("v{version} memory {:?} state {:?} history", text(memory), text(&state.to_json()));
    for turn in history.iter() {
        let (id, place) = (turn.turn.as_str(), (turn.epoch, turn.index));
        let _ = write!(shown, " {id:?} {place:?} {:?}", text(&turn.json));
    }
    let notes: Vec<_> = notes.iter().map(|note| text(note)).collect();
    let _ = write!(shown, " notes {notes:?}");
    shown
}

impl<S: Store> Case<S> {
    pub(super) fn new(store: S, unit: Duration) -> Self {
        let signals = Box::pin(store.signals());
        Self { store, unit, signals, sentinels: 0 }
    }

    /// Waits for some units of time.
    pub(super) async fn sleep(&self, units: u32) {
        sleep(self.unit * units).await;
    }

    /// How exact times of the store have to be.
    pub(super) fn tolerance(&self) -> Duration {
        (self.unit / 5).max(Duration::from_millis(2))
    }

    pub(super) async fn open(&self, call: &str, opening: &Opening) -> Opened {
        match self.store.open(&key(call), opening).await {
            Ok(opened) => opened,
            Err(error) => broken(
                "a call can be opened while the store has room",
                format_args!("{opening:?} failed: {error:?}"),
            ),
        }
    }

    /// Opens a call that `opening` should get.
    pub(super) async fn run(&self, call: &str, opening: &Opening) -> (Lease, Record) {
        let (lease, record, _) = self.run_settled(call, opening).await;
        (lease, record)
    }

    /// The same, with how long ago the former turn was told to stop.
    pub(super) async fn run_settled(
        &self,
        call: &str,
        opening: &Opening,
    ) -> (Lease, Record, Option<Duration>) {
        match self.open(call, opening).await {
            Opened::Run { lease, record, unsettled } => (lease, record, unsettled),
            other => broken(
                "an opening gets a call that nothing keeps from it",
                format_args!("{opening:?} found: {other:?}"),
            ),
        }
    }

    pub(super) async fn lease(&self, call: &str, turn: &str) -> Lease {
        self.run(call, &opening(turn)).await.0
    }

    /// Opens a call that is held, or that this opening may not overtake.
    pub(super) async fn held(
        &self,
        rule: &str,
        call: &str,
        opening: &Opening,
    ) -> (Option<Duration>, u64) {
        match self.open(call, opening).await {
            Opened::Held { left, epoch } => (left, epoch),
            other => broken(rule, format_args!("expected: Held\n   found: {other:?}")),
        }
    }

    pub(super) async fn repeated(&self, rule: &str, call: &str, id: &str) -> Record {
        for opening in [opening(id), patient(id)] {
            match self.open(call, &opening).await {
                Opened::Repeated(record) => {
                    if opening == patient(id) {
                        return record;
                    }
                }
                other => broken(rule, format_args!("expected: Repeated\n   found: {other:?}")),
            }
        }
        Record::default()
    }

    pub(super) async fn busy(&self, rule: &str, call: &str, opening: &Opening) {
        equal(rule, self.open(call, opening).await, Opened::Busy);
    }

    pub(super) async fn write(&self, lease: &Lease, change: Change) -> Result<(), StoreError> {
        self.store.write(lease, change).await
    }

    /// Writes with a lease that has not ended.
    pub(super) async fn written(&self, rule: &str, lease: &Lease, change: Change) {
        equal(rule, self.write(lease, change).await, Ok(()));
    }

    /// Runs a turn from its start to its end.
    pub(super) async fn answer(&self, call: &str, turn: &str) -> Lease {
        let lease = self.lease(call, turn).await;
        self.written("a turn that has the call can write", &lease, closing(Then::Close)).await;
        lease
    }

    pub(super) async fn hold(&self, lease: &Lease, time: Option<Duration>) {
        equal("a turn that has the call can hold it", self.store.hold(lease, time).await, Ok(()));
    }

    pub(super) async fn leave(
        &self,
        call: &str,
        lease: Option<&Lease>,
        note: &str,
        then: Then,
    ) -> bool {
        ok("a turn can leave", self.store.leave(&key(call), lease, bytes(note), then).await)
    }

    pub(super) async fn abort(&self, call: &str, id: &str) -> bool {
        ok("a turn can be aborted", self.store.abort(&key(call), &turn(id), bytes("abort")).await)
    }

    pub(super) async fn read(&self, call: &str) -> Option<Record> {
        ok("a call can be read", self.store.read(&key(call)).await)
    }

    /// Returns the notes of a record that was set aside, if it is still there.
    pub(super) async fn notes_aside(&self, lease: &Lease) -> Option<Vec<Bytes>> {
        let read = self.store.read_aside(lease).await;
        ok("a record that was set aside can be read", read).map(|record| record.notes)
    }

    /// Reads a call that exists.
    pub(super) async fn record(&self, call: &str) -> Record {
        match self.read(call).await {
            Some(record) => record,
            None => broken("the record of a call can be read while the call exists", call),
        }
    }

    pub(super) async fn memory(&self, call: &str) -> String {
        String::from_utf8_lossy(&self.record(call).await.memory).into_owned()
    }

    /// Returns the notes of a call that exists.
    pub(super) async fn notes(&self, call: &str) -> Vec<String> {
        let record = self.record(call).await;
        record.notes.iter().map(|note| String::from_utf8_lossy(note).into_owned()).collect()
    }

    pub(super) async fn claim(&self, claim: &Claim) -> Vec<Claimed> {
        let mut claimed = ok("calls can be claimed", self.store.claim(claim).await);
        claimed.sort_by(|a, b| a.lease.call.cmp(&b.lease.call));
        claimed
    }

    pub(super) async fn claimed_ids(&self, claim: &Claim) -> Vec<String> {
        self.claim(claim).await.iter().map(|claimed| claimed.lease.call.id.to_string()).collect()
    }

    pub(super) async fn remove(&self, lease: &Lease) {
        ok("a record that was set aside can be removed", self.store.remove(lease).await);
    }

    /// Waits for a message, and ignores all others.
    pub(super) async fn signal(&mut self, rule: &str, expected: &Signal) {
        let found = timeout(SIGNAL, async {
            while let Some(signal) = self.signals.next().await {
                if signal == *expected {
                    return true;
                }
            }
            false
        });
        if !matches!(found.await, Ok(true)) {
            broken(rule, format_args!("expected within {SIGNAL:?}: {expected:?}"));
        }
    }

    /// Returns the messages that came so far, without [`Signal::Lost`], and waits for `stops` turns that were
    /// told to stop.
    ///
    /// A turn of another call is stopped to know that no older message is still on its way.
    pub(super) async fn signals(&mut self, stops: usize) -> Vec<Signal> {
        self.sentinels += 1;
        let call = CallKey::new(Platform::Duix, format!("sentinel-{}", self.sentinels));
        let mut leases = Vec::new();
        for id in ["1", "2"] {
            match self.store.open(&call, &opening(id)).await {
                Ok(Opened::Run { lease, .. }) => leases.push(lease),
                other => broken(
                    "a call can be opened while the store has room",
                    format_args!("found: {other:?}"),
                ),
            }
        }
        let Some(lease) = leases.first() else { return Vec::new() };
        let sentinel = stop(lease, CancelReason::Overtaken);
        let (mut all, mut arrived) = (Vec::new(), false);
        let read = timeout(SIGNAL, async {
            let is_stop = |signal: &&Signal| matches!(signal, Signal::Stop(_));
            while !arrived || all.iter().filter(is_stop).count() < stops {
                match self.signals.next().await {
                    Some(signal) if signal == sentinel => arrived = true,
                    Some(Signal::Lost) => {}
                    Some(signal) => all.push(signal),
                    None => return,
                }
            }
        });
        // Which messages are missing is for the check to say.
        let _ = read.await;
        if !arrived {
            let rule = "a turn that is overtaken is told to stop";
            broken(rule, format_args!("expected within {SIGNAL:?}: {sentinel:?}"));
        }
        all
    }

    /// Checks which turns were told to stop since the last check.
    pub(super) async fn stopped(&mut self, rule: &str, expected: &[(&Lease, CancelReason)]) {
        let signals = self.signals(expected.len()).await;
        let is_stop = |signal: &Signal| matches!(signal, Signal::Stop(_));
        let stops = signals.iter().filter(|signal| is_stop(signal));
        let mut stops: Vec<_> = stops.map(|stop| format!("{stop:?}")).collect();
        let expected = expected.iter().map(|(lease, reason)| stop(lease, *reason));
        let mut expected: Vec<_> = expected.map(|stop| format!("{stop:?}")).collect();
        stops.sort_unstable();
        expected.sort_unstable();
        equal(rule, stops, expected);
    }
}

/// The message that tells the turn of this lease to stop.
pub(super) fn stop(lease: &Lease, reason: CancelReason) -> Signal {
    let turn = lease.turn.clone().unwrap_or_else(|| turn(""));
    Signal::Stop(Cancel::new(lease.call.clone(), turn, lease.epoch, reason))
}

/// Returns the result of an operation that has to succeed.
#[track_caller]
pub(super) fn ok<T>(rule: &str, result: Result<T, StoreError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => broken(rule, format_args!("found: {error:?}")),
    }
}
