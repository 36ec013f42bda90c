//! What the deadlines of a call and of a connection cover.

use std::io;
use std::time::Duration;

use callbot::client::Deadline;
use callbot::duix::Client;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};

use super::{SECOND, once};
use crate::support::duix_platform::{
    APP, Fake, KEY, READS, Ticking, at_once, call, calls, failure, given,
};

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_covers_the_attempt_with_the_new_token() {
    let fake = Fake::new(|number, _| async move {
        sleep(if number == 0 { SECOND * 9 / 10 } else { 100 * SECOND }).await;
        given(200, failure("1006").to_string())
    });
    let options = once().call_deadline(SECOND);
    let client = fake.dated(Ticking::new()).options(options).build().unwrap();
    for name in calls() {
        fake.taken();
        let start = Instant::now();
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.deadline(), Some(Deadline::Call), "{name}");
        let elapsed = start.elapsed();
        assert!(elapsed < SECOND * 11 / 10, "{name}: {elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    let body = || {
        let never = stream::pending::<Result<Vec<u8>, io::Error>>();
        reqwest::Body::wrap_stream(never)
    };
    // Without a head, and with a head but without a body.
    for silent in [true, false] {
        let fake = Fake::new(move |_, _| async move {
            if silent {
                sleep(3600 * SECOND).await;
            }
            given(200, body())
        });
        let minute = once().call_deadline(60 * SECOND);
        let plain = fake.client();
        let patient = fake.builder().options(minute.clone()).build().unwrap();
        for (client, limit) in [
            (&plain, 10),
            (&plain.with_options(minute), 60),
            (&patient, 60),
            (&patient.with_options(once()), 10),
        ] {
            for name in calls() {
                let start = Instant::now();
                let error = call(client, name).await.unwrap_err();
                assert_eq!(start.elapsed().as_secs(), limit, "{name} {silent}");
                assert_eq!(error.deadline(), Some(Deadline::Call), "{name} {silent}");
                assert!(error.is_timeout() && !error.is_retryable(), "{name} {silent}");
                assert_eq!(fake.taken().len(), 1, "{name} {silent}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_covers_its_retries() {
    let fake = Fake::new(|_, _| async {
        sleep(3 * SECOND).await;
        given(503, "")
    });
    let options = at_once(100).call_deadline(10 * SECOND);
    let client = fake.builder().options(options).build().unwrap();
    for name in READS {
        let start = Instant::now();
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.deadline(), Some(Deadline::Call), "{name}");
        assert_eq!((start.elapsed().as_secs(), fake.taken().len()), (10, 4), "{name}");
    }
}

/// The listener accepts connections and sends nothing, so the TLS handshake never ends.
#[tokio::test]
async fn a_connection_that_is_not_established_ends_at_the_connect_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok(connection) = listener.accept().await {
            taken.push(connection);
        }
    });
    let client = Client::builder(APP, KEY)
        .base_url(&url)
        .connect_deadline(Duration::from_millis(150))
        .options(once())
        .build()
        .unwrap();
    for name in ["sessions", "stop_session"] {
        let error = timeout(5 * SECOND, call(&client, name)).await.unwrap().unwrap_err();
        assert_eq!(error.deadline(), Some(Deadline::Connect), "{name}: {error:?}");
        assert!(error.is_retryable(), "{name}");
    }
}
