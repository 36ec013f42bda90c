//! The attempts of a call: how many there are, how long the pauses are, and what ends them. Also the
//! options of single calls.

#![cfg(all(feature = "digital-employee", feature = "client", feature = "server"))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::digital_employee_stub::{
    Fake, Stub, abort, answer, begin, dialogue, dialogue_error, end, event, json_answer, packet,
    send, stream as event_stream,
};
use crate::support::script::http_client;
use callbot::client::{CallOptions, Retries, Transport, TransportError};
use callbot::digital_employee::Client;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};

const ACK: &str = include_str!("../fixtures/digital-employee/acknowledgement.json");
const ACK_FAILURE: &str = include_str!("../fixtures/digital-employee/acknowledgement-failure.json");

/// Options with up to `most` retries, without a pause.
fn at_once(most: u32) -> CallOptions {
    CallOptions::new().retries(Retries::up_to(most).initial_backoff(Duration::ZERO))
}

/// A peer in memory that is busy for some attempts, and then acknowledges.
fn busy(attempts: usize, retry_after: Option<&'static str>) -> Fake {
    Fake::new(move |number| {
        let mut response = http::Response::builder();
        let body = if number < attempts {
            response = response.status(503);
            if let Some(seconds) = retry_after {
                response = response.header("retry-after", seconds);
            }
            ""
        } else {
            ACK
        };
        std::future::ready(response.body(body.into()).unwrap())
    })
}

#[tokio::test]
async fn by_default_a_client_makes_one_attempt() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let stub = Stub::answering(answer(status, "retry-after: 0\r\n", "")).await;
        let client = stub.client();
        let error = client.end_session(&end()).await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert_eq!(stub.connections(), 1);
        assert!(dialogue_error(&client).await.is_retryable());
        assert_eq!(stub.connections(), 2);
    }
}

#[tokio::test]
async fn only_answers_429_502_503_and_504_are_retried() {
    for (status, attempts) in [
        (429, 4),
        (502, 4),
        (503, 4),
        (504, 4),
        (200, 1),
        (302, 1),
        (400, 1),
        (401, 1),
        (403, 1),
        (404, 1),
        (408, 1),
        (409, 1),
        (500, 1),
        (501, 1),
        (505, 1),
    ] {
        let stub = Stub::answering(answer(&format!("{status} Whatever"), "", "{}")).await;
        let client = stub.client().with_options(at_once(3));
        let error = client.end_session(&end()).await.unwrap_err();
        assert_eq!(stub.connections(), attempts, "{status}");
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(error.is_retryable(), attempts > 1, "{status}");
        dialogue_error(&client).await;
        assert_eq!(stub.connections(), attempts * 2, "{status}");
    }
}

#[tokio::test]
async fn the_attempts_end_with_the_first_success() {
    let busy = || vec![send(answer("503 Service Unavailable", "", ""))];
    let good = event_stream(event(packet("Hello", true)));
    for (scripts, good) in [(2, json_answer("200 OK", ACK).into_bytes()), (2, good)] {
        let mut all = vec![busy(); scripts];
        all.push(vec![send(good.clone())]);
        let stub = Stub::new(all).await;
        let client = stub.client().with_options(at_once(5));
        if good.ends_with(b"\n\n") {
            let packets: Vec<_> =
                client.begin_session(&begin()).await.unwrap().try_collect().await.unwrap();
            assert_eq!(packets.len(), 1);
        } else {
            client.abort_dialogue(&abort()).await.unwrap();
        }
        let seen = stub.seen();
        assert_eq!(seen.len(), scripts + 1);
        // Each attempt sends the whole request.
        for again in &seen[1..] {
            assert_eq!(
                (&again.line, &again.headers, &again.body),
                (&seen[0].line, &seen[0].headers, &seen[0].body)
            );
        }
    }
}

#[tokio::test]
async fn the_failure_in_a_busy_answer_is_reported_after_the_last_attempt() {
    let stub = Stub::answering(json_answer("503 Service Unavailable", ACK_FAILURE)).await;
    let error = stub.client().with_options(at_once(2)).end_session(&end()).await.unwrap_err();
    assert_eq!(error.failure().unwrap().message(), Some("no such call"));
    assert_eq!(stub.connections(), 3);
}

