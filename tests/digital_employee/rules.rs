//! Edge cases of the platform's rules, in memory and with a paused clock.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::errors::typed;
use axum::body::Body;
use callbot::digital_employee::{
    Api, BeginSessionRequest, DialogueRequest, GatherDtmf, Reply, Server, Transfer, TransferType,
};
use callbot::server::{Error, SendError};
use http::Request;
use tower_service::Service;

/// Ends its greeting immediately, works on for a second, and reports the results of unusual controls.
#[derive(Clone, Default)]
struct Odd(Arc<Mutex<Vec<Result<(), SendError>>>>);

impl Api for Odd {
    async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
        reply.finish("Welcome.").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    async fn dialogue(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        let mut outcomes = Vec::new();
        for kind in ["agent", "Robot", "SkillGroup"] {
            let kind: TransferType = kind.parse()?;
            outcomes.push(typed(reply.send(Transfer::new(kind, "x")).await));
        }
        *self.0.lock().unwrap() = outcomes;
        Ok(())
    }
}

const BEGIN: &str = r#"{"requestId":"r","tenantId":1,"instanceId":"n","scriptId":"c","sessionId":"s","streamId":"t","vendorParams":{"callingNumber":"1","calledNumber":"2"}}"#;
const TURN: &str = r#"{"requestId":"r","tenantId":1,"instanceId":"n","scriptId":"c","sessionId":"s","streamId":"t","utterance":"x"}"#;

async fn post(server: Server<Odd>, path: &str, body: &'static str) -> String {
    let request = Request::post(path).body(Body::from(body)).unwrap();
    let response = server.router().call(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_the_last_packet_not_even_a_heartbeat() {
    let server = Server::new(Odd::default()).heartbeat(Duration::from_millis(50));
    let text = post(server, "/proxy/beginSession", BEGIN).await;
    assert_eq!(text.matches("\n\n").count(), 1, "{text}");
    assert!(text.contains(r#""streamEnd":true"#), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_may_have_any_interval() {
    for heartbeat in [Duration::ZERO, Duration::MAX] {
        let server = Server::new(Odd::default()).heartbeat(heartbeat);
        let text = post(server, "/proxy/beginSession", BEGIN).await;
        assert!(text.contains(r#""streamEnd":true"#), "{text}");
    }
}

#[tokio::test]
async fn transfers_of_unknown_kinds_must_be_allowed_too() {
    let bot = Odd::default();
    let robot: TransferType = "Robot".parse().unwrap();
    post(Server::new(bot.clone()).allow_transfer(robot), "/proxy/dialogue", TURN).await;
    let outcomes = bot.0.lock().unwrap();
    assert!(matches!(outcomes[0], Err(SendError::NotAllowed(_))), "{outcomes:?}");
    assert_eq!(outcomes[1..], [Ok(()), Ok(())]);
}

#[tokio::test]
async fn an_array_is_not_a_request() {
    let array = r#"["r",1,"n","c","s","t","x",[]]"#;
    let text = post(Server::new(Odd::default()), "/proxy/dialogue", array).await;
    assert!(text.contains(r#""httpStatusCode":400"#), "{text}");
    assert!(text.contains("expected an object"), "{text}");
}

#[test]
fn an_undocumented_terminator_is_not_written() {
    use callbot::wire::Validate;

    let gather = GatherDtmf::new("*".parse().unwrap(), 4, 5);
    let error = gather.validate().unwrap_err().to_string();
    assert_eq!(error, "/terminator: *, allowed: a documented value");
}
