//! What a platform sees of the errors and panics of a handler: one failure in the form of its
//! document, and nothing of the reason unless the handler's author made it public. The server goes on.

use std::{fmt, io};

use callbot::server::Error;
use futures_util::{FutureExt, StreamExt, stream};

use crate::subject::*;

crate::subject::for_every_platform! {
    a_public_error_shows_its_text_its_status_and_its_code,
    other_errors_and_panics_show_nothing_and_the_server_goes_on,
    a_panic_before_there_is_a_future_is_a_failure_like_any_other,
    an_error_is_traced_with_its_reason_and_a_panic_without,
}

crate::subject::for_every_stream! {
    a_failure_behind_the_last_packet_adds_no_packet,
    a_stream_that_fails_or_panics_within_send_all_ends_the_turn_with_a_failure,
}

/// The ways to fail whose reason must not show.
const SILENT: [&str; 5] = ["io", "nested", "parse", "panic", "panic with a value"];

/// Fails in this way; `fine` is a success.
fn fail(how: &str) -> Result<(), Error> {
    #[derive(Debug)]
    struct Nested(io::Error);

    impl fmt::Display for Nested {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl std::error::Error for Nested {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    match how {
        "fine" => Ok(()),
        "public" => Err(Error::public("no such account").status(404).code("NoAccount")),
        "public without a status" => Err(Error::public("try again")),
        "public with a status of success" => Err(Error::public("all is well?").status(200)),
        "unsupported" => Err(Error::unsupported()),
        "io" => Err(io::Error::other(SECRET).into()),
        "nested" => Err(Nested(io::Error::other(SECRET)).into()),
        "parse" => Ok(SECRET.parse::<u8>().map(|_| ())?),
        "panic" => panic!("{SECRET}"),
        "panic with a value" => std::panic::panic_any(vec![SECRET]),
        other => unreachable!("{other}"),
    }
}

/// Sends this number of packets, and then fails in this way.
fn fail_behind<S: Subject>(bench: &Bench<S>, pieces: usize, how: &'static str) {
    bench.act(move |line| {
        Box::pin(async move {
            for _ in 0..pieces {
                line.send(PIECE).await?;
            }
            tokio::task::yield_now().await;
            fail(how)
        })
    });
}

/// The answer ends with this failure, and holds nothing of a secret.
fn assert_failure<S: Subject>(
    bench: &Bench<S>,
    operation: &Operation,
    answer: &Answer,
    pieces: usize,
    (cause, message): (Cause, &str),
) {
    assert!(!answer.body.contains(SECRET), "{answer:?}");
    let Some(failure) = bench.subject.failure(operation, answer, pieces) else { return };
    let shown = bench.subject.shown(operation, cause);
    assert_eq!((failure.status, failure.code), shown, "{answer:?}");
    assert_eq!(failure.message, message);
    assert_eq!(failure.id.as_deref(), operation.echo_without(""));
}

/// The server still serves, on this connection and on another one.
async fn assert_goes_on<S: Subject>(bench: &mut Bench<S>, operation: &Operation) {
    bench.act(|_| Box::pin(async { fail("fine") }));
    bench.accepts(operation, &operation.post()).await;
    let answer = Peer::connect(bench.address).await.ask(&operation.post()).await;
    bench.subject.assert_served(operation, &answer);
    bench.heard();
}

async fn a_public_error_shows_its_text_its_status_and_its_code<S: Subject>() {
    let mut bench = Bench::<S>::new().await;
    for operation in bench.handled() {
        for (how, cause, message) in [
            ("public", Cause::Failed(404, Some("NoAccount")), "no such account"),
            ("public without a status", Cause::Failed(500, None), "try again"),
            // A failure can't look like a success.
            ("public with a status of success", Cause::Failed(500, None), "all is well?"),
            ("unsupported", Cause::Failed(501, None), "the operation is not supported"),
        ] {
            for pieces in [0, 2] {
                fail_behind(&bench, pieces, how);
                let answer = bench.peer.ask(&operation.post()).await;
                assert_failure(&bench, &operation, &answer, pieces, (cause, message));
                bench.heard();
            }
        }
    }
}

async fn other_errors_and_panics_show_nothing_and_the_server_goes_on<S: Subject>() {
    let mut bench = Bench::<S>::new().await;
    for operation in bench.handled() {
        for how in SILENT {
            for pieces in [0, 1, 3] {
                fail_behind(&bench, pieces, how);
                let answer = bench.peer.ask(&operation.post()).await;
                let expected = (Cause::Internal, "internal error");
                assert_failure(&bench, &operation, &answer, pieces, expected);
                bench.heard();
                assert_goes_on(&mut bench, &operation).await;
            }
        }
    }
}

async fn a_panic_before_there_is_a_future_is_a_failure_like_any_other<S: Subject>() {
    let mut bench = Bench::<S>::new().await;
    for operation in bench.handled() {
        for how in SILENT {
            bench.act(move |_| {
                let failed = fail(how);
                Box::pin(async { failed })
            });
            let answer = bench.peer.ask(&operation.post()).await;
            assert_failure(&bench, &operation, &answer, 0, (Cause::Internal, "internal error"));
            bench.heard();
            assert_goes_on(&mut bench, &operation).await;
        }
    }
}

async fn an_error_is_traced_with_its_reason_and_a_panic_without<S: Subject>() {
    let all = Bench::<S>::new().await;
    for operation in all.handled().iter().filter(|one| all.subject.traces_failures(one)) {
        for (how, level, reason) in [
            ("io", "ERROR", SECRET),
            ("nested", "ERROR", "outer: SECRET-4711"),
            ("public without a status", "ERROR", "try again"),
            // What a caller asks for and does not get must not fill the log of errors.
            ("public", "WARN", "no such account"),
            ("panic", "ERROR", "panicked"),
        ] {
            let (traces, _guard) = traced();
            let mut bench = Bench::<S>::new().await;
            fail_behind(&bench, 0, how);
            bench.peer.ask(&operation.post()).await;
            let name = format!("operation=\"{}\"", operation.name);
            let lines = traces.with(&[level, &name, reason]);
            assert_eq!(lines.len(), 1, "{how}: {:#?}", traces.lines());
            let secret = usize::from(reason.contains(SECRET));
            assert_eq!(traces.with(&[SECRET]).len(), secret, "{how}: {:#?}", traces.lines());
        }
    }
}

async fn a_failure_behind_the_last_packet_adds_no_packet<S: Streams>() {
    let mut bench = Bench::<S>::with(Settings { fallback: true, ..Settings::default() }).await;
    for operation in &bench.streaming() {
        for how in SILENT.iter().copied().chain(["public", "public without a status"]) {
            bench.act(move |line| {
                Box::pin(async move {
                    line.finish("Bye.").await?;
                    fail(how)
                })
            });
            let answer = bench.peer.ask(&operation.post()).await;
            assert_eq!(S::packets(&answer), S::texts(&["Bye."]), "{how}");
            bench.subject.assert_served(operation, &answer);
        }
    }
}

async fn a_stream_that_fails_or_panics_within_send_all_ends_the_turn_with_a_failure<S: Streams>() {
    let mut bench = Bench::<S>::new().await;
    for operation in &bench.streaming() {
        for how in SILENT {
            bench.act(move |line| {
                let items = stream::iter([Ok(PIECE.to_owned())])
                    .chain(stream::once(async move { fail(how).map(|()| "not reached".into()) }));
                line.send_all(items.boxed()).boxed()
            });
            let answer = bench.peer.ask(&operation.post()).await;
            assert_failure(&bench, operation, &answer, 1, (Cause::Internal, "internal error"));
        }
    }
}
