//! Passes a request to its handler, and the handler's result back.

use std::borrow::Cow;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::{FutureExt, StreamExt};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::events::{Events, SpawnedTurn};
use super::frame_queue::FrameQueue;
use super::incoming::late_body;
use super::watch::{self, Part, SharedWatch};
use super::{
    Answers, Error, Fault, FaultKind, FoldPackets, Incoming, Reads, Rules, Server, Sink, Speaks,
};
use crate::wire::{DecodeError, Operation, Printable, Validate, decode};

tokio::task_local! {
    static CURRENT: Current;
}

/// What a handler may ask about the request that it serves.
#[derive(Clone)]
struct Current {
    arrived: Instant,
    query: Option<Arc<str>>,
}

/// Returns when the request that the current handler serves arrived: when its head was there,
/// before the body was read. Outside a handler, returns the current instant.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// /// Returns how much of a budget of 600 ms for the first packet is left, in any handler.
/// fn budget_left() -> Duration {
///     let deadline = callbot::server::arrived() + Duration::from_millis(600);
///     deadline.saturating_duration_since(Instant::now())
/// }
///
/// assert!(budget_left() <= Duration::from_millis(600));
/// ```
#[must_use]
pub fn arrived() -> Instant {
    CURRENT.try_with(|current| current.arrived).unwrap_or_else(|_| Instant::now())
}

/// Returns the query string of the URL of the request that the current handler serves, percent-encoded as it
/// was sent. `None` if it has none, and outside a handler.
///
/// Where the URL of your server is a setting of the platform, the query string is yours: the tenant or the
/// line of a call may be in it.
///
/// ```
/// /// Returns the line that the URL in the platform's console names, as in `https://bot.example/v1?line=north`.
/// fn line() -> Option<String> {
///     let query = callbot::server::query()?;
///     let line = query.split('&').find_map(|pair| pair.strip_prefix("line="))?;
///     Some(line.to_owned())
/// }
///
/// assert_eq!(line(), None);
/// ```
#[must_use]
pub fn query() -> Option<Arc<str>> {
    CURRENT.try_with(|current| current.query.clone()).unwrap_or_default()
}

/// The rules of a platform that has routes for this `Api`.
pub trait Routes<A>: Rules + Sized {
    /// The operations that are served.
    const OPERATIONS: &'static [&'static Operation];

    /// Returns the routes of a server.
    fn routes(server: Server<A, Self>) -> Router;
}

/// An operation, and how to read its input.
pub trait Call<A>: Send + 'static {
    /// The rules of the platform.
    type Rules: Reads<Self::Input>;
    /// The input of the handler.
    type Input: Send;

    /// The operation.
    const OPERATION: &'static Operation;

    /// Reads the input.
    ///
    /// # Errors
    /// If the request does not match the spec.
    fn read(incoming: &Incoming) -> Result<Self::Input, DecodeError>;
}

/// An operation with a single response.
pub trait AnswerCall<A>: Call<A, Rules: Answers<Self::Output>> {
    /// The output of the handler.
    type Output: Send;

