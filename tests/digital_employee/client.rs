//! The client against a server that plays scripted bytes: what it sends, how it reads streams in every
//! framing, and which error it returns for which failure.

use crate::support::digital_employee_stub::{
    Fake, STREAM_HEAD, Step, Stub, abort, answer, begin, dialogue, dialogue_error, end, event,
    json_answer, packet, packet_of, pause, send,
};
use callbot::client::{CallOptions, Error};
use callbot::digital_employee::{
    AnswerMode, Client, Control, Event, FailureAcknowledgement, FailurePacket, HangUp, Packet,
    ResponseCode, Transfer, TransferType, VendorParams,
};
use callbot::wire::Validate;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

const AS_OBJECTS: &str =
    include_str!("../fixtures/digital-employee/packet-controls-as-objects.json");
const AS_STRINGS: &str =
    include_str!("../fixtures/digital-employee/packet-controls-as-strings.json");
const WITHOUT_DATA: &str = include_str!("../fixtures/digital-employee/failure-without-data.json");
const WITH_DATA: &str = include_str!("../fixtures/digital-employee/failure-with-data.json");
const ACK: &str = include_str!("../fixtures/digital-employee/acknowledgement.json");
const ACK_NULL_ID: &str =
    include_str!("../fixtures/digital-employee/acknowledgement-null-request-id.json");
const ACK_FAILURE: &str = include_str!("../fixtures/digital-employee/acknowledgement-failure.json");

/// A client that reads this stream from a socket in every turn.
async fn turn(body: impl AsRef<[u8]>) -> (Client, Stub) {
    let stub = Stub::answering(crate::support::digital_employee_stub::stream(body)).await;
    (stub.client(), stub)
}

/// A client that reads this stream in chunks of `size` bytes in every turn, without a socket that could
/// join them.
fn cut(body: &[u8], size: usize) -> Client {
    let chunks: Vec<_> = body.chunks(size).map(<[u8]>::to_vec).collect();
    let transport = Fake::new(move |_| {
        let chunks = stream::iter(chunks.clone().into_iter().map(Ok::<_, std::io::Error>));
        let mut response = http::Response::new(reqwest::Body::wrap_stream(chunks));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        std::future::ready(response)
    });
    transport.client()
}

async fn packets(client: &Client) -> Result<Vec<Packet>, Error> {
    client.dialogue(&dialogue()).await?.try_collect().await
}

async fn answers(client: &Client) -> Result<Vec<String>, Error> {
    let packets = packets(client).await?;
    Ok(packets.into_iter().filter_map(|packet| packet.data?.answer).collect())
}

async fn events(client: &Client, mode: AnswerMode) -> Result<Vec<Event>, Error> {
    client.dialogue(&dialogue()).await?.into_events(mode).try_collect().await
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.text.as_str()).collect()
}

