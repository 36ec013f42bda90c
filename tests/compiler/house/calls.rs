//! The client of the fixture calls its router and trait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbot::client::{CallOptions, InMemoryTransport, Retries, Transport, TransportError};
use callbot::server::{Error, Sink};
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;

use super::{PacketWriter, guest};
use crate::compiled::fixture::{
    AddGuestParameters, Api, AskParameters, BrokenWord, Client, Content, Farewell, Greeting, Guest,
    GuestFields, ListGuestsParameters, Mood, Question, Refusal, Request, Trouble,
    WhisperParameters, router,
};

struct House;

impl Api for House {
    async fn list_guests(&self, parameters: ListGuestsParameters) -> Result<Vec<Guest>, Error> {
        // Returns the parameters in the fields of a guest.
        let ListGuestsParameters { room_id, limit, detailed, mood, trace_id, .. } = parameters;
        let name = format!("{}{}", limit.unwrap_or(-1), detailed.unwrap_or(false));
        let mood = mood.unwrap_or(Mood::Calm);
        let guest = Guest::new(GuestFields {
            id: &room_id,
            name: &name,
            age: 30,
            mood,
            secret: "sesame".into(),
            wire: &trace_id.unwrap_or_default(),
        });
        Ok(vec![guest.with_reason("none")])
    }

    async fn add_guest(
        &self,
        parameters: AddGuestParameters,
        request: Guest,
    ) -> Result<Vec<Guest>, Error> {
        match parameters.room_id.as_str() {
            "locked" => Err(Error::public("the room is locked").status(409)),
            "closed" => Err(Error::public("the house is closed").status(403)),
            "on fire" => Err("smoke".into()),
            "crowded" => Ok(vec![request; 4]),
            _ => Ok(vec![request]),
        }
    }

    async fn ask(
        &self,
        parameters: AskParameters,
        request: Request,
        reply: &mut Sink<PacketWriter>,
    ) -> Result<(), Error> {
        reply.send(parameters.room_id).await?;
        self.order(request, reply).await
    }

    async fn order(&self, request: Request, reply: &mut Sink<PacketWriter>) -> Result<(), Error> {
        let Content::Text(text) = request.content else { return Err(Error::public("say it")) };
        for word in text.split(' ') {
            reply.send(word).await?;
        }
        reply.finish(request.note.unwrap_or_default()).await?;
        assert!(reply.send("more").await.is_err());
        Ok(())
    }

    async fn talk(&self, request: Question, reply: &mut Sink<PacketWriter>) -> Result<(), Error> {
        match request {
            Question::Greeting(greeting) if greeting.text.is_empty() => {
                Err(Error::public("speak up"))
            }
            Question::Greeting(greeting) => reply.send(greeting.text).await,
            Question::Farewell(farewell) => reply.finish(format!("{:?}", farewell.extra)).await,
            other => reply.send(other.kind()).await,
        }
    }

    async fn whisper(
        &self,
        parameters: WhisperParameters,
        reply: &mut Sink<PacketWriter>,
    ) -> Result<(), Error> {
        let who = parameters.authorization;
        reply.send(who.map_or("nobody".into(), |who| who.expose().to_owned())).await
    }
}

fn client() -> Client {
    client_at("/base/")
}

fn client_at(base: &str) -> Client {
    Client::builder(&format!("http://house{base}"))
        .transport(InMemoryTransport::new(axum::Router::new().nest("/base", router(House))))
        .build()
        .unwrap()
}

#[tokio::test]
async fn parameters_travel_in_path_query_and_header() {
    let parameters = ListGuestsParameters::new("a/ß ?")
        .with_limit(7)
        .with_detailed(true)
        .with_mood(Mood::Angry)
        .with_trace_id("t-1");
    let list = client().list_guests(&parameters).await.unwrap();
    assert_eq!(list.status(), 200);
    let guest = &list.guests[0];
    assert_eq!((guest.id.as_str(), guest.name.as_str()), ("a/ß ?", "7true"));
    assert_eq!((&guest.mood, guest.wire.as_deref()), (&Mood::Angry, Some("t-1")));

    let list = client().list_guests(&ListGuestsParameters::new("plain")).await.unwrap();
    assert_eq!(list.guests[0].name, "-1false");
}

