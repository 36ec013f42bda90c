//! The client and the server of this crate together.

use callbot::client::{CallOptions, InMemoryTransport};
use callbot::duix::Flag;
use callbot::duix::dialogue::{
    Answer, AnswerForm, Api, Client, Delta, DialogueAnswer, DialogueData, DialogueFailure,
    DialogueRequest, DialogueRequestFields, Operations, Reply, Server, SpokenAnswer, TipPhrases,
};
use callbot::server::serve;
use futures_util::TryStreamExt;
use http::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::{request, text};

/// Answers with the question, and with the screen operations of the context.
struct Mirror;

impl Api for Mirror {
    async fn dialogue(&self, asked: DialogueRequest) -> Result<Answer, callbot::server::Error> {
        let mut answer = Answer::text(&asked.question);
        answer.spoken.operations = asked.context_as::<Operations>()?;
        Ok(answer.with_intent(asked.user_id).with_extra(asked.avatar_code))
    }

    async fn dialogue_stream(
        &self,
        asked: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), callbot::server::Error> {
        for word in asked.question.split_inclusive(' ') {
            reply.send(word).await?;
        }
        Ok(())
    }
}

fn in_memory(server: Server<Mirror>) -> Client {
    let transport = InMemoryTransport::new(server.router());
    Client::builder("http://bot").transport(transport).build().unwrap()
}

/// Serves until the test is over.
async fn on_socket(server: Server<Mirror>) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, server.router()).into_future());
    Client::new(&url).unwrap()
}

#[tokio::test]
async fn client_and_server_understand_each_other_in_every_form() {
    let shown = Operations::new()
        .with_can_show_text(Flag::No)
        .with_tip_phrases(TipPhrases::new(["yes", "是"]).with_extra("style", 2))
        .with_extra("showPicture", json!({"url": "/a.png"}));
    for form in [AnswerForm::Object, AnswerForm::JsonText] {
        let server = || Server::new(Mirror).answer_form(form);
        for client in [in_memory(server()), on_socket(server()).await] {
            for question in ["who are you?", "", "{\"answer\":\"x\"}", "a\r\nb \u{0}余额 🙂 end"]
            {
                let request = DialogueRequest::new(DialogueRequestFields {
                    user_id: "100003",
                    avatar_code: "1872654850",
                    question,
                    conversation_id: "c-1",
                })
                .with_context(serde_json::to_string(&shown).unwrap());
                let answer = client.dialogue(&request).await.unwrap();
                let spoken = SpokenAnswer::new(question).with_operations(shown.clone());
                let data = DialogueData::new("c-1", spoken)
                    .with_question(question)
                    .with_intent("100003")
                    .with_extra("\"1872654850\"");
                let expected = DialogueAnswer::new("200", true).with_msg("SUCCESS").with_data(data);
                assert_eq!(answer.status(), 200);
                assert_eq!(answer.into_inner(), expected, "{form:?}");

                let stream = client.dialogue_stream(&request).await.unwrap();
                let mut read: Vec<Delta> = stream.try_collect().await.unwrap();
                assert_eq!(read.pop(), Some(Delta::new("", true)));
                let words = question.split_inclusive(' ').map(|word| Delta::new(word, false));
                assert_eq!(read, words.collect::<Vec<_>>());
                let stream = client.dialogue_stream(&request).await.unwrap();
                assert_eq!(stream.text().await.unwrap(), question);
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_of_our_server_is_a_failure_of_our_client() {
    let name = HeaderName::from_static("x-callbot-secret");
    let given = |value| {
        let value = HeaderValue::from_static(value);
        CallOptions::new().header(HeaderName::from_static("x-callbot-secret"), value)
    };
    let locked = || Server::new(Mirror).secret(name.clone(), "secret-1");
    for client in [in_memory(locked()), on_socket(locked()).await] {
        for (options, status, message) in [
            (CallOptions::new(), 401, "the header x-callbot-secret is missing"),
            (given("secret-2"), 403, "the header x-callbot-secret is wrong"),
        ] {
            let client = client.with_options(options);
            for error in [
                client.dialogue(&request()).await.unwrap_err(),
                client.dialogue_stream(&request()).await.unwrap_err(),
            ] {
                assert_eq!(error.status().unwrap(), status);
                let failure = error.failure().unwrap();
                assert_eq!(failure.code(), status.to_string());
                assert_eq!(failure.message(), Some(message));
                assert!(!error.is_retryable());
                let body = DialogueFailure::new(status.to_string(), message, false);
                assert_eq!(error.body_as(), Some(body));
            }
        }
        let client = client.with_options(given("secret-1"));
        client.dialogue(&request()).await.unwrap();
        assert_eq!(text(&client).await.unwrap(), "who are you?");
    }

    let small = || Server::new(Mirror).body_limit(10);
    for client in [in_memory(small()), on_socket(small()).await] {
        for error in [
            client.dialogue(&request()).await.unwrap_err(),
            client.dialogue_stream(&request()).await.unwrap_err(),
        ] {
            assert_eq!(error.status().unwrap(), 400);
            let failure = error.failure().unwrap();
            let said = (failure.code(), failure.message());
            assert_eq!(said, ("400", Some("the body is larger than 10 bytes")));
        }
    }
}
