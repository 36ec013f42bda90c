//! What a request asks: the call, the turn, and the input of the caller.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::content::Content;
use super::dialect::{ChatDialect, Traits};
use crate::bot::input::{Input, TurnId};

/// A request, read in its dialect.
#[derive(Debug)]
pub(super) struct Question {
    pub dialect: ChatDialect,
    /// The platform's id of the call; `None` if the request names no call.
    pub call: Option<String>,
    pub turn: TurnId,
    pub input: Input,
    pub caller: Option<String>,
    pub called: Option<String>,
    pub extras: serde_json::Map<String, Value>,
    /// What was said before, the oldest first.
    pub lines: Vec<Line>,
    /// The names of the tools that the answer may call.
    pub tools: Vec<String>,
}

/// Something that was said in the conversation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub speaker: Speaker,
    pub text: String,
}

/// Who says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Caller,
    Bot,
    /// The result of a tool.
    Tool,
}

impl Question {
    /// Reads a request. `dialect` is the one that is fixed in the settings.
    pub(super) fn read(
        mut body: Value,
        headers: &[(String, String)],
        query: &[(String, String)],
        dialect: Option<ChatDialect>,
    ) -> Self {
        let messages = match body.get_mut("messages").map(Value::take) {
            Some(Value::Array(messages)) => messages,
            _ => Vec::new(),
        };
        let content = Content { body: &body, last: messages.last(), headers, query };
        let dialect = dialect.unwrap_or_else(|| content.dialect());
        let traits: &Traits = dialect.traits();
        let mut lines: Vec<_> = messages.iter().filter_map(line).collect();
        let id = content.first(traits.turn);
        let turn = match &id {
            Some(id) => turn_with_id(id, lines.last().map_or("", |line| &line.text)),
            None => turn_without_id(&lines),
        };
        let (caller, called) = content.numbers(traits);
        let input = match lines.pop() {
            // The bot has spoken last, or nobody has: the platform asks because the caller is silent.
            None => Input::Silence,
            Some(line) if line.speaker == Speaker::Bot => {
                lines.push(line);
                Input::Silence
            }
            Some(Line { speaker: Speaker::Tool, text }) => {
                let call = messages.last().and_then(|message| message.get("tool_call_id"));
                Input::Other(json!({"role": "tool", "tool_call_id": call, "content": text}))
            }
            Some(Line { text, .. }) if text.trim().is_empty() => Input::Silence,
            Some(Line { text, .. }) => Input::Speech(text),
        };
        Self {
            dialect,
            call: content.first(traits.call),
            turn,
            input,
            caller,
            called,
            extras: content.extras(traits),
            lines,
            tools: tools(&body),
        }
    }

    /// Returns whether the request offers this tool.
    pub(super) fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }
}

/// Returns the names of the tools that a request offers. With the choice `none` it offers none.
fn tools(body: &Value) -> Vec<String> {
    if body.get("tool_choice").and_then(Value::as_str) == Some("none") {
        return Vec::new();
    }
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    let name = |tool: &Value| tool.pointer("/function/name")?.as_str().map(str::to_owned);
    tools.filter_map(name).collect()
}

/// Returns what a message says, if it is a part of the conversation.
fn line(message: &Value) -> Option<Line> {
    let speaker = match message.get("role").and_then(Value::as_str)? {
        "user" => Speaker::Caller,
        "assistant" => Speaker::Bot,
        "tool" | "function" | "plugin" => Speaker::Tool,
        // Instructions for a model.
        _ => return None,
    };
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text")?.as_str()).collect()
        }
        _ => String::new(),
    };
    Some(Line { speaker, text })
}

/// Returns the id of a turn that the platform names.
///
/// A platform may send a longer version of an utterance under the same id, which is another turn. So the
/// utterance is a part of the id. The rest of the history is not, since the platform may rewrite it between
/// two attempts, for example when it learns how much was played.
pub(in crate::bot) fn turn_with_id(id: &str, utterance: &str) -> TurnId {
    let utterance = Line { speaker: Speaker::Caller, text: utterance.to_owned() };
    TurnId::new(format!("{id}.{}", digest([&utterance])))
}

/// Returns the id of a turn that the platform does not name: it is as good as its messages.
fn turn_without_id(lines: &[Line]) -> TurnId {
    TurnId::new(digest(lines))
}

