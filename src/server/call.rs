//! Passes a request to its handler, and the handler's result back.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::MethodRouter;
use futures_util::{FutureExt, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::IgnoredAny;
use tokio::time::timeout_at;
use tracing::{Instrument, Span};

use super::arrival::{Arrival, Refusal, note_status, observe_refusal};
use super::content::{self, Shown};
use super::current::Current;
use super::events::{Events, InSpan, TurnWithDeadline};
use super::frame_queue::FrameQueue;
use super::incoming::late_body;
use super::{
    Answers, Error, Fault, FaultKind, FoldPackets, Incoming, Reads, Rules, Server, Sink, Speaks,
    watch,
};
use crate::boxed::boxed;
use crate::observe::{Observers, RefusalReason, poll_in};
use crate::wire::{DecodeError, Operation, Printable, Validate, decode};

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

/// Reads a request. `shown` is what is traced of its content, and afterwards of that of its answer.
async fn receive<A, C: Call<A>>(
    server: &Server<A, C::Rules>,
    arrival: &Arrival,
    request: Request,
    shown: &mut Shown,
) -> Received<A, C> {
    let (mut head, body) = request.into_parts();
    if let Err(fault) = server.rules.admit(&mut head) {
        let refusal = Refusal::new(RefusalReason::Token, fault);
        return Err(arrival.refused(refusal, Default::default()));
    }
    *shown = server.sampling.of(&head);
    let read = Incoming::read(C::OPERATION, head, body, server.body_limit);
    let (incoming, refusal) = match arrival.until {
        Some(until) => match timeout_at(until, read).await {
            Ok(read) => read,
            Err(_) => return Err(arrival.refused(late_body(), Default::default())),
        },
        None => read.await,
    };
    if *shown == Shown::All {
        match is_private(server, &incoming).await {
            true => {
                *shown = Shown::Structure;
                content::hidden(arrival);
            }
            false => content::request(arrival, incoming.bytes()),
        }
    }
    let refusal = match refusal {
        Some(refusal) => refusal,
        None => match C::read(&incoming) {
            Ok(input) => {
                let echo = server.rules.echo(&input);
                return match server.rules.check(&input) {
                    Ok(()) => Ok((input, echo)),
                    Err(fault) => {
                        Err(arrival.refused(Refusal::new(RefusalReason::Body, fault), echo))
                    }
                };
            }
            Err(error) => {
                let reason = match decode::<IgnoredAny>(incoming.bytes()) {
                    Err(_) if !C::OPERATION.method.is_safe() => RefusalReason::Json,
                    _ => RefusalReason::Body,
                };
                Refusal::new(reason, Fault::new(FaultKind::Request, error.to_string()))
            }
        },
    };
    if *shown == Shown::Unreadable && is_private(server, &incoming).await {
        *shown = Shown::Structure;
    }
    if *shown != Shown::Nothing {
        let structure = *shown == Shown::Structure;
        content::unreadable(arrival, &refusal, incoming.bytes(), structure);
    }
    Err(arrival.refused(refusal, server.rules.salvage(incoming.bytes())))
}

/// Returns whether the content of a request must not be traced.
async fn is_private<A, R>(server: &Server<A, R>, incoming: &Incoming) -> bool {
    match &server.privacy {
        Some(privacy) => privacy.hides(incoming.content()).await,
        None => false,
    }
}

/// Runs a handler. An error, a panic or a missed deadline becomes a fault, and the reason is
/// traced.
///
/// The handler comes as a pointer, since this future would hold two copies of it, and handlers can be large.
async fn run_handler<T>(
    arrival: &Arrival,
    mut handler: Pin<&mut impl Future<Output = Result<T, Error>>>,
) -> Result<T, Fault> {
    let Arrival { at, query, until, operation, platform, watch, context, .. } = arrival;
    let operation = operation.id;
    let current = Current { arrived: *at, query: query.clone() };
    let handler = poll_fn(|cx| {
        let poll = || current.poll_in(|| handler.as_mut().poll(cx));
        poll_in(context.as_ref(), || watch::poll_watched(watch.as_ref(), poll))
    });
    let handler = AssertUnwindSafe(handler).catch_unwind();
    let ended = match *until {
        Some(until) => match timeout_at(until, handler).await {
            Ok(ended) => ended,
            Err(_) => {
                let limit = until.duration_since(*at);
                tracing::error!(
                    operation,
                    platform,
                    "the handler missed the deadline of the server, {limit:?} after the request \
                     arrived; `Server::deadline` sets another"
                );
                arrival.failed(&format!("the handler missed its deadline of {limit:?}"));
                let late = Fault::deadline();
                arrival.rejected(&late);
                return Err(late);
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
            let status = fault.status;
            // Client errors are warnings, so callers cannot flood the error log.
            if logged {
                tracing::debug!(operation, platform, status, "the turn of a bot failed: {text}");
            } else if status < 500 {
                tracing::warn!(
                    operation,
                    platform,
                    status,
                    "the handler rejected the request: {text}"
                );
            } else {
                tracing::error!(operation, platform, status, "the handler failed: {text}");
            }
            Err(fault)
        }
        // The panic hook has got the message of the panic, which may contain anything.
        Err(panic) => {
            tracing::error!(operation, platform, "the handler panicked");
            let message = watch::panic_message(&*panic).unwrap_or("no message");
            arrival.failed(&format!("the handler panicked: {message}"));
            Err(Fault::internal())
        }
    }
    .inspect_err(|fault| arrival.rejected(fault))
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
    let arrival = Arrival::new(&server, C::OPERATION, &request);
    let span = arrival.span.clone();
    let answering = async move {
        let response = answer_to::<A, C>(&server, &arrival, request).await;
        arrival.answered(&response);
        response
    };
    answering.instrument(span).await
}

async fn answer_to<A, C>(
    server: &Server<A, C::Rules>,
    arrival: &Arrival,
    request: Request,
) -> Response
where
    A: Send + Sync + 'static,
    C: AnswerCall<A>,
{
    let mut shown = Shown::Nothing;
    let (input, echo) = match receive::<A, C>(server, arrival, request, &mut shown).await {
        Ok(received) => received,
        Err((fault, echo)) => return refuse(&server.rules, C::OPERATION, echo, &fault),
    };
    // The `async` block around the call also catches a panic before the first await.
    let handler = pin!(async { C::call(&server.api, input).await });
    let written = match run_handler(arrival, handler).await {
        Ok(output) => {
            let answer = server.rules.answer(&echo, output);
            write_answer(arrival, &answer, shown)
        }
        Err(fault) => Err(fault),
    };
    written.unwrap_or_else(|fault| refuse(&server.rules, C::OPERATION, echo, &fault))
}

/// Writes a single answer. One that the spec does not allow is not sent.
fn write_answer(
    arrival: &Arrival,
    answer: &(impl Serialize + Validate),
    shown: Shown,
) -> Result<Response, Fault> {
    let written = match answer.validate() {
        Ok(()) => serde_json::to_string(answer).map_err(|error| error.to_string()),
        Err(violations) => Err(violations.to_string()),
    };
    match written {
        Ok(body) => {
            if shown == Shown::All {
                content::answer(arrival, &body);
            }
            Ok(json(StatusCode::OK, body))
        }
        Err(reason) => {
            let (operation, platform) = (arrival.operation.id, arrival.platform);
            let reason = Printable::whole(&reason);
            tracing::error!(operation, platform, "invalid response: {reason}");
            arrival.failed(&format!("invalid response: {reason}"));
            arrival.erroneous("internal");
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
    let arrival = Arrival::new(&server, C::OPERATION, &request);
    let span = arrival.span.clone();
    events_of::<A, C>(server, arrival, request).instrument(span).await
}

async fn events_of<A, C>(
    server: Arc<Server<A, C::Rules>>,
    arrival: Arrival,
    request: Request,
) -> Response
where
    A: Send + Sync + 'static,
    C: EventsCall<A>,
{
    let mut shown = Shown::Nothing;
    let received = match receive::<A, C>(&server, &arrival, request, &mut shown).await {
        Err((fault, echo)) if !C::Rules::REFUSES_IN_STREAM => {
            let response = refuse(&server.rules, C::OPERATION, echo, &fault);
            arrival.answered(&response);
            return response;
        }
        received => received,
    };
    stream::<A, C>(server, arrival, received, shown).await
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
    let arrival = Arrival::new(&server, C::OPERATION, &request);
    let span = arrival.span.clone();
    either_of::<A, C>(server, arrival, request).instrument(span).await
}

async fn either_of<A, C>(
    server: Arc<Server<A, C::Rules>>,
    arrival: Arrival,
    request: Request,
) -> Response
where
    A: Send + Sync + 'static,
    C: EitherCall<A>,
    <C::Rules as Speaks>::Writer: FoldPackets,
{
    let mut shown = Shown::Nothing;
    let response = match receive::<A, C>(&server, &arrival, request, &mut shown).await {
        Ok(received) if C::streams(&received.0) => {
            return stream::<A, C>(server, arrival, Ok(received), shown).await;
        }
        Ok((input, echo)) => {
            let mut reply = Sink::folding(server.rules.writer(echo.clone(), &server.clock));
            let ended = {
                let handler = pin!(async { C::call(&server.api, input, &mut reply).await });
                run_handler(&arrival, handler).await
            };
            let written = match ended {
                Ok(()) => write_answer(&arrival, &reply.answer(), shown),
                Err(fault) => Err(fault),
            };
            written.unwrap_or_else(|fault| refuse(&server.rules, C::OPERATION, echo, &fault))
        }
        // A stream may have been wanted, but this response has a status.
        Err((fault, echo)) => refuse(&server.rules, C::OPERATION, echo, &fault),
    };
    arrival.answered(&response);
    response
}

/// Runs a handler whose events are the body of the response.
async fn stream<A, C>(
    server: Arc<Server<A, C::Rules>>,
    arrival: Arrival,
    received: Received<A, C>,
    shown: Shown,
) -> Response
where
    A: Send + Sync + 'static,
    C: EventsCall<A>,
{
    let (until, span) = (arrival.until, arrival.span.clone());
    let queue = FrameQueue::default();
    let packets = queue.clone();
    let heartbeat = server.heartbeat;
    let (rules, end) = (server.clone(), C::OPERATION.ends_with);
    let refused = C::Rules::FAILS_WITH_STATUS.then(|| match &received {
        Ok((_, echo)) | Err((_, echo)) => echo.clone(),
    });
    // Boxed where it is made: each future around it would hold a copy of it.
    let turn = boxed(|| async move {
        let (received, echo) = match received {
            Ok((input, echo)) => (Ok(input), echo),
            Err((fault, echo)) => (Err(fault), echo),
        };
        let writer = server.rules.writer(echo, &server.clock);
        let mut reply = Sink::new(writer, queue.clone(), shown == Shown::All, end);
        let outcome = match received {
            Ok(input) => {
                let handler = pin!(async { C::call(&server.api, input, &mut reply).await });
                run_handler(&arrival, handler).await
            }
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(()) => reply.end().await,
            Err(fault) if C::Rules::FAILS_WITH_STATUS && queue.refuse(&fault) => {}
            Err(fault) => reply.fail(&fault).await,
        }
    });
    let (waits, queue) = (C::Rules::FAILS_WITH_STATUS, packets.clone());
    let body = match until {
        Some(_) => {
            let turn = TurnWithDeadline::new(turn, packets.clone());
            let events = Events::new(turn, packets, heartbeat);
            begin(events, waits, &span, &queue).await
        }
        None => begin(Events::new(turn, packets, heartbeat), waits, &span, &queue).await,
    };
    let response = match queue.refusal().zip(refused) {
        Some((fault, echo)) => refuse(&rules.rules, C::OPERATION, echo, &fault),
        None => event_stream(body),
    };
    note_status(&span, &response);
    response
}

/// Returns the body of a stream. `waits` is whether the first packet must be there.
async fn begin<F>(events: Events<F>, waits: bool, span: &Span, queue: &FrameQueue) -> Body
where
    F: Future<Output = ()> + Unpin + Send + 'static,
{
    let mut events = InSpan::new(events, span.clone(), queue.clone());
    let first = if waits { events.next().await } else { None };
    Body::from_stream(futures_util::stream::iter(first).chain(events))
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that buffer would delay the packets.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Reports requests to the path of an operation that have another method.
///
/// They get the response of the router, whether it is that of axum or the one that a user has set: so this
/// is a layer, and not a fallback. A server without observers does not have it.
pub(super) fn observe_methods<R: Rules, S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
    observers: Observers,
    operation: &'static Operation,
) -> MethodRouter<S> {
    let platform = R::platform(operation);
    handler.layer(from_fn(move |request: Request, next: Next| {
        let method = request.method();
        let served = *method == operation.method
            || (operation.method == Method::GET && *method == Method::HEAD);
        let observers = observers.clone();
        async move {
            let response = next.run(request).await;
            let status = response.status();
            if !served && status == StatusCode::METHOD_NOT_ALLOWED {
                let (status, reason) = (status.as_u16(), RefusalReason::Method);
                observe_refusal(&observers, platform, Some(operation), status, reason);
            }
            response
        }
    }))
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
