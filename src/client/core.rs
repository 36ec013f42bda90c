//! Sends every call: attempts, deadlines, tracing, limits.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use reqwest::{Request, Response};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span};

use super::error::Kind;
use super::observed::{Attempt, Observed};
use super::request::Requests;
use super::{CallOptions, Deadline, Error, EventStream, Outcome, Transport, TransportError};
use crate::body::{BodyError, encoding, read_body};
use crate::error::chain;
use crate::observe::{Observers, UpstreamOutcome};
use crate::wire::{DecodeError, Operation, Printable, decode};

/// Shared by all compiled clients: the URL of the server, the transport and the options.
#[derive(Clone)]
pub struct Core {
    base_url: Arc<str>,
    transport: Arc<dyn Transport>,
    options: Arc<CallOptions>,
    connect: Duration,
    /// The operations that are called at another path than that of the spec, and that path.
    paths: Arc<[(&'static str, String)]>,
    observers: Observers,
}

/// The values that progenitor's code builds requests with.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)] // The URL may hold a password.
pub struct Connection<'a> {
    /// The base URL, to which the paths of the spec are appended.
    pub base_url: &'a str,
    /// Starts the requests. Progenitor's name for it is `client`.
    pub client: Requests,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL is left out: it may hold a password.
        f.debug_struct("Core").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn new(
        base_url: String,
        transport: Arc<dyn Transport>,
        options: CallOptions,
        connect: Duration,
        paths: Vec<(&'static str, String)>,
        observers: Observers,
    ) -> Self {
        let (base_url, options, paths) = (base_url.into(), Arc::new(options), paths.into());
        Self { base_url, transport, options, connect, paths, observers }
    }

    /// Returns the same core with other options.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { options: Arc::new(options), ..self.clone() }
    }

    pub(super) fn options(&self) -> &CallOptions {
        &self.options
    }

    /// Returns the values that progenitor's code builds requests with.
    #[must_use]
    pub fn connection(&self) -> Connection<'_> {
        Connection { base_url: &self.base_url, client: Requests }
    }

