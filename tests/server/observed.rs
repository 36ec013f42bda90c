//! What is seen of a server from outside: an event for each refused request, and a span for each request.

use std::io;
use std::sync::Arc;

use callbot::observe::TraceContext;
use callbot::server::Error;
use tokio::sync::Notify;

use crate::subject::*;
use crate::support::spans::{Seen, Spans, spanned};

crate::subject::for_every_platform! {
    a_refused_request_is_an_event_with_its_reason,
    a_served_request_is_no_event,
    a_rejection_by_the_handler_is_an_event_and_a_failure_is_not,
    an_observed_server_refuses_another_method_as_any_other_does,
    a_refusal_is_logged_with_platform_operation_status_and_reason,
    a_request_has_a_span_with_what_its_handler_traces,
    the_span_of_a_refused_request_has_the_reason,
    the_span_of_a_failed_request_has_the_kind_of_failure,
    the_trace_of_a_request_reaches_its_handler,
    a_malformed_trace_is_none,
}

crate::subject::for_every_stream! {
    the_span_of_a_stream_lasts_until_its_end,
    the_span_of_a_stream_ends_with_its_peer,
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const LIMIT: usize = 100_000;

fn traced_post(operation: &Operation) -> Post {
    let parent = format!("00-{TRACE}-{PARENT}-01");
    operation.post().header("traceparent", parent).header("tracestate", "a=1,b=2")
}

async fn observed<S: Subject>() -> Bench<S> {
    let body_limit = Some(LIMIT);
    Bench::with(Settings { observed: true, body_limit, ..Settings::default() }).await
}

async fn a_refused_request_is_an_event_with_its_reason<S: Subject>() {
    let bench = observed::<S>().await;
    for operation in bench.operations() {
        let mut posts = vec![
            ("405 method", operation.post().method("PUT")),
            ("415 media_type", operation.post().content_type(Some("text/plain"))),
            ("415 cross_site", operation.post().content_type(None).header("origin", "http://a")),
            ("415 encoding", operation.post().header("content-encoding", "gzip")),
            ("413 too_large", operation.sized(LIMIT + 1)),
            ("400 json", operation.with("{\"")),
            ("400 json", operation.with("")),
        ];
        for pointer in &operation.required {
            posts.push(("400 body", operation.changed(pointer, None)));
        }
        for (expected, post) in posts {
            bench.events().clear();
            // A body that is too large may close the connection.
            Peer::connect(bench.address).await.ask(&post).await;
            let (platform, name) = (S::platform(&operation), operation.name);
            let line = format!("refused {platform} {name} {expected}");
            assert_eq!(bench.events().all(), [line], "{post:?}");
        }
    }
}

async fn a_served_request_is_no_event<S: Subject>() {
    let mut bench = observed::<S>().await;
    for operation in bench.operations() {
        bench.accepts(&operation, &operation.post()).await;
    }
    assert_eq!(bench.events().all(), [""; 0]);
}

async fn a_rejection_by_the_handler_is_an_event_and_a_failure_is_not<S: Subject>() {
    let mut bench = observed::<S>().await;
    let mut handled = bench.handled();
    handled.retain(|operation| bench.subject.traces_failures(operation));
    for operation in &handled {
        for (status, expected) in [
            (404, Some("404 handler")),
            (501, Some("501 unsupported")),
            (503, Some("503 unavailable")),
            (500, None),
            (0, None),
        ] {
            bench.events().clear();
            bench.act(move |_| {
                Box::pin(async move {
                    Err(match status {
                        0 => io::Error::other("the database is down").into(),
                        501 => Error::unsupported(),
                        _ => Error::public("no").status(status),
                    })
                })
            });
            bench.peer.ask(&operation.post()).await;
            bench.heard();
            let (platform, name) = (S::platform(operation), operation.name);
            let lines = expected.map(|expected| format!("refused {platform} {name} {expected}"));
            assert_eq!(bench.events().all(), lines.into_iter().collect::<Vec<_>>(), "{status}");
        }
    }
}

async fn an_observed_server_refuses_another_method_as_any_other_does<S: Subject>() {
    let (mut observed, mut other) = (observed::<S>().await, Bench::<S>::new().await);
    for operation in observed.at_each_path() {
        for method in ["GET", "PUT", "OPTIONS"] {
            let post = operation.post().method(method);
            let mut answers = Vec::new();
            for bench in [&mut observed, &mut other] {
                let mut answer = bench.peer.ask(&post).await;
                answer.headers.retain(|(name, _)| name != "date");
                answers.push((answer.status, answer.headers, answer.body));
            }
            assert_eq!(answers[0], answers[1], "{method}");
        }
    }
}

async fn a_refusal_is_logged_with_platform_operation_status_and_reason<S: Subject>() {
    for operation in observed::<S>().await.operations() {
        let (traces, _guard) = traced();
        let mut bench = observed::<S>().await;
        bench.peer.ask(&operation.with("{")).await;
        let platform = format!("platform=\"{}\"", S::platform(&operation));
        let name = format!("operation=\"{}\"", operation.name);
        let parts = ["WARN", &platform, &name, "status=400", "reason=\"json\"", "refused: "];
        assert_eq!(traces.with(&parts).len(), 1, "{}", traces.text());
    }
}

/// The one request, of which a test needs the span.
fn request(spans: &Spans) -> Seen {
    let named = spans.named("request");
    assert_eq!(named.len(), 1, "{named:#?}");
    named[0].1.clone()
}

/// Waits until the one request is over.
async fn closed(spans: &Spans) -> Seen {
    soon("the end of the span", async {
        while !request(spans).closed {
            tokio::task::yield_now().await;
        }
    })
    .await;
    request(spans)
}

async fn a_request_has_a_span_with_what_its_handler_traces<S: Subject>() {
    for operation in observed::<S>().await.handled() {
        let mut bench = Bench::<S>::new().await;
        let (spans, _guard) = spanned();
        bench.act(|_| {
            tracing::info!("before the first wait");
            Box::pin(async {
                tokio::task::yield_now().await;
                tracing::info!("afterwards");
                Ok(())
            })
        });
        bench.accepts(&operation, &operation.post()).await;
        let span = closed(&spans).await;
        assert_eq!(span.target, "callbot::request");
        assert_eq!(span.events, ["before the first wait", "afterwards"]);
        let route = &span.fields["http.route"];
        // A parameter is shown by its name.
        assert!(*route == operation.path || route.contains('{'), "{route}");
        let name = format!("POST {route}");
        for (field, value) in [
            ("otel.name", name.as_str()),
            ("otel.kind", "server"),
            ("operation", operation.name),
            ("platform", S::platform(&operation)),
            ("http.request.method", "POST"),
            ("url.path", &operation.path),
            ("server.address", "bot"),
            ("http.response.status_code", "200"),
        ] {
            assert_eq!(span.fields[field], value, "{field}");
        }
        for field in ["error.type", "otel.status_code", "trace_id", "parent_id", "span_id"] {
            assert_eq!(span.fields.get(field), None, "{field}");
        }
    }
}

async fn the_span_of_a_refused_request_has_the_reason<S: Subject>() {
    for operation in observed::<S>().await.operations() {
        let mut bench = Bench::<S>::new().await;
        let (spans, _guard) = spanned();
        let answer = bench.peer.ask(&operation.with("{")).await;
        let span = closed(&spans).await;
        assert_eq!(span.fields["error.type"], "json");
        assert_eq!(span.fields["http.response.status_code"], answer.status.to_string());
        assert_eq!(span.events.len(), 1, "the refusal stands in it: {span:#?}");
    }
}

async fn the_span_of_a_failed_request_has_the_kind_of_failure<S: Subject>() {
    for operation in observed::<S>().await.handled() {
        for kind in ["handler", "internal", "panic"] {
            let mut bench = Bench::<S>::new().await;
            if !bench.subject.traces_failures(&operation) {
                continue;
            }
            let (spans, _guard) = spanned();
            bench.act(move |_| {
                Box::pin(async move {
                    match kind {
                        "handler" => Err(Error::public("no").status(418)),
                        "panic" => panic!("oh"),
                        _ => Err(io::Error::other("the database is down").into()),
                    }
                })
            });
            bench.peer.ask(&operation.post()).await;
            bench.heard();
            let span = closed(&spans).await;
            let expected = if kind == "panic" { "internal" } else { kind };
            assert_eq!(span.fields["error.type"], expected, "{} {kind}", operation.name);
        }
    }
}

/// Lets the handler trace the context that it has.
fn show_context<S: Subject>(bench: &Bench<S>) {
    bench.act(|_| {
        Box::pin(async {
            tokio::task::yield_now().await;
            let context = TraceContext::current();
            let state = context.as_ref().and_then(|context| context.tracestate());
            let parent = context.as_ref().map(TraceContext::traceparent).unwrap_or_default();
            tracing::info!("{parent} {}", state.unwrap_or_default());
            Ok(())
        })
    });
}

async fn the_trace_of_a_request_reaches_its_handler<S: Subject>() {
    for operation in observed::<S>().await.handled() {
        let mut bench = Bench::<S>::new().await;
        let (spans, _guard) = spanned();
        show_context(&bench);
        bench.accepts(&operation, &traced_post(&operation)).await;
        let span = closed(&spans).await;
        let (trace, own) = (&span.fields["trace_id"], &span.fields["span_id"]);
        assert_eq!((trace.as_str(), span.fields["parent_id"].as_str()), (TRACE, PARENT));
        assert!(own.len() == 16 && own != PARENT, "the span has an id of its own: {own}");
        assert_eq!(span.events, [format!("00-{TRACE}-{own}-01 a=1,b=2")]);
    }
    assert_eq!(TraceContext::current(), None);
}

async fn a_malformed_trace_is_none<S: Subject>() {
    for operation in observed::<S>().await.handled() {
        let mut bench = Bench::<S>::new().await;
        let (spans, _guard) = spanned();
        show_context(&bench);
        let zeros = format!("00-{}-{PARENT}-01", "0".repeat(32));
        bench.accepts(&operation, &operation.post().header("traceparent", zeros)).await;
        let span = closed(&spans).await;
        assert_eq!(span.events, [" "]);
        assert_eq!(span.fields.get("trace_id"), None);
    }
}

/// A handler that sends a packet, and then waits until it is let go.
fn wait_behind_a_packet<S: Subject>(bench: &Bench<S>) -> Arc<Notify> {
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    bench.act(move |line| {
        let wait = wait.clone();
        Box::pin(async move {
            line.send(PIECE).await?;
            wait.notified().await;
            tracing::info!("behind the head");
            Ok(())
        })
    });
    go
}

async fn the_span_of_a_stream_lasts_until_its_end<S: Streams>() {
    for operation in Bench::<S>::new().await.streaming() {
        let mut bench = Bench::<S>::new().await;
        let (spans, _guard) = spanned();
        let go = wait_behind_a_packet(&bench);
        bench.peer.send(&operation.post()).await;
        bench.peer.head().await;
        bench.peer.block().await.unwrap();
        assert!(!request(&spans).closed, "the stream goes on");
        go.notify_one();
        while bench.peer.block().await.is_some() {}
        let span = closed(&spans).await;
        assert_eq!(span.events, ["behind the head"]);
        assert_eq!(span.fields.get("error.type"), None);
        bench.heard();
    }
}

async fn the_span_of_a_stream_ends_with_its_peer<S: Streams>() {
    for operation in Bench::<S>::new().await.streaming() {
        let bench = Bench::<S>::new().await;
        let (spans, _guard) = spanned();
        let _go = wait_behind_a_packet(&bench);
        let mut peer = Peer::connect(bench.address).await;
        peer.send(&operation.post()).await;
        peer.head().await;
        peer.block().await.unwrap();
        peer.reset();
        let span = closed(&spans).await;
        assert_eq!(span.fields["error.type"], "peer_gone");
    }
}
