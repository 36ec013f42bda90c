//! Every client of the crate accepts the shared settings, and each setting has its effect.

#![cfg(all(feature = "client", feature = "rustls"))]
#![cfg(all(feature = "digital-employee", feature = "duix", feature = "odfs"))]
#![cfg(all(feature = "chat", feature = "aui"))]

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::aui::{self, Base, ice};
use callbot::auth::{Credentials, Scheme, Signer};
use callbot::chat::{self, ChatRequest, Message};
use callbot::client::{
    CallOptions, ClientBuilder, Deadline, Error, Retries, Transport, TransportError,
};
use callbot::codegen::BuildClient;
use callbot::odfs::{Start, StartInParams, StartInParamsFields};
use callbot::{digital_employee, duix, odfs};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};

const URL: &str = "http://host.example/below";
const SECRET: &str = "secret-4711";

/// A client: how it is built, one of its calls, and how it gets other options.
struct Subject<C: BuildClient> {
    name: &'static str,
    builder: fn() -> ClientBuilder<C>,
    call: for<'a> fn(&'a C) -> BoxFuture<'a, Result<(), Error>>,
    with_options: fn(&C, CallOptions) -> C,
}

impl<C: BuildClient> Subject<C> {
    /// Returns a builder of a client that uses `transport`.
    fn over(&self, transport: impl Transport) -> ClientBuilder<C> {
        (self.builder)().transport(transport)
    }

    async fn error(&self, client: &C) -> Error {
        (self.call)(client).await.expect_err(self.name)
    }
}

macro_rules! subject {
    ($client:ty, $builder:expr, $it:ident => $call:expr) => {
        Subject::<$client> {
            name: stringify!($client),
            builder: || $builder,
            call: |$it| Box::pin(async move { $call.await.map(drop) }),
            with_options: <$client>::with_options,
        }
    };
}

/// Runs a check on every client of the crate.
macro_rules! with_every_client {
    ($check:ident) => {
        $check(subject!(
            digital_employee::Client, digital_employee::Client::builder(URL),
            client => client.end_session(&end())
        )).await;
        $check(subject!(
            duix::Client, duix::Client::builder("app-1", SECRET).base_url(URL),
            client => client.concurrency()
        )).await;
        $check(subject!(
            duix::WireClient, duix::WireClient::builder(URL),
            client => client.concurrency(&concurrency())
        )).await;
        $check(subject!(
            duix::dialogue::Client, duix::dialogue::Client::builder(URL),
            client => client.dialogue(&dialogue())
        )).await;
        $check(subject!(
            odfs::Client, odfs::Client::builder(URL, "tenant-1", SECRET),
            client => client.process(start())
        )).await;
        $check(subject!(
            odfs::Client, odfs::Client::builder_with_token(URL, SECRET),
            client => client.process(start())
        )).await;
        $check(subject!(
            odfs::WireClient, odfs::WireClient::builder(URL),
            client => client.process(&start())
        )).await;
        $check(subject!(
            chat::Client, chat::Client::builder(URL).key(SECRET),
            client => client.complete(&question())
        )).await;
        $check(subject!(
            chat::WireClient, chat::WireClient::builder(URL),
            client => client.create_chat_completion(&Default::default(), &question())
        )).await;
        $check(subject!(
            aui::Client, aui::Client::builder(URL, Base::V2).authorization(SECRET),
            client => client.describe_instance(&describe())
        )).await;
        $check(subject!(
            ice::Client, ice::Client::builder(Credentials::new("key-1", SECRET)).base_url(URL),
            client => client.describe_instance(&describe_at_ice())
        )).await;
    };
}

fn end() -> digital_employee::EndSessionRequest {
    digital_employee::EndSessionRequest::new(digital_employee::EndSessionRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
    })
}

fn concurrency() -> duix::ConcurrencyParameters {
    duix::ConcurrencyParameters::new("token-1", "app-1")
}

