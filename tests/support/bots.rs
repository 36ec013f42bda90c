//! Bots for tests, and a phone line that they are called on.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use callbot::bot::store::{
    CancelReason, Change, Claim, Claimed, Edit, Lease, Opened, Opening, Record, Signal, Standing,
    Then,
};
use callbot::bot::{
    Bot, Call, CallKey, CallSnapshot, Cut, Ended, Gather, HangUp, Host, HostBuilder, Input,
    MemoryStore, Notice, Platform, Reply, Result, SpeechSettings, Store, StoreError, Transfer,
    TurnId,
};
use callbot::client::{CallOptions, Error, EventStream, InMemoryTransport};
use callbot::digital_employee::{
    AbortDialogueRequest, AbortDialogueRequestFields, AbortType, BeginSessionRequest,
    BeginSessionRequestFields, Client, DialogueRequest, DialogueRequestFields, EndSessionRequest,
    EndSessionRequestFields, Packet, VendorParams,
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;
use tower_service::Service;

/// A phone line of Digital Employee, in memory.
#[derive(Clone)]
pub(crate) struct Line<B: Bot> {
    pub(crate) host: Host<B>,
    client: Client,
}

/// A bot on a phone line.
pub(crate) fn line<B: Bot>(host: Host<B>) -> Line<B> {
    let router = host.digital_employee().unwrap().router();
    // The client has no deadlines here: a test waits for the bot.
    let long = Duration::from_secs(600);
    let options = CallOptions::new().call_deadline(long).first_event_deadline(long);
    let client = Client::builder("http://bot").transport(InMemoryTransport::new(router));
    let client = client.options(options.gap_deadline(long)).build().unwrap();
    Line { host, client }
}

/// The key of a call on the phone line.
pub(crate) fn key(call: &str) -> CallKey {
    CallKey::new(Platform::DigitalEmployee, call)
}

impl<B: Bot> Line<B> {
    pub(crate) async fn begin(&self, call: &str, turn: &str) -> Reading {
        let context = VendorParams::new("13500000001", "4000000000");
        let request = BeginSessionRequest::new(BeginSessionRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: call,
            stream_id: turn,
            vendor_params: context,
        });
        Reading::new(self.client.begin_session(&request).await.unwrap())
    }

    pub(crate) async fn say(&self, call: &str, turn: &str, words: &str) -> Reading {
        let request = DialogueRequest::new(DialogueRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: call,
            stream_id: turn,
            utterance: words,
        });
        Reading::new(self.client.dialogue(&request).await.unwrap())
    }

    /// Returns the whole text of a turn that succeeds.
    pub(crate) async fn text(&self, call: &str, turn: &str, words: &str) -> String {
        let mut reading = self.say(call, turn, words).await;
        reading.rest().await;
        assert_eq!(reading.failure, None, "{words}");
        assert!(reading.ended, "{words}");
        reading.text
    }

    pub(crate) async fn abort(&self, call: &str, turn: &str, heard: Option<&str>) {
        assert_eq!(self.try_abort(call, turn, heard).await, Ok(()));
    }

    /// `Err` with the status of a failure.
    pub(crate) async fn try_abort(
        &self,
        call: &str,
        turn: &str,
        heard: Option<&str>,
    ) -> std::result::Result<(), i32> {
        let kind = AbortType::Interrupted;
        let mut request = AbortDialogueRequest::new(AbortDialogueRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n1",
            session_id: call,
            stream_id: turn,
            type_: kind,
        });
        request.answer = heard.map(str::to_owned);
        self.client.abort_dialogue(&request).await.map(drop).map_err(|error| status(&error))
    }

    pub(crate) async fn end(&self, call: &str) {
        assert_eq!(self.try_end(call).await, Ok(()));
    }

    /// `Err` with the status of a failure.
    pub(crate) async fn try_end(&self, call: &str) -> std::result::Result<(), i32> {
        let request = EndSessionRequest::new(EndSessionRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: call,
        });
        self.client.end_session(&request).await.map(drop).map_err(|error| status(&error))
    }

    /// Returns the status of a turn that fails.
    pub(crate) async fn failure(&self, call: &str, turn: &str, words: &str) -> i32 {
        let mut reading = self.say(call, turn, words).await;
        reading.rest().await;
        reading.failure.unwrap_or_else(|| panic!("{words}: {:?}", reading.text))
    }

    /// Returns the greeting of a call that begins successfully.
    pub(crate) async fn greeting(&self, call: &str, turn: &str) -> String {
        let mut reading = self.begin(call, turn).await;
        reading.rest().await;
        assert_eq!((reading.failure, reading.ended), (None, true));
        reading.text
    }

    /// Returns the stored state of a call.
    pub(crate) async fn snapshot(&self, call: &str) -> CallSnapshot<B::Memory> {
        self.host.snapshot(&key(call)).await.unwrap().unwrap_or_else(|| panic!("no call {call}"))
    }

    /// Returns the text of a turn in the history: what the caller heard, as far as is known.
    pub(crate) async fn heard(&self, call: &str, turn: &str) -> String {
        let seen = self.snapshot(call).await;
        let entry = seen.history.iter().find(|entry| entry.turn.as_str() == turn);
        entry.unwrap_or_else(|| panic!("no turn {turn}")).said.clone()
    }
}

