//! Which calls are retried after a failure, how often, and after which pauses.

use std::future::ready;

use callbot::client::{CallOptions, Retries, TransportError};
use callbot::duix::{Client, Tokens};
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use super::{SECOND, line};
use crate::support::duix_platform::{
    ACTS, APP, Fake, Given, KEY, READS, Socket, Ticking, at_once, call, calls, failure, given,
    good, raw,
};

/// An answer after which a reading call is retried.
type Passing = (&'static str, fn() -> Given);

const PASSING: [Passing; 8] = [
    ("503", || given(503, "busy")),
    ("429", || given(429, "")),
    ("502", || given(502, "<html>")),
    ("504", || given(504, failure("1009").to_string())),
    ("not connected", || Err(TransportError::connect("nobody there"))),
    ("-1", || given(200, failure("-1").to_string())),
    ("40002", || given(500, failure("40002").to_string())),
    ("40002 with data", || {
        given(200, json!({"success": false, "code": 40002, "data": ""}).to_string())
    }),
];

#[tokio::test(start_paused = true)]
async fn reading_calls_are_retried_after_passing_failures() {
    let fake = Fake::playing([(200, good())]);
    let plain = fake.client();
    for (how, answer) in PASSING {
        for name in READS {
            // The first `passing` attempts fail, and the next one does not.
            for (passing, retries, attempts, good) in [
                (1, 2, 2, true),
                (2, 2, 3, true),
                (3, 2, 3, false),
                (5, 9, 6, true),
                (1, 0, 1, false),
            ] {
                fake.act(move |number| match number < passing {
                    true => answer(),
                    false => given(200, self::good().to_string()),
                });
                let client = plain.with_options(at_once(retries));
                let outcome = call(&client, name).await;
                let place = format!("{name}: {how}: {passing} of {retries}: {outcome:?}");
                assert_eq!(outcome.is_ok(), good, "{place}");
                let asked = fake.taken();
                assert_eq!(asked.len(), attempts, "{place}");
                for asked in &asked {
                    assert_eq!(asked.line, line(name), "{place}");
                    assert_eq!(asked.token(), client.tokens().current().expose(), "{place}");
                }
                if let Err(error) = outcome {
                    assert!(error.is_retryable(), "{place}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn acting_calls_are_never_retried() {
    let fake = Fake::playing([(200, good())]);
    let plain = fake.client();
    let eager = fake.builder().options(at_once(9)).build().unwrap();
    for (how, answer) in PASSING {
        fake.act(move |_| answer());
        for client in [
            &plain,
            &plain.with_options(at_once(9)),
            &eager,
            &eager.with_options(CallOptions::new().retries(Retries::up_to(3))),
            &eager.clone(),
        ] {
            for name in ACTS {
                let error = call(client, name).await.unwrap_err();
                // The caller decides whether to repeat it.
                assert!(error.is_retryable(), "{name}: {how}: {error}");
                assert_eq!(fake.taken().len(), 1, "{name}: {how}");
            }
        }
    }
    // Nor after a refused token.
    for name in ACTS {
        fake.play([(200, failure("1006")), (503, json!("")), (200, good())]);
        let error = call(&eager, name).await.unwrap_err();
        assert_eq!(error.status().unwrap(), 503, "{name}: {error}");
        assert_eq!(fake.taken().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn permanent_failures_are_not_retried() {
    let answers: [Passing; 8] = [
        ("broken off", || Err(TransportError::new("broken off"))),
        ("1005", || given(200, failure("1005").to_string())),
        ("1009", || given(200, failure("1009").to_string())),
        ("2002", || given(404, failure("2002").to_string())),
        ("unknown", || given(200, failure("50004").to_string())),
        ("400", || given(400, "")),
        ("500", || given(500, "")),
        ("no envelope", || given(200, "{")),
    ];
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(at_once(5)).build().unwrap();
    for (how, answer) in answers {
        fake.act(move |_| answer());
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert!(!error.is_retryable(), "{name}: {how}: {error}");
            assert_eq!(fake.taken().len(), 1, "{name}: {how}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn by_default_reading_calls_are_made_up_to_three_times_after_random_pauses() {
    const ROUNDS: usize = 100;
    for body in ["", r#"{"success":false,"code":"-1"}"#] {
        let status = if body.is_empty() { 503 } else { 200 };
        let fake = Fake::new(move |_, _| ready(given(status, body)));
        let client = fake.client();
        let mut waited = [const { Vec::new() }; 2];
        for name in READS.into_iter().cycle().take(ROUNDS) {
            call(&client, name).await.unwrap_err();
            let asked = fake.taken();
            assert_eq!(asked.len(), 3, "{name}");
            for (waited, pair) in waited.iter_mut().zip(asked.windows(2)) {
                waited.push((pair[1].at - pair[0].at).as_millis());
            }
        }
        for (mut waited, longest) in waited.into_iter().zip([200, 400]) {
            waited.sort_unstable();
            assert!(waited[ROUNDS - 1] <= longest + 2, "{waited:?}");
            assert!(waited[ROUNDS - 1] > longest / 2, "{waited:?}");
            assert!(waited[0] < longest / 4, "{waited:?}");
        }
    }
}

/// An answer with this `retry-after`, in seconds.
fn patient(status: u16, seconds: &str, body: String) -> Given {
    let response = http::Response::builder().status(status).header("retry-after", seconds);
    Ok(response.body(body.into()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(at_once(2).call_deadline(3600 * SECOND)).build().unwrap();
    for (status, body) in
        [(503, String::new()), (429, failure("1009").to_string()), (200, failure("-1").to_string())]
    {
        for (header, pause) in [("7", 7), ("0", 0), ("60", 60)] {
            let body = body.clone();
            fake.act(move |number| match number {
                0 => patient(status, header, body.clone()),
                _ => given(200, good().to_string()),
            });
            client.conversation("1").await.unwrap();
            let asked = fake.asked();
            assert_eq!(asked.len(), 2);
            let waited = (asked[1].at - asked[0].at).as_secs_f64();
            assert!((waited - f64::from(pause)).abs() < 0.1, "{status} {header}: {waited}");
        }
    }
    // Longer than a client waits at most.
    fake.act(|_| patient(503, "61", String::new()));
    assert!(client.conversation("1").await.is_err());
    assert_eq!(fake.asked().len(), 1);
    // Longer than the deadline of the call: the answer is returned, since it says more than a timeout.
    fake.act(|_| patient(503, "30", String::new()));
    let client = client.with_options(at_once(2));
    let start = Instant::now();
    let error = client.sessions().await.unwrap_err();
    assert_eq!(
        (error.status(), error.is_timeout()),
        (Some(StatusCode::SERVICE_UNAVAILABLE), false)
    );
    assert_eq!((start.elapsed().as_secs(), fake.asked().len()), (0, 1));
}

#[tokio::test]
async fn over_a_socket_a_busy_platform_and_a_refused_token_are_retried() {
    let bodies = [
        raw("503 Busy", "retry-after: 0\r\n", ""),
        raw("200 OK", "", &failure("1006").to_string()),
        raw("200 OK", "retry-after: 0\r\n", &failure("40002").to_string()),
        raw("200 OK", "", &good().to_string()),
    ];
    let socket = Socket::new(move |number| bodies[number % 4].clone()).await;
    let tokens = Tokens::new(APP, KEY).clock(Ticking::new());
    let client = Client::builder_with_tokens(tokens).base_url(&socket.url).build().unwrap();
    client.concurrency().await.unwrap();
    let asked = socket.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|asked| asked.line == line("concurrency")), "{asked:?}");
    let tokens = crate::support::duix_platform::tokens(&asked);
    assert_eq!((tokens[0], tokens[2]), (tokens[1], tokens[3]));
    assert_ne!(tokens[1], tokens[2]);
    // An acting call is made only once.
    assert_eq!(client.stop_session("s").await.unwrap_err().status().unwrap(), 503);
    assert_eq!(socket.asked().len(), 5);
}

#[tokio::test]
async fn a_connection_that_the_platform_closes_is_not_retried() {
    let socket = Socket::new(|_| String::new()).await;
    let client = socket.builder().options(at_once(5)).build().unwrap();
    for (asked, name) in calls().enumerate() {
        let error = call(&client, name).await.unwrap_err();
        assert!(!error.is_retryable() && error.status().is_none(), "{name}: {error:?}");
        assert_eq!(socket.asked().len(), asked + 1, "{name}");
    }
}
