//! Random operations, compared with those of the model.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use super::case::{LONG, PLATFORM, broken, bytes, key, shown, turn};
use super::model::Model;
use crate::bot::input::CallKey;
use crate::bot::store::{
    Cancel, Change, Claim, Claimed, Edit, Lease, Opened, Opening, Record, Signal, Standing, Store,
    StoreError, StoredTurn, Then,
};

/// The number of operations in a sequence.
const OPERATIONS: usize = 100;

pub(super) async fn operations_do_what_the_model_does<S: Store>(store: S, seed: u64) {
    let model = Model::default();
    let (mut expected, leases) = transcript(&model, seed).await;
    expected.push(format!("stops {:?}", names(model.stops(), &leases)));
    let found = full_transcript(store, seed).await;
    let Some(at) = (0..expected.len()).find(|&at| expected.get(at) != found.get(at)) else {
        return;
    };
    let mut before = String::new();
    for (n, line) in expected.iter().enumerate().take(at) {
        let _ = writeln!(before, "{n:4} {line}");
    }
    let (expected, found) = (expected.get(at), found.get(at));
    let rule = "random operations do what they do in the model";
    broken(rule, format_args!("seed {seed}\n{before}expected: {expected:?}\n   found: {found:?}"));
}

/// Does random operations with an empty store, and returns what each did, and which turns were told to stop.
async fn full_transcript<S: Store>(store: S, seed: u64) -> Vec<String> {
    let mut signals = Box::pin(store.signals());
    let (mut transcript, leases) = transcript(&store, seed).await;
    // The last message is one that no operation of the sequence gives.
    let last = CallKey::new(PLATFORM, "last");
    for id in ["1", "2"] {
        let opening =
            Opening::Turn { turn: turn(id), told: None, overtake: true, fresh: "fresh".into() };
        let _ = store.open(&last, &opening).await;
    }
    let (mut stops, mut arrived) = (Vec::new(), false);
    let read = timeout(Duration::from_secs(1), async {
        while let Some(signal) = signals.next().await {
            match signal {
                Signal::Stop(cancel) if cancel.call == last => {
                    arrived = true;
                    break;
                }
                Signal::Stop(cancel) => stops.push(cancel),
                _ => {}
            }
        }
    });
    let _ = read.await;
    if !arrived {
        broken("a turn that is overtaken is told to stop", "expected within 1s");
    }
    transcript.push(format!("stops {:?}", names(stops, &leases)));
    transcript
}

/// Shows which turns were told to stop.
fn names(stops: Vec<Cancel>, leases: &Leases) -> Vec<String> {
    let show = |cancel: Cancel| {
        let lease = leases.name(&cancel.call, cancel.epoch);
        format!("{} {lease} {:?}", cancel.turn, cancel.reason)
    };
    let mut names: Vec<_> = stops.into_iter().map(show).collect();
    names.sort_unstable();
    names
}

/// All leases of a sequence, in the order in which they were given.
#[derive(Default)]
struct Leases {
    all: Vec<Lease>,
    /// The newest epoch of each call.
    newest: HashMap<CallKey, u64>,
}

impl Leases {
    fn add(&mut self, lease: Lease) -> String {
        self.grow(&lease);
        self.all.push(lease);
        format!("#{}", self.all.len() - 1)
    }

    /// Adds the leases of one claim, whose epochs come in any order.
    fn add_claimed(&mut self, claimed: &[Claimed]) {
        let mut leases: Vec<_> = claimed.iter().map(|claimed| claimed.lease.clone()).collect();
        self.all.extend(leases.iter().cloned());
        leases.sort_by_key(|lease| lease.epoch);
        leases.iter().for_each(|lease| self.grow(lease));
    }

    fn grow(&mut self, lease: &Lease) {
        let newest = self.newest.entry(lease.call.clone()).or_default();
        if lease.epoch <= *newest {
            let what = format_args!("{} after {newest}", lease.epoch);
            broken("an epoch grows, and is never used twice for a key", what);
        }
        *newest = lease.epoch;
    }

    /// Returns a name that does not depend on the epochs of the store.
    fn name(&self, call: &CallKey, epoch: u64) -> String {
        let is = |lease: &Lease| lease.call == *call && lease.epoch == epoch;
        self.all.iter().position(is).map_or_else(|| "?".to_owned(), |n| format!("#{n}"))
    }
}

