//! What is seen of a client from outside: an event at the end of each call, a span for each attempt, and the
//! trace that it passes on.

#![cfg(all(feature = "digital-employee", feature = "client", feature = "server"))]

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::client::{CallOptions, Error, InMemoryTransport, Retries, Transport, TransportError};
use callbot::digital_employee::{
    self, AbortDialogueRequest, Api, BeginSessionRequest, Client, DialogueRequest,
    EndSessionRequest, Reply, router,
};
use callbot::observe::{Event, Observer, Propagator, TraceContext, set_propagator};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::sleep;
use tracing::Span;

use crate::support::digital_employee_stub::{
    Fake, Stub, answer, begin, dialogue, dialogue_error, end, event, json_answer, packet, send,
    stream,
};
use crate::support::events::Events;
use crate::support::script::Step;
use crate::support::spans::{Seen, Spans, spanned};

const ACK: &str = include_str!("../fixtures/digital-employee/acknowledgement.json");
const ACK_FAILURE: &str = include_str!("../fixtures/digital-employee/acknowledgement-failure.json");

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn context() -> TraceContext {
    TraceContext::parse(&format!("00-{TRACE}-{PARENT}-01")).unwrap().with_state("a=1")
}

/// A client of this server, with up to two retries, and what its observer gets.
fn observed(url: &str) -> (Client, Events) {
    let events = Events::default();
    let client = Client::builder(url).options(options()).observer(events.clone());
    (client.build().unwrap(), events)
}

fn options() -> CallOptions {
    CallOptions::new().retries(Retries::up_to(2).initial_backoff(Duration::ZERO))
}

fn busy() -> Vec<Step> {
    vec![send(answer("503 Service Unavailable", "", ""))]
}

#[tokio::test]
async fn a_call_is_one_event_with_its_attempts() {
    let stub = Stub::new(vec![busy(), busy(), vec![send(json_answer("200 OK", ACK))]]).await;
    let (client, events) = observed(&stub.url);
    client.end_session(&end()).await.unwrap();
    assert_eq!(events.all(), ["upstream_request endSession ok 200 attempts=3"]);
}

#[tokio::test]
async fn a_call_that_fails_is_one_event_with_its_outcome() {
    for (bytes, expected) in [
        (json_answer("200 OK", ACK_FAILURE), "failure 200 attempts=1"),
        (json_answer("500 Oh", "{}"), "status 500 attempts=1"),
        (json_answer("200 OK", "{\"code\":[]}"), "decode 200 attempts=1"),
        (answer("503 Busy", "", ""), "status 503 attempts=3"),
        (String::new(), "transport attempts=1"),
    ] {
        let stub = Stub::answering(bytes).await;
        let (client, events) = observed(&stub.url);
        client.end_session(&end()).await.unwrap_err();
        assert_eq!(events.all(), [format!("upstream_request endSession {expected}")]);
    }
    // Nothing listens there.
    let (client, events) = observed("http://127.0.0.1:9");
    client.end_session(&end()).await.unwrap_err();
    assert_eq!(events.all(), ["upstream_request endSession transport attempts=3"]);
}

