//! Shared by the tests of the DUIX management client: all its calls, a scripted platform on a socket or
//! without one, clocks that are set by hand, and the parts of a token.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbot::client::{CallOptions, Error, Retries, Transport, TransportError};
use callbot::clock::Clock;
use callbot::duix::{Client, ClientBuilder, CreateAvatarRequest, Tokens};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) use super::script::answer as raw;
use super::script::{Seen, Stub, json_answer, send};

pub(crate) const APP: &str = "app-1";
pub(crate) const KEY: &str = "secret-1";

/// The time at which tests start, in Unix seconds.
pub(crate) const NOW: i64 = 1_700_000_000;

/// The calls that read, which are retried after a failure.
pub(crate) const READS: [&str; 4] = ["concurrency", "sessions", "conversation", "avatar"];
/// The calls that act, which are not retried.
pub(crate) const ACTS: [&str; 3] = ["stop_session", "stop_all_sessions_of_app", "create_avatar"];

pub(crate) fn calls() -> impl Iterator<Item = &'static str> + Clone {
    READS.into_iter().chain(ACTS)
}

/// Makes a call by its name.
pub(crate) async fn call(client: &Client, name: &str) -> Result<StatusCode, Error> {
    match name {
        "concurrency" => client.concurrency().await.map(|answer| answer.status()),
        "sessions" => client.sessions().await.map(|answer| answer.status()),
        "conversation" => client.conversation("108").await.map(|answer| answer.status()),
        "avatar" => client.avatar("task-1").await.map(|answer| answer.status()),
        "stop_session" => client.stop_session("session-1").await.map(|answer| answer.status()),
        "stop_all_sessions_of_app" => {
            client.stop_all_sessions_of_app().await.map(|answer| answer.status())
        }
        "create_avatar" => client.create_avatar(&avatar()).await.map(|answer| answer.status()),
        _ => panic!("no call {name}"),
    }
}

pub(crate) fn avatar() -> CreateAvatarRequest {
    let mut request = CreateAvatarRequest::new("voice-1");
    request.conversation_id = Some("108".into());
    request
}

/// A clock that is set by hand.
#[derive(Debug, Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW * 1000)))
    }

    /// Sets it to this many seconds after the start of the test.
    pub(crate) fn set(&self, seconds: f64) {
        self.0.store(NOW * 1000 + (seconds * 1000.0) as i64, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> SystemTime {
        let millis = self.0.load(Ordering::SeqCst);
        UNIX_EPOCH + Duration::from_millis(millis.try_into().unwrap())
    }
}

/// A clock that advances by a second whenever it is read, so that no two tokens are the same.
#[derive(Debug)]
pub(crate) struct Ticking(AtomicI64);

impl Ticking {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(NOW))
    }
}

impl Clock for Ticking {
    fn now(&self) -> SystemTime {
        let seconds = self.0.fetch_add(1, Ordering::SeqCst);
        UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap())
    }
}

/// The header and the claims of a token, as text.
pub(crate) fn taken_apart(token: &str) -> [String; 2] {
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, _] = parts[..] else { panic!("no token: {token}") };
    [header, claims].map(|part| {
        String::from_utf8(URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("UTF-8")
    })
}

/// `iat` and `exp` of a token.
pub(crate) fn times(token: &str) -> (i64, i64) {
    let claims: Value = taken_apart(token)[1].parse().unwrap();
    (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap())
}

/// Up to `most` retries without a pause.
pub(crate) fn at_once(most: u32) -> CallOptions {
    CallOptions::new().retries(Retries::up_to(most).initial_backoff(Duration::ZERO))
}

/// A request as the platform received it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The request line.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Since the start of the platform. Only a platform without a socket measures it.
    pub(crate) at: Duration,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    pub(crate) fn token(&self) -> &str {
        self.header("token").expect("a token")
    }
}

/// The tokens of several requests.
pub(crate) fn tokens(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(Asked::token).collect()
}

/// The answer of a platform without a socket.
pub(crate) type Given = Result<http::Response<reqwest::Body>, TransportError>;

pub(crate) fn given(status: u16, body: impl Into<reqwest::Body>) -> Given {
    Ok(http::Response::builder().status(status).body(body.into()).unwrap())
}