#[tokio::test]
async fn each_operation_sends_its_path_its_headers_and_its_body() {
    let stub = Stub::new(vec![
        vec![send(crate::support::digital_employee_stub::stream(event(packet("", true))))],
        vec![send(crate::support::digital_employee_stub::stream(event(packet("", true))))],
        vec![send(json_answer("200 OK", ACK))],
        vec![send(json_answer("200 OK", ACK))],
    ])
    .await;
    // A base URL may have a path, and a slash at its end.
    let client = Client::new(&format!("{}/bots/7/", stub.url)).unwrap();
    client.begin_session(&begin()).await.unwrap();
    client.dialogue(&dialogue()).await.unwrap();
    client.abort_dialogue(&abort().with_answer("Your")).await.unwrap();
    client.end_session(&end()).await.unwrap();

    let (events, one) = ("text/event-stream", "application/json");
    let ids = json!({"requestId": "r-1", "tenantId": 378210, "instanceId": "n1",
        "scriptId": "sc-1", "sessionId": "s-1"});
    let with = |more: Value| {
        let mut body = ids.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let numbers = json!({"callingNumber": "13500000001", "calledNumber": "4000000000"});
    let mut aborted = with(json!({"streamId": "t-1", "answer": "Your", "type": "Interrupted"}));
    aborted.as_object_mut().unwrap().remove("scriptId");
    let expected = [
        ("beginSession", events, with(json!({"streamId": "t-1", "vendorParams": numbers}))),
        ("dialogue", events, with(json!({"streamId": "t-1", "utterance": "Hello?"}))),
        ("abortDialogue", one, aborted),
        ("endSession", one, ids.clone()),
    ];
    let seen = stub.seen();
    assert_eq!(seen.len(), expected.len());
    for (seen, (path, accept, body)) in seen.iter().zip(expected) {
        assert_eq!(seen.line, format!("POST /bots/7/proxy/{path} HTTP/1.1"));
        assert_eq!(seen.header("accept"), Some(accept), "{path}");
        assert_eq!(seen.header("content-type"), Some("application/json"), "{path}");
        for absent in ["accept-encoding", "api-version", "authorization", "cookie", "user-agent"] {
            assert_eq!(seen.header(absent), None, "{path}: {absent}");
        }
        assert_eq!(seen.json(), body, "{path}");
    }
}

#[tokio::test]
async fn packets_are_read_as_they_are_on_the_wire() {
    let (client, _stub) = turn([AS_OBJECTS].map(event).concat()).await;
    let packets = packets(&client).await.unwrap();
    let [one] = packets.as_slice() else { panic!("{packets:?}") };
    assert_eq!(one.request_id.as_deref(), Some("r-2"));
    assert_eq!((one.http_status_code, &one.code), (200, &ResponseCode::Ok));
    assert_eq!(serde_json::to_value(one).unwrap(), AS_OBJECTS.parse::<Value>().unwrap());

    let cumulative = ["One", "One moment", "One moment"];
    let last = cumulative.len() - 1;
    let body: String =
        cumulative.iter().enumerate().map(|(n, text)| event(packet(text, n == last))).collect();
    let (client, _stub) = turn(body).await;
    assert_eq!(answers(&client).await.unwrap(), cumulative);
}

#[tokio::test]
async fn the_new_text_is_the_same_from_cumulative_and_from_delta_bots() {
    use AnswerMode::{Cumulative, Delta};
    let cases: [(_, &[Option<&str>], &[&str]); 8] = [
        (Cumulative, &[Some("One"), Some("One two"), Some("One two")], &["One", " two"]),
        (Delta, &[Some("One"), Some(" two"), None], &["One", " two"]),
        // Null, missing and empty answers add no text and remove none.
        (Cumulative, &[Some("一"), None, Some(""), Some("一二")], &["一", "二"]),
        (Delta, &[Some("一"), None, Some(""), Some("二")], &["一", "二"]),
        // A delta may repeat earlier text.
        (Delta, &[Some("ha"), Some("ha")], &["ha", "ha"]),
        // Spoken text can't be revoked: the answer is read from where it differs.
        (
            Cumulative,
            &[Some("One tw"), Some("One three"), Some("One three!")],
            &["One tw", "hree", "!"],
        ),
        (Cumulative, &[Some("é"), Some("è")], &["é", "è"]),
        (Cumulative, &[None, Some("")], &[]),
    ];
    for (mode, answers, expected) in cases {
        let last = answers.len() - 1;
        let packets = answers.iter().enumerate().map(|(n, answer)| {
            let mut data = json!({"streamEnd": n == last, "answer": answer});
            if n % 2 == 1 && answer.is_none() {
                data.as_object_mut().unwrap().remove("answer");
            }
            event(packet_of(data))
        });
        let client = cut(packets.collect::<String>().as_bytes(), 4096);
        let events = events(&client, mode).await.unwrap();
        assert_eq!(texts(&events), expected, "{mode:?} {answers:?}");
        let reply = client.dialogue(&dialogue()).await.unwrap().into_events(mode);
        assert_eq!(reply.text().await.unwrap(), expected.concat(), "{mode:?} {answers:?}");
    }
}

#[tokio::test]
async fn controls_as_objects_and_as_json_strings_are_read_alike() {
    assert_ne!(AS_OBJECTS, AS_STRINGS);
    let mut read = Vec::new();
    for body in [AS_OBJECTS, AS_STRINGS] {
        let (client, _stub) = turn(event(body)).await;
        let mut events = events(&client, AnswerMode::Cumulative).await.unwrap();
        assert_eq!(events.len(), 1);
        read.push(events.remove(0));
    }
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0].text, "One moment,");
    let kinds: Vec<_> = read[0].controls.iter().map(Control::kind).collect();
    assert_eq!(kinds, ["Voice", "GatherDtmf", "Transfer", "HangUp"]);
    assert_eq!(read[0].controls[2], Transfer::new(TransferType::SkillGroup, "skg-1234").into());
    assert_eq!(read[0].controls[3], HangUp::new().with_delay(2).with_reason("done").into());
}