#[tokio::test]
async fn a_stream_is_one_event_at_its_end() {
    let one = event(packet("One", false));
    for (body, expected) in [
        (one.clone() + &event(packet("Two", true)), "ok 200 attempts=1"),
        (one.clone(), "cut 200 attempts=1"),
        (
            one.clone() + &event(r#"{"httpStatusCode":500,"code":"Error"}"#),
            "failure 200 attempts=1",
        ),
        (one.clone() + &event("{"), "decode 200 attempts=1"),
    ] {
        let stub = Stub::answering(stream(&body)).await;
        let (client, events) = observed(&stub.url);
        let mut packets = client.dialogue(&dialogue()).await.unwrap();
        assert!(packets.next().await.unwrap().is_ok());
        assert_eq!(events.all(), [""; 0], "the stream goes on");
        while packets.next().await.is_some() {}
        assert_eq!(events.all(), [format!("upstream_request dialogue {expected}")]);
        drop(packets);
        assert_eq!(events.all().len(), 1, "a second event");
    }
}

#[tokio::test]
async fn a_stream_without_a_head_is_one_event() {
    let stub = Stub::answering(answer("503 Busy", "", "")).await;
    let (client, events) = observed(&stub.url);
    dialogue_error(&client).await;
    assert_eq!(events.all(), ["upstream_request dialogue status 503 attempts=3"]);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_an_event() {
    let one = event(packet("One", false));
    let stub = Stub::new(vec![vec![send(stream(&one)), Step::Hold]]).await;
    let (client, events) = observed(&stub.url);
    let mut packets = client.dialogue(&dialogue()).await.unwrap();
    assert!(packets.next().await.unwrap().is_ok());
    drop(packets);
    assert_eq!(events.all(), ["upstream_request dialogue dropped 200 attempts=1"]);

    let stub = Stub::new(vec![vec![Step::Hold]]).await;
    let (client, events) = observed(&stub.url);
    assert!(client.end_session(&end()).now_or_never().is_none());
    assert_eq!(events.all(), ["upstream_request endSession dropped attempts=1"]);
}

#[tokio::test(start_paused = true)]
async fn a_missed_deadline_is_the_outcome() {
    let fake = Fake::new(|_| std::future::pending());
    let events = Events::default();
    let (spans, _guard) = spanned();
    let client = Client::builder("http://bot").transport(fake).observer(events.clone());
    let client = client.build().unwrap();
    client.end_session(&end()).await.unwrap_err();
    dialogue_error(&client).await;
    let line = |operation| format!("upstream_request {operation} deadline attempts=1");
    assert_eq!(events.all(), [line("endSession"), line("dialogue")]);
    for span in attempts(&spans) {
        assert_eq!(span.fields["error.type"], "deadline");
        assert_eq!(span.fields["otel.status_code"], "ERROR");
    }
}

#[tokio::test(start_paused = true)]
async fn the_duration_of_a_stream_lasts_until_its_end() {
    /// Keeps the durations.
    #[derive(Clone, Default)]
    struct Durations(Arc<Mutex<Vec<Duration>>>);

    impl Observer for Durations {
        fn observe(&self, event: &Event<'_>) {
            if let Event::UpstreamRequest(request) = event {
                self.0.lock().unwrap().push(request.duration);
            }
        }
    }

    let fake = Fake::new(|_| {
        let packets = [event(packet("One", false)), event(packet("Two", true))];
        let body = futures_util::stream::iter(packets).then(|packet| async move {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, std::io::Error>(packet)
        });
        let head = http::Response::builder().header("content-type", "text/event-stream");
        std::future::ready(head.body(reqwest::Body::wrap_stream(body)).unwrap())
    });
    let durations = Durations::default();
    let client = Client::builder("http://bot").transport(fake).observer(durations.clone());
    let packets = client.build().unwrap().dialogue(&dialogue()).await.unwrap();
    packets.try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(*durations.0.lock().unwrap(), [Duration::from_secs(2)]);
}

#[tokio::test]
async fn a_request_that_is_not_sent_is_no_event() {
    let (client, events) = observed("http://127.0.0.1:9");
    let mut request = begin();
    request.vendor_params = request.vendor_params.with_extra("calledNumber", "4000000001");
    let error = client.begin_session(&request).await.err().unwrap();
    assert!(error.violations().is_some());
    assert_eq!(events.all(), [""; 0]);
}

fn attempts(spans: &Spans) -> Vec<Seen> {
    spans.named("attempt").into_iter().map(|(_, span)| span).collect()
}

#[tokio::test]
async fn each_attempt_has_a_span() {
    let stub = Stub::new(vec![busy(), busy(), vec![send(json_answer("200 OK", ACK))]]).await;
    let (client, _) = observed(&stub.url);
    let (spans, _guard) = spanned();
    client.end_session(&end()).await.unwrap();
    let attempts = attempts(&spans);
    assert_eq!(attempts.len(), 3);
    for (number, span) in attempts.iter().enumerate() {
        assert!(span.closed);
        assert_eq!(span.target, "callbot::attempt");
        // Those of the transport stand there, too.
        assert_eq!(span.events.last().unwrap(), "response received");
        let (status, failed) = if number < 2 { ("503", Some("status")) } else { ("200", None) };
        let port = stub.url.rsplit(':').next().unwrap();
        for (field, value) in [
            ("otel.name", "POST /proxy/endSession"),
            ("otel.kind", "client"),
            ("operation", "endSession"),
            ("http.request.method", "POST"),
            ("server.address", "127.0.0.1"),
            ("server.port", port),
            ("url.path", "/proxy/endSession"),
            ("http.response.status_code", status),
        ] {
            assert_eq!(span.fields[field], value, "{field}");
        }
        let field = |name: &str| span.fields.get(name).map(String::as_str);
        let resent = (number > 0).then(|| number.to_string());
        assert_eq!(field("http.request.resend_count"), resent.as_deref());
        assert_eq!(field("error.type"), failed);
        assert_eq!(field("otel.status_code"), failed.map(|_| "ERROR"));
        assert_eq!(field("trace_id"), None);
    }
}

#[tokio::test]
async fn the_span_of_an_attempt_lasts_until_the_end_of_its_stream() {
    let one = event(packet("One", false));
    let stub = Stub::answering(stream(&one)).await;
    let (client, _) = observed(&stub.url);
    let (spans, _guard) = spanned();
    let mut packets = client.dialogue(&dialogue()).await.unwrap();
    packets.next().await.unwrap().unwrap();
    assert!(!attempts(&spans)[0].closed);
    assert!(packets.next().await.unwrap().unwrap_err().is_cut());
    let span = &attempts(&spans)[0];
    assert!(span.closed, "although the stream has not been dropped");
    assert_eq!(span.fields["error.type"], "cut");
}

#[tokio::test]
async fn the_span_of_an_attempt_does_not_last_as_long_as_its_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = router(Proxy(Headers::default().client()));
    tokio::spawn(callbot::server::serve(listener, router).into_future());
    let client = Client::new(&url).unwrap();
    let (spans, _guard) = spanned();
    for _ in 0..2 {
        client.end_session(&end()).await.unwrap();
    }
    assert!(attempts(&spans).iter().all(|span| span.closed), "{:#?}", attempts(&spans));
}

#[tokio::test]
async fn a_dropped_attempt_closes_its_span() {
    let stub = Stub::new(vec![vec![Step::Hold]]).await;
    let (client, _) = observed(&stub.url);
    let (spans, _guard) = spanned();
    assert!(client.end_session(&end()).now_or_never().is_none());
    let span = &attempts(&spans)[0];
    assert!(span.closed);
    assert_eq!(span.fields["error.type"], "dropped");
    // A caller who barges in on a bot drops its request to a language model.
    assert_eq!(span.fields.get("otel.status_code"), None);
}

/// Returns the values of a header in all requests that the stub has seen.
fn seen(stub: &Stub, name: &str) -> Vec<Option<String>> {
    stub.seen().iter().map(|seen| seen.header(name).map(Into::into)).collect()
}

#[tokio::test]
async fn each_attempt_passes_the_trace_on_with_an_id_of_its_own() {
    let stub = Stub::new(vec![busy(), busy(), vec![send(json_answer("200 OK", ACK))]]).await;
    let (client, _) = observed(&stub.url);
    let (spans, _guard) = spanned();
    context().scope(client.end_session(&end())).await.unwrap();
    assert_eq!(seen(&stub, "tracestate"), vec![Some("a=1".to_owned()); 3]);
    let parents = seen(&stub, "traceparent");
    for (parent, span) in parents.iter().zip(attempts(&spans)) {
        let own = &span.fields["span_id"];
        assert_eq!(parent.as_deref(), Some(&*format!("00-{TRACE}-{own}-01")));
        assert_eq!((&*span.fields["trace_id"], &*span.fields["parent_id"]), (TRACE, PARENT));
    }
    assert!(parents[0] != parents[1] && parents[1] != parents[2]);
}

#[tokio::test]
async fn a_stream_passes_the_trace_on() {
    let stub = Stub::answering(stream(event(packet("One", true)))).await;
    let (client, _) = observed(&stub.url);
    context().scope(client.begin_session(&begin())).await.unwrap();
    let parents = seen(&stub, "traceparent");
    assert!(parents[0].as_ref().unwrap().starts_with(&format!("00-{TRACE}-")));
}

#[tokio::test]
async fn without_a_trace_nothing_is_passed_on() {
    let stub = Stub::answering(json_answer("200 OK", ACK)).await;
    let (client, _) = observed(&stub.url);
    client.end_session(&end()).await.unwrap();
    assert_eq!(seen(&stub, "traceparent"), [None]);
    assert_eq!(seen(&stub, "tracestate"), [None]);
}

#[tokio::test]
async fn a_trace_that_the_call_sets_itself_stays() {
    let stub = Stub::answering(json_answer("200 OK", ACK)).await;
    let (client, _) = observed(&stub.url);
    let own = HeaderValue::from_static("00-11111111111111111111111111111111-2222222222222222-00");
    let options = options().header(HeaderName::from_static("traceparent"), own.clone());
    context().scope(client.with_options(options).end_session(&end())).await.unwrap();
    assert_eq!(seen(&stub, "traceparent"), [Some(own.to_str().unwrap().to_owned())]);
    assert_eq!(seen(&stub, "tracestate"), [None]);
}

/// Keeps the headers of the requests, and acknowledges them.
#[derive(Clone, Default)]
struct Headers(Arc<Mutex<Vec<HeaderMap>>>);

impl Transport for Headers {
    fn send(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        self.0.lock().unwrap().push(request.headers().clone());
        async { Ok(http::Response::new(reqwest::Body::from(ACK)).into()) }.boxed()
    }
}

impl Headers {
    fn client(&self) -> Client {
        Client::builder("http://upstream").transport(self.clone()).build().unwrap()
    }

    fn trace(&self) -> TraceContext {
        let headers = self.0.lock().unwrap().pop().expect("a request");
        TraceContext::from_headers(&headers).expect("a trace")
    }
}

/// A handler that makes a request itself, before it answers.
struct Proxy(Client);

impl Proxy {
    async fn ask(&self) -> Result<(), callbot::server::Error> {
        self.0.end_session(&end()).await.map(drop).map_err(Into::into)
    }
}

impl Api for Proxy {
    async fn begin_session(
        &self,
        _: BeginSessionRequest,
        reply: &mut Reply,
    ) -> Result<(), callbot::server::Error> {
        self.ask().await?;
        reply.finish("Welcome.").await
    }

    async fn dialogue(
        &self,
        _: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), callbot::server::Error> {
        reply.send("One moment. ").await?;
        self.ask().await?;
        reply.finish("Done.").await
    }

    async fn abort_dialogue(&self, _: AbortDialogueRequest) -> Result<(), callbot::server::Error> {
        self.ask().await
    }

    async fn end_session(&self, _: EndSessionRequest) -> Result<(), callbot::server::Error> {
        self.ask().await
    }
}

/// Makes a call that streams and one that does not.
async fn call_both(client: &Client) -> Result<(), Error> {
    client.end_session(&end()).await?;
    client.dialogue(&dialogue()).await?.try_collect::<Vec<_>>().await.map(drop)
}

#[tokio::test]
async fn a_trace_goes_through_a_server_to_the_requests_of_its_handler() {
    let upstream = Headers::default();
    for deadline in [None, Some(Duration::from_secs(9))] {
        let server = digital_employee::Server::new(Proxy(upstream.client())).deadline(deadline);
        let transport = InMemoryTransport::new(server.router());
        let client = Client::builder("http://bot").transport(transport).build().unwrap();
        let (spans, _guard) = spanned();
        context().scope(call_both(&client)).await.unwrap();
        // Client, server, client again: each is the child of the one before it.
        let all = spans.all();
        for chain in [&all[..3], &all[3..]] {
            let names: Vec<_> = chain.iter().map(|span| span.name.as_str()).collect();
            assert_eq!(names, ["attempt", "request", "attempt"]);
            let mut parent = PARENT;
            for span in chain {
                assert_eq!(span.fields["trace_id"], TRACE);
                assert_eq!(span.fields["parent_id"], parent);
                parent = &span.fields["span_id"];
            }
            assert_eq!(chain[0].parent, None);
            assert!(chain[1..].iter().all(|span| span.parent.is_some()));
        }
        for _ in 0..2 {
            assert_eq!(upstream.trace().tracestate(), Some("a=1"));
        }
    }
}

thread_local! {
    /// Whether this thread uses the propagator. The other tests of this process do not.
    static PROPAGATES: Cell<bool> = const { Cell::new(false) };
}

/// A tracing library whose ids are the numbers of its spans.
struct Library;

impl Propagator for Library {
    fn received(&self, span: &Span, remote: &TraceContext) {
        if PROPAGATES.get() {
            span.in_scope(|| tracing::info!("child of {}", remote.traceparent()));
        }
    }

    fn current(&self, span: &Span) -> Option<TraceContext> {
        let id = span.id().filter(|_| PROPAGATES.get())?.into_u64();
        TraceContext::new([7; 16], id.to_be_bytes(), 1)
    }
}

#[tokio::test]
async fn a_propagator_connects_the_spans_with_another_tracing_library() {
    let _ = set_propagator(Library);
    assert_eq!(set_propagator(Library).unwrap_err().to_string(), "a propagator is set already");
    PROPAGATES.set(true);
    let upstream = Headers::default();
    let server = router(Proxy(upstream.client()));
    let client = Client::builder("http://bot").transport(InMemoryTransport::new(server));
    let client = client.build().unwrap();
    // Only a span has a context of the propagator.
    assert_eq!(TraceContext::current(), None);
    let (spans, _guard) = spanned();
    client.end_session(&end()).await.unwrap();
    let all = spans.all();
    let sent = format!("00-{}", "07".repeat(16));
    assert!(all[1].events[0].starts_with(&format!("child of {sent}")), "{:?}", all[1]);
    assert_eq!(upstream.trace().trace_id(), [7; 16]);
    assert!(all.iter().all(|span| !span.fields.contains_key("trace_id")), "ids of two kinds");
    PROPAGATES.set(false);
}