    /// Calls the handler.
    fn call(
        api: &A,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// An operation that responds with a stream of events.
pub trait EventsCall<A>: Call<A, Rules: Speaks> {
    /// Calls the handler.
    fn call(
        api: &A,
        input: Self::Input,
        reply: &mut Sink<<Self::Rules as Speaks>::Writer>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// An operation that responds with a stream of events or with one answer, as the request asks.
pub trait EitherCall<A>: EventsCall<A> {
    /// Whether the request asks for a stream.
    fn streams(input: &Self::Input) -> bool;
}

/// A received request: its input and echo, or its fault and the fields that can still be echoed.
type Received<A, C> = Result<
    (<C as Call<A>>::Input, <<C as Call<A>>::Rules as Rules>::Echo),
    (Fault, <<C as Call<A>>::Rules as Rules>::Echo),
>;

/// The arrival of a request.
struct Arrival {
    at: Instant,
    query: Option<Arc<str>>,
    /// The deadline of the handler.
    until: Option<Instant>,
    watch: Option<SharedWatch>,
}

impl Arrival {
    fn now<A, R>(server: &Server<A, R>, request: &Request) -> Self {
        let at = Instant::now();
        let query = request.uri().query().map(Arc::from);
        Self { at, query, until: server.until(at), watch: watch::current() }
    }

    /// Reports why the handler failed.
    fn failed(&self, cause: &str) {
        if let Some(watch) = &self.watch {
            watch.failed(Part::Handler, cause);
        }
    }
}

/// Reads a request. `traced` is whether its content is traced, and afterwards whether that of its
/// answer is.
async fn receive<A, C: Call<A>>(
    server: &Server<A, C::Rules>,
    until: Option<Instant>,
    request: Request,
    traced: &mut bool,
) -> Received<A, C> {
    let (mut head, body) = request.into_parts();
    if let Err(fault) = server.rules.admit(&mut head) {
        return Err(refused(C::OPERATION, fault, Default::default()));
    }
    let request = Request::from_parts(head, body);
    let read = Incoming::read(C::OPERATION, request, server.body_limit);
    let (incoming, fault) = match until {
        Some(until) => match timeout_at(until, read).await {
            Ok(read) => read,
            Err(_) => {
                return Err(refused(C::OPERATION, late_body(), Default::default()));
            }
        },
        None => read.await,
    };
    if *traced
        && let Some(privacy) = &server.privacy
        && privacy.hides(incoming.content()).await
    {
        *traced = false;
        tracing::trace!(operation = C::OPERATION.id, request = "[hidden]", "request");
    }
    if *traced {
        let request = shown(C::OPERATION, incoming.bytes());
        let request = Printable::whole(&request);
        tracing::trace!(operation = C::OPERATION.id, %request, "request");
    }
    let fault = match fault {
        Some(fault) => fault,
        None => match C::read(&incoming) {
            Ok(input) => {
                let echo = server.rules.echo(&input);
                return match server.rules.check(&input) {
                    Ok(()) => Ok((input, echo)),
                    Err(fault) => Err(refused(C::OPERATION, fault, echo)),
                };
            }
            Err(error) => Fault::new(FaultKind::Request, error.to_string()),
        },
    };
    Err(refused(C::OPERATION, fault, server.rules.salvage(incoming.bytes())))
}

/// Returns a body as the trace shows it: with what callers say, but without secrets.
fn shown<'a>(operation: &Operation, body: &'a [u8]) -> Cow<'a, str> {
    if operation.secrets.is_empty() {
        return String::from_utf8_lossy(body);
    }
    match decode::<Value>(body) {
        Ok(mut json) => {
            hide(&mut json, operation.secrets);
            json.to_string().into()
        }
        // Without JSON there is no way to know where a secret is.
        Err(_) => format!("[{} bytes that are not JSON]", body.len()).into(),
    }
}

fn hide(json: &mut Value, keys: &[&str]) {
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                if keys.contains(&key.as_str()) {
                    *value = "[hidden]".into();
                } else {
                    hide(value, keys);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, keys)),
        // A string may contain JSON, which has keys, too. It is read as a type would read it.
        Value::String(text) if text.contains(['{', '[']) => {
            if let Ok(mut inner) = decode::<Value>(text.as_bytes()) {
                hide(&mut inner, keys);
                *text = inner.to_string();
            }
        }
        _ => {}
    }
}

fn refused<E>(operation: &Operation, fault: Fault, echo: E) -> (Fault, E) {
    let Fault { status, message, .. } = &fault;
    let message = Printable::whole(message);
    tracing::warn!(operation = operation.id, status, "refused: {message}");
    (fault, echo)
}