#[tokio::test]
async fn an_event_without_text_is_delivered_if_it_has_a_control() {
    let hang_up = json!({"streamEnd": true, "controlParamsList": [{"type": "HangUp"}]});
    let without_data = json!({"httpStatusCode": 200, "code": "OK"});
    let bye = packet("Bye", false);
    let body = [without_data, bye.clone(), bye, packet_of(hang_up)].map(event).concat();
    let (client, _stub) = turn(body).await;
    let events = events(&client, AnswerMode::Cumulative).await.unwrap();
    assert_eq!(events, [Event::text("Bye"), Event::control(HangUp::new())]);
}

#[tokio::test]
async fn every_framing_gives_the_same_packets() {
    let (one, two) = (packet("One", false).to_string(), packet("One 二", true).to_string());
    let pretty = serde_json::to_string_pretty(&packet("One", false)).unwrap();
    let many_lines: String = pretty.lines().map(|line| format!("data: {line}\n")).collect();
    let framings = [
        ("no space", format!("data:{one}\n\ndata:{two}\n\n")),
        ("a space", format!("data: {one}\n\ndata: {two}\n\n")),
        ("CRLF", format!("data:{one}\r\n\r\ndata:{two}\r\n\r\n")),
        ("CR", format!("data:{one}\r\rdata:{two}\r\r\n")),
        ("a byte order mark", format!("\u{FEFF}data:{one}\n\ndata:{two}\n\n")),
        ("comments", format!(":\n\n: hi\ndata:{one}\n:x\n\n:\n\ndata:{two}\n\n")),
        (
            "names and ids",
            format!(
                "event:message\nid:1\ndata:{one}\n\nevent:error\nid:2\nretry:9\nfoo:1\ndata:{two}\n\n"
            ),
        ),
        (
            "[DONE] and empty data",
            format!("data:\n\ndata:{one}\n\ndata: [DONE]\n\ndata:{two}\n\ndata: [DONE]\n\n"),
        ),
        (
            "blank data and a byte order mark in data",
            format!(
                "data:  \t\n\ndata: \ndata:\n\ndata:\u{FEFF}{one}\n\ndata: [DONE] \n\ndata:{two}\n\n"
            ),
        ),
        ("an event name without data", format!("event:ping\n\ndata:{one}\n\ndata:{two}\n\n")),
        ("many data lines", format!("{many_lines}\ndata:{two}\n\n")),
    ];
    for (framing, body) in framings {
        let (client, _stub) = turn(&body).await;
        assert_eq!(answers(&client).await.unwrap(), ["One", "One 二"], "{framing}");
        for size in 1..=5 {
            let answers = answers(&cut(body.as_bytes(), size)).await.unwrap();
            assert_eq!(answers, ["One", "One 二"], "{framing} in chunks of {size}");
        }
    }
}

#[tokio::test]
async fn a_character_may_be_split_between_two_reads() {
    let body = [packet("余", false), packet("余额", true)].map(event).concat();
    let inside = body.find('额').unwrap() + 1;
    let (left, right) = body.as_bytes().split_at(inside);
    let stub = Stub::new(vec![vec![
        send(crate::support::digital_employee_stub::stream(left)),
        pause(30),
        send(right),
    ]])
    .await;
    let events = events(&stub.client(), AnswerMode::Cumulative).await.unwrap();
    assert_eq!(texts(&events), ["余", "额"]);
}

