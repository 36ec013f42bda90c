//! How the answers of a DUIX dialogue bot are written, byte by byte, over real sockets: the one JSON
//! body, and the frames of a stream. `tests/server/packets.rs` has what holds for every stream.

use callbot::duix::Flag;
use callbot::duix::dialogue::{
    Answer, AnswerForm, Api, DialogueRequest, Operations, Reply, Server, SpokenAnswer, TipPhrases,
};
use callbot::server::Error;
use callbot::text::sentences;
use futures_util::{FutureExt, StreamExt, future, stream};
use serde_json::{Value, json};

use crate::support::duix::*;

/// Texts that could break a form or a framing.
const TEXTS: [&str; 10] = [
    "",
    " ",
    "This is the demo bot.",
    "我是演示机器人。\u{1F4B6}",
    "a\r\nb\nc\rd\n\n",
    "data: {\"answer\":\"x\",\"isEnd\":true}\n\n",
    "\"quoted\" \\ \u{0}\u{7f}\u{2028}\u{FEFF}",
    "{\"answer\":\"an object?\"}",
    "null",
    "[DONE]",
];

const FORMS: [AnswerForm; 2] = [AnswerForm::Object, AnswerForm::JsonText];

/// The whole body of a bot that gives this answer to the document's question.
async fn written(form: AnswerForm, answer: Answer) -> Value {
    let server = answering(move |_| future::ready(Ok(answer.clone()))).answer_form(form);
    let answer = ask(ANSWERED, server).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

/// The spoken text and the screen operations, whatever the form.
fn spoken(form: AnswerForm, body: &Value) -> Value {
    let answer = &body["data"]["answer"];
    match form {
        AnswerForm::JsonText => answer.as_str().expect("a string").parse().expect("JSON"),
        _ => answer.clone(),
    }
}

fn demo() -> Answer {
    Answer::text("This is the demo bot.")
        .with_tip_phrases(["yes", "no"])
        .with_text_shown(true)
        .with_intent("introduce")
        .with_extra(json!({}))
}

/// The document's example without its empty `errorMsg`, which is optional.
fn documented() -> Value {
    json!({
        "code": "200",
        "msg": "SUCCESS",
        "success": true,
        "data": {
            "conversationId": "0513e935-041f-48e0-9330-652ef4194511",
            "question": "who are you?",
            "answer": {
                "answer": "This is the demo bot.",
                "operations": {"tipPhrases": {"phrases": ["yes", "no"]}, "canShowText": 1},
            },
            "intent": "introduce",
            "extra": "{}",
        },
    })
}

#[tokio::test]
async fn an_answer_is_written_as_in_the_example_of_the_document() {
    assert_eq!(written(AnswerForm::Object, demo()).await, documented());
    let answer = ask(ANSWERED, answering(|_| future::ready(Ok(demo())))).await;
    assert_eq!((answer.status, answer.json()), (200, documented()), "the object is the default");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
}

#[tokio::test]
async fn the_string_form_differs_in_the_answer_only() {
    let mut body = written(AnswerForm::JsonText, demo()).await;
    body["data"]["answer"] = spoken(AnswerForm::JsonText, &body);
    assert_eq!(body, documented());
}

#[tokio::test]
async fn a_text_alone_is_an_answer_without_anything_else() {
    for form in FORMS {
        for text in TEXTS {
            let body = written(form, text.into()).await;
            let expected = json!({ "answer": text });
            assert_eq!(spoken(form, &body), expected, "{form:?}");
            let expected = match form {
                AnswerForm::JsonText => Value::from(expected.to_string()),
                _ => expected,
            };
            assert_eq!(body, said(expected), "{form:?}");
        }
    }
}

#[tokio::test]
async fn screen_operations_are_written_and_unknown_keys_are_kept() {
    let operating = |operations| {
        let mut answer = Answer::text("Hi");
        answer.spoken = SpokenAnswer::new("Hi").with_operations(operations);
        answer
    };
    let hi = || Answer::text("Hi");
    let future = Operations::new()
        .with_extra("showPicture", json!({"url": "/a.png", "deep": [null, 1.5, {}]}))
        .with_can_show_text(Flag::from_code(7))
        .with_tip_phrases(TipPhrases::new(["a"]).with_extra("style", 2));
    let cases = [
        (hi(), Value::Null),
        (hi().with_text_shown(true), json!({"canShowText": 1})),
        (hi().with_text_shown(false), json!({"canShowText": 0})),
        (hi().with_text_shown(true).with_text_shown(false), json!({"canShowText": 0})),
        (hi().with_tip_phrases([""; 0]), json!({"tipPhrases": {"phrases": []}})),
        (
            hi().with_tip_phrases(["是", "\"no\""]).with_text_shown(false),
            json!({"tipPhrases": {"phrases": ["是", "\"no\""]}, "canShowText": 0}),
        ),
        (
            hi().with_text_shown(false).with_tip_phrases(vec![String::from("yes")]),
            json!({"tipPhrases": {"phrases": ["yes"]}, "canShowText": 0}),
        ),
        (operating(Operations::new()), json!({})),
        (
            operating(future.clone()),
            json!({
                "showPicture": {"url": "/a.png", "deep": [null, 1.5, {}]},
                "canShowText": 7,
                "tipPhrases": {"phrases": ["a"], "style": 2},
            }),
        ),
        (
            operating(future).with_text_shown(true).with_tip_phrases(["b"]),
            json!({
                "showPicture": {"url": "/a.png", "deep": [null, 1.5, {}]},
                "canShowText": 1,
                "tipPhrases": {"phrases": ["b"]},
            }),
        ),
    ];
    for form in FORMS {
        for (answer, operations) in &cases {
            let body = written(form, answer.clone()).await;
            let mut expected = json!({"answer": "Hi", "operations": operations});
            if operations.is_null() {
                expected = json!({"answer": "Hi"});
            }
            assert_eq!(spoken(form, &body), expected, "{form:?}");
        }
    }
}

#[tokio::test]
async fn intent_and_extra_are_beside_the_answer_and_extra_is_json_in_a_string() {
    for form in FORMS {
        for extra in [
            json!({}),
            json!({"a": [1, null, {"b": "\"\\\n"}]}),
            json!([]),
            json!("text"),
            json!("{}"),
            json!(4711),
            json!(u64::MAX),
            json!(false),
            Value::Null,
        ] {
            for intent in ["introduce", "", "意图"] {
                let answer = Answer::text("Hi").with_intent(intent).with_extra(extra.clone());
                let body = written(form, answer).await;
                assert_eq!(body["data"]["intent"], intent);
                let text = body["data"]["extra"].as_str().expect("a string");
                assert_eq!(text.parse::<Value>().unwrap(), extra, "{text}");
                assert_eq!(spoken(form, &body), json!({"answer": "Hi"}), "{form:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_question_and_the_conversation_are_echoed() {
    let server = || answering(|request| future::ready(Ok(request.avatar_code.into())));
    for form in FORMS {
        let mut peer = Peer::connect(start(server().answer_form(form)).await).await;
        for text in TEXTS {
            for (id, read) in [
                (json!(text), text),
                (json!(1_234_567_890_123_456_789_u64), "1234567890123456789"),
                (json!(u64::MAX), "18446744073709551615"),
                (json!(-7), "-7"),
            ] {
                let mut asked = asking(text);
                asked["dh-conversation-id"] = id;
                let body = peer.ask(&Post::json(ANSWERED, &asked)).await.json();
                assert_eq!(body["data"]["conversationId"], read);
                assert_eq!(body["data"]["question"], text);
                assert_eq!(spoken(form, &body)["answer"], "187265485019156480");
            }
        }
    }
}

#[tokio::test]
async fn a_handler_gets_the_request_as_it_was_sent() {
    let read = |request: DialogueRequest| serde_json::to_string(&request).map(Answer::text);
    let server = answering(move |request| future::ready(read(request).map_err(Error::from)));
    let body = ask(ANSWERED, server).await.json();
    let seen: Value = body["data"]["answer"]["answer"].as_str().unwrap().parse().unwrap();
    assert_eq!(seen, valid());
}

/// The document's stream.
const FRAMES: &str = concat!(
    r#"data: {"answer":"Let me think. ","isEnd":false}"#,
    "\n\n",
    r#"data: {"answer":"The branch opens at nine.","isEnd":true}"#,
    "\n\n",
);

#[tokio::test]
async fn frames_are_those_of_the_document_byte_by_byte() {
    let server = speaking(|reply| {
        Box::pin(async move {
            reply.send("Let me think. ").await?;
            reply.finish("The branch opens at nine.").await
        })
    });
    let mut peer = Peer::connect(start(server).await).await;
    // The connection stays open after the end of a stream.
    for _ in 0..3 {
        let answer = peer.ask(&Post::question(STREAMED)).await;
        answer.assert_stream();
        assert_eq!(answer.body, FRAMES);
        assert_eq!(answer.frames(), ["Let me think. ", "The branch opens at nine."]);
    }
}

#[tokio::test]
async fn each_frame_holds_only_the_new_text_whatever_it_is() {
    let server = speaking(|reply| {
        Box::pin(async move {
            for text in TEXTS {
                reply.send(text).await?;
            }
            reply.finish(TEXTS.concat()).await
        })
    });
    let frames = ask(STREAMED, server).await.frames();
    assert_eq!(frames[..TEXTS.len()], TEXTS);
    assert_eq!(frames[TEXTS.len()..], [TEXTS.concat()]);
}

/// What a handler does, in order.
#[derive(Debug, Clone, Copy)]
enum Act {
    Send(&'static str),
    Finish(&'static str),
    Fail,
    Panic,
}

async fn act(reply: &mut Reply, acts: &[Act]) -> Result<(), Error> {
    for act in acts {
        match act {
            Act::Send(text) => reply.send(*text).await?,
            Act::Finish(text) => reply.finish(*text).await?,
            Act::Fail => return Err(Error::public("failed")),
            Act::Panic => panic!("as it was told"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn only_a_stream_that_fails_ends_with_the_fallback() {
    use Act::{Fail, Finish, Panic, Send};
    let cases: &[(&[Act], &[&str])] = &[
        (&[], &[""]),
        (&[Send("a")], &["a", ""]),
        (&[Send("a"), Finish("b")], &["a", "b"]),
        (&[Fail], &["Sorry."]),
        (&[Panic], &["Sorry."]),
        (&[Send("a"), Fail], &["a", "Sorry."]),
        (&[Send("a"), Panic], &["a", "Sorry."]),
        (&[Finish("a"), Fail], &["a"]),
        (&[Finish("a"), Panic], &["a"]),
        (&[Finish("a"), Send("late")], &["a"]),
        (&[Send("a"), Finish("b"), Send("late"), Send("later")], &["a", "b"]),
    ];
    for (acts, expected) in cases {
        let server = speaking(|reply| Box::pin(act(reply, acts))).fallback("Sorry.");
        assert_eq!(ask(STREAMED, server).await.frames(), *expected, "{acts:?}");
    }
}

#[tokio::test]
async fn send_all_makes_a_frame_of_each_sentence() {
    let server = speaking(|reply| {
        Box::pin(async move {
            let tokens = ["The bra", "nch opens", " at nine. ", "Good", "bye."];
            let tokens = stream::iter(tokens.map(Ok::<_, std::io::Error>));
            reply.send_all(sentences(tokens)).await
        })
    });
    let frames = ask(STREAMED, server).await.frames();
    assert_eq!(frames, ["The branch opens at nine. ", "Goodbye.", ""]);
}

/// Repeats the question, in two pieces if it streams.
struct Parrot;

impl Api for Parrot {
    async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
        tokio::task::yield_now().await;
        Ok(request.question.into())
    }

    async fn dialogue_stream(
        &self,
        request: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        reply.send("You said: ").await?;
        tokio::task::yield_now().await;
        reply.finish(request.question).await
    }
}

#[tokio::test]
async fn concurrent_conversations_are_separate_and_a_connection_serves_both_operations() {
    let address = start(Server::new(Parrot)).await;
    let talks = (0..32).map(|talk| async move {
        let mut peer = Peer::connect(address).await;
        for turn in 0..8 {
            let question = format!("question {turn} of {talk}");
            let answer = peer.ask(&Post::asking(ANSWERED, &question)).await.json();
            assert_eq!(answer["data"]["question"], question);
            assert_eq!(answer["data"]["answer"]["answer"], question);
            let answer = peer.ask(&Post::asking(STREAMED, &question)).await;
            assert_eq!(answer.frames(), ["You said: ", &question]);
        }
    });
    soon("all conversations", future::join_all(talks)).await;
}

#[tokio::test]
async fn a_long_answer_arrives_whole() {
    const LONG: usize = 2 * 1024 * 1024;
    let long = || "长".repeat(LONG / 3);
    for form in FORMS {
        let server = answering(move |_| future::ready(Ok(long().into()))).answer_form(form);
        let answer = ask(ANSWERED, server).await.json();
        let text = spoken(form, &answer)["answer"].as_str().unwrap().to_owned();
        assert!(text == long(), "{form:?}");
    }
    let server = speaking(move |reply| {
        let items = stream::iter([Ok::<_, Error>(long()), Ok(long())]).boxed();
        async move { reply.send_all(items).await }.boxed()
    });
    let frames = ask(STREAMED, server).await.frames();
    assert!(frames == [long(), long(), String::new()]);
}