/// Runs a handler. An error, a panic or a missed deadline becomes a fault, and the reason is
/// traced.
async fn run_handler<T>(
    operation: &Operation,
    arrival: &Arrival,
    handler: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    let Arrival { at, query, until, watch } = arrival;
    // Pinned here once: each wrapper would hold another copy, and handlers can be large.
    let mut handler = pin!(handler);
    let handler = poll_fn(|cx| {
        let current = Current { arrived: *at, query: query.clone() };
        let poll = || CURRENT.sync_scope(current, || handler.as_mut().poll(cx));
        watch::poll_watched(watch.as_ref(), poll)
    });
    let handler = AssertUnwindSafe(handler).catch_unwind();
    let ended = match *until {
        Some(until) => match timeout_at(until, handler).await {
            Ok(ended) => ended,
            Err(_) => {
                let limit = until.duration_since(*at);
                tracing::error!(
                    operation = operation.id,
                    "the handler missed the deadline of the server, {limit:?} after the request \
                     arrived; `Server::deadline` sets another"
                );
                arrival.failed(&format!("the handler missed its deadline of {limit:?}"));
                return Err(Fault::deadline());
            }
        },
        None => handler.await,
    };
    match ended {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => {
            let text = error.to_string();
            arrival.failed(&text);
            let text = Printable::whole(&text);
            let logged = error.is_logged();
            let fault = error.into_fault();
            // Client errors are warnings, so callers cannot flood the error log.
            if logged {
                tracing::debug!(operation = operation.id, "the turn of a bot failed: {text}");
            } else if fault.status < 500 {
                tracing::warn!(
                    operation = operation.id,
                    "the handler rejected the request: {text}"
                );
            } else {
                tracing::error!(operation = operation.id, "the handler failed: {text}");
            }
            Err(fault)
        }
        // The panic hook has got the message of the panic, which may contain anything.
        Err(panic) => {
            tracing::error!(operation = operation.id, "the handler panicked");
            let message = watch::panic_message(&*panic).unwrap_or("no message");
            arrival.failed(&format!("the handler panicked: {message}"));
            Err(Fault::internal())
        }
    }
}

/// Serves an operation with a single response.
pub async fn answer<A, C>(
    State(server): State<Arc<Server<A, C::Rules>>>,
    request: Request,
) -> Response
where
    A: Send + Sync + 'static,
    C: AnswerCall<A>,
{
    let arrival = Arrival::now(&server, &request);
    let mut traced = server.trace_content;
    let (input, echo) = match receive::<A, C>(&server, arrival.until, request, &mut traced).await {
        Ok(received) => received,
        Err((fault, echo)) => return refuse(&server.rules, C::OPERATION, echo, &fault),
    };
    // The `async` block around the call also catches a panic before the first await.
    let handler = async { C::call(&server.api, input).await };
    let written = match run_handler(C::OPERATION, &arrival, handler).await {
        Ok(output) => {
            let answer = server.rules.answer(&echo, output);
            write_answer(C::OPERATION, &arrival, &answer, traced)
        }
        Err(fault) => Err(fault),
    };
    written.unwrap_or_else(|fault| refuse(&server.rules, C::OPERATION, echo, &fault))
}

/// Writes a single answer. One that the spec does not allow is not sent.
fn write_answer(
    operation: &Operation,
    arrival: &Arrival,
    answer: &(impl Serialize + Validate),
    traced: bool,
) -> Result<Response, Fault> {
    let written = match answer.validate() {
        Ok(()) => serde_json::to_string(answer).map_err(|error| error.to_string()),
        Err(violations) => Err(violations.to_string()),
    };
    match written {
        Ok(body) => {
            if traced {
                let answer = shown(operation, body.as_bytes());
                let answer = Printable::whole(&answer);
                tracing::trace!(operation = operation.id, %answer, "answer");
            }
            Ok(json(StatusCode::OK, body))
        }
        Err(reason) => {
            let reason = Printable::whole(&reason);
            tracing::error!(operation = operation.id, "invalid response: {reason}");
            arrival.failed(&format!("invalid response: {reason}"));
            Err(Fault::internal())
        }
    }
}

/// Serves an operation that responds with a stream of events.
pub async fn events<A, C>(
    State(server): State<Arc<Server<A, C::Rules>>>,
    request: Request,
) -> Response
where
    A: Send + Sync + 'static,
    C: EventsCall<A>,
{
    let arrival = Arrival::now(&server, &request);
    let mut traced = server.trace_content;
    let received = match receive::<A, C>(&server, arrival.until, request, &mut traced).await {
        Err((fault, echo)) if !C::Rules::REFUSES_IN_STREAM => {
            return refuse(&server.rules, C::OPERATION, echo, &fault);
        }
        received => received,
    };
    stream::<A, C>(server, arrival, received, traced).await
}

