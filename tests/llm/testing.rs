//! The scripted model: what a client reads of each step, and what the model records.

use std::time::Duration;

use callbot::chat::{
    ChatRequest, Client, Completion, FinishReason, Message, StreamOptions, ToolCall, Usage,
};
use callbot::client::{CallOptions, Deadline, Error};
use callbot::llm::testing::{Script, ScriptedModel};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn question(text: &str) -> ChatRequest {
    ChatRequest::new("large", [Message::user(text)])
}

async fn streamed(client: &Client) -> Result<Completion, Error> {
    let usage = StreamOptions::new().with_include_usage(true);
    client.stream(&question("Hello?").with_stream_options(usage)).await?.completion().await
}

async fn whole(client: &Client) -> Result<Completion, Error> {
    Ok(client.complete(&question("Hello?")).await?.into_inner().into())
}

fn calls(completion: &Completion) -> Vec<(&str, &str, &str)> {
    let calls = completion.tool_calls.iter();
    calls.map(|call| (&*call.id, &*call.function.name, &*call.function.arguments)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_script_reads_the_same_as_a_stream_and_as_one_body() {
    let script = || {
        Script::new()
            .think("It is ")
            .think("account 7.")
            .say("One ")
            .pause(SECOND)
            .say("moment.")
            .call("balance", json!({"account": 7, "money": "¥"}))
            .call("log", "not JSON")
            .usage(21, 7)
    };
    for stream in [true, false] {
        let model = ScriptedModel::new([script()]);
        let client = model.client();
        let start = Instant::now();
        let completion = if stream { streamed(&client).await } else { whole(&client).await };
        let completion = completion.unwrap();
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(completion.text, "One moment.");
        assert_eq!(completion.reasoning, "It is account 7.");
        let expected =
            [("call_1", "balance", r#"{"account":7,"money":"¥"}"#), ("call_2", "log", "not JSON")];
        assert_eq!(calls(&completion), expected);
        assert_eq!(completion.finish_reason, Some(FinishReason::ToolCalls));
        assert_eq!(completion.usage, Some(Usage::new(21, 7, 28)));
        assert_eq!(completion.model, "large");
        assert_eq!(model.abandoned(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn texts_are_scripts_that_are_played_in_order() {
    let model = ScriptedModel::new(["One.", "Two."]);
    let client = model.client();
    assert_eq!(streamed(&client).await.unwrap().text, "One.");
    let second = whole(&client).await.unwrap();
    assert_eq!((&*second.text, second.finish_reason), ("Two.", Some(FinishReason::Stop)));
    for error in [streamed(&client).await.unwrap_err(), whole(&client).await.unwrap_err()] {
        assert_eq!(error.status().unwrap(), 500);
    }
    let error = streamed(&client).await.unwrap_err();
    let text = "createChatCompletion: failure server_error: the model has no script for request 5";
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn usage_is_streamed_only_on_request_and_a_reason_can_be_set() {
    let script = Script::from("Cut o").usage(1, 2).finish(FinishReason::Length);
    let model = ScriptedModel::new([script]);
    let stream = model.client().stream(&question("Hello?")).await.unwrap();
    let completion = stream.completion().await.unwrap();
    assert_eq!(completion.usage, None);
    assert_eq!(completion.finish_reason, Some(FinishReason::Length));
}

#[tokio::test(start_paused = true)]
async fn words_come_one_by_one() {
    let model = ScriptedModel::new([Script::new().say_slowly("Once upon a time.", SECOND)]);
    let start = Instant::now();
    let mut stream = model.client().stream(&question("A story!")).await.unwrap();
    // The head comes with the first word.
    assert_eq!(start.elapsed(), SECOND);
    let texts: Vec<_> =
        stream.texts().map_ok(|text| (text, start.elapsed())).try_collect().await.unwrap();
    let texts: Vec<_> = texts.iter().map(|(text, time)| (&**text, time.as_secs())).collect();
    assert_eq!(texts, [("Once ", 1), ("upon ", 2), ("a ", 3), ("time.", 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_model_can_answer_by_the_request_and_records_the_conversation() {
    let model = ScriptedModel::answering(|request| {
        Script::from(format!("{} messages", request.messages.len()))
    });
    assert!(model.conversation().is_empty());
    let call = ToolCall::new("call_1", callbot::chat::FunctionCall::new("balance", "{}"));
    let messages = [
        Message::system("You answer the phone."),
        Message::user("My balance?"),
        Message::assistant("One moment.").with_tool_calls([call]),
        Message::tool("call_1", "10 euros"),
        Message::assistant(""),
    ];
    let request = ChatRequest::new("large", messages);
    let answer = model.client().complete(&request).await.unwrap().into_inner();
    assert_eq!(Completion::from(answer).text, "5 messages");
    let expected = [
        "system: You answer the phone.",
        "user: My balance?",
        "assistant: One moment.",
        "assistant calls balance({})",
        "tool: 10 euros",
        "assistant: ",
    ];
    assert_eq!(model.conversation(), expected);
    assert_eq!(model.requests(), [request.with_stream(false)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_a_status_first_and_an_event_later() {
    let failing = [
        (Script::new().fail(429, "slow down"), "rate_limit_error", 429),
        (Script::new().pause(SECOND).fail(401, "who?"), "authentication_error", 401),
        (Script::new().fail(9999, "odd"), "server_error", 500),
    ];
    for (script, code, status) in failing {
        let model = ScriptedModel::new([script.clone(), script]);
        for error in [
            streamed(&model.client()).await.unwrap_err(),
            whole(&model.client()).await.unwrap_err(),
        ] {
            assert_eq!(error.failure().unwrap().code(), code);
            assert_eq!(error.status().unwrap(), status);
        }
    }
    let model = ScriptedModel::new([Script::from("One ").fail(500, "broken")]);
    let mut stream = model.client().stream(&question("Hello?")).await.unwrap();
    let texts: Vec<_> = stream.texts().collect().await;
    assert_eq!(texts[0].as_ref().unwrap(), "One ");
    assert_eq!(texts[1].as_ref().unwrap_err().failure().unwrap().message(), Some("broken"));
    assert_eq!((texts.len(), model.abandoned()), (2, 0));
}

#[tokio::test]
async fn a_cut_ends_the_connection_in_memory_and_over_a_socket() {
    let cut = || Script::from("It is ten ").cut();
    let model = ScriptedModel::new([cut(), cut(), cut(), cut()]);
    let url = model.listen().await.unwrap();
    for client in [model.client(), Client::new(&url).unwrap()] {
        let mut stream = client.stream(&question("Hello?")).await.unwrap();
        let texts: Vec<_> = stream.texts().collect().await;
        assert_eq!(texts[0].as_ref().unwrap(), "It is ten ");
        let error = texts[1].as_ref().unwrap_err();
        assert!(error.is_cut(), "{error}");
        assert!(whole(&client).await.is_err());
    }
    assert_eq!(model.abandoned(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_silent_until_the_deadline_of_the_client() {
    let model = ScriptedModel::new([Script::new().stall(), Script::from("It is ").stall()]);
    let options = CallOptions::new().first_event_deadline(3 * SECOND).gap_deadline(2 * SECOND);
    let client = model.client_builder().options(options).build().unwrap();
    let start = Instant::now();
    let error = streamed(&client).await.unwrap_err();
    assert_eq!((error.deadline(), start.elapsed()), (Some(Deadline::FirstEvent), 3 * SECOND));
    let error = streamed(&client).await.unwrap_err();
    assert_eq!((error.deadline(), start.elapsed()), (Some(Deadline::Gap), 5 * SECOND));
    assert_eq!(model.abandoned(), 2);
}

#[tokio::test(start_paused = true)]
async fn raw_text_is_sent_unchanged() {
    let model = ScriptedModel::new([
        Script::from("One ").raw(": a comment\n\n").say("two."),
        Script::from("One ").raw("data: {oops\n\n"),
    ]);
    assert_eq!(streamed(&model.client()).await.unwrap().text, "One two.");
    let error = streamed(&model.client()).await.unwrap_err();
    assert!(error.to_string().contains("not JSON"), "{error}");

    let model = ScriptedModel::new([Script::new().raw("{oops")]);
    let error = whole(&model.client()).await.unwrap_err();
    assert!(error.to_string().contains("not JSON"), "{error}");
}

#[tokio::test]
async fn an_answer_that_the_client_leaves_counts_as_abandoned() {
    let story = || Script::new().say("Once ").stall();
    let model =
        ScriptedModel::new([story(), story(), Script::new().stall(), Script::new().stall()]);
    let url = model.listen().await.unwrap();
    let clients = [model.client(), Client::new(&url).unwrap()];
    for (number, client) in clients.iter().enumerate() {
        let mut stream = client.stream(&question("A story!")).await.unwrap();
        assert!(stream.texts().next().await.unwrap().is_ok());
        assert_eq!(model.abandoned(), number);
        drop(stream);
        timeout(5 * SECOND, model.until_abandoned(number + 1)).await.unwrap();
    }
    // Also before the head of the response.
    for (number, client) in clients.iter().enumerate() {
        let request = question("A story!");
        let mut asking = Box::pin(client.stream(&request));
        tokio::select! {
            _ = &mut asking => panic!("it has answered"),
            () = model.until_requests(number + 3) => {}
        }
        drop(asking);
        timeout(5 * SECOND, model.until_abandoned(number + 3)).await.unwrap();
    }
}

#[tokio::test]
async fn a_model_is_served_at_its_url() {
    let model = ScriptedModel::new(["Hello."]);
    let url = model.listen().await.unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/v1"), "{url}");
    assert_eq!(streamed(&Client::new(&url).unwrap()).await.unwrap().text, "Hello.");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_can_not_be_read_is_refused_and_not_recorded() {
    use tower_service::Service as _;

    let model = ScriptedModel::new(["Hello."]);
    let request = http::Request::post("/v1/chat/completions").body("{oops".to_owned()).unwrap();
    let answer = model.router().call(request).await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(model.requests().is_empty());
}

#[test]
fn debug_hides_what_is_said() {
    let script = Script::from("4711");
    let model = ScriptedModel::new([script.clone()]);
    assert!(!format!("{script:?} {model:?}").contains("4711"));
}