/// The platform without a socket, so that time can be paused.
#[derive(Clone)]
pub(crate) struct Fake(Arc<FakeState>);

type Script = dyn Fn(usize, &Asked) -> BoxFuture<'static, Given> + Send + Sync;

struct FakeState {
    script: Mutex<Arc<Script>>,
    start: Instant,
    asked: Mutex<Vec<Asked>>,
}

impl Fake {
    /// Answers by the number of the attempt, counted from 0, and by the request.
    pub(crate) fn new<F>(answer: impl Fn(usize, &Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Given> + Send + 'static,
    {
        let script: Arc<Script> = Arc::new(move |number, asked| Box::pin(answer(number, asked)));
        let (start, asked) = (Instant::now(), Mutex::default());
        Self(Arc::new(FakeState { script: Mutex::new(script), start, asked }))
    }

    /// Answers with these bodies in turn, and then always with the last one.
    pub(crate) fn playing(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let fake = Self::new(|_, _| std::future::ready(given(500, "")));
        fake.play(answers);
        fake
    }

    /// Forgets the earlier requests, and answers with these bodies in turn.
    pub(crate) fn play(&self, answers: impl IntoIterator<Item = (u16, Value)>) {
        let answers: Vec<_> =
            answers.into_iter().map(|(status, body)| (status, body.to_string())).collect();
        self.act(move |number| {
            let (status, body) = &answers[number.min(answers.len() - 1)];
            given(*status, body.clone())
        });
    }

    /// Forgets the earlier requests, and answers by the number of the attempt.
    pub(crate) fn act(&self, answer: impl Fn(usize) -> Given + Send + Sync + 'static) {
        let script = move |number, _: &Asked| {
            Box::pin(std::future::ready(answer(number))) as BoxFuture<'static, _>
        };
        *self.0.script.lock().unwrap() = Arc::new(script);
        self.taken();
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(APP, KEY).transport(self.clone())
    }

    /// A client whose tokens are dated by this clock without back-dating.
    pub(crate) fn dated(&self, clock: impl Clock) -> ClientBuilder {
        let tokens = Tokens::new(APP, KEY).back_dating(Duration::ZERO).clock(clock);
        Client::builder_with_tokens(tokens).transport(self.clone())
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.asked.lock().unwrap().clone()
    }

    /// The requests since the last call of this method. The numbers of attempts start at 0 again.
    pub(crate) fn taken(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.0.asked.lock().unwrap())
    }
}

impl Transport for Fake {
    fn send(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        let url = request.url();
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let asked = Asked {
            line: format!("{} {}{query} HTTP/1.1", request.method(), url.path()),
            headers: request.headers().clone(),
            body: request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec(),
            at: self.0.start.elapsed(),
        };
        let number = {
            let mut all = self.0.asked.lock().unwrap();
            all.push(asked.clone());
            all.len() - 1
        };
        let script = self.0.script.lock().unwrap().clone();
        let answer = script(number, &asked);
        Box::pin(async move { answer.await.map(Into::into) })
    }
}

/// The platform on a socket, with raw answers. It closes the connection after each of them.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) url: String,
    stub: Stub,
}

impl Socket {
    /// Answers by the number of the request, counted from 0.
    pub(crate) async fn new(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let stub = Stub::playing(move |_, number| vec![send(answer(number))]).await;
        Self { url: stub.url.clone(), stub }
    }

    /// Answers every request with this status and this body.
    pub(crate) async fn answering(status: &str, body: impl ToString) -> Self {
        let answer = json_answer(status, &body.to_string());
        Self::new(move |_| answer.clone()).await
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(APP, KEY).base_url(&self.url)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.stub.seen().into_iter().map(Asked::from).collect()
    }
}

impl From<Seen> for Asked {
    fn from(seen: Seen) -> Self {
        let header = |(name, value): &(String, String)| {
            (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in seen.headers.iter().map(header) {
            headers.append(name, value);
        }
        Self { line: seen.line, headers, body: seen.body, at: Duration::ZERO }
    }
}

/// A success that fits every call.
pub(crate) fn good() -> Value {
    json!({"success": true, "code": "200", "message": "SUCCESS", "data": {}})
}

pub(crate) fn failure(code: impl Into<Value>) -> Value {
    json!({"success": false, "code": code.into(), "message": "it is said why"})
}
