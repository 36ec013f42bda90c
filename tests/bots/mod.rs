//! Bots for tests, and a phone line that they are called on.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbot::bot::{Bot, Call, CallKey, Host, Input, Platform, Reply, Result, Seen};
use callbot::client::{Error, EventStream, InMemory};
use callbot::digital_employee::{
    AbortDialogueRequest, AbortType, BeginSessionRequest, Client, DialogueRequest,
    EndSessionRequest, Packet, VendorParams,
};
use futures_util::StreamExt;

/// A phone line of Digital Employee, in memory.
#[derive(Clone)]
pub struct Line<B: Bot> {
    pub host: Host<B>,
    client: Client,
}

/// A bot on a phone line.
pub fn line<B: Bot>(host: Host<B>) -> Line<B> {
    let router = host.digital_employee().unwrap().router();
    let client = Client::builder("http://bot").transport(InMemory::new(router)).build().unwrap();
    Line { host, client }
}

/// The key of a call of such a line.
pub fn key(call: &str) -> CallKey {
    CallKey::new(Platform::DigitalEmployee, call)
}

impl<B: Bot> Line<B> {
    pub async fn begin(&self, call: &str, turn: &str) -> Reading {
        let context = VendorParams::new("13500000001", "4000000000");
        let request = BeginSessionRequest::new("r", 1, "n1", "sc-1", call, turn, context);
        Reading::new(self.client.begin_session(&request).await.unwrap())
    }

    pub async fn say(&self, call: &str, turn: &str, words: &str) -> Reading {
        let request = DialogueRequest::new("r", 1, "n1", "sc-1", call, turn, words);
        Reading::new(self.client.dialogue(&request).await.unwrap())
    }

    /// The whole text of a turn that goes well.
    pub async fn text(&self, call: &str, turn: &str, words: &str) -> String {
        let mut reading = self.say(call, turn, words).await;
        reading.rest().await;
        assert_eq!(reading.failure, None, "{words}");
        assert!(reading.ended, "{words}");
        reading.text
    }

    pub async fn abort(&self, call: &str, turn: &str, heard: Option<&str>) {
        let kind = AbortType::Interrupted;
        let mut request = AbortDialogueRequest::new("r", 1, "n1", call, turn, kind);
        request.answer = heard.map(str::to_owned);
        self.client.abort_dialogue(&request).await.unwrap();
    }

    pub async fn end(&self, call: &str) {
        let request = EndSessionRequest::new("r", 1, "n1", "sc-1", call);
        self.client.end_session(&request).await.unwrap();
    }

    /// What is kept of a call.
    pub async fn look(&self, call: &str) -> Seen<B::Memory> {
        self.host.look(&key(call)).await.unwrap().unwrap_or_else(|| panic!("no call {call}"))
    }

    /// What the caller heard of a turn, as far as is known.
    pub async fn heard(&self, call: &str, turn: &str) -> String {
        let seen = self.look(call).await;
        let entry = seen.history.iter().find(|entry| entry.turn.as_str() == turn);
        entry.unwrap_or_else(|| panic!("no turn {turn}")).said.clone()
    }
}

/// A reply that is being read.
pub struct Reading {
    stream: Option<EventStream<Packet>>,
    pub packets: Vec<Packet>,
    /// The whole text so far.
    pub text: String,
    pub failure: Option<i32>,
    /// Whether a packet said that it was the last.
    pub ended: bool,
}

impl Reading {
    fn new(stream: EventStream<Packet>) -> Self {
        let (packets, text) = (Vec::new(), String::new());
        Self { stream: Some(stream), packets, text, failure: None, ended: false }
    }

    /// Takes a packet; `false` when there is none any more.
    pub async fn next(&mut self) -> bool {
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

    /// Takes packets until the text holds this.
    pub async fn until(&mut self, part: &str) {
        while !self.text.contains(part) {
            assert!(self.next().await, "the reply ended with {:?}", self.text);
        }
    }

    /// Takes all that is left.
    pub async fn rest(&mut self) {
        while self.next().await {}
    }

    /// The platform hangs up the connection.
    pub fn close(self) {}
}

fn status(error: &Error) -> i32 {
    let failure = error.failure().unwrap_or_else(|| panic!("{error}"));
    failure.status().unwrap_or_else(|| panic!("{failure:?}"))
}

/// Tells by its drop that what it was in is gone.
#[derive(Clone, Default)]
pub struct Alive(Arc<()>);

impl Alive {
    pub fn guard(&self) -> Self {
        self.clone()
    }

    /// How many guards there are.
    pub fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// Counts.
#[derive(Clone, Default)]
pub struct Count(Arc<AtomicUsize>);

impl Count {
    pub fn up(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub const MS: Duration = Duration::from_millis(1);

/// Waits until this holds.
pub async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..5000 {
        if holds() {
            return;
        }
        tokio::time::sleep(MS).await;
    }
    panic!("it never held");
}

/// A bot that is one function.
pub struct Turning<F>(pub F);

/// A boxed future: tests may pass closures.
pub type Boxed<'a, T> = futures_util::future::BoxFuture<'a, T>;

impl<F> Bot for Turning<F>
where
    F: for<'a> Fn(&'a mut Call<Vec<String>>, Input, &'a mut Reply) -> Boxed<'a, Result>
        + Send
        + Sync
        + 'static,
{
    type Memory = Vec<String>;

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        (self.0)(call, input, reply).await
    }
}

/// Gives a closure the type that a bot of one function needs.
pub fn bot<F>(turn: F) -> Turning<F>
where
    F: for<'a> Fn(&'a mut Call<Vec<String>>, Input, &'a mut Reply) -> Boxed<'a, Result>
        + Send
        + Sync
        + 'static,
{
    Turning(turn)
}

/// What the caller said.
pub fn words(input: &Input) -> &str {
    match input {
        Input::Speech(words) => words,
        other => panic!("{other:?}"),
    }
}
