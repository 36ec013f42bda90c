//! Where a request has what its dialect says: ids, numbers, and the data of the application.

use serde_json::Value;

use super::dialect::{ChatDialect, Place, Traits};

/// What a request holds, apart from its messages.
pub(super) struct Content<'a> {
    /// The body without its messages.
    pub body: &'a Value,
    /// The last message.
    pub last: Option<&'a Value>,
    pub headers: &'a [(String, String)],
    pub query: &'a [(String, String)],
}

impl Content<'_> {
    /// Returns the dialect of the request.
    pub(super) fn dialect(&self) -> ChatDialect {
        let is = |dialect: &ChatDialect| {
            dialect.traits().recognised_by.iter().any(|place| self.has(*place))
        };
        ChatDialect::ALL.into_iter().find(is).unwrap_or(ChatDialect::Plain)
    }

    fn has(&self, place: Place) -> bool {
        match place {
            Place::Body(pointer) => {
                self.body.pointer(pointer).is_some_and(|value| !value.is_null())
            }
            place => self.text(place).is_some(),
        }
    }

    /// Returns the first of these values that is there, as text.
    pub(super) fn first(&self, places: &[Place]) -> Option<String> {
        places.iter().find_map(|place| self.text(*place))
    }

    fn text(&self, place: Place) -> Option<String> {
        let text = match place {
            Place::Body(pointer) => scalar(at(self.body, pointer)?)?,
            Place::LastMessage(key) => scalar(self.last?.get(key)?.clone())?,
            Place::Header(name) => {
                let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found?.1.clone()
            }
            Place::Query(name) => self.query.iter().find(|(key, _)| key == name)?.1.clone(),
        };
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns the numbers of the caller and of the called.
    pub(super) fn numbers(&self, traits: &Traits) -> (Option<String>, Option<String>) {
        let numbers = (self.first(traits.caller), self.first(traits.called));
        match traits.outbound {
            Some((pointer, value)) if self.body.pointer(pointer) == Some(&value.into()) => {
                (numbers.1, numbers.0)
            }
            _ => numbers,
        }
    }

    /// Returns the other data of the call, under the platform's own names.
    pub(super) fn extras(&self, traits: &Traits) -> serde_json::Map<String, Value> {
        let keys = traits
            .extras
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), self.body.get(*key)?.clone())));
        let spread =
            traits.spread.iter().filter_map(|key| match unfolded(self.body.get(*key)?.clone()) {
                Value::Object(entries) => Some(entries),
                Value::Null => None,
                value => Some([((*key).to_owned(), value)].into_iter().collect()),
            });
        let all = keys.chain(spread.flatten()).map(|(key, value)| (key, unfolded(value)));
        all.filter(|(_, value)| !value.is_null()).collect()
    }
}

/// Returns the value at a JSON pointer. A string on the way may contain JSON.
fn at(body: &Value, pointer: &str) -> Option<Value> {
    if let Some(value) = body.pointer(pointer) {
        return Some(value.clone());
    }
    let (parent, key) = pointer.rsplit_once('/')?;
    let Value::String(_) = body.pointer(parent)? else { return None };
    unfolded(body.pointer(parent)?.clone()).get(key).cloned()
}