#[tokio::test]
async fn bytes_after_the_end_are_dropped_and_the_connection_is_released() {
    let last = event(packet("Bye", true));
    for after in [String::new(), event(packet("Bye again", true)), event(WITHOUT_DATA), event("{")]
    {
        let body = crate::support::digital_employee_stub::stream(format!("{last}{after}"));
        let stub = Stub::new(vec![vec![send(body), Step::Hold]]).await;
        let mut packets = stub.client().dialogue(&dialogue()).await.unwrap();
        assert!(packets.next().await.unwrap().unwrap().data.unwrap().stream_end);
        // The stream is still there, and so is the server's side of the connection.
        stub.released().await;
        assert!(packets.next().await.is_none(), "{after}");
        assert!(packets.next().await.is_none(), "{after}");
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_releases_its_connection() {
    let body = crate::support::digital_employee_stub::stream(event(packet("One", false)));
    let stub = Stub::new(vec![vec![send(body), Step::Hold]]).await;
    let mut packets = stub.client().dialogue(&dialogue()).await.unwrap();
    packets.next().await.unwrap().unwrap();
    drop(packets);
    stub.released().await;
}

#[tokio::test]
async fn status_and_headers_of_an_answer_can_be_read() {
    let (client, _stub) = turn(event(packet("", true))).await;
    let packets = client.dialogue(&dialogue()).await.unwrap();
    assert_eq!(
        (packets.status().as_u16(), &packets.headers()["x-bot"]),
        (200, &"parrot".parse().unwrap())
    );

    let stub = Stub::answering(answer("202 Accepted", "x-bot: parrot\r\n", ACK)).await;
    let ack = stub.client().abort_dialogue(&abort()).await.unwrap();
    assert_eq!((ack.status().as_u16(), &ack.headers()["x-bot"]), (202, &"parrot".parse().unwrap()));
    assert_eq!(ack.code, ResponseCode::Ok);
    assert_eq!(ack.into_inner().http_status_code, 200);
}

#[tokio::test]
async fn a_stream_that_ends_before_its_last_packet_is_cut() {
    let one = event(packet("One", false));
    let half = &one[..one.len() - 9];
    let chunked = STREAM_HEAD.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("{chunked}{:x}\r\n{one}\r\n", one.len());
    let whole = |body: &str| send(crate::support::digital_employee_stub::stream(body));
    let scripts = [
        ("closed at once", vec![whole("")]),
        ("closed after a packet", vec![whole(&one)]),
        ("closed after [DONE]", vec![whole(&format!("{one}data: [DONE]\n\n"))]),
        ("closed within a packet", vec![whole(&format!("{one}{half}"))]),
        // An event without its blank line is incomplete.
        ("closed within the end", vec![whole(event(packet("", true)).trim_end())]),
        ("chunked, ended well", vec![send(format!("{chunk}0\r\n\r\n"))]),
        ("chunked, closed", vec![send(chunk)]),
        ("reset at once", vec![whole(""), pause(30), Step::Reset]),
        ("reset after a packet", vec![whole(&one), pause(30), Step::Reset]),
    ];
    for (how, script) in scripts {
        let stub = Stub::new(vec![script]).await;
        let error = dialogue_error(&stub.client()).await;
        assert!(error.is_cut(), "{how}: {error:?}");
        assert!(!error.is_timeout() && !error.is_retryable(), "{how}: {error:?}");
        assert_eq!(error.status().unwrap(), 200, "{how}");
        let text = error.to_string();
        assert_eq!(text, "dialogue: the stream ended before its last packet", "{how}");
    }
}

#[tokio::test]
async fn a_failure_packet_is_an_error_with_the_text_of_the_peer() {
    let message = Some("the model did not answer");
    let odd = json!({"requestId": 7, "httpStatusCode": 200, "code": "NoCredit"}).to_string();
    let half = json!({"httpStatusCode": 404, "code": "OK"}).to_string();
    let cases = [
        (WITHOUT_DATA, 500, "Exception", message, Some("r-2")),
        (WITH_DATA, 500, "Error", message, Some("r-2")),
        // A wrong status or a wrong code alone is a failure.
        (&odd, 200, "NoCredit", None, Some("7")),
        (&half, 404, "OK", None, None),
    ];
    for (body, status, code, message, id) in cases {
        for before in ["", &event(packet("One", false))] {
            let after = event(packet("Two", true));
            let (client, _stub) = turn(format!("{before}{}{after}", event(body))).await;
            let error = dialogue_error(&client).await;
            let failure = error.failure().unwrap_or_else(|| panic!("{error:?}"));
            assert_eq!(failure.status(), Some(status));
            assert_eq!((failure.code(), failure.message()), (code, message));
            assert_eq!((failure.request_id(), error.request_id()), (id, id));
            assert_eq!(error.status().unwrap(), 200, "the HTTP status is another");
            assert!(!error.is_cut() && !error.is_retryable() && error.decode_error().is_none());
            assert!(error.to_string().contains(code), "{error}");
        }
    }
}

#[tokio::test]
async fn a_failure_also_ends_the_events_of_a_reply() {
    let (client, _stub) =
        turn([&packet("One", false).to_string(), WITHOUT_DATA].map(event).concat()).await;
    let mut reply = client.dialogue(&dialogue()).await.unwrap().into_events(AnswerMode::Cumulative);
    assert_eq!(reply.next().await.unwrap().unwrap(), Event::text("One"));
    let error = reply.next().await.unwrap().unwrap_err();
    assert_eq!(error.failure().unwrap().code(), "Exception");
    assert_eq!(error.body(), WITHOUT_DATA.trim_end().as_bytes());
    let packet = error.body_as::<FailurePacket>().unwrap();
    assert_eq!((packet.code, packet.http_status_code), (ResponseCode::Exception, 500));
    assert!(reply.next().await.is_none());
    let reply = client.dialogue(&dialogue()).await.unwrap().into_events(AnswerMode::Cumulative);
    assert_eq!(reply.text().await.unwrap_err().failure().unwrap().status(), Some(500));
}

#[tokio::test]
async fn a_failure_instead_of_a_stream_is_an_error_with_the_text_of_the_peer() {
    for status in ["200 OK", "400 Bad Request", "500 Internal Server Error"] {
        let stub = Stub::answering(json_answer(status, WITHOUT_DATA)).await;
        let error = stub.client().dialogue(&dialogue()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{error:?}");
        let failure = error.failure().unwrap();
        assert_eq!((failure.status(), failure.code()), (Some(500), "Exception"));
        assert_eq!(failure.message(), Some("the model did not answer"));
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn an_answer_that_is_not_an_event_stream_is_an_error_with_its_status() {
    let body = event(packet("One", true));
    let cases = [
        ("403 Forbidden", "content-type: text/plain\r\n", "signature does not match", "HTTP 403"),
        ("403 Forbidden", "content-type: text/event-stream\r\n", &body, "HTTP 403"),
        ("302 Found", "location: http://127.0.0.1:1/\r\n", "", "HTTP 302"),
        ("200 OK", "content-type: text/html\r\n", &body, "text/html"),
        (
            "200 OK",
            "content-type: text/event-stream\r\ncontent-encoding: gzip\r\n",
            &body,
            "the response is encoded with gzip",
        ),
        ("200 OK", "content-type: application/json\r\n", ACK, "application/json"),
        ("200 OK", "", &body, "untyped"),
    ];
    for (status, headers, body, shown) in cases {
        let stub = Stub::answering(answer(status, headers, body)).await;
        let error = stub.client().dialogue(&dialogue()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{error:?}");
        assert!(error.failure().is_none() && !error.is_cut(), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("dialogue: ") && text.contains(shown), "{text}");
        assert!(!text.contains("signature"), "{text}");
        assert_eq!(stub.connections(), 1, "{status}");
    }
    for accepted in ["Text/Event-Stream", "text/event-stream ; charset=UTF-8"] {
        let headers = format!("content-type: {accepted}\r\n");
        let stub = Stub::answering(answer("200 OK", &headers, &body)).await;
        assert_eq!(answers(&stub.client()).await.unwrap(), ["One"], "{accepted}");
    }
}

#[tokio::test]
async fn a_control_that_cannot_be_read_is_kept_beside_the_text() {
    let late = json!({"type": "HangUp", "delay": "soon 4711"});
    let voice = json!({"type": "Voice", "synthesizerConfig": {"voice": "v", "volume": "loud"}});
    let volume = "/synthesizerConfig/volume";
    let keys = json!({"maxDigits": 11, "timeout": 10, "type": "GatherDtmf"});
    let no_number = "invalid value: string, expected a number in the string";
    for (sent, pointer, message, kind) in [
        (late.clone(), "/delay", no_number, "HangUp"),
        (late.to_string().into(), "/delay", no_number, ""),
        (voice.clone(), volume, no_number, "Voice"),
        (voice.to_string().into(), volume, no_number, ""),
        (json!({"delay": 1}), "/type", "must be there", ""),
        ("{\"delay\":1}".into(), "/type", "must be there", ""),
        (
            json!({"type": "Transfer", "transferee": "x"}),
            "/transferType",
            "must be there",
            "Transfer",
        ),
        (json!({"type": ["HangUp"]}), "/type", "expected a string or a number", ""),
        (keys.clone(), "/terminator", "must be there", "GatherDtmf"),
        (keys.to_string().into(), "/terminator", "must be there", ""),
        ("not json 4711".into(), "", "not JSON: ", ""),
        ("".into(), "", "not JSON: ", ""),
        (Value::Null, "", "invalid type: null", ""),
        (4711.into(), "", "invalid type: integer", ""),
        (json!([[]]), "", "invalid type: sequence", ""),
    ] {
        let first = json!({"type": "HangUp", "delay": 1});
        let last = json!({"type": "Later"});
        let data = json!({"streamEnd": true, "answer": "Goodbye.", "controlParamsList": [first, sent, last]});
        let (client, _stub) = turn(event(packet_of(data).to_string())).await;
        let packets = client.dialogue(&dialogue()).await.unwrap();
        let events: Vec<_> =
            packets.into_events(AnswerMode::Cumulative).try_collect().await.unwrap();
        let [Event { text, controls, .. }] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((text.as_str(), controls.len()), ("Goodbye.", 3), "{sent}");
        assert_eq!((controls[0].kind(), controls[2].kind()), ("HangUp".into(), "Later".into()));
        let Control::Unreadable(control) = &controls[1] else { panic!("{sent}: {controls:?}") };
        assert_eq!((control.json(), control.error().pointer()), (&sent, pointer), "{controls:?}");
        assert!(control.error().message().starts_with(message), "{controls:?}");
        assert_eq!(controls[1].kind(), kind);
        assert!(!format!("{controls:?}").contains("4711"), "the value shows: {controls:?}");
        // Neither form of the server's packets writes it.
        let violations = controls[1].validate().unwrap_err().to_string();
        assert!(violations.contains("a value that can't be read"), "{violations}");
        assert!(serde_json::to_string(&controls[1]).is_err());
    }
}

#[tokio::test]
async fn an_unreadable_field_is_named_by_its_pointer() {
    let cases = [
        (packet_of(json!({})).to_string(), "/data/streamEnd", "must be there"),
        (
            packet_of(json!({"streamEnd": "4711"})).to_string(),
            "/data/streamEnd",
            "invalid type: string",
        ),
        (json!({"code": "OK"}).to_string(), "/httpStatusCode", "must be there"),
        (
            json!({"httpStatusCode": 200, "code": {"4711": 1}}).to_string(),
            "/code",
            "invalid type: map",
        ),
        ("(4711)".into(), "", "not JSON: "),
        ("{\"httpStatusCode\":200,".into(), "", "not JSON: "),
        ("{}{}".into(), "/httpStatusCode", "must be there"),
        (format!("{} 4711", packet("", true)), "", "not JSON: trailing characters"),
    ];
    for (body, pointer, message) in cases {
        let (client, _stub) =
            turn([packet("One", false).to_string(), body.clone()].map(event).concat()).await;
        let error = dialogue_error(&client).await;
        let found = error.decode_error().unwrap_or_else(|| panic!("{body}: {error:?}"));
        assert_eq!(found.pointer(), pointer, "{body}: {error}");
        assert!(found.message().starts_with(message), "{body}: {error}");
        assert_eq!(error.status().unwrap(), 200);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("4711"), "the value shows: {shown}");
    }
}

#[tokio::test]
async fn an_event_or_an_answer_beyond_the_limit_is_an_error() {
    // The limit of an event counts its data line without the line ending.
    let last = packet("One", true).to_string();
    let line = format!("data:{last}").len();
    let too_large = |error: &Error, limit: usize| {
        let text = error.to_string();
        assert!(text.ends_with(&format!("the response is larger than {limit} bytes")), "{text}");
        assert!(!error.is_cut() && error.decode_error().is_none());
        assert_eq!(error.status().unwrap(), 200);
    };
    for (body, limit, fits) in [
        (event(&last), line, true),
        (event(&last), line - 1, false),
        // Each event has the whole limit. A comment has the same limit.
        (event(packet("One", false)) + &event(&last), line + 1, true),
        (format!(":{}\n\n", "x".repeat(line)) + &event(&last), line, false),
    ] {
        let (client, _stub) = turn(&body).await;
        let client = client.with_options(CallOptions::new().body_limit(limit));
        if fits {
            assert_eq!(answers(&client).await.unwrap().last().unwrap(), "One", "{body}");
        } else {
            too_large(&dialogue_error(&client).await, limit);
        }
    }
    // An endless line is refused before it ends.
    let stub = Stub::new(vec![vec![
        send(crate::support::digital_employee_stub::stream(vec![b'x'; 4096])),
        Step::Hold,
    ]])
    .await;
    let client = stub.client().with_options(CallOptions::new().body_limit(1024));
    too_large(&dialogue_error(&client).await, 1024);
    stub.released().await;

    let stub = Stub::answering(json_answer("200 OK", ACK)).await;
    let with = |limit| stub.client().with_options(CallOptions::new().body_limit(limit));
    assert!(with(ACK.len()).end_session(&end()).await.is_ok());
    too_large(&with(ACK.len() - 1).end_session(&end()).await.unwrap_err(), ACK.len() - 1);
}

#[tokio::test]
async fn an_answer_in_tiny_chunks_is_refused() {
    let chunked = |body: &str, size: usize| {
        let chunks = body.as_bytes().chunks(size).map(|chunk| {
            format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap())
        });
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        head.to_owned() + &chunks.collect::<String>() + "0\r\n\r\n"
    };
    let body = format!("{ACK}{}", " ".repeat(2000));
    let stub = Stub::answering(chunked(&body, 100)).await;
    assert!(stub.client().end_session(&end()).await.is_ok());
    let stub = Stub::answering(chunked(&body, 1)).await;
    let error = stub.client().end_session(&end()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the answer arrives in too many small pieces");
}

#[tokio::test]
async fn an_acknowledgement_is_read_with_and_without_a_request_id() {
    for (body, id) in [(ACK, Some("8d6f0d2e-2a0b-4a53-9d51-0b6d3a0c1f03")), (ACK_NULL_ID, None)] {
        let stub = Stub::answering(json_answer("200 OK", body)).await;
        let ack = stub.client().end_session(&end()).await.unwrap();
        assert_eq!(ack.request_id.as_deref(), id);
    }
}

#[tokio::test]
async fn a_failure_in_the_body_of_an_answer_is_an_error_whatever_the_http_status() {
    for status in ["200 OK", "500 Internal Server Error", "404 Not Found"] {
        let stub = Stub::answering(json_answer(status, ACK_FAILURE)).await;
        for error in [
            stub.client().abort_dialogue(&abort()).await.unwrap_err(),
            stub.client().end_session(&end()).await.unwrap_err(),
        ] {
            let failure = error.failure().unwrap_or_else(|| panic!("{status}: {error:?}"));
            assert_eq!((failure.status(), failure.code()), (Some(500), "Error"));
            assert_eq!(failure.message(), Some("no such call"));
            assert_eq!(error.request_id(), Some("r-4"));
            assert_eq!(error.status().unwrap().as_str(), &status[..3]);
            // The spec has this form for failures that the HTTP status shows, too.
            let body = error.body_as::<FailureAcknowledgement>();
            assert_eq!(body.is_some(), status != "200 OK");
            assert!(body.is_none_or(|body| body.message.as_deref() == Some("no such call")));
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_not_an_acknowledgement_is_an_error_with_its_status() {
    // Only the answer of a bot can fail to decode. That of a gateway is an error of its status.
    for (status, body, decodes) in [
        ("403 Forbidden", "the signature does not match", true),
        ("502 Bad Gateway", "<html>", true),
        ("500 Internal Server Error", ACK, true),
        ("302 Found", "", true),
        ("200 OK", "<html>", false),
        ("200 OK", "", false),
        ("200 OK", "{\"code\":\"OK\"}", false),
    ] {
        let stub = Stub::answering(json_answer(status, body)).await;
        let error = stub.client().end_session(&end()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{body}");
        assert_eq!(error.decode_error().is_none(), decodes, "{status} {body}: {error:?}");
        assert!(error.failure().is_none());
        assert!(!error.to_string().contains("signature"), "{error}");
    }
    // A body that breaks off is neither a decode error nor a timeout.
    let broken = json_answer("200 OK", ACK).replace("content-length: ", "content-length: 9");
    let stub = Stub::answering(broken).await;
    let error = stub.client().end_session(&end()).await.unwrap_err();
    assert!(error.decode_error().is_none() && !error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_request_that_breaks_the_spec_is_refused_before_anything_is_sent() {
    let (client, stub) = turn(event(packet("", true))).await;
    let mut request = begin();
    request.vendor_params = VendorParams::new("13500000001", "4000000000")
        .with_extra("calledNumber", "4000000001")
        .with_extra("vip", "gold")
        .with_extra("callingNumber", "13500000002");
    let error = client.begin_session(&request).await.unwrap_err();
    let pointers: Vec<_> =
        error.violations().unwrap().iter().map(|violation| violation.pointer()).collect();
    assert_eq!(pointers, ["/vendorParams/callingNumber", "/vendorParams/calledNumber"]);
    assert!(error.status().is_none() && !error.is_retryable());
    let shown = format!("{error} {error:?}");
    assert!(shown.starts_with("beginSession: not sent: "), "{shown}");
    for private in ["13500000", "4000000", "gold"] {
        assert!(!shown.contains(private), "{shown}");
    }
    assert_eq!(stub.connections(), 0);
    // The stub counts: the same request without the two keys is sent.
    client.begin_session(&begin()).await.unwrap();
    assert_eq!(stub.connections(), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let target = Stub::answering(json_answer("200 OK", ACK)).await;
        let location = format!("location: {}/proxy/endSession\r\n", target.url);
        let stub = Stub::answering(answer(status, &location, "")).await;
        let error = stub.client().end_session(&end()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3]);
        assert_eq!((stub.connections(), target.connections()), (1, 0), "{status}");
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_called_is_refused_when_the_client_is_built() {
    for url in [
        "",
        "/",
        "bot",
        "127.0.0.1:9000",
        "localhost:9000",
        "//bot",
        "http://",
        "https://",
        "http://:80",
        "ftp://bot",
        "file:///bot",
        "unix:/bot",
        "data:,bot",
        "http://bot:port",
        "http://[::1",
        "http://b ot",
    ] {
        let error = Client::new(url).expect_err(url);
        let text = error.to_string();
        assert!(text.starts_with("the client can't be built: "), "{url:?}: {text}");
        assert!(error.status().is_none() && !error.is_retryable());
    }
    for url in ["http://bot", "https://bot/", "HTTP://127.0.0.1:9000/a/b//", "http://[::1]:9000"] {
        assert!(Client::new(url).is_ok(), "{url}");
    }
}

#[tokio::test]
async fn a_url_with_a_query_a_fragment_or_surrounding_space_is_refused_or_called_correctly() {
    let stub = Stub::answering(json_answer("200 OK", ACK)).await;
    let mut wrong = Vec::new();
    for end in ["/?a=b", "/#a", " "] {
        let Ok(client) = Client::new(&format!("{}{end}", stub.url)) else { continue };
        let before = stub.seen().len();
        let error = client.end_session(&self::end()).await.err();
        let line = stub.seen().get(before).map(|seen| seen.line.clone());
        if line.as_deref() != Some("POST /proxy/endSession HTTP/1.1") {
            wrong.push((end, line, error.map(|error| error.to_string())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn an_error_of_the_transport_shows_no_url() {
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = bound.local_addr().unwrap();
    let client = Client::new(&format!("http://caller:hunter2@{address}/token-4711")).unwrap();
    let mut request = dialogue();
    request.utterance = "my pin is 4711".into();
    let error = client.dialogue(&request).await.unwrap_err();
    assert!(error.is_retryable() && error.status().is_none(), "{error:?}");
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    for private in ["hunter2", "4711", "pin"] {
        assert!(!shown.contains(private), "{shown}");
    }
}

#[test]
fn the_debug_of_a_client_shows_no_credentials() {
    let token = HeaderValue::from_static("Bearer token-4711");
    let options = CallOptions::new().header(AUTHORIZATION, token);
    let builder = Client::builder("http://caller:hunter2@bot").options(options.clone());
    let mut shown = format!("{options:?} {builder:?}");
    shown += &format!("{:?}", builder.build().unwrap());
    for private in ["4711", "hunter2"] {
        assert!(!shown.contains(private), "{shown}");
    }
}