#[tokio::test]
async fn a_failure_of_the_bot_is_not_retried() {
    let stub = Stub::answering(json_answer("200 OK", ACK_FAILURE)).await;
    let error = stub.client().with_options(at_once(3)).end_session(&end()).await.unwrap_err();
    assert!(error.failure().is_some() && !error.is_retryable());
    assert_eq!(stub.connections(), 1);
}

#[tokio::test]
async fn a_stream_is_never_retried_after_its_head() {
    let failure = r#"{"httpStatusCode":503,"code":"Error"}"#;
    let one = event(packet("One", false));
    for body in [String::new(), one.clone(), one + &event(failure), event(failure), event("{")] {
        let stub = Stub::answering(event_stream(&body)).await;
        let error = dialogue_error(&stub.client().with_options(at_once(3))).await;
        assert!(!error.is_retryable(), "{error:?}");
        assert_eq!(stub.connections(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_broken_connection_is_not_retried() {
    // The peer may have acted on the request.
    let stub = Stub::answering("").await;
    let error = stub.client().with_options(at_once(3)).end_session(&end()).await.unwrap_err();
    assert!(!error.is_retryable() && error.status().is_none(), "{error:?}");
    assert_eq!(stub.connections(), 1);
}

/// Counts the attempts. The first ones go to a port on which nothing listens.
#[derive(Clone)]
struct Wandering {
    http: reqwest::Client,
    closed: u16,
    away: usize,
    attempts: Arc<Mutex<usize>>,
}

impl Transport for Wandering {
    fn send(
        &self,
        mut request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        let mut attempts = self.attempts.lock().unwrap();
        *attempts += 1;
        if *attempts <= self.away {
            request.url_mut().set_port(Some(self.closed)).unwrap();
        }
        self.http.send(request)
    }
}

#[tokio::test]
async fn an_unreachable_peer_is_retried() {
    let stub = Stub::answering(json_answer("200 OK", ACK)).await;
    // Bound but not listening: no other process gets the port, and connections are refused.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = bound.local_addr().unwrap().port();
    for (away, retries, attempts, good) in [(2, 2, 3, true), (2, 1, 2, false), (1, 0, 1, false)] {
        let http = http_client();
        let transport = Wandering { http, closed, away, attempts: Arc::default() };
        let counter = transport.attempts.clone();
        let client = Client::builder(&stub.url)
            .transport(transport)
            .options(at_once(retries))
            .build()
            .unwrap();
        let answer = client.end_session(&end()).await;
        assert_eq!(answer.is_ok(), good, "{answer:?}");
        if let Err(error) = answer {
            assert!(error.is_retryable() && !error.is_timeout(), "{error:?}");
        }
        assert_eq!(*counter.lock().unwrap(), attempts);
    }
    assert_eq!(stub.connections(), 1);
}

#[tokio::test]
async fn an_error_of_a_custom_transport_is_not_retried() {
    #[derive(Clone)]
    struct Broken(Arc<Mutex<usize>>);

    impl Transport for Broken {
        fn send(
            &self,
            _: reqwest::Request,
        ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
            *self.0.lock().unwrap() += 1;
            Box::pin(async { Err(TransportError::new("the key is lost")) })
        }
    }

    let broken = Broken(Arc::default());
    let client = Client::builder("http://bot")
        .transport(broken.clone())
        .options(at_once(3))
        .build()
        .unwrap();
    let error = client.end_session(&end()).await.unwrap_err();
    assert_eq!(error.to_string(), "endSession: the transport failed");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the key is lost");
    assert!(!error.is_retryable() && !error.is_cut() && !error.is_timeout());
    assert_eq!(*broken.0.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let options = || {
        let hour = Duration::from_secs(3600);
        at_once(2).call_deadline(hour).first_event_deadline(hour)
    };
    for (header, seconds) in [
        (Some("7"), 7),
        (Some("0"), 0),
        (Some(" 3 "), 3),
        (Some("60"), 60),
        // A date in the past means no wait.
        (Some("Wed, 21 Oct 2015 07:28:00 GMT"), 0),
        // Without a valid value, the configured pause applies: none here.
        (None, 0),
        (Some("-1"), 0),
        (Some("1.5"), 0),
    ] {
        let fake = busy(2, header);
        fake.client().with_options(options()).end_session(&end()).await.unwrap();
        let attempts = fake.attempts();
        assert_eq!(attempts.len(), 3, "{header:?}");
        for pair in attempts.windows(2) {
            let waited = (pair[1] - pair[0]).as_secs_f64();
            assert!((waited - f64::from(seconds)).abs() < 0.1, "{header:?}: {attempts:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_more_than_a_minute_ends_the_attempts() {
    let hour = Duration::from_secs(3600);
    for header in ["61", "18446744073709551615", "Wed, 21 Oct 2099 07:28:00 GMT"] {
        let fake = busy(2, Some(header));
        let client = fake.client().with_options(at_once(2).call_deadline(hour));
        let error = client.end_session(&end()).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), fake.attempts().len()), (503, 1), "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_with_a_date_is_honoured() {
    let then = std::time::SystemTime::now() + Duration::from_secs(30);
    let header: &'static str = Box::leak(httpdate::fmt_http_date(then).into_boxed_str());
    let fake = busy(1, Some(header));
    let options = at_once(1).call_deadline(Duration::from_secs(3600));
    fake.client().with_options(options).end_session(&end()).await.unwrap();
    let waited = (fake.attempts()[1] - fake.attempts()[0]).as_secs();
    assert!((25..=30).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn the_longest_pause_doubles_with_each_attempt_and_the_pause_is_random() {
    let (mut waited, rounds) = ([const { Vec::new() }; 3], 100);
    for _ in 0..rounds {
        let fake = busy(3, None);
        fake.client()
            .with_options(CallOptions::new().retries(Retries::up_to(3)))
            .end_session(&end())
            .await
            .unwrap();
        for (waited, pair) in waited.iter_mut().zip(fake.attempts().windows(2)) {
            waited.push((pair[1] - pair[0]).as_millis());
        }
    }
    for (mut waited, longest) in waited.into_iter().zip([200, 400, 800]) {
        waited.sort_unstable();
        assert_eq!(waited.len(), rounds);
        assert!(waited[rounds - 1] <= longest + 2, "{waited:?}");
        assert!(waited[rounds - 1] > longest / 2, "{waited:?}");
        assert!(waited[0] < longest / 4, "{waited:?}");
    }
}

#[tokio::test]
async fn options_apply_only_to_the_client_that_got_them() {
    let stub = Stub::answering(answer("503 Service Unavailable", "", "")).await;
    let custom = HeaderName::from_static("x-trace");
    let header = |value| CallOptions::new().header(custom.clone(), HeaderValue::from_static(value));
    let plain = stub.client();
    let patient = plain.with_options(at_once(2));
    let traced =
        patient.with_options(header("a").header(custom.clone(), HeaderValue::from_static("b")));
    let configured = Client::builder(&stub.url).options(header("c")).build().unwrap();
    for (client, attempts, trace) in [
        (&traced, 1, Some("b")),
        (&patient, 3, None),
        (&plain, 1, None),
        (&configured, 1, Some("c")),
    ] {
        let before = stub.seen().len();
        client.end_session(&end()).await.unwrap_err();
        let seen = &stub.seen()[before..];
        assert_eq!(seen.len(), attempts);
        for seen in seen {
            let values: Vec<_> =
                seen.headers.iter().filter(|(name, _)| name == "x-trace").collect();
            assert_eq!(values.len(), usize::from(trace.is_some()));
            assert_eq!(seen.header("x-trace"), trace);
        }
    }
}

#[tokio::test]
async fn a_header_in_the_options_replaces_the_clients_own() {
    let stub = Stub::answering(event_stream(event(packet("", true)))).await;
    let both = HeaderValue::from_static("text/event-stream, application/json");
    let options = CallOptions::new()
        .header(ACCEPT, both)
        .header(AUTHORIZATION, HeaderValue::from_static("Bearer t"));
    let mut packets = stub.client().with_options(options).dialogue(&dialogue()).await.unwrap();
    packets.next().await.unwrap().unwrap();
    let seen = &stub.seen()[0];
    assert_eq!(seen.header("accept"), Some("text/event-stream, application/json"));
    assert_eq!(seen.header("authorization"), Some("Bearer t"));
    assert_eq!(seen.headers.iter().filter(|(name, _)| name == "accept").count(), 1);
}