/// Returns a text or a number as text.
fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the object or list that a string contains as JSON. Everything else stays as it is.
fn unfolded(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    if !text.trim_start().starts_with(['{', '[']) {
        return value;
    }
    serde_json::from_str(text).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content(body: &Value) -> Content<'_> {
        let last = body.pointer("/messages/0");
        Content { body, last, headers: &[], query: &[] }
    }

    #[test]
    fn a_request_tells_its_dialect() {
        for (body, dialect) in [
            (json!({"extendData": {"instanceId": "i"}}), ChatDialect::AiCall),
            (json!({"extendData": {}}), ChatDialect::AiCall),
            (json!({"extendData": null}), ChatDialect::Plain),
            (json!({"call": {"id": "c"}, "metadata": {"call_id": "m"}}), ChatDialect::Vapi),
            (json!({"elevenlabs_extra_body": {}}), ChatDialect::ElevenLabs),
            (json!({"context": {"channel": "room"}}), ChatDialect::Agora),
            (json!({"messages": [{"turn_id": 0}]}), ChatDialect::Agora),
            (json!({"round_id": 7}), ChatDialect::Volcengine),
            (json!({"custom": {"call_id": "c"}}), ChatDialect::Volcengine),
            (json!({"metadata": {"call_id": "c"}}), ChatDialect::Plain),
            (json!({"user_id": "u"}), ChatDialect::Plain),
            (json!({}), ChatDialect::Plain),
        ] {
            assert_eq!(content(&body).dialect(), dialect, "{body}");
        }
        let headers = [("X-Task-Id".to_owned(), "t".to_owned())];
        let trtc = Content { headers: &headers, ..content(&Value::Null) };
        assert_eq!(trtc.dialect(), ChatDialect::Trtc);
    }

    #[test]
    fn ids_and_numbers_are_found_where_the_dialect_has_them() {
        let query = [("call_id".to_owned(), "q".to_owned()), ("channel".into(), "room".into())];
        let headers = [("X-TASK-ID", "t"), ("x-request-id", "r"), ("X-User-Id", "u")];
        let headers = headers.map(|(key, value)| (key.to_owned(), value.to_owned()));
        for (dialect, body, expected) in [
            (
                ChatDialect::AiCall,
                json!({"extendData": {
                    "instanceId": "i", "sentenceId": 12, "callerNumber": "135", "calleeNumber": "400"
                }}),
                ["i", "12", "135", "400"],
            ),
            (ChatDialect::AiCall, json!({"extendData": {"sentenceId": "12"}}), ["", "12", "", ""]),
            (
                ChatDialect::Vapi,
                json!({
                    "call": {"id": "c", "type": "inboundPhoneCall"},
                    "customer": {"number": "+1"}, "phoneNumber": {"number": "+2"}
                }),
                ["c", "", "+1", "+2"],
            ),
            (
                ChatDialect::Vapi,
                json!({
                    "call": {"id": "c", "type": "outboundPhoneCall"},
                    "customer": {"number": "+1"}, "phoneNumber": {"number": "+2"}
                }),
                ["c", "", "+2", "+1"],
            ),
            (
                ChatDialect::ElevenLabs,
                json!({"elevenlabs_extra_body": {"conversation_id": "c"}, "user_id": "u"}),
                ["c", "", "u", ""],
            ),
            (ChatDialect::ElevenLabs, json!({}), ["q", "", "", ""]),
            (
                ChatDialect::Agora,
                json!({"context": {"channel": "a", "userId": 7}, "messages": [{"turn_id": 0}]}),
                ["a", "0", "7", ""],
            ),
            (ChatDialect::Agora, json!({"turn_id": "3"}), ["room", "3", "", ""]),
            (
                ChatDialect::Volcengine,
                json!({"custom": "{\"TaskId\": \"c\"}", "round_id": 3}),
                ["c", "3", "", ""],
            ),
            (ChatDialect::Volcengine, json!({"task_id": "c"}), ["c", "", "", ""]),
            (ChatDialect::Trtc, json!({}), ["t", "r", "u", ""]),
            (
                ChatDialect::Plain,
                json!({"metadata": {"call_id": "c", "turn_id": " t ", "caller": "1", "called": ""}}),
                ["c", "t", "1", ""],
            ),
        ] {
            let content = Content { headers: &headers, query: &query, ..content(&body) };
            let traits = dialect.traits();
            let (caller, called) = content.numbers(traits);
            let found = [content.first(traits.call), content.first(traits.turn), caller, called];
            let found = found.map(Option::unwrap_or_default);
            assert_eq!(found, expected.map(str::to_owned), "{dialect:?}: {body}");
        }
    }

    #[test]
    fn the_data_of_the_application_become_extras_and_json_in_a_string_is_read() {
        for (dialect, body, expected) in [
            (
                ChatDialect::AiCall,
                json!({"extendData": {"instanceId": "i", "userData": "{\"vip\":\"gold\"}"}}),
                json!({"instanceId": "i", "userData": {"vip": "gold"}}),
            ),
            (
                ChatDialect::AiCall,
                json!({"extendData": "{\"userData\":\"gold {\",\"x\":null}", "model": "m"}),
                json!({"userData": "gold {"}),
            ),
            (
                ChatDialect::Vapi,
                json!({"call": {"id": "c"}, "metadata": {"branch": 7}, "temperature": 1}),
                json!({"call": {"id": "c"}, "metadata": {"branch": 7}}),
            ),
            (ChatDialect::Volcengine, json!({"custom": "north"}), json!({"custom": "north"})),
            (ChatDialect::Plain, json!({"metadata": {"a": "{"}}), json!({"a": "{"})),
        ] {
            let extras = content(&body).extras(dialect.traits());
            assert_eq!(Value::Object(extras), expected, "{dialect:?}: {body}");
        }
    }
}