/// A reply that is being read.
pub(crate) struct Reading {
    stream: Option<EventStream<Packet>>,
    pub(crate) packets: Vec<Packet>,
    /// The text so far.
    pub(crate) text: String,
    pub(crate) failure: Option<i32>,
    /// Whether the last packet has arrived.
    pub(crate) ended: bool,
}

impl Reading {
    fn new(stream: EventStream<Packet>) -> Self {
        let (packets, text) = (Vec::new(), String::new());
        Self { stream: Some(stream), packets, text, failure: None, ended: false }
    }

    /// Reads a packet. Returns `false` if the reply has ended.
    pub(crate) async fn next(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        match stream.next().await {
            None => false,
            Some(Ok(packet)) => {
                assert!(!self.ended, "a packet after the last one");
                let data = packet.data.clone().unwrap();
                if let Some(answer) = data.answer {
                    self.text = answer;
                }
                self.ended = data.stream_end;
                self.packets.push(packet);
                true
            }
            Some(Err(error)) => {
                self.failure = Some(status(&error));
                self.stream = None;
                false
            }
        }
    }

    /// Reads packets until the text contains `part`.
    pub(crate) async fn until(&mut self, part: &str) {
        while !self.text.contains(part) {
            assert!(self.next().await, "the reply ended with {:?}", self.text);
        }
    }

    /// Reads all remaining packets.
    pub(crate) async fn rest(&mut self) {
        while self.next().await {}
    }

    /// Closes the connection, as the platform does.
    pub(crate) fn close(self) {}
}

fn status(error: &Error) -> i32 {
    let failure = error.failure().unwrap_or_else(|| panic!("{error}"));
    failure.status().unwrap_or_else(|| panic!("{failure:?}"))
}

/// Counts the guards that have not been dropped.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<()>);

impl Alive {
    pub(crate) fn guard(&self) -> Self {
        self.clone()
    }

    /// Returns the number of guards.
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// A shared counter.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn up(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) const MS: Duration = Duration::from_millis(1);

/// Waits until the condition holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..5000 {
        if holds() {
            return;
        }
        tokio::time::sleep(MS).await;
    }
    panic!("the condition never held");
}

/// A boxed future: tests may pass closures.
pub(crate) type Boxed<'a, T> = futures_util::future::BoxFuture<'a, T>;

type Turn = dyn for<'a> Fn(&'a mut Call<Vec<String>>, Input, &'a mut Reply) -> Boxed<'a, Result>
    + Send
    + Sync;

/// A bot that consists of one function.
///
/// One type for all functions: the compiler writes the whole runtime again for each type of bot.
pub(crate) struct Turning(Box<Turn>);

impl Bot for Turning {
    type Memory = Vec<String>;

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        (self.0)(call, input, reply).await
    }
}