fn dialogue() -> duix::dialogue::DialogueRequest {
    duix::dialogue::DialogueRequest::new(duix::dialogue::DialogueRequestFields {
        user_id: "1",
        avatar_code: "2",
        question: "Hello!",
        conversation_id: "4",
    })
}

fn start() -> odfs::Request {
    let parameters = StartInParams::new(StartInParamsFields {
        call_id: "c-1",
        call_sor_id: "10000",
        call_dst_id: "10086",
        auth_token: "".into(),
    });
    odfs::Request::Start(Start::new("c-1", parameters))
}

fn question() -> ChatRequest {
    ChatRequest::new("large", [Message::user("Hello!")])
}

fn describe() -> aui::DescribeInstanceRequest {
    aui::DescribeInstanceRequest::new("u1", "i1")
}

fn describe_at_ice() -> ice::DescribeInstanceRequest {
    ice::DescribeInstanceRequest::new("i1")
}

/// A transport that never connects, and records the requests.
#[derive(Clone, Default)]
struct Nowhere(Arc<Mutex<Vec<reqwest::Request>>>);

impl Nowhere {
    fn sent(&self) -> Vec<reqwest::Request> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Transport for Nowhere {
    fn send(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        self.0.lock().unwrap().push(request);
        Box::pin(async { Err(TransportError::connect("nothing is listening")) })
    }
}

/// A transport that never answers.
struct Silent;

impl Transport for Silent {
    fn send(
        &self,
        _: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        Box::pin(std::future::pending())
    }
}

/// A transport whose every answer has this status and this encoding.
#[derive(Clone, Copy)]
struct Encoded(u16, &'static str);

impl Transport for Encoded {
    fn send(
        &self,
        _: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        let Self(status, encoding) = *self;
        let response = http::Response::builder().status(status);
        let response = response.header("content-encoding", encoding);
        let response = response.header("content-type", "application/json");
        Box::pin(async { Ok(response.body(b"\x1f\x8b\x08".as_slice()).unwrap().into()) })
    }
}

fn header(value: &'static str) -> CallOptions {
    CallOptions::new().header(HeaderName::from_static("x-header"), HeaderValue::from_static(value))
}

async fn refuses_urls<C: BuildClient>(subject: Subject<C>) {
    let name = subject.name;
    for url in ["", "host", "ftp://host", "mailto:host", "http://", "http://h?a=b", "http://h#a"] {
        let Err(error) = (subject.builder)().base_url(url).build() else {
            panic!("{name} accepts {url:?}");
        };
        assert!(error.to_string().starts_with("the client can't be built: "), "{name}: {error}");
    }
    for url in ["http://user:hunter2@host:port", "ftp://user:hunter2@host"] {
        let Err(error) = (subject.builder)().base_url(url).build() else {
            panic!("{name} accepts {url:?}");
        };
        let source = error.source().map(ToString::to_string);
        assert!(!format!("{error} {error:?} {source:?}").contains("hunter2"), "{name}: {error:?}");
    }
    assert!((subject.builder)().base_url("https://host/a/").build().is_ok(), "{name}");
}

#[tokio::test]
async fn a_base_url_that_is_not_http_is_refused() {
    with_every_client!(refuses_urls);
}

async fn calls_the_base_url<C: BuildClient>(subject: Subject<C>) {
    let transport = Nowhere::default();
    let client = subject.over(transport.clone()).base_url("http://other/a/").build().unwrap();
    let error = subject.error(&client).await;
    assert!(error.is_transport() && error.is_retryable(), "{}: {error:?}", subject.name);
    // The cause is the source of the error, and is not printed twice.
    assert!(error.to_string().ends_with(": can't connect"), "{}: {error}", subject.name);
    assert_eq!(error.source().unwrap().to_string(), "nothing is listening", "{}", subject.name);
    let sent = transport.sent();
    assert!(!sent.is_empty(), "{}", subject.name);
    for request in sent {
        assert!(request.url().as_str().starts_with("http://other/a/"), "{}", request.url());
    }
}

#[tokio::test]
async fn the_transport_carries_every_call_to_the_base_url() {
    with_every_client!(calls_the_base_url);
}

async fn reports_the_connect_deadline<C: BuildClient>(subject: Subject<C>) {
    const SHORT: Duration = Duration::from_millis(50);
    let url = crate::support::script::silent().await;
    let builder = (subject.builder)().base_url(&url).connect_deadline(SHORT);
    let client = builder.options(CallOptions::new()).build().unwrap();
    let error = subject.error(&client).await;
    assert_eq!(error.deadline(), Some(Deadline::Connect), "{}: {error:?}", subject.name);
    assert!(error.to_string().ends_with("not connected within 50ms"), "{error}");
}

#[tokio::test]
async fn the_connect_deadline_is_reported() {
    with_every_client!(reports_the_connect_deadline);
}

async fn names_an_encoding<C: BuildClient>(subject: Subject<C>) {
    for encoding in ["gzip", "br, zstd"] {
        let client = subject.over(Encoded(200, encoding)).build().unwrap();
        let error = subject.error(&client).await;
        let expected =
            format!("the response is encoded with {encoding}, although no encoding was accepted");
        assert!(error.to_string().ends_with(&expected), "{}: {error}", subject.name);
        assert!(!error.is_retryable() && error.decode_error().is_none(), "{error:?}");
    }
    // What a gateway answers instead of the peer keeps its status.
    let client = subject.over(Encoded(503, "gzip")).build().unwrap();
    let error = subject.error(&client).await;
    assert_eq!(error.status().map(|status| status.as_u16()), Some(503), "{}", subject.name);
    assert!(error.is_retryable(), "{}: {error:?}", subject.name);
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_is_named() {
    with_every_client!(names_an_encoding);
}

async fn applies_options<C: BuildClient>(subject: Subject<C>) {
    let value = |transport: &Nowhere| {
        let sent = transport.sent();
        assert!(!sent.is_empty(), "{}", subject.name);
        sent.iter().map(|request| request.headers()["x-header"].clone()).collect::<Vec<_>>()
    };
    let transport = Nowhere::default();
    let client = subject.over(transport.clone()).options(header("built")).build().unwrap();
    subject.error(&client).await;
    assert_eq!(value(&transport), ["built"], "{}", subject.name);
    // The other client has its own options, and the first one keeps its options.
    let other = (subject.with_options)(&client, header("other"));
    subject.error(&other).await;
    assert_eq!(value(&transport), ["other"], "{}", subject.name);
    subject.error(&client).await;
    assert_eq!(value(&transport), ["built"], "{}", subject.name);

    let three = Duration::from_secs(3);
    let options = CallOptions::new().call_deadline(three);
    for client in [
        subject.over(Silent).options(options.clone()).build().unwrap(),
        (subject.with_options)(&subject.over(Silent).build().unwrap(), options),
    ] {
        let start = tokio::time::Instant::now();
        let error = subject.error(&client).await;
        assert_eq!(error.deadline(), Some(Deadline::Call), "{}: {error:?}", subject.name);
        assert_eq!(start.elapsed().as_secs(), three.as_secs(), "{}", subject.name);
    }
}

#[tokio::test(start_paused = true)]
async fn options_apply_only_to_the_client_that_got_them() {
    with_every_client!(applies_options);
}

async fn signs<C: BuildClient>(subject: Subject<C>) {
    let signer = |key| Signer::new(Credentials::new(key, SECRET), Scheme::Trigger);
    let transport = Nowhere::default();
    let builder = subject.over(transport.clone()).sign(signer("key-of-the-test"));
    subject.error(&builder.build().unwrap()).await;
    let sent = transport.sent();
    assert!(!sent.is_empty(), "{}", subject.name);
    for request in sent {
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(authorization.contains("Credential=key-of-the-test,"), "{}", subject.name);
    }
    let Err(error) = subject.over(transport).sign(signer("key\n")).build() else {
        panic!("{} accepts a key that can't sign", subject.name);
    };
    assert!(error.to_string().ends_with("requests can't be signed"), "{error}");
    assert_eq!(
        error.source().unwrap().to_string(),
        "the request can't be signed: the key id is not a valid header value"
    );
}

#[tokio::test]
async fn every_call_is_signed() {
    with_every_client!(signs);
}

async fn retries<C: BuildClient>(subject: Subject<C>) {
    let transport = Nowhere::default();
    let none = CallOptions::new().retries(Retries::NONE);
    let client = subject.over(transport.clone()).options(none).build().unwrap();
    subject.error(&client).await;
    assert_eq!(transport.sent().len(), 1, "{}", subject.name);
}

#[tokio::test]
async fn without_retries_a_call_makes_one_attempt() {
    with_every_client!(retries);
}

async fn shows_nothing<C: BuildClient>(subject: Subject<C>) {
    let builder = || {
        let signer = Signer::new(Credentials::new("key-1", SECRET), Scheme::Full);
        (subject.builder)().options(header(SECRET)).sign(signer)
    };
    let with_password = builder().base_url("http://user:hunter2@host");
    for shown in [format!("{with_password:?} {with_password:#?}"), format!("{:?}", builder())] {
        assert!(shown.starts_with("ClientBuilder"), "{shown}");
        for hidden in [SECRET, "hunter2"] {
            assert!(!shown.contains(hidden), "{}: {shown}", subject.name);
        }
    }
}

#[tokio::test]
async fn debug_of_a_builder_shows_no_secret() {
    with_every_client!(shows_nothing);
}

#[test]
fn debug_of_a_client_shows_no_secret() {
    let url = "http://user:hunter2@host";
    let key = || Credentials::new("key-1", SECRET);
    let shown = [
        format!("{:?}", digital_employee::Client::new(url).unwrap()),
        format!("{:?}", duix::Client::builder("a", SECRET).base_url(url).build().unwrap()),
        format!("{:?}", duix::dialogue::Client::new(url).unwrap()),
        format!("{:?}", odfs::Client::builder(url, "tenant-1", SECRET).build().unwrap()),
        format!("{:?}", odfs::Client::builder_with_token(url, SECRET).build().unwrap()),
        format!("{:?}", chat::Client::builder(url).key(SECRET).build().unwrap()),
        format!("{:?}", aui::Client::builder(url, Base::V1).authorization(SECRET).build().unwrap()),
        format!("{:?}", ice::Client::builder(key()).build().unwrap()),
    ];
    for shown in shown {
        assert!(shown.starts_with("Client"), "{shown}");
        assert!(!shown.contains(SECRET) && !shown.contains("hunter2"), "{shown}");
    }
}

/// The base URL of ICE may contain the region. Then each region has its own host.
#[tokio::test]
async fn the_base_url_of_ice_may_contain_the_region() {
    let transport = Nowhere::default();
    let client = ice::Client::builder(Credentials::new("key-1", SECRET))
        .base_url("https://ice-vpc.{region}.example/a")
        .transport(transport.clone())
        .build()
        .unwrap();
    for client in [client.with_region("cn-beijing").unwrap(), client] {
        client.describe_instance(&describe_at_ice()).await.unwrap_err();
    }
    let hosts: Vec<_> = transport.sent().iter().map(|sent| sent.url().to_string()).collect();
    assert_eq!(
        hosts,
        [
            "https://ice-vpc.cn-beijing.example/a/?InstanceId=i1",
            "https://ice-vpc.cn-shanghai.example/a/?InstanceId=i1",
        ]
    );
}

/// `?` converts a client's error to `anyhow`, with all its sources.
#[tokio::test]
async fn the_whole_error_chain_reaches_an_application() {
    async fn call() -> anyhow::Result<()> {
        let client =
            digital_employee::Client::builder(URL).transport(Nowhere::default()).build()?;
        client.end_session(&end()).await?;
        Ok(())
    }
    let error = call().await.unwrap_err();
    assert_eq!(format!("{error:#}"), "endSession: can't connect: nothing is listening");
}