#[tokio::test]
async fn parameters_are_checked_before_they_are_sent() {
    for (parameters, says) in [
        (ListGuestsParameters::new("r").with_limit(101), "/limit: 101, allowed: 1 to 100"),
        (ListGuestsParameters::new("r").with_trace_id("123456789"), "/X-Trace-Id: "),
        (ListGuestsParameters::new(".."), "/roomId: "),
        (ListGuestsParameters::new(""), "/roomId: "),
    ] {
        let error = client().list_guests(&parameters).await.unwrap_err();
        assert!(error.violations().is_some(), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn an_unreadable_parameter_is_refused_with_its_name() {
    use tower_service::Service;

    for (uri, says) in
        [("/rooms/r/guests?limit=many", "/limit: "), ("/rooms/r/guests?detailed=2", "/detailed: ")]
    {
        let request = http::Request::get(uri).body(axum::body::Body::empty()).unwrap();
        let response = router(House).call(request).await.unwrap();
        assert_eq!(response.status(), 400);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains(says), "{body:?}");
    }
}

#[tokio::test]
async fn a_body_and_parameters_travel_together() {
    let list = client().add_guest(&AddGuestParameters::new("r"), &guest()).await.unwrap();
    assert_eq!(list.into_inner().guests, [guest()]);
}

fn request(text: &str) -> Request {
    Request::new(text.into()).with_note("bye")
}

#[tokio::test]
async fn the_method_decides_whether_the_answer_is_a_stream() {
    let (parameters, client) = (AskParameters::new("attic"), client());
    // Both methods set the property, whatever it was.
    for asked in [request("a b"), request("a").with_aloud(true), request("a").with_aloud(false)] {
        let Content::Text(text) = &asked.content else { panic!() };
        let said: Vec<_> = ["attic"].into_iter().chain(text.split(' ')).chain(["bye"]).collect();
        if said.len() == 3 {
            let reply = client.ask(&parameters, &asked).await.unwrap();
            assert_eq!(reply.words, said);
        }
        let words = client.ask_stream(&parameters, &asked).await.unwrap();
        let words: Vec<_> = words.try_collect().await.unwrap();
        assert_eq!(words.iter().map(|word| &word.text).collect::<Vec<_>>(), said);
        assert!(words.last().unwrap().last);
    }
    assert_eq!(client.order(&request("a")).await.unwrap().words, ["a", "bye"]);
}

#[tokio::test]
async fn a_folded_answer_that_breaks_a_rule_or_fails_has_a_status() {
    let client = client();
    let error = client.order(&request("a b c")).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 500);
    assert_eq!(error.failure().unwrap().message(), Some("internal error"));
    let list = Request::new(Vec::new().into()).with_note("bye");
    let error = client.order(&list).await.unwrap_err();
    assert_eq!(error.failure().unwrap().message(), Some("say it"));
    // These rules have no status for the failure of a stream.
    let words = client.order_stream(&list).await.unwrap();
    let error = words.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.body_as(), Some(BrokenWord::new("", true, "say it")));
}