    /// Calls an operation that has a single response.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn answer<T>(
        &self,
        operation: &'static Operation,
        request: Request,
    ) -> Result<Answer<T>, Error>
    where
        T: DeserializeOwned + Outcome,
    {
        let limit = self.options.call_deadline;
        let until = deadline(limit);
        let mut observed = Observed::new(operation, &self.observers);
        let send = |request, span| self.attempt_answer(operation, request, (&observed, span));
        let limit = (until, Deadline::Call, limit);
        let answer =
            self.again(&observed, operation, request, "application/json", limit, send).await;
        let answer = answer.map(|(answer, mut attempt)| {
            attempt.end(UpstreamOutcome::Ok);
            answer
        });
        observed.ended(&answer);
        answer
    }

    async fn attempt_answer<T>(
        &self,
        operation: &'static Operation,
        request: Request,
        observing: (&Observed, Span),
    ) -> Result<Answer<T>, Refused>
    where
        T: DeserializeOwned + Outcome,
    {
        let mut response = self.attempt(operation, request, observing).await?;
        let headers = std::mem::take(response.headers_mut());
        let pause = retry_after(&headers);
        self.read(operation, response, headers).await.map_err(|error| Refused { error, pause })
    }

    async fn read<T>(
        &self,
        operation: &'static Operation,
        response: Response,
        headers: HeaderMap,
    ) -> Result<Answer<T>, Error>
    where
        T: DeserializeOwned + Outcome,
    {
        let status = response.status();
        let fail = |kind| Error::with_status(operation, kind, Some(status));
        if let Some(encoding) = encoding(&headers) {
            return Err(fail(encoded(status, encoding)));
        }
        let body = self.body(response).await.map_err(fail)?;
        let fail = |kind| fail(kind).with_body(body.clone());
        let events = if is_stream(&headers) { T::from_events(&body) } else { None };
        if let Some(Err((failure, data))) = events {
            return Err(fail(Kind::Failure(failure)).with_body(data));
        }
        let read = match events {
            Some(Ok(value)) => Ok(value),
            _ => decode(&body),
        };
        let value: T = match read {
            Ok(value) => value,
            Err(error) => {
                return Err(fail(match T::failure_in(&body) {
                    Some(failure) => Kind::Failure(failure),
                    // The body of a gateway's error is not the platform's envelope.
                    None if !status.is_success() => Kind::Status,
                    None => Kind::Decode(error),
                }));
            }
        };
        match value.failure_beside(&body) {
            Some(failure) => Err(fail(Kind::Failure(failure))),
            None if !status.is_success() => Err(fail(Kind::Status)),
            None => match only_unknown_keys(T::KEYS, &body) {
                Some(found) => {
                    let message = format!("none of its keys is known: {found}");
                    Err(fail(Kind::Decode(DecodeError::new("", message))))
                }
                None => Ok(Answer { value, status, headers }),
            },
        }
    }

    /// Calls an operation that responds with a stream of events. Returns once the head of the
    /// response has arrived; the first event still has to meet its deadline.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn events<T: Outcome>(
        &self,
        operation: &'static Operation,
        request: Request,
    ) -> Result<EventStream<T>, Error> {
        let limit = self.options.first_event_deadline;
        let until = deadline(limit);
        let mut observed = Observed::new(operation, &self.observers);
        let send = |request, span| self.attempt_events::<T>(operation, request, (&observed, span));
        let limit = (until, Deadline::FirstEvent, limit);
        let head =
            self.again(&observed, operation, request, "text/event-stream", limit, send).await;
        match head {
            Ok((response, attempt)) => {
                let options = &self.options;
                Ok(EventStream::new(operation, response, options, until, (observed, attempt)))
            }
            Err(error) => {
                observed.end(error.outcome());
                Err(error)
            }
        }
    }

    /// Sends one attempt and returns the head of the event stream.
    async fn attempt_events<T: Outcome>(
        &self,
        operation: &'static Operation,
        request: Request,
        observing: (&Observed, Span),
    ) -> Result<Response, Refused> {
        let response = self.attempt(operation, request, observing).await?;
        let status = response.status();
        let fail = |kind| Error::with_status(operation, kind, Some(status));
        if let Some(encoding) = encoding(response.headers()) {
            let pause = retry_after(response.headers());
            return Err(Refused { error: fail(encoded(status, encoding)), pause });
        }
        let is_stream = is_stream(response.headers());
        if status.is_success() && is_stream {
            return Ok(response);
        }
        let pause = retry_after(response.headers());
        let otherwise = match status.is_success() {
            true => {
                let media = media(response.headers()).unwrap_or("untyped");
                Kind::ContentType(Printable::cut(media).to_string())
            }
            false => Kind::Status,
        };
        let mut response = response;
        let headers = std::mem::take(response.headers_mut());
        let body = match is_stream {
            true => Bytes::new(),
            false => self.body(response).await.unwrap_or_default(),
        };
        let failure = T::failure_in(&body);
        if failure.is_none()
            && status.is_success()
            && let Some(events) = T::as_events(&body)
        {
            let mut response = http::Response::new(reqwest::Body::from(events));
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            return Ok(response.into());
        }
        let kind = failure.map_or(otherwise, Kind::Failure);
        Err(Refused { error: fail(kind).with_body(body), pause })
    }

    /// Reads the whole body, up to the limit.
    async fn body(&self, response: Response) -> Result<Bytes, Kind> {
        let limit = self.options.body_limit;
        read_body(reqwest::Body::from(response), limit).await.map_err(|error| match error {
            BodyError::TooLarge => Kind::TooLarge(limit),
            BodyError::Fragmented => {
                Kind::Transport(TransportError::new("the answer arrives in too many small pieces"))
            }
            BodyError::Failed(error) => Kind::Transport(TransportError::new(error)),
        })
    }

    /// Makes the first attempt, and as many retries as the options allow, until the deadline. Each has a span
    /// of its own, which is returned with the result of the one that succeeded.
    async fn again<T, F: Future<Output = Result<T, Refused>>>(
        &self,
        observed: &Observed,
        operation: &'static Operation,
        mut request: Request,
        accept: &'static str,
        (until, deadline, limit): (Instant, Deadline, Duration),
        send: impl Fn(Request, Span) -> F,
    ) -> Result<(T, Attempt), Error> {
        if let Some((_, path)) = self.paths.iter().find(|(id, _)| *id == operation.id) {
            request.url_mut().set_path(path);
        }
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        for (name, value) in &self.options.headers {
            headers.insert(name, value.clone());
        }
        let mut number = 0;
        loop {
            let more = !operation.once && number < self.options.retries.max_retries;
            let again = if more { request.try_clone() } else { None };
            let mut attempt = observed.attempt(number, &mut request);
            let sent = send(request, attempt.span.clone()).instrument(attempt.span.clone());
            let late = || Error::new(operation, Kind::Deadline(deadline, limit));
            let Refused { error, pause } = match timeout_at(until, sent).await {
                Ok(Ok(answer)) => return Ok((answer, attempt)),
                Ok(Err(refused)) => refused,
                Err(_) => {
                    attempt.end(UpstreamOutcome::Deadline);
                    return Err(late());
                }
            };
            attempt.end(error.outcome());
            drop(attempt);
            number += 1;
            match again {
                Some(again) if error.is_retryable() => {
                    let pause = self.options.retries.pause_before(number, pause);
                    let Some(pause) = pause.filter(|pause| Instant::now() + *pause < until) else {
                        // This error says more than "deadline passed" would.
                        return Err(error);
                    };
                    tracing::debug!(
                        operation = operation.id,
                        attempt = number,
                        status = error.status().map(|status| status.as_u16()),
                        ?pause,
                        "retrying: {}",
                        chain(&error)
                    );
                    sleep(pause).await;
                    request = again;
                }
                _ => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        operation: &'static Operation,
        request: Request,
        (observed, span): (&Observed, Span),
    ) -> Result<Response, Error> {
        let start = Instant::now();
        let result = self.transport.send(request).await;
        let elapsed = start.elapsed();
        match result {
            Ok(response) => {
                let status = response.status().as_u16();
                observed.has_status(status);
                span.record("http.response.status_code", status);
                tracing::debug!(operation = operation.id, status, ?elapsed, "response received");
                Ok(response)
            }
            Err(error) => {
                tracing::debug!(
                    operation = operation.id,
                    ?elapsed,
                    "no response: {}",
                    chain(&error)
                );
                // The transport has no timeout but that of connecting.
                Err(Error::new(
                    operation,
                    if error.is_timeout() && error.is_connect() {
                        Kind::Deadline(Deadline::Connect, self.connect)
                    } else {
                        Kind::Transport(error)
                    },
                ))
            }
        }
    }
}

/// Returns the keys of a body that has none of the `known` ones, although it has some. Such a body, perhaps
/// the error of a proxy, must not count as an answer in which nothing is set.
fn only_unknown_keys(known: &[&str], body: &[u8]) -> Option<String> {
    const SHOWN: usize = 5;
    const SHOWN_CHARS: usize = 40;
    if known.is_empty() {
        return None;
    }
    let found: BTreeMap<String, IgnoredAny> = decode(body).ok()?;
    if found.is_empty() || found.keys().any(|key| known.contains(&key.as_str())) {
        return None;
    }
    let cut = |key: &String| key.chars().take(SHOWN_CHARS).collect::<String>();
    let shown: Vec<_> = found.keys().take(SHOWN).map(|key| format!("{:?}", cut(key))).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    Some(shown.join(", ") + more)
}

/// Returns the error of an answer in an encoding that the client did not ask for. Of a failure only the
/// status can be read.
fn encoded(status: StatusCode, encoding: String) -> Kind {
    if status.is_success() { Kind::Encoding(encoding) } else { Kind::Status }
}

/// Returns the media type of a response.
fn media(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

fn is_stream(headers: &HeaderMap) -> bool {
    media(headers).is_some_and(crate::sse::is_event_stream)
}

/// Returns the instant `limit` from now. The limit is cut to a century, since a longer one could
/// overflow.
pub(super) fn deadline(limit: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    Instant::now() + limit.min(CENTURY)
}

/// Reads `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

/// A failed attempt, and the pause that the peer asks for before the next one.
struct Refused {
    error: Error,
    pause: Option<Duration>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, pause: None }
    }
}

/// A response: its value, HTTP status and headers. It dereferences to the value.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    value: T,
    status: StatusCode,
    headers: HeaderMap,
}

impl<T> Answer<T> {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Applies `map` to the value, keeping status and headers.
    #[must_use]
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Answer<U> {
        let Self { value, status, headers } = self;
        Answer { value: map(value), status, headers }
    }

    /// Returns the value alone.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Answer<Option<T>> {
    /// Returns the answer with its value if it has one, else `None`.
    pub(super) fn transpose(self) -> Option<Answer<T>> {
        let Self { value, status, headers } = self;
        value.map(|value| Answer { value, status, headers })
    }
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