/// Returns the bot of a closure, whose type this function fixes.
pub(crate) fn bot<F>(turn: F) -> Turning
where
    F: for<'a> Fn(&'a mut Call<Vec<String>>, Input, &'a mut Reply) -> Boxed<'a, Result>
        + Send
        + Sync
        + 'static,
{
    Turning(Box::new(turn))
}

/// Returns what the caller said.
pub(crate) fn words(input: &Input) -> &str {
    match input {
        Input::Speech(words) => words,
        other => panic!("{other:?}"),
    }
}

/// A bot that executes the utterance of the caller as a script, and logs its events. Its memory has the
/// texts of `remember`.
///
/// `say x`, `wait 100`, `for ever`, `flush`, `gather 4`, `voice`, `hang up`, `transfer`,
/// `remember x`, `save`, `hold`, `release`, `left`, `no filler`, `fail`, `once`, `panic`; with ` | `
/// in between. A space is added to each text, and `once` fails the first time. An error is logged and ends
/// the turn, unless the step begins with `try`.
#[derive(Clone, Default)]
pub(crate) struct Actor {
    pub(crate) log: Log,
    pub(crate) begins: &'static str,
    pub(crate) interrupts: &'static str,
    pub(crate) ends: &'static str,
}

impl Bot for Actor {
    type Memory = Vec<String>;

    async fn begin(&self, call: &mut Call<Vec<String>>, reply: &mut Reply) -> Result {
        self.log.add(call, "begin");
        self.act(call, self.begins, Some(reply)).await
    }

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        match input {
            Input::Speech(words) => {
                self.log.add(call, "turn");
                self.act(call, &words, Some(reply)).await
            }
            input => {
                self.log.add(call, format!("turn {input:?}"));
                Ok(())
            }
        }
    }

    async fn interrupted(&self, call: &mut Call<Vec<String>>, cut: &Cut) -> Result {
        let turn = if cut.turn.as_str().len() < 8 { cut.turn.as_str() } else { "?" };
        self.log.add(call, format!("interrupted {turn} {:?}", cut.cause));
        self.act(call, self.interrupts, None).await
    }

    async fn ended(&self, call: &mut Call<Vec<String>>, why: Ended) -> Result {
        let memory = call.memory.join(", ");
        self.log.add(call, format!("ended {why:?} [{memory}]"));
        self.act(call, self.ends, None).await?;
        self.log.add(call, "gone");
        Ok(())
    }

    fn notice(&self, notice: &Notice) {
        self.log.lines().push(format!("{}: notice {:?}", notice.call.id, notice.what));
    }
}

impl Actor {
    async fn act(
        &self,
        call: &mut Call<Vec<String>>,
        script: &str,
        reply: Option<&mut Reply>,
    ) -> Result {
        let steps: Vec<_> = script.split(" | ").filter(|step| !step.is_empty()).collect();
        self.steps(call, &steps, reply).await
    }

