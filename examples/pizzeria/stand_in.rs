//! A stand-in for a language model, so that the example runs without an account: it knows what the
//! demonstration call asks. It writes as models do, with Markdown, one word after the other.

use std::time::Duration;

use callbot::chat::{ChatRequest, Message, Role};
use callbot::llm::testing::{Script, ScriptedModel};
use serde_json::json;

/// How long the stand-in takes for a word.
const WORD: Duration = Duration::from_millis(40);

pub(crate) fn stand_in() -> ScriptedModel {
    ScriptedModel::answering(answer)
}

fn answer(request: &ChatRequest) -> Script {
    let Some(last) = request.messages.last() else { return Script::new() };
    let text = last.text().to_lowercase();
    let script = if last.role == Some(Role::Tool) {
        say(
            "Two **Margherita**, that is **17 €**. Would you like anything else? Our Diavola is good.",
        )
    } else if text.contains("two margherita") {
        Script::new().call("order_pizza", json!({"pizza": "Margherita", "count": 2}))
    } else if text.contains("which") {
        say(
            "We have:\n\n- **Margherita** for 8.50 €\n- **Marinara** for 7 €\n- **Diavola** for 10 € 🌶️",
        )
    } else if text.contains("bye") {
        let goodbye = "It is ready in 20 minutes. Goodbye!";
        Script::new().pause(WORD).call("hang_up", json!({"goodbye": goodbye}))
    } else {
        say("I am a stand-in, and know few questions. Try: which pizzas do you have?")
    };
    let words = |text: &str| i64::try_from(text.split_whitespace().count()).unwrap_or_default();
    let asked = request.messages.iter().map(|message| words(&Message::text(message))).sum();
    script.usage(asked, 20)
}

fn say(text: &str) -> Script {
    Script::new().say_slowly(text, WORD)
}
