//! The verifier as a layer of a router: over a socket, nested, and with the client that signs.
#![cfg(all(feature = "digital-employee", feature = "client", feature = "server"))]

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use callbot::auth::{
    Credentials, Nonce, NonceError, Nonces, Scheme, Signer, Verified, Verifier, VerifyLayer,
};
use callbot::client::Error;
use callbot::digital_employee::{
    Acknowledgement, Api, BeginSessionRequest, Client, DialogueRequest, EndSessionRequest,
    EndSessionRequestFields, Reply, router,
};
use futures_util::stream;
use http::{HeaderValue, Request};
use tokio::net::TcpListener;
use tower_service::Service;

use crate::support::events::Events;
use crate::support::traces::traced;

struct Echo;

impl Api for Echo {
    async fn begin_session(
        &self,
        _: BeginSessionRequest,
        reply: &mut Reply,
    ) -> Result<(), callbot::server::Error> {
        reply.finish("Welcome.").await
    }

    async fn dialogue(
        &self,
        request: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), callbot::server::Error> {
        reply.send(request.utterance).await
    }
}

const SCHEMES: [Scheme; 3] = [Scheme::Trigger, Scheme::Full, Scheme::Fc2];

fn key() -> Credentials {
    Credentials::new("key-1", "secret-1").with_token("token-1")
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(callbot::server::serve(listener, router).into_future());
    url
}

fn verified(router: Router) -> Router {
    router.layer(VerifyLayer::new(Verifier::new(key()).schemes(SCHEMES)))
}

async fn end(url: &str, signer: Option<Signer>) -> Result<Acknowledgement, Error> {
    let builder = Client::builder(url);
    let builder = match signer {
        Some(signer) => builder.sign(signer),
        None => builder,
    };
    let request = EndSessionRequest::new(EndSessionRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
    });
    Ok(builder.build()?.end_session(&request).await?.into_inner())
}

#[tokio::test]
async fn a_signed_call_passes_in_every_scheme() {
    let url = serve(verified(router(Echo))).await;
    for scheme in SCHEMES {
        let answer = end(&url, Some(Signer::new(key(), scheme))).await.unwrap();
        assert_eq!(answer.request_id.as_deref(), Some("r-1"));
    }
}

#[tokio::test]
async fn the_path_is_checked_as_sent_even_if_the_router_is_nested() {
    let inner = Router::new().nest("/bots/$1", verified(router(Echo)));
    let url = serve(Router::new().nest("/a b".replace(' ', "%20").as_str(), inner)).await;
    for scheme in SCHEMES {
        end(&format!("{url}/a%20b/bots/$1"), Some(Signer::new(key(), scheme))).await.unwrap();
    }
}