/// Serves an operation that responds with a stream of events or with one answer, as the request asks.
pub async fn either<A, C>(
    State(server): State<Arc<Server<A, C::Rules>>>,
    request: Request,
) -> Response
where
    A: Send + Sync + 'static,
    C: EitherCall<A>,
    <C::Rules as Speaks>::Writer: FoldPackets,
{
    let arrival = Arrival::now(&server, &request);
    let mut traced = server.trace_content;
    let (input, echo) = match receive::<A, C>(&server, arrival.until, request, &mut traced).await {
        Ok(received) => received,
        // A stream may have been wanted, but this response has a status.
        Err((fault, echo)) => return refuse(&server.rules, C::OPERATION, echo, &fault),
    };
    if C::streams(&input) {
        return stream::<A, C>(server, arrival, Ok((input, echo)), traced).await;
    }
    let writer = server.rules.writer(echo.clone(), &server.clock);
    let mut reply = Sink::folding(writer);
    let handler = async { C::call(&server.api, input, &mut reply).await };
    let written = match run_handler(C::OPERATION, &arrival, handler).await {
        Ok(()) => write_answer(C::OPERATION, &arrival, &reply.answer(), traced),
        Err(fault) => Err(fault),
    };
    written.unwrap_or_else(|fault| refuse(&server.rules, C::OPERATION, echo, &fault))
}

/// Runs a handler whose events are the body of the response.
async fn stream<A, C>(
    server: Arc<Server<A, C::Rules>>,
    arrival: Arrival,
    received: Received<A, C>,
    traced: bool,
) -> Response
where
    A: Send + Sync + 'static,
    C: EventsCall<A>,
{
    let until = arrival.until;
    let queue = FrameQueue::default();
    let packets = queue.clone();
    let heartbeat = server.heartbeat;
    let (rules, end) = (server.clone(), C::OPERATION.ends_with);
    let refused = match &received {
        Ok((_, echo)) | Err((_, echo)) => echo.clone(),
    };
    let turn = async move {
        let (received, echo) = match received {
            Ok((input, echo)) => (Ok(input), echo),
            Err((fault, echo)) => (Err(fault), echo),
        };
        let writer = server.rules.writer(echo, &server.clock);
        let mut reply = Sink::new(writer, queue.clone(), traced, end);
        let outcome = match received {
            Ok(input) => {
                let handler = async { C::call(&server.api, input, &mut reply).await };
                run_handler(C::OPERATION, &arrival, handler).await
            }
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(()) => reply.end().await,
            Err(fault) if C::Rules::FAILS_WITH_STATUS && queue.refuse(&fault) => {}
            Err(fault) => reply.fail(&fault).await,
        }
    };
    let waits = C::Rules::FAILS_WITH_STATUS;
    let body = match until {
        Some(_) => {
            begin(Events::new(SpawnedTurn::new(turn), packets.clone(), heartbeat), waits).await
        }
        None => begin(Events::new(turn, packets.clone(), heartbeat), waits).await,
    };
    let body = match packets.refusal() {
        Some(fault) => return refuse(&rules.rules, C::OPERATION, refused, &fault),
        None => body,
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that buffer would delay the packets.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Returns the body of a stream. `waits` is whether the first packet must be there.
async fn begin<F>(mut events: Events<F>, waits: bool) -> Body
where
    F: Future<Output = ()> + Send + 'static,
{
    if !waits {
        return Body::from_stream(events);
    }
    let first = events.next().await;
    Body::from_stream(futures_util::stream::iter(first).chain(events))
}

fn refuse<R: Rules>(rules: &R, operation: &Operation, echo: R::Echo, fault: &Fault) -> Response {
    let (status, body) = rules.refuse(operation, echo, fault);
    let mut response = json(status, body);
    for (name, value) in R::REFUSAL_HEADERS {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
