//! Shared by the tests of Digital Employee clients: scripted servers and sample requests.

use callbot::client::Error;
use callbot::digital_employee::{
    AbortDialogueRequest, AbortDialogueRequestFields, AbortType, BeginSessionRequest,
    BeginSessionRequestFields, Client, DialogueRequest, DialogueRequestFields, EndSessionRequest,
    EndSessionRequestFields, VendorParams,
};
use serde_json::{Value, json};

pub(crate) use super::script::*;

impl Stub {
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url).unwrap()
    }
}

impl Fake {
    pub(crate) fn client(&self) -> Client {
        Client::builder("http://bot").transport(self.clone()).build().unwrap()
    }
}

/// A packet with this answer.
pub(crate) fn packet(answer: &str, end: bool) -> Value {
    packet_of(json!({"streamEnd": end, "updatedTime": 1, "answer": answer}))
}

pub(crate) fn packet_of(data: Value) -> Value {
    json!({"requestId": "r-1", "httpStatusCode": 200, "code": "OK", "data": data})
}

pub(crate) fn begin() -> BeginSessionRequest {
    let numbers = VendorParams::new("13500000001", "4000000000");
    BeginSessionRequest::new(BeginSessionRequestFields {
        request_id: "r-1",
        tenant_id: 378210,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
        stream_id: "t-1",
        vendor_params: numbers,
    })
}

pub(crate) fn dialogue() -> DialogueRequest {
    DialogueRequest::new(DialogueRequestFields {
        request_id: "r-1",
        tenant_id: 378210,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
        stream_id: "t-1",
        utterance: "Hello?",
    })
}

pub(crate) fn abort() -> AbortDialogueRequest {
    AbortDialogueRequest::new(AbortDialogueRequestFields {
        request_id: "r-1",
        tenant_id: 378210,
        instance_id: "n1",
        session_id: "s-1",
        stream_id: "t-1",
        type_: AbortType::Interrupted,
    })
}

pub(crate) fn end() -> EndSessionRequest {
    EndSessionRequest::new(EndSessionRequestFields {
        request_id: "r-1",
        tenant_id: 378210,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
    })
}

/// The error of a turn, from before the stream or from within it.
pub(crate) async fn dialogue_error(client: &Client) -> Error {
    use futures_util::StreamExt;
    let mut packets = match client.dialogue(&dialogue()).await {
        Ok(packets) => packets,
        Err(error) => return error,
    };
    loop {
        match packets.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                assert!(packets.next().await.is_none(), "the stream goes on after {error}");
                return error;
            }
            None => panic!("the turn went well"),
        }
    }
}