/// A random operation. Leases are those with these numbers.
struct Random {
    random: fastrand::Rng,
    /// The last turn that was found in a call that is held.
    told: HashMap<CallKey, u64>,
    /// The calls of which one with the same key has ended.
    ended: HashSet<CallKey>,
    counter: u64,
}

impl Random {
    fn call(&mut self) -> CallKey {
        key(if self.random.bool() { "a" } else { "b" })
    }

    fn turn(&mut self) -> crate::bot::input::TurnId {
        turn(&self.random.u32(0..6).to_string())
    }

    fn text(&mut self, kind: &str) -> String {
        self.counter += 1;
        format!("{kind}{}", self.counter)
    }

    fn then(&mut self) -> Then {
        match self.random.u32(0..4) {
            0 => Then::Keep,
            1 => Then::CloseUnanswered,
            _ => Then::Close,
        }
    }

    fn again(&mut self) -> Duration {
        if self.random.bool() { LONG } else { Duration::ZERO }
    }

    /// Returns one of the last leases.
    fn lease(&mut self, leases: &Leases) -> Option<(usize, Lease)> {
        let count = leases.all.len();
        let far = self.random.choice([2, 2, 4, 20])?;
        let back = self.random.usize(0..far);
        let at = count.checked_sub(back + 1)?;
        leases.all.get(at).map(|lease| (at, lease.clone()))
    }

    fn told(&mut self, call: &CallKey) -> Option<u64> {
        if self.random.bool() { self.told.get(call).copied() } else { None }
    }

    fn opening(&mut self, call: &CallKey) -> (Opening, String) {
        let told = self.told(call);
        let fresh = self.text("fresh").into();
        match self.random.u32(0..20) {
            0 | 1 => (Opening::IfFree, "if free".into()),
            // A store may remember for a while that a call has ended, and not put it back.
            2 if !self.ended.contains(call) => {
                let turn = self.turn();
                let shown = format!("restore turn {turn}");
                (Opening::Restore { turn, fresh }, shown)
            }
            3 | 4 => {
                let (why, again) = (bytes(&self.text("why")), self.again());
                let shown = format!("end, again after {again:?}, told {}", told.is_some());
                (Opening::End { told, why, again }, shown)
            }
            _ => {
                let (turn, overtake) = (self.turn(), self.random.u32(0..5) > 0);
                let shown = format!("turn {turn}, overtakes {overtake}, told {}", told.is_some());
                (Opening::Turn { turn, told, overtake, fresh }, shown)
            }
        }
    }

    fn change(&mut self) -> Change {
        let mut change = Change { then: self.then(), ..Change::default() };
        if self.random.bool() {
            change.memory = Some((self.random.u32(0..3), bytes(&self.text("memory"))));
        }
        if self.random.bool() {
            change.state = Some(self.text("state").into());
        }
        for _ in 0..self.random.usize(0..4) {
            let turn = self.turn();
            let (epoch, index) = (self.random.u64(0..5), self.random.u32(0..3));
            // Turns at the same place may be in any order, so no two are.
            let index = index * 10 + turn.as_str().parse::<u32>().unwrap_or_default();
            change.history.push(match self.random.u32(0..4) {
                0 => Edit::Remove(turn),
                _ => {
                    let json = self.text("said").into_bytes();
                    Edit::Put(StoredTurn::new(turn, epoch, index, json).into())
                }
            });
        }
        change.notes_read = self.random.usize(0..4);
        change
    }
}

/// Shows the result of an operation. For the lease of a call that was set aside, a store need not know
/// whether it has ended or is gone.
fn result<T: std::fmt::Debug>(lease: &Lease, result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Fenced | StoreError::Gone) if lease.turn.is_none() => "refused".to_owned(),
        other => format!("{other:?}"),
    }
}

fn read(record: Option<&Record>) -> String {
    record.map_or_else(|| "none".to_owned(), shown)
}

fn contents(claimed: &Claimed) -> String {
    let why = claimed.why.as_deref().map(String::from_utf8_lossy);
    format!("{} {why:?} {}", claimed.lease.call, shown(&claimed.record))
}