/// Posts a body to the house, and returns what comes back.
async fn posted(path: &str, body: &'static str) -> (http::StatusCode, String, String) {
    use tower_service::Service;

    let request = http::Request::post(path).body(axum::body::Body::from(body)).unwrap();
    let response = router(House).call(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let media = head.headers["content-type"].to_str().unwrap().to_owned();
    (head.status, media, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_gets_a_stream_only_if_it_asks_for_one() {
    for (flag, media) in [
        (r#","aloud":true"#, "text/event-stream"),
        (r#","aloud":false"#, "application/json"),
        (r#","aloud":null"#, "application/json"),
        ("", "application/json"),
    ] {
        let body = format!(r#"{{"content":"a"{flag}}}"#).leak();
        let (status, sent, _) = posted("/order", body).await;
        assert_eq!((status.as_u16(), sent.as_str()), (200, media), "{body}");
    }
    for body in ["[]", r#"{"aloud":true}"#, r#"{"content":"a","aloud":1}"#] {
        let (status, sent, text) = posted("/order", body).await;
        assert_eq!((status.as_u16(), sent.as_str()), (400, "application/json"), "{body}");
        assert!(text.contains("success"), "{text}");
    }
}

#[tokio::test]
async fn a_stream_with_a_marked_end_has_it_after_its_last_packet() {
    let body = r#"{"content":"a","aloud":true}"#;
    let last = "data:{\"text\":\"\",\"last\":true}\n\n";
    let (_, _, marked) = posted("/ask/attic", body).await;
    assert!(marked.ends_with(&format!("{last}data: [END]\n\n")), "{marked}");
    assert_eq!(marked.matches("[END]").count(), 1);
    let (_, _, plain) = posted("/order", body).await;
    assert!(plain.ends_with(last), "{plain}");
    let (_, _, failed) = posted("/ask/attic", r#"{"content":[],"aloud":true}"#).await;
    assert!(failed.ends_with("\"reason\":\"say it\"}\n\ndata: [END]\n\n"), "{failed}");
}

/// Answers every request with this stream.
#[derive(Clone)]
struct Streams(&'static str);

impl Transport for Streams {
    fn send(
        &self,
        _: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        let stream = http::Response::builder().header("content-type", "text/event-stream");
        let stream = stream.body(self.0).unwrap();
        Box::pin(async { Ok(stream.into()) })
    }
}

#[tokio::test]
async fn the_mark_or_a_complete_reply_ends_a_stream_without_a_last_packet() {
    let ask = |stream: &'static str| async move {
        let client = Client::builder("http://house").transport(Streams(stream)).build().unwrap();
        let words = client.ask_stream(&AskParameters::new("attic"), &request("a")).await.unwrap();
        words.try_collect::<Vec<_>>().await.map(|words| words.len())
    };
    let word = r#"data: {"text": "a", "last": false}"#;
    let all = r#"data: {"text": "that is all", "last": false}"#;
    for (stream, words) in [
        (format!("{word}\n\ndata: [END]\n\n{word}\n\n"), 1),
        (format!("{word}\n\ndata:[END] \n\n"), 1),
        ("data: [END]\n\n".into(), 0),
        (format!("{word}\n\n{all}\n\n"), 2),
        // What is said about a complete reply belongs to it.
        (format!("{all}\n\n{word}\n\n"), 2),
        // Another mark says nothing here.
        (format!("data: [DONE]\n\n{word}\n\ndata: [END]\n\n"), 1),
    ] {
        assert_eq!(ask(stream.clone().leak()).await.unwrap(), words, "{stream}");
    }
    for stream in [format!("{word}\n\n"), format!("{word}\n\ndata: [DONE]\n\n"), String::new()] {
        assert!(ask(stream.clone().leak()).await.unwrap_err().is_cut(), "{stream}");
    }
}

#[tokio::test]
async fn only_operations_that_change_nothing_are_retried() {
    #[derive(Clone, Default)]
    struct Busy(Arc<AtomicUsize>);

    impl Transport for Busy {
        fn send(
            &self,
            _: reqwest::Request,
        ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let busy = http::Response::builder().status(503).body("").unwrap();
            Box::pin(async { Ok(busy.into()) })
        }
    }

    let busy = Busy::default();
    let retries = Retries::up_to(2).initial_backoff(Duration::ZERO);
    let client = Client::builder("http://house")
        .transport(busy.clone())
        .options(CallOptions::new().retries(retries))
        .build()
        .unwrap();
    client.list_guests(&ListGuestsParameters::new("r")).await.unwrap_err();
    assert_eq!(busy.0.swap(0, Ordering::SeqCst), 3);
    let error = client.add_guest(&AddGuestParameters::new("r"), &guest()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(busy.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn success_is_reported_in_the_body_and_a_public_error_shows() {
    let error = client().add_guest(&AddGuestParameters::new("locked"), &guest()).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 409);
    assert_eq!(error.failure().unwrap().message(), Some("the room is locked"));
}

#[tokio::test]
async fn the_body_of_a_failure_has_the_type_that_the_spec_documents_for_its_status() {
    let ask = |room: &'static str| async move {
        client().add_guest(&AddGuestParameters::new(room), &guest()).await.unwrap_err()
    };
    for (room, status, message) in
        [("locked", 409, "the room is locked"), ("on fire", 500, "internal error")]
    {
        let error = ask(room).await;
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(error.body_as(), Some(Trouble::new(false, message)));
        assert_eq!(error.body_as::<Refusal>(), None);
    }
    let closed = ask("closed").await;
    assert_eq!(closed.body_as(), Some(Refusal::new("the house is closed")));
    assert_eq!(closed.body_as::<Trouble>(), None);
    assert_eq!(closed.body(), br#"{"success":false,"msg":"the house is closed"}"#);
    assert!(!format!("{closed:?}").contains("success"), "{closed:?}");
}

#[tokio::test]
async fn a_failure_with_status_200_has_its_documented_type() {
    #[derive(Clone)]
    struct Answers(u16, &'static str);

    impl Transport for Answers {
        fn send(
            &self,
            _: reqwest::Request,
        ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
            let answer = http::Response::builder().status(self.0).body(self.1).unwrap();
            Box::pin(async { Ok(answer.into()) })
        }
    }

    let ask = |status, body| async move {
        let client = Client::builder("http://house").transport(Answers(status, body));
        let parameters = AddGuestParameters::new("r");
        client.build().unwrap().add_guest(&parameters, &guest()).await.unwrap_err()
    };
    let body = r#"{"success": false, "msg": "full", "hint": "wait"}"#;
    for status in [200, 409, 500] {
        let trouble = Trouble::new(false, "full").with_hint("wait");
        assert_eq!(ask(status, body).await.body_as(), Some(trouble), "{status}");
    }
    // No type is documented for these, or the body is not of that type.
    for (status, body) in [(400, body), (404, body), (403, "[]"), (500, "the proxy failed")] {
        let error = ask(status, body).await;
        assert_eq!(error.body_as::<Trouble>(), None, "{status}");
        assert_eq!(error.body_as::<Refusal>(), None, "{status}");
        assert_eq!(error.body(), body.as_bytes());
    }
}

#[tokio::test]
async fn the_event_of_a_failure_has_its_documented_type() {
    let error = client().talk(&Greeting::new("").into()).await.unwrap();
    let error = error.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.failure().unwrap().message(), Some("speak up"));
    assert_eq!(error.body_as(), Some(BrokenWord::new("", true, "speak up")));
    assert_eq!(error.body_as::<Trouble>(), None);
}

#[tokio::test]
async fn an_answer_that_violates_the_spec_is_not_sent() {
    let error =
        client().add_guest(&AddGuestParameters::new("crowded"), &guest()).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 500);
    assert_eq!(error.failure().unwrap().message(), Some("internal error"));
}

#[tokio::test]
#[allow(deprecated)]
async fn an_operation_without_a_handler_is_not_supported() {
    let error = client().get_status().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 501);
}

#[tokio::test]
async fn an_operation_is_served_below_every_base_and_at_every_spelling() {
    use tower_service::Service;

    let parameters = WhisperParameters::new();
    for base in ["/base/old", "/base/new"] {
        let words = client_at(base).whisper(&parameters).await.unwrap();
        let words: Vec<_> = words.try_collect().await.unwrap();
        assert_eq!(words[0].text, "nobody");
    }
    assert!(client().whisper(&parameters).await.is_err());
    for (path, status) in [("/old/Whisper", 200), ("/new/Whisper", 200), ("/Whisper", 404)] {
        let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        assert_eq!(router(House).call(request).await.unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn credentials_of_the_spec_travel_in_their_header_and_do_not_show() {
    let parameters = WhisperParameters::new().with_authorization("sesame");
    assert!(!format!("{parameters:?}").contains("sesame"));
    let words = client_at("/base/new").whisper(&parameters).await.unwrap();
    let words: Vec<_> = words.try_collect().await.unwrap();
    assert_eq!(words[0].text, "sesame");
}

#[tokio::test]
async fn a_stream_is_typed_on_both_sides() {
    let words = |question: Question| async move {
        let words: Vec<_> = client().talk(&question).await.unwrap().try_collect().await.unwrap();
        words.into_iter().map(|word| (word.text, word.last)).collect::<Vec<_>>()
    };
    let said = words(Greeting::new("Hello").into()).await;
    assert_eq!(said, [("Hello".to_owned(), false), (String::new(), true)]);
    let said = words(Farewell::new().with_extra("tone", "sad").into()).await;
    assert_eq!(said, [("{\"tone\": \"sad\"}".to_owned(), true)]);
    let unknown: Question = serde_json::from_str(r#"{"text": 1, "action": 77}"#).unwrap();
    assert_eq!(words(unknown).await[0].0, "77");
}