    /// Performs the steps. Those from "hold" to "release" are the work of a hold.
    async fn steps(
        &self,
        call: &mut Call<Vec<String>>,
        mut steps: &[&str],
        mut reply: Option<&mut Reply>,
    ) -> Result {
        while let Some((step, rest)) = steps.split_first() {
            steps = rest;
            let (tries, step) = match step.strip_prefix("try ") {
                Some(step) => (true, step),
                None => (false, *step),
            };
            let reply = reply.as_deref_mut();
            let done = match step.strip_prefix("hold") {
                Some(ms) => {
                    let mut depth = 1;
                    let end = rest.iter().position(|step| {
                        depth += i32::from(step.starts_with("hold"));
                        depth -= i32::from(*step == "release");
                        depth == 0
                    });
                    let (held, rest) = rest.split_at(end.unwrap_or(rest.len()));
                    steps = rest.get(1..).unwrap_or_default();
                    let work = async |call: &mut _| Box::pin(self.steps(call, held, reply)).await;
                    match ms.trim().parse() {
                        Ok(ms) => call.hold_for(Duration::from_millis(ms), work).await,
                        Err(_) => call.hold(work).await,
                    }
                }
                None => self.step(call, step, reply).await,
            };
            if let Err(error) = done {
                self.log.add(call, format!("{step}: {error}"));
                if !tries {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn step(
        &self,
        call: &mut Call<Vec<String>>,
        step: &str,
        reply: Option<&mut Reply>,
    ) -> Result {
        let (verb, what) = step.split_once(' ').unwrap_or((step, ""));
        match (verb, reply) {
            ("wait", _) => sleep(what.parse::<u32>()? * MS).await,
            ("for", _) => std::future::pending().await,
            ("remember", _) => call.memory.push(what.into()),
            ("save", _) => call.save().await?,
            ("once", _) if self.log.count(&call.info.id, "once") > 0 => {}
            ("fail" | "once", _) => return Err(std::io::Error::other("as it was asked to").into()),
            ("panic", _) => panic!("the test wants it"),
            ("say", Some(reply)) => reply.say(format!("{what} ")).await?,
            ("flush", Some(reply)) => reply.flush().await?,
            ("gather", Some(reply)) => reply.gather(Gather::up_to(what.parse()?)).await?,
            ("voice", Some(reply)) => {
                reply.speech_settings(SpeechSettings::new().with_barge_in(true)).await?
            }
            ("hang", Some(reply)) => reply.hang_up(HangUp::new()).await?,
            ("transfer", Some(reply)) => reply.transfer(Transfer::to_queue("vip")).await?,
            ("left", Some(reply)) => self.log.add(call, format!("left {:?}", reply.time_left())),
            ("no", Some(reply)) => reply.no_filler(),
            _ => panic!("nobody knows how to {step}"),
        }
        Ok(())
    }
}

/// The events of bots. Each line has the id of the call.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap()
    }

    pub(crate) fn add<M>(&self, call: &Call<M>, what: impl Display) {
        self.lines().push(format!("{}: {what}", call.info.id));
    }

    /// The lines of a call, in order.
    pub(crate) fn of(&self, call: &str) -> Vec<String> {
        let head = format!("{call}: ");
        let lines = self.lines();
        lines.iter().filter_map(|line| line.strip_prefix(&head)).map(str::to_owned).collect()
    }

    /// Returns how many lines of a call start with `start`.
    pub(crate) fn count(&self, call: &str, start: &str) -> usize {
        self.of(call).iter().filter(|line| line.starts_with(start)).count()
    }
}

/// An operation of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Open,
    /// [`Opening::End`].
    End,
    Hold,
    Write,
    Leave,
    Abort,
    Read,
    Evict,
    Claim,
    Remove,
    Check,
    /// The messages are lost, whatever the fate.
    Signals,
}

/// The outcome of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Fails,
    Hangs,
    Sleeps(Duration),
    /// It is done, and then its answer is lost.
    Unanswered,
    /// The store has lost the call.
    Loses,
}

/// A store whose operations fail, hang or are slow as often as a test says. It keeps what was written.
#[derive(Clone, Default)]
pub(crate) struct Moody<const SHARED: bool = false> {
    pub(crate) store: Arc<MemoryStore>,
    written: Arc<Mutex<Vec<u8>>>,
    fates: Arc<Mutex<HashMap<Op, (Fate, usize)>>>,
    lost: Lost,
    /// Whether it has lost a call. Then no message tells of a call that has ended.
    loses: Arc<AtomicBool>,
}

/// Tells all subscribers that messages may have been lost.
#[derive(Clone)]
struct Lost(tokio::sync::broadcast::Sender<()>);

impl Default for Lost {
    fn default() -> Self {
        Self(tokio::sync::broadcast::channel(16).0)
    }
}

impl<const SHARED: bool> Moody<SHARED> {
    pub(crate) fn set(&self, op: Op, fate: Fate, times: usize) {
        self.fates.lock().unwrap().insert(op, (fate, times));
    }

    /// Returns how often the fate of this operation is still to come.
    pub(crate) fn left(&self, op: Op) -> usize {
        self.fates.lock().unwrap().get(&op).map_or(0, |(_, left)| *left)
    }

