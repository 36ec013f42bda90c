//! A request of chat completions, and the chunks of a stream.

use serde_json::{Value, json};

use super::peer::Answer;

/// The default path.
pub(crate) const PATH: &str = "/v1/chat/completions";

/// A request of AICall.
pub(crate) fn valid(stream: bool) -> Value {
    json!({
        "model": "bot",
        "messages": [
            {"role": "system", "content": "You answer the phone."},
            {"role": "user", "content": "Hello?"},
        ],
        "stream": stream,
        "temperature": 0.5,
        "user": "u-1",
        "extendData": {
            "instanceId": "c-1",
            "channelId": "room-1",
            "sentenceId": "3",
            "callerNumber": "13500000001",
            "calleeNumber": "4000000000",
            "userData": "vip",
        },
    })
}

/// The events of a whole stream, without the mark at its end. Each line must be as OpenAI writes it.
pub(crate) fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
    let events = answer.body.strip_suffix("data: [DONE]\n\n").expect("the stream ends with a mark");
    events.split_inclusive("\n\n").map(event).collect()
}

/// The JSON of one event.
pub(crate) fn event(block: &str) -> Value {
    let json = block.strip_prefix("data: ").and_then(|block| block.strip_suffix("\n\n"));
    let json = json.unwrap_or_else(|| panic!("not an event: {block:?}"));
    assert!(!json.contains('\n'), "{block:?}");
    serde_json::from_str(json).unwrap()
}

/// The only choice of a chunk, whose form must be that of OpenAI.
pub(crate) fn choice(chunk: &Value) -> &Value {
    assert_eq!(chunk["object"], "chat.completion.chunk");
    assert!(chunk["id"].is_string() && chunk["created"].is_i64(), "{chunk}");
    let [choice] = chunk["choices"].as_array().unwrap().as_slice() else { panic!("{chunk}") };
    assert_eq!(choice["index"], 0);
    assert!(choice["delta"].is_object() && choice.get("finish_reason").is_some(), "{chunk}");
    choice
}
