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
use futures_util::FutureExt;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::events::{Events, SpawnedTurn};
use super::frame_queue::FrameQueue;
use super::incoming::late_body;
use super::watch::{self, Part, SharedWatch};
use super::{Answers, Error, Fault, FaultKind, Incoming, Reads, Rules, Server, Sink, Speaks};
use crate::wire::{DecodeError, Operation, Printable, Validate, decode};

tokio::task_local! {
    static ARRIVED: Instant;
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
    ARRIVED.try_get().unwrap_or_else(|_| Instant::now())
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

/// A received request: its input and echo, or its fault and the fields that can still be echoed.
type Received<A, C> = Result<
    (<C as Call<A>>::Input, <<C as Call<A>>::Rules as Rules>::Echo),
    (Fault, <<C as Call<A>>::Rules as Rules>::Echo),
>;

/// The arrival of a request.
struct Arrival {
    at: Instant,
    /// The deadline of the handler.
    until: Option<Instant>,
    watch: Option<SharedWatch>,
}

impl Arrival {
    fn now<A, R>(server: &Server<A, R>) -> Self {
        let at = Instant::now();
        Self { at, until: server.until(at), watch: watch::current() }
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
    let Arrival { at, until, watch } = arrival;
    // Pinned here once: each wrapper would hold another copy, and handlers can be large.
    let mut handler = pin!(handler);
    let handler = poll_fn(|cx| {
        let poll = || ARRIVED.sync_scope(*at, || handler.as_mut().poll(cx));
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
    let arrival = Arrival::now(&server);
    let mut traced = server.trace_content;
    let (input, echo) = match receive::<A, C>(&server, arrival.until, request, &mut traced).await {
        Ok(received) => received,
        Err((fault, echo)) => return refuse(&server.rules, C::OPERATION, echo, &fault),
    };
    // The `async` block around the call also catches a panic before the first await.
    let handler = async { C::call(&server.api, input).await };
    match run_handler(C::OPERATION, &arrival, handler).await {
        Ok(output) => {
            let answer = server.rules.answer(&echo, output);
            let written = match answer.validate() {
                Ok(()) => serde_json::to_string(&answer).map_err(|error| error.to_string()),
                Err(violations) => Err(violations.to_string()),
            };
            match written {
                Ok(body) => {
                    if traced {
                        let answer = shown(C::OPERATION, body.as_bytes());
                        let answer = Printable::whole(&answer);
                        tracing::trace!(operation = C::OPERATION.id, %answer, "answer");
                    }
                    json(StatusCode::OK, body)
                }
                Err(reason) => {
                    let reason = Printable::whole(&reason);
                    tracing::error!(operation = C::OPERATION.id, "invalid response: {reason}");
                    arrival.failed(&format!("invalid response: {reason}"));
                    refuse(&server.rules, C::OPERATION, echo, &Fault::internal())
                }
            }
        }
        Err(fault) => refuse(&server.rules, C::OPERATION, echo, &fault),
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
    let arrival = Arrival::now(&server);
    let until = arrival.until;
    let mut traced = server.trace_content;
    let received = match receive::<A, C>(&server, until, request, &mut traced).await {
        Err((fault, echo)) if !C::Rules::REFUSES_IN_STREAM => {
            return refuse(&server.rules, C::OPERATION, echo, &fault);
        }
        received => received,
    };
    let queue = FrameQueue::default();
    let packets = queue.clone();
    let heartbeat = server.heartbeat;
    let turn = async move {
        let (received, echo) = match received {
            Ok((input, echo)) => (Ok(input), echo),
            Err((fault, echo)) => (Err(fault), echo),
        };
        let writer = server.rules.writer(echo, &server.clock);
        let mut reply = Sink::new(writer, queue, traced);
        let outcome = match received {
            Ok(input) => {
                let handler = async { C::call(&server.api, input, &mut reply).await };
                run_handler(C::OPERATION, &arrival, handler).await
            }
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(()) => reply.end().await,
            Err(fault) => reply.fail(&fault).await,
        }
    };
    let mut response = Response::new(match until {
        Some(_) => Body::from_stream(Events::new(SpawnedTurn::new(turn), packets, heartbeat)),
        None => Body::from_stream(Events::new(turn, packets, heartbeat)),
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that buffer would delay the packets.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn refuse<R: Rules>(rules: &R, operation: &Operation, echo: R::Echo, fault: &Fault) -> Response {
    let (status, body) = rules.refuse(operation, echo, fault);
    json(status, body)
}

fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