    /// Loses a call. No turn learns of it.
    pub(crate) async fn lose(&self, call: &CallKey) {
        self.loses.store(true, Ordering::SeqCst);
        let (why, again) = (Bytes::new(), SECOND);
        let ending = Opening::End { told: None, why, again };
        match self.store.open(call, &ending).await.unwrap() {
            Opened::Run { lease, .. } => self.store.remove(&lease).await.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Tells all subscribers that messages may have been lost.
    pub(crate) fn tell_lost(&self) {
        self.lost.0.send(()).unwrap();
    }

    /// Returns all that the runtime ever wrote beside the memory of bots, as text.
    pub(crate) fn written(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    fn keep(&self, bytes: &[u8]) {
        let mut written = self.written.lock().unwrap();
        written.extend_from_slice(bytes);
        written.push(b'\n');
    }

    /// Lets an operation meet its fate.
    async fn meet<T>(
        &self,
        op: Op,
        call: Option<&CallKey>,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fate = match self.fates.lock().unwrap().get_mut(&op) {
            Some((fate, left)) if *left > 0 => {
                *left -= 1;
                Some(*fate)
            }
            _ => None,
        };
        match fate {
            None => {}
            Some(Fate::Fails) => return Err(StoreError::failed(format!("{op:?} fails"))),
            Some(Fate::Hangs) => std::future::pending().await,
            Some(Fate::Sleeps(time)) => sleep(time).await,
            Some(Fate::Unanswered) => {
                work.await?;
                return Err(StoreError::unknown(format!("{op:?} is unanswered")));
            }
            Some(Fate::Loses) => self.lose(call.unwrap()).await,
        }
        work.await
    }
}

/// Opens a call for a turn.
pub(crate) fn for_turn(id: &str) -> Opening {
    Opening::Turn { turn: TurnId::new(id), told: None, overtake: true, fresh: "{}".into() }
}

impl<const SHARED: bool> Store for Moody<SHARED> {
    fn shared(&self) -> bool {
        SHARED
    }

    async fn open(&self, call: &CallKey, opening: &Opening) -> Result<Opened, StoreError> {
        let op = if matches!(opening, Opening::End { .. }) { Op::End } else { Op::Open };
        self.meet(op, Some(call), self.store.open(call, opening)).await
    }

    async fn hold(&self, lease: &Lease, time: Option<Duration>) -> Result<(), StoreError> {
        self.meet(Op::Hold, Some(&lease.call), self.store.hold(lease, time)).await
    }

    async fn write(&self, lease: &Lease, change: Change) -> Result<(), StoreError> {
        if let Some(state) = &change.state {
            self.keep(&state.to_json());
        }
        for edit in &change.history {
            if let Edit::Put(turn) = edit {
                self.keep(&turn.json);
            }
        }
        self.meet(Op::Write, Some(&lease.call), self.store.write(lease, change)).await
    }

    async fn leave(
        &self,
        call: &CallKey,
        lease: Option<&Lease>,
        note: Bytes,
        then: Then,
    ) -> Result<bool, StoreError> {
        self.keep(&note);
        self.meet(Op::Leave, Some(call), self.store.leave(call, lease, note, then)).await
    }

    async fn abort(&self, call: &CallKey, turn: &TurnId, note: Bytes) -> Result<bool, StoreError> {
        self.keep(&note);
        self.meet(Op::Abort, Some(call), self.store.abort(call, turn, note)).await
    }

    async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        self.meet(Op::Read, Some(call), self.store.read(call)).await
    }

    async fn read_aside(&self, lease: &Lease) -> Result<Option<Record>, StoreError> {
        self.meet(Op::Read, Some(&lease.call), self.store.read_aside(lease)).await
    }

    async fn evict(&self, room_for: &CallKey) -> Result<Vec<(CallKey, Record)>, StoreError> {
        self.meet(Op::Evict, Some(room_for), self.store.evict(room_for)).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, StoreError> {
        self.meet(Op::Claim, None, self.store.claim(claim)).await
    }

    async fn remove(&self, lease: &Lease) -> Result<(), StoreError> {
        self.meet(Op::Remove, Some(&lease.call), self.store.remove(lease)).await
    }

    async fn check(&self, leases: &[Lease]) -> Result<Vec<Standing>, StoreError> {
        self.meet(Op::Check, None, self.store.check(leases)).await
    }

    fn signals(&self) -> impl Stream<Item = Signal> + Send + 'static {
        let lost = self.left(Op::Signals) > 0;
        let loses = self.loses.clone();
        let signals = self.store.signals().filter(move |signal| {
            let ended =
                matches!(signal, Signal::Stop(cancel) if cancel.reason == CancelReason::Ended);
            std::future::ready(!(lost || ended && loses.load(Ordering::SeqCst)))
        });
        let lost = stream::unfold(self.lost.0.subscribe(), |mut lost| async move {
            lost.recv().await.ok().map(|()| (Signal::Lost, lost))
        });
        stream::select(signals, lost)
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Returns the log and the phone line of an actor, with a configured host.
pub(crate) fn acting(
    bot: Actor,
    with: impl FnOnce(HostBuilder<Actor>) -> HostBuilder<Actor>,
) -> (Log, Line<Actor>) {
    let log = bot.log.clone();
    (log, line(with(Host::builder(bot)).build()))
}

/// Posts a body to a router. Returns the status and the whole answer.
pub(crate) async fn post(
    router: &axum::Router,
    path: &str,
    body: impl Into<axum::body::Body>,
) -> (u16, String) {
    let request = http::Request::post(path)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    let answer = router.clone().call(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.into()).unwrap())
}

/// The IVR of ODFS with one call, in the JSON of the wire.
pub(crate) struct Ivr {
    router: axum::Router,
    pub(crate) id: String,
}

impl Ivr {
    pub(crate) fn new(router: axum::Router, id: impl Into<String>) -> Self {
        Self { router, id: id.into() }
    }

    /// Returns the status and the body of the answer.
    pub(crate) async fn ask(
        &self,
        inaction: u8,
        inparams: Value,
        extparams: Value,
    ) -> (u16, Value) {
        let mut body = json!({"userid": self.id, "inaction": inaction, "inparams": inparams});
        body["inparams"]["call_id"] = self.id.clone().into();
        body["inparams"]["call_dst_id"] = "10086".into();
        if body["inparams"].get("auth_token").is_none() {
            body["inparams"]["auth_token"] = "opaque".into();
        }
        body["extparams"] = extparams;
        let (status, answer) =
            post(&self.router, "/oifde/rest/v2/crs/process/vdn-1", body.to_string()).await;
        (status, serde_json::from_str(&answer).unwrap())
    }

    async fn answered(&self, inaction: u8, inparams: Value) -> Value {
        let (status, answer) = self.ask(inaction, inparams, json!({})).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn start(&self) -> Value {
        self.answered(8, json!({"call_sor_id": "13500000001"})).await
    }

    pub(crate) async fn say(&self, words: &str) -> Value {
        self.answered(9, json!({"flow_result_type": "1", "input": words})).await
    }

    /// Sends a keyword of the protocol, such as `playover`.
    pub(crate) async fn keyword(&self, word: &str) -> Value {
        self.answered(9, json!({"flow_result_type": "3", "input": word})).await
    }

    pub(crate) async fn transferred(&self, result: &str) -> Value {
        let times = json!({"begin_trans": "2018090407:20:00", "end_trans": "2018090407:20:04"});
        let mut inparams = times;
        inparams["trans_result"] = result.into();
        self.answered(11, inparams).await
    }

    /// Hangs up, with this `release_reason` unless it is empty.
    pub(crate) async fn hang_up(&self, reason: &str) -> Value {
        let inparams = json!({"flow_result_type": "-1", "input": "hangup"});
        let extparams = match reason {
            "" => json!({}),
            reason => json!({"release_reason": reason}),
        };
        let (status, answer) = self.ask(9, inparams, extparams).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}