#[tokio::test]
async fn every_other_request_gets_the_same_403() {
    let url = serve(verified(router(Echo))).await;
    let mut answers = Vec::new();
    for signer in [
        None,
        Some(Signer::new(
            Credentials::new("key-1", "wrong").with_token("token-1"),
            Scheme::Trigger,
        )),
        Some(Signer::new(Credentials::new("nobody", "secret-1"), Scheme::Trigger)),
        Some(Signer::new(key(), Scheme::Full).clock(std::time::UNIX_EPOCH)),
    ] {
        let error = end(&url, signer).await.unwrap_err();
        answers.push((error.status().unwrap().as_u16(), error.to_string()));
    }
    assert_eq!(answers[0].0, 403);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_hashed() {
    let layer = VerifyLayer::new(Verifier::new(key()).schemes(SCHEMES)).body_limit(10);
    let url = serve(router(Echo).layer(layer)).await;
    let error = end(&url, Some(Signer::new(key(), Scheme::Full))).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
    end(&url, Some(Signer::new(key(), Scheme::Trigger))).await.unwrap();
}

#[tokio::test]
async fn a_signed_body_in_tiny_pieces_is_refused() {
    let json =
        r#"{"requestId":"r-1","tenantId":1,"instanceId":"n1","scriptId":"s","sessionId":"c"}"#;
    let body = format!("{json}{}", " ".repeat(2000)).into_bytes();
    for (size, status) in [(100, 200), (1, 403)] {
        let pieces = body.chunks(size).map(|piece| Ok::<_, Infallible>(piece.to_vec()));
        let pieces = Body::from_stream(stream::iter(pieces.collect::<Vec<_>>()));
        let mut request = Request::post("/proxy/endSession").body(pieces).unwrap();
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert("content-type", json);
        request.headers_mut().insert("host", HeaderValue::from_static("bot"));
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let signer = Signer::new(key(), Scheme::Full);
        signer.sign(&method, &uri, request.headers_mut(), &body).unwrap();
        let response = verified(router(Echo)).call(request).await.unwrap();
        assert_eq!(response.status(), status, "pieces of {size} bytes");
    }
}

#[tokio::test]
async fn the_body_of_a_request_with_a_wrong_signature_is_not_read() {
    let body = Body::from_stream(stream::once(async {
        panic!("the body is read");
        #[expect(unreachable_code, reason = "the type of the stream")]
        Ok::<_, Infallible>("")
    }));
    let mut request = Request::post("/proxy/endSession").body(body).unwrap();
    request.headers_mut().insert("host", HeaderValue::from_static("bot"));
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let signer = Signer::new(Credentials::new("key-1", "a guess"), Scheme::Full);
    signer.sign(&method, &uri, request.headers_mut(), b"{}").unwrap();
    let response = verified(router(Echo)).call(request).await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn a_verified_request_carries_its_signer_and_hides_the_credentials() {
    let handler = async |request: axum::extract::Request| {
        let verified = request.extensions().get::<Verified>().unwrap();
        assert_eq!((verified.key_id.as_str(), verified.scheme), ("key-1", Scheme::Trigger));
        assert!(request.headers()["authorization"].is_sensitive());
        assert!(request.headers()["x-acs-security-token"].is_sensitive());
        r#"{"requestId":"r-1","httpStatusCode":200,"code":"OK"}"#
    };
    let router = Router::new().route("/proxy/endSession", axum::routing::post(handler));
    let url = serve(verified(router)).await;
    end(&url, Some(Signer::new(key(), Scheme::Trigger))).await.unwrap();
}

#[tokio::test]
async fn a_refused_request_is_an_event() {
    let events = Events::default();
    let layer = VerifyLayer::new(Verifier::new(key()).schemes(SCHEMES)).observer(events.clone());
    let url = serve(router(Echo).layer(layer)).await;
    end(&url, Some(Signer::new(key(), Scheme::Full))).await.unwrap();
    assert_eq!(events.all(), [""; 0]);
    let wrong = Signer::new(Credentials::new("key-1", "a guess"), Scheme::Full);
    for signer in [None, Some(wrong)] {
        end(&url, signer).await.unwrap_err();
    }
    assert_eq!(events.all(), ["refused unknown - 403 signature"; 2]);
}

struct Broken;

impl Nonces for Broken {
    async fn take(&self, _: Nonce<'_>) -> Result<(), NonceError> {
        Err(NonceError::failed("connection refused"))
    }
}

#[tokio::test]
async fn a_request_whose_nonce_cannot_be_checked_gets_a_503_and_is_not_served() {
    let (events, (traces, _guard)) = (Events::default(), traced());
    let verifier = Verifier::new(key()).schemes(SCHEMES).nonces(Broken);
    let layer = VerifyLayer::new(verifier).observer(events.clone());
    let url = serve(router(Echo).layer(layer)).await;
    let error = end(&url, Some(Signer::new(key(), Scheme::Full))).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(events.all(), ["refused unknown - 503 unavailable"]);
    let refused = traces.with(&["refused: the nonces can't be checked: connection refused"]);
    assert_eq!(refused.len(), 1, "{refused:?}");
    // Who has no key does not learn that.
    let wrong = Signer::new(Credentials::new("key-1", "a guess"), Scheme::Full);
    assert_eq!(end(&url, Some(wrong)).await.unwrap_err().status().unwrap(), 403);
}
