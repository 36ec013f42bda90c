//! The example `llm` as a process: the call that it plays, the model that it asks, the bot that it serves.
#![cfg(all(
    unix,
    feature = "llm",
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs"
))]

use callbot::chat::{ChatRequest, Client, Completion, Message};
use callbot::llm::testing::{Script, ScriptedModel};

use crate::process::{LOCAL, example, start};

/// Runs the demonstration with these variables. Returns whether it succeeded, and what it printed.
async fn demonstrated(variables: &[(&str, &str)]) -> (bool, String) {
    let output = example("llm", &[], variables).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), printed + &String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn without_a_key_a_stand_in_takes_an_order() {
    let (succeeded, printed) = demonstrated(&[]).await;
    assert!(succeeded, "{printed}");
    for part in [
        "Pizzeria Vesuvio, good evening!",
        "We have",
        "(barges in, heard “Two Margherita, that is”)",
        "Are you still there?",
        "It is ready in 20 minutes. Goodbye!",
        "hangs up after",
        "ordered: 2 Margherita\n",
        "7 steps, 0 failed\n",
    ] {
        assert!(printed.contains(part), "no {part:?} in:\n{printed}");
    }
    // The stand-in writes Markdown and emoji, and the caller hears neither.
    assert!(!printed.contains("**") && !printed.contains('🌶'), "{printed}");
}

#[tokio::test]
async fn it_asks_the_model_that_the_environment_names() {
    let model = ScriptedModel::answering(|_| Script::from("We have Margherita."));
    let url = model.listen().await.unwrap();
    let name = [("OPENAI_BASE_URL", url.as_str()), ("OPENAI_MODEL", "tiny")];
    let (succeeded, printed) = demonstrated(&name).await;
    assert!(succeeded && printed.contains("We have Margherita."), "{printed}");
    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.model.as_deref() == Some("tiny")));
    let tools: Vec<_> = requests[0].tools.iter().map(|tool| &*tool.function.name).collect();
    assert_eq!(tools, ["order_pizza", "hang_up"]);
}

#[tokio::test]
async fn a_model_that_fails_fails_the_demonstration() {
    let model = ScriptedModel::answering(|_| Script::new().fail(401, "who are you?"));
    let url = model.listen().await.unwrap();
    let variables = [("OPENAI_BASE_URL", url.as_str()), ("OPENAI_API_KEY", "sk-never-to-be-shown")];
    let (succeeded, printed) = demonstrated(&variables).await;
    assert!(!succeeded && printed.contains("who are you?"), "{printed}");
    assert!(!printed.contains("never-to-be"), "{printed}");
}

#[tokio::test]
async fn it_serves_the_bot_on_all_platforms() {
    let key = [("CALLBOT_CHAT_KEY", "key-1")];
    let (_server, url) = start(example("llm", LOCAL, &key)).await.unwrap();
    let client = Client::builder(&format!("{url}/v1")).key("key-1").build().unwrap();
    let question = ChatRequest::new("bot", [Message::user("Which pizzas do you have?")]);
    let answer = client.complete(&question).await.unwrap().into_inner();
    let text = Completion::from(answer).text;
    assert!(text.contains("Margherita") && !text.contains("**"), "{text}");

    let http = crate::support::script::http_client();
    let dialogue = serde_json::json!({
        "sid": "u", "dh-code": "a", "dh-question": "Which pizzas do you have?",
        "dh-conversation-id": "c",
    });
    let answer = http.post(format!("{url}/duix/dialogue"));
    let answer = answer.header("content-type", "application/json").body(dialogue.to_string());
    let text = answer.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("Margherita"), "{text}");
    for path in ["/proxy/beginSession", "/oifde/rest/crs/process"] {
        let request = http.post(format!("{url}{path}"));
        let status = request.body("{}").send().await.unwrap().status();
        assert_ne!(status, 404, "{path}");
    }
}

#[test]
fn the_guide_shows_the_bot_of_the_example() {
    let example = include_str!("../../examples/pizzeria/mod.rs").replace("pub(crate) ", "");
    let guide = include_str!("../../src/guide/language_model.md");
    let (_, bot) = example.split_once("const PROMPT").unwrap();
    assert!(guide.contains(&format!("\nconst PROMPT{}", bot.trim_end())));
    assert!(example.lines().count() < 60);
}