/// Returns a digest of some lines, the same in every process.
fn digest<'a>(lines: impl IntoIterator<Item = &'a Line>) -> String {
    let mut digest = Sha256::new();
    for Line { speaker, text } in lines {
        // The length keeps two lines apart from one.
        digest.update([*speaker as u8]);
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Question {
        Question::read(body, &[], &[], None)
    }

    fn said(messages: &[(&str, &str)]) -> Question {
        let messages: Vec<_> =
            messages.iter().map(|(role, text)| json!({"role": role, "content": text})).collect();
        read(json!({"messages": messages}))
    }

    fn aicall(sentence: &str, messages: &[(&str, &str)]) -> Question {
        let messages: Vec<_> =
            messages.iter().map(|(role, text)| json!({"role": role, "content": text})).collect();
        read(json!({"extendData": {"sentenceId": sentence}, "messages": messages}))
    }

    #[test]
    fn the_input_is_what_the_caller_said_last() {
        let speech = |text: &str| Input::Speech(text.into());
        let question = said(&[("system", "Be kind."), ("assistant", "Hello!"), ("user", "Hi")]);
        assert_eq!(question.input, speech("Hi"));
        assert_eq!(question.lines, [Line { speaker: Speaker::Bot, text: "Hello!".into() }]);
        assert_eq!(said(&[("user", "a"), ("user", "b")]).input, speech("b"));
        assert_eq!(said(&[("user", "Hi"), ("system", "Be brief.")]).input, speech("Hi"));
        for silent in [&[("user", " ")][..], &[("user", "a"), ("assistant", "b")], &[]] {
            assert_eq!(said(silent).input, Input::Silence);
        }
        let parts = json!([
            {"type": "text", "text": "What is "},
            {"type": "image_url", "image_url": {"url": "data:"}},
            {"type": "text", "text": "this?"},
        ]);
        let question = read(json!({"messages": [{"role": "user", "content": parts}]}));
        assert_eq!(question.input, speech("What is this?"));
        let tool = json!({"role": "tool", "tool_call_id": "call_1", "content": "failed"});
        let question = read(json!({"messages": [{"role": "assistant", "content": null}, tool]}));
        assert_eq!(question.input, Input::Other(tool));
    }

    #[test]
    fn the_same_turn_has_the_same_id_and_another_one_has_another() {
        let first = [("user", "I want")];
        let longer = [("user", "I want to pay")];
        let later = [("user", "I want"), ("assistant", "Yes?"), ("user", "I want")];
        let shared = [("user", "I wan"), ("user", "t")];
        let turns = [&first[..], &longer, &later, &shared].map(|lines| said(lines).turn);
        for (at, turn) in turns.iter().enumerate() {
            assert_eq!(turns.iter().position(|other| other == turn), Some(at));
        }
        assert_eq!(said(&first).turn, turns[0]);
        // Instructions are not a part of the conversation, and may have the time of day.
        assert_eq!(said(&[("system", "It is noon."), first[0]]).turn, turns[0]);

        let named = aicall("7", &first).turn;
        assert!(named.as_str().starts_with("7."));
        assert_eq!(aicall("7", &[("assistant", "Hi"), first[0]]).turn, named);
        assert_ne!(aicall("8", &first).turn, named);
        assert_ne!(aicall("7", &longer).turn, named);
    }

    #[test]
    fn tools_are_offered_unless_the_choice_is_none() {
        let tools = json!([
            {"type": "function", "function": {"name": "end_call"}},
            {"type": "function"},
            {"type": "function", "function": {"name": "weather"}},
        ]);
        let question = read(json!({"tools": tools, "tool_choice": "auto"}));
        assert_eq!(question.tools, ["end_call", "weather"]);
        assert!(question.offers("end_call") && !question.offers("endCall"));
        assert!(read(json!({"tools": tools, "tool_choice": "none"})).tools.is_empty());
        assert!(read(json!({"tools": null})).tools.is_empty());
    }

    #[test]
    fn a_fixed_dialect_is_kept() {
        let body = json!({"extendData": {"instanceId": "i"}, "metadata": {"call_id": "m"}});
        let fixed = Question::read(body.clone(), &[], &[], Some(ChatDialect::Plain));
        assert_eq!((fixed.dialect, fixed.call.as_deref()), (ChatDialect::Plain, Some("m")));
        let detected = read(body);
        assert_eq!((detected.dialect, detected.call.as_deref()), (ChatDialect::AiCall, Some("i")));
    }
}