async fn transcript<S: Store>(store: &S, seed: u64) -> (Vec<String>, Leases) {
    let random = fastrand::Rng::with_seed(seed);
    let mut random = Random { random, told: HashMap::new(), ended: HashSet::new(), counter: 0 };
    let (mut lines, mut leases) = (Vec::new(), Leases::default());
    for _ in 0..OPERATIONS {
        let line = operation(store, &mut random, &mut leases).await;
        lines.push(line);
        for call in ["a", "b"] {
            let record = store.read(&key(call)).await;
            lines.push(format!(
                "{call}: {}",
                match &record {
                    Ok(record) => read(record.as_ref()),
                    Err(error) => format!("{error:?}"),
                }
            ));
        }
        let standings: Vec<_> = match store.check(&leases.all).await {
            Ok(standings) => leases.all.iter().zip(standings).map(standing).collect(),
            Err(error) => vec![format!("{error:?}")],
        };
        lines.push(format!("standings {}", standings.join(" ")));
    }
    (lines, leases)
}

/// Shows what a lease is. Which of several events has ended it, a store need not know.
fn standing((lease, standing): (&Lease, Standing)) -> String {
    match standing {
        Standing::Held => "held",
        _ if lease.turn.is_none() => "over",
        Standing::Gone => "gone",
        _ => "ended",
    }
    .to_owned()
}

async fn operation<S: Store>(store: &S, random: &mut Random, leases: &mut Leases) -> String {
    let kind = random.random.u32(0..20);
    let lease = random.lease(leases);
    match (kind, lease) {
        (0..=1, Some((n, lease))) => {
            let time = random.random.bool().then_some(LONG);
            let held = store.hold(&lease, time).await;
            format!("hold #{n} {}: {}", time.is_some(), result(&lease, held))
        }
        (2..=5, Some((n, lease))) => {
            let change = random.change();
            let shown = format!("write #{n} {change:?}");
            format!("{shown}: {}", result(&lease, store.write(&lease, change).await))
        }
        (6..=8, Some((n, lease))) => {
            let (note, then) = (random.text("note"), random.then());
            let with = random.random.u32(0..4) > 0;
            let of = with.then_some(&lease);
            let left = store.leave(&lease.call, of, bytes(&note), then).await;
            format!("leave #{n} {with} {note} {then:?}: {left:?}")
        }
        (9..=10, _) => {
            let (call, turn, note) = (random.call(), random.turn(), random.text("abort"));
            let aborted = store.abort(&call, &turn, bytes(&note)).await;
            format!("abort {call} {turn} {note}: {aborted:?}")
        }
        (11, _) => {
            let idle = if random.random.u32(0..4) == 0 { Duration::ZERO } else { LONG };
            let (again, version) = (random.again(), random.random.u32(0..3));
            let claim = Claim::new(PLATFORM, idle, 99, again, version);
            let shown = format!("claim {idle:?} again {again:?} version {version}");
            match store.claim(&claim).await {
                Ok(mut claimed) => {
                    // The order of a claim is the store's.
                    claimed.sort_by_key(|claimed| (claimed.lease.call.clone(), contents(claimed)));
                    leases.add_claimed(&claimed);
                    random.ended.extend(claimed.iter().map(|claimed| claimed.lease.call.clone()));
                    let claimed = claimed.iter().map(contents).collect::<Vec<_>>();
                    format!("{shown}: {claimed:?}")
                }
                Err(error) => format!("{shown}: {error:?}"),
            }
        }
        (12, Some((n, lease))) => format!("remove #{n}: {:?}", store.remove(&lease).await),
        _ => {
            let call = random.call();
            let (opening, shown) = random.opening(&call);
            let opened = match store.open(&call, &opening).await {
                Ok(Opened::Run { lease, record, unsettled }) => {
                    let (turn, lease) = (lease.turn.clone(), leases.add(lease));
                    if matches!(opening, Opening::End { .. }) {
                        random.ended.insert(call.clone());
                    }
                    let unsettled = unsettled.is_some();
                    format!("run {lease} {turn:?} unsettled {unsettled} {}", read(Some(&record)))
                }
                Ok(Opened::Repeated(record)) => format!("repeated {}", read(Some(&record))),
                Ok(Opened::Held { left, epoch }) => {
                    // An opening that may not overtake tells no turn to stop.
                    if !matches!(opening, Opening::Turn { overtake: false, .. }) {
                        random.told.insert(call.clone(), epoch);
                    }
                    format!("held by {}, for a time {}", leases.name(&call, epoch), left.is_some())
                }
                other => format!("{other:?}"),
            };
            format!("open {call} {shown}: {opened}")
        }
    }
}
