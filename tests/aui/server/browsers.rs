//! Cross-origin requests (CORS) of web pages.

use super::*;

/// A preflight request.
fn preflight(path: &str, origin: &str) -> Post {
    Post::new(path, "")
        .method("OPTIONS")
        .content_type(None)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization,content-type")
}

/// Returns the names of the CORS headers.
fn cors(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.iter().map(|(name, _)| name.as_str());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn by_default_no_web_page_may_call() {
    let mut bench = Bench::new().await;
    let empty = Bench::with(Act::Well, |server| server.allow_origins([""; 0]).unwrap()).await;
    for (path, _, body) in places() {
        for address in [bench.address, empty.address] {
            let mut peer = Peer::connect(address).await;
            let post = Post::json(&path, &body).header("Origin", "https://app.example");
            let answer = peer.ask(&post).await;
            answer.good();
            assert_eq!(cors(&answer), [""; 0]);
            let answer = peer.ask(&preflight(&path, "https://app.example")).await;
            assert_eq!((answer.status, cors(&answer)), (405, vec![]));
        }
    }
    bench.heard();
}

#[tokio::test]
async fn only_pages_of_listed_origins_may_call() {
    let origins = ["https://app.example", "http://localhost:8080"];
    let mut bench = Bench::with(Act::Well, |server| server.allow_origins(origins).unwrap()).await;
    for (path, _, body) in places() {
        for origin in ["https://app.example", "http://localhost:8080"] {
            let answer = bench.peer.ask(&preflight(&path, origin)).await;
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
            let list = |name| {
                let text = answer.header(name).to_ascii_lowercase();
                let mut list: Vec<_> = text.split(',').map(|item| item.trim().to_owned()).collect();
                list.sort_unstable();
                list
            };
            let headers = list("access-control-allow-headers");
            assert_eq!(headers, ["authorization", "content-type"]);
            let methods = list("access-control-allow-methods");
            assert_eq!(methods, ["delete", "get", "patch", "post", "put"]);
            bench.nothing_heard();
            // The page must be able to read answers and refusals.
            for caller in ["a", "no"] {
                let post = Post::json(&path, &body).header("Authorization", caller);
                let answer = bench.peer.ask(&post.header("Origin", origin)).await;
                assert_eq!(answer.header("access-control-allow-origin"), origin);
                assert_eq!(answer.header("access-control-allow-credentials"), "true");
                assert!(answer.header("vary").to_ascii_lowercase().contains("origin"));
            }
            bench.heard();
        }
        for origin in [
            "https://other.example",
            "http://app.example",
            "https://app.example:443",
            "https://app.example.evil.example",
            "https://sub.app.example",
            "https://APP.example",
            "null",
            "*",
        ] {
            let answer = bench.peer.ask(&preflight(&path, origin)).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
            let post = Post::json(&path, &body).header("Origin", origin);
            let answer = bench.peer.ask(&post).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
            bench.heard();
        }
    }
}

#[tokio::test]
async fn pages_of_every_origin_may_call_if_that_is_allowed() {
    let mut bench = Bench::with(Act::Well, |server| {
        server.allow_origins(["https://app.example"]).unwrap().allow_any_origin()
    })
    .await;
    for (path, _, body) in places() {
        for origin in ["https://app.example", "http://localhost:5173", "null"] {
            for post in [
                preflight(&path, origin),
                Post::json(&path, &body).header("Origin", origin),
                Post::json(&path, &body).header("Origin", origin).header("Authorization", "no"),
            ] {
                let answer = bench.peer.ask(&post).await;
                assert_eq!(answer.header("access-control-allow-origin"), origin, "{post:?}");
                assert_eq!(answer.header("access-control-allow-credentials"), "true");
            }
        }
    }
    // Paths of other routers, which this one may be merged into, are not opened.
    let answer = bench.peer.ask(&preflight("/elsewhere", "https://app.example")).await;
    assert_eq!((answer.status, cors(&answer)), (404, vec![]));
}

#[test]
fn a_text_that_is_not_an_origin_is_refused() {
    for bad in [
        "*",
        "",
        "null",
        "app.example",
        "https://",
        "https://app.example/",
        "https://App.example",
        "https://app.example/path",
        "https://a b",
        "https://app.example\n",
        "://app.example",
    ] {
        let server = Server::new(Desk { told: unbounded_channel().0, act: Act::Well }, AnyCaller);
        let error = server.allow_origins(["https://good.example", bad]).unwrap_err();
        assert!(error.to_string().contains("invalid origin"), "{error}");
    }
    for good in ["http://localhost:5173", "https://[::1]:8443", "capacitor://localhost"] {
        let server = Server::new(Desk { told: unbounded_channel().0, act: Act::Well }, AnyCaller);
        drop(server.allow_origins([good]).unwrap().router());
    }
}
