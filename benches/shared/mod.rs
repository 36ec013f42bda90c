//! The bot of the benchmarks: once on the compiled server, and once hand-written with the same structs.
//! Also the requests that both get.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::post;
use callbot::digital_employee::{
    Acknowledgement, Api, BeginSessionRequest, DialogueRequest, DialogueRequestFields,
    EndSessionRequest, EndSessionRequestFields, Packet, PacketData, PacketFields, Reply,
    ResponseCode, router,
};
use callbot::server::Error;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::net::TcpListener;

/// The number of packets that the bot sends before the last one.
const PACKETS: usize = 19;
/// The text that each packet adds.
const DELTA: &str = "Ten words or so are what a model gives out. ";

/// A bot that sends a fixed number of packets in each turn.
struct Talker;

impl Api for Talker {
    async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
        reply.finish(DELTA).await
    }

    async fn dialogue(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        for _ in 0..PACKETS {
            reply.send(DELTA).await?;
        }
        Ok(())
    }
}

/// Returns the compiled server.
pub(crate) fn compiled() -> Router {
    router(Talker)
}

/// Returns the server without the crate: axum and serde_json, with the same structs and packets.
pub(crate) fn by_hand() -> Router {
    Router::new()
        .route("/proxy/endSession", post(end_session))
        .route("/proxy/dialogue", post(dialogue))
}

async fn read<T: serde::de::DeserializeOwned>(body: Body) -> T {
    let body = axum::body::to_bytes(body, 1024 * 1024).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn end_session(body: Body) -> Response {
    let request: EndSessionRequest = read(body).await;
    let answer = Acknowledgement::new(request.request_id, 200, ResponseCode::Ok);
    let answer = serde_json::to_string(&answer).unwrap();
    Response::builder().header(CONTENT_TYPE, "application/json").body(answer.into()).unwrap()
}

async fn dialogue(body: Body) -> Response {
    let request: DialogueRequest = read(body).await;
    let packets = stream::unfold((String::new(), 0), move |(mut text, sent)| {
        let last = sent == PACKETS;
        if !last {
            text.push_str(DELTA);
        }
        let item = (sent <= PACKETS).then(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let mut data = PacketData::new(last, now.as_millis() as i64);
            data.session_id = Some(request.session_id.clone());
            data.stream_id = Some(request.stream_id.clone());
            data.answer = Some(text.clone());
            let packet = Packet::new(PacketFields {
                request_id: &request.request_id,
                http_status_code: 200,
                code: ResponseCode::Ok,
                data,
            });
            let packet = serde_json::to_string(&packet).unwrap();
            Ok::<_, std::convert::Infallible>(format!("data:{packet}\n\n"))
        });
        std::future::ready(item.map(|item| (item, (text, sent + 1))))
    });
    Response::builder()
        .header(CONTENT_TYPE, "text/event-stream")
        .header(CACHE_CONTROL, "no-cache")
        .body(Body::from_stream(packets))
        .unwrap()
}

/// Serves a router on a free port and returns its URL.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(callbot::server::serve(listener, router).into_future());
    url
}

/// Returns a client of reqwest, for comparison.
pub(crate) fn plain_client() -> reqwest::Client {
    reqwest::Client::builder().tcp_nodelay(true).no_proxy().build().unwrap()
}

/// Returns the request of a turn.
pub(crate) fn turn() -> DialogueRequest {
    DialogueRequest::new(DialogueRequestFields {
        request_id: "8d6f0d2e-2a0b-4a53-9d51-0b6d3a0c1f02",
        tenant_id: 378_210,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "b7a2c7e0-5d1c-4f0e-8a37-2f9c64d10001",
        stream_id: "f0c1d2e3-9b4a-4c6d-8e21-7a5b3c9d0002",
        utterance: "What is the balance of my account?",
    })
}

/// Returns the request that ends a call.
pub(crate) fn end() -> EndSessionRequest {
    let turn = turn();
    EndSessionRequest::new(EndSessionRequestFields {
        request_id: &turn.request_id,
        tenant_id: 378_210,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: &turn.session_id,
    })
}
