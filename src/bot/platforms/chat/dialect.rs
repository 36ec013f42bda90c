//! The dialects of chat completions: what differs between the platforms that ask, as data.

use serde_json::Value;

use crate::bot::capabilities::{Capabilities, Platform, TransferKind};
use crate::bot::outbox::Tag;

/// The platform that asks for chat completions, which decides where a request has the ids of the call and
/// of the turn, and how a reply hangs up and transfers.
///
/// | Dialect | Call | Turn | Hanging up | Transfers |
/// |---|---|---|---|---|
/// | `AiCall` | `extendData.instanceId` | `extendData.sentenceId` | text tag, or a tool call | to a number, by text tag |
/// | `Vapi` | `call.id` | – | tool `endCall` | to a number, by tool `transferCall` |
/// | `ElevenLabs` | `call_id` or `conversation_id` in `elevenlabs_extra_body` | – | tool `end_call` | to a number or agent, by tools `transfer_to_number` and `transfer_to_agent` |
/// | `Agora` | `context.channel`, or `channel` in the query | `turn_id`, also of the last message | – | – |
/// | `Volcengine` | `call_id`, `TaskId` or `task_id` of `custom` or of the body | `round_id` | – | – |
/// | `Trtc` | header `X-Task-Id` | header `X-Request-Id` | – | – |
/// | `Plain` | `metadata.call_id` | `metadata.turn_id` | a tool of Vapi or ElevenLabs | like hanging up |
///
/// A tool is called only if the request offers it. A turn without an id is identified by the messages of
/// its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChatDialect {
    /// An agent of Alibaba Cloud AICall with a self-developed language model.
    AiCall,
    /// Vapi, with the provider `custom-llm`.
    Vapi,
    /// An agent of ElevenLabs with a custom language model.
    ElevenLabs,
    /// Conversational AI of Agora and Shengwang.
    Agora,
    /// Conversational AI of Volcengine and BytePlus, with the mode `CustomLLM`.
    Volcengine,
    /// Conversational AI of Tencent TRTC.
    Trtc,
    /// Any other client of chat completions.
    Plain,
}

/// Where a request has a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// In the body, at this JSON pointer.
    Body(&'static str),
    /// In the last message of the body, under this key.
    LastMessage(&'static str),
    /// In this header.
    Header(&'static str),
    /// In the query, under this key.
    Query(&'static str),
}

/// How a control is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a tag in the text.
    Tag,
    /// As a call of a tool, if the request offers it.
    Tool(&'static ToolForm),
}

/// A tool of the platform.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ToolForm {
    pub name: &'static str,
    pub does: Does,
    /// The argument for the reason of a hang-up, or for the target of a transfer; empty if there is none.
    pub argument: &'static str,
    /// Whether the argument is a number.
    pub numeric: bool,
}

/// What a control does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    HangUp,
    Transfer(TransferKind),
}

/// The properties of a dialect.
#[derive(Debug)]
pub(super) struct Traits {
    /// A request that has one of these is in this dialect.
    pub recognised_by: &'static [Place],
    pub call: &'static [Place],
    pub turn: &'static [Place],
    pub caller: &'static [Place],
    pub called: &'static [Place],
    /// The two numbers change places if the body has this value.
    pub outbound: Option<(&'static str, &'static str)>,
    /// The keys of the body that become extras.
    pub extras: &'static [&'static str],
    /// The objects of the body whose entries become extras. One may be JSON in a string.
    pub spread: &'static [&'static str],
    pub controls: &'static [Form],
    /// What must not be in spoken text.
    pub tags: &'static [Tag],
    /// The text that marks in the history where a reply was interrupted.
    pub marker: Option<&'static str>,
    /// Whether the platform posts the same history again after a silence of the caller.
    pub silence: bool,
}

const END_CALL: Form = Form::Tool(&ToolForm {
    name: "end_call",
    does: Does::HangUp,
    argument: "reason",
    numeric: false,
});
const END_CALL_OF_VAPI: Form =
    Form::Tool(&ToolForm { name: "endCall", does: Does::HangUp, argument: "", numeric: false });
const TRANSFER_CALL: Form = Form::Tool(&ToolForm {
    name: "transferCall",
    does: Does::Transfer(TransferKind::Number),
    argument: "destination",
    numeric: false,
});
const TRANSFER_TO_NUMBER: Form = Form::Tool(&ToolForm {
    name: "transfer_to_number",
    does: Does::Transfer(TransferKind::Number),
    argument: "transfer_number",
    numeric: false,
});
const TRANSFER_TO_AGENT: Form = Form::Tool(&ToolForm {
    name: "transfer_to_agent",
    does: Does::Transfer(TransferKind::Agent),
    argument: "agent_number",
    numeric: true,
});

const fn tag(opening: &'static str, closing: &'static str) -> Tag {
    Tag { opening, whole_name: false, closing, max: 512 }
}

const fn element(opening: &'static str) -> Tag {
    Tag { opening, whole_name: true, closing: ">", max: 64 }
}

/// The control tags of all dialects. A request does not always tell its dialect, and none of these is
/// worth hearing, so every dialect removes all of them.
pub(super) const ALL_TAGS: &[Tag] = &[
    tag("<imsagent_", ">"),
    tag("</imsagent_", ">"),
    // A platform that keeps what was spoken would take it for the mark of a barge-in.
    tag("<ims_agent_", ">"),
    Tag { opening: "{{emotion=", whole_name: false, closing: "}}", max: 64 },
    element("<flush"),
    element("</flush"),
];

const NOTHING: Traits = Traits {
    recognised_by: &[],
    call: &[],
    turn: &[],
    caller: &[],
    called: &[],
    outbound: None,
    extras: &[],
    spread: &[],
    controls: &[],
    tags: ALL_TAGS,
    marker: None,
    silence: false,
};

static AI_CALL: Traits = Traits {
    recognised_by: &[Place::Body("/extendData")],
    call: &[Place::Body("/extendData/instanceId")],
    turn: &[Place::Body("/extendData/sentenceId")],
    caller: &[Place::Body("/extendData/callerNumber")],
    called: &[Place::Body("/extendData/calleeNumber")],
    spread: &["extendData"],
    controls: &[Form::Tag],
    marker: Some("<ims_agent_interrupted>"),
    ..NOTHING
};

static VAPI: Traits = Traits {
    recognised_by: &[Place::Body("/call/id")],
    call: &[Place::Body("/call/id")],
    caller: &[Place::Body("/customer/number"), Place::Body("/call/customer/number")],
    called: &[Place::Body("/phoneNumber/number"), Place::Body("/call/phoneNumber/number")],
    outbound: Some(("/call/type", "outboundPhoneCall")),
    extras: &["call", "customer", "metadata", "phoneNumber"],
    controls: &[END_CALL_OF_VAPI, TRANSFER_CALL],
    ..NOTHING
};

static ELEVEN_LABS: Traits = Traits {
    recognised_by: &[Place::Body("/elevenlabs_extra_body")],
    call: &[
        Place::Body("/elevenlabs_extra_body/call_id"),
        Place::Body("/elevenlabs_extra_body/conversation_id"),
        Place::Query("call_id"),
    ],
    caller: &[Place::Body("/elevenlabs_extra_body/caller"), Place::Body("/user_id")],
    called: &[Place::Body("/elevenlabs_extra_body/called")],
    extras: &["user_id"],
    spread: &["elevenlabs_extra_body"],
    controls: &[END_CALL, TRANSFER_TO_NUMBER, TRANSFER_TO_AGENT],
    silence: true,
    ..NOTHING
};

static AGORA: Traits = Traits {
    recognised_by: &[Place::Body("/context/channel"), Place::LastMessage("turn_id")],
    call: &[Place::Body("/context/channel"), Place::Query("channel")],
    turn: &[Place::Body("/turn_id"), Place::LastMessage("turn_id")],
    caller: &[Place::Body("/context/userId")],
    spread: &["context"],
    ..NOTHING
};

static VOLCENGINE: Traits = Traits {
    recognised_by: &[Place::Body("/round_id"), Place::Body("/custom"), Place::Body("/Custom")],
    call: &[
        Place::Body("/custom/call_id"),
        Place::Body("/custom/TaskId"),
        Place::Body("/custom/task_id"),
        Place::Body("/call_id"),
        Place::Body("/TaskId"),
        Place::Body("/task_id"),
        Place::Query("call_id"),
    ],
    turn: &[Place::Body("/round_id")],
    spread: &["custom", "Custom"],
    ..NOTHING
};

static TRTC: Traits = Traits {
    recognised_by: &[Place::Header("x-task-id")],
    call: &[Place::Header("x-task-id")],
    turn: &[Place::Header("x-request-id")],
    caller: &[Place::Header("x-user-id")],
    spread: &["MetaInfo"],
    ..NOTHING
};

static PLAIN: Traits = Traits {
    call: &[Place::Body("/metadata/call_id"), Place::Query("call_id")],
    turn: &[Place::Body("/metadata/turn_id")],
    caller: &[Place::Body("/metadata/caller")],
    called: &[Place::Body("/metadata/called")],
    spread: &["metadata"],
    controls: &[END_CALL, END_CALL_OF_VAPI, TRANSFER_TO_NUMBER, TRANSFER_CALL, TRANSFER_TO_AGENT],
    ..NOTHING
};

impl ChatDialect {
    /// All dialects. A request that could be in several of them is in the first one.
    pub const ALL: [Self; 7] = [
        Self::AiCall,
        Self::Vapi,
        Self::ElevenLabs,
        Self::Agora,
        Self::Volcengine,
        Self::Trtc,
        Self::Plain,
    ];

    pub(super) fn traits(self) -> &'static Traits {
        match self {
            Self::AiCall => &AI_CALL,
            Self::Vapi => &VAPI,
            Self::ElevenLabs => &ELEVEN_LABS,
            Self::Agora => &AGORA,
            Self::Volcengine => &VOLCENGINE,
            Self::Trtc => &TRTC,
            Self::Plain => &PLAIN,
        }
    }

    /// Returns the platform of a bot that answers in this dialect.
    #[must_use]
    pub fn platform(self) -> Platform {
        match self {
            Self::AiCall => Platform::AiCall,
            _ => Platform::Chat,
        }
    }

    /// Returns what a platform with this dialect supports, if its requests offer every tool that it has.
    /// For [`Plain`](Self::Plain) no tools are assumed.
    #[must_use]
    pub fn capabilities(self) -> Capabilities {
        match self {
            Self::Plain => Capabilities::CHAT,
            _ => self.capabilities_with(|_| true),
        }
    }

    /// Returns what a request supports that offers these tools.
    pub(super) fn capabilities_with(self, offers: impl Fn(&str) -> bool) -> Capabilities {
        let mut can = *self.platform().capabilities();
        for form in self.traits().controls {
            match form {
                Form::Tag => {}
                Form::Tool(tool) if !offers(tool.name) => {}
                Form::Tool(tool) => match tool.does {
                    Does::HangUp => can.hang_up = true,
                    Does::Transfer(kind) => can.transfer = can.transfer.with(kind),
                },
            }
        }
        can
    }

    /// Returns the names of the tools that requests in this dialect usually offer.
    pub(in crate::bot) fn offers(self) -> Vec<&'static str> {
        let named = |form: &Form| match form {
            Form::Tool(tool) => Some(tool.name),
            Form::Tag => None,
        };
        match self {
            // Nothing is usual there.
            Self::Plain => Vec::new(),
            _ => self.traits().controls.iter().filter_map(named).collect(),
        }
    }

    /// Returns whether a hang-up has a place for its reason.
    pub(super) fn takes_reason(self, offers: impl Fn(&str) -> bool) -> bool {
        self.tool(Does::HangUp, offers).is_some_and(|tool| !tool.argument.is_empty())
    }

    /// Returns the tool for a control, if the request offers it.
    pub(super) fn tool(
        self,
        does: Does,
        offers: impl Fn(&str) -> bool,
    ) -> Option<&'static ToolForm> {
        self.traits().controls.iter().find_map(|form| match form {
            Form::Tool(tool) if tool.does == does && offers(tool.name) => Some(*tool),
            _ => None,
        })
    }
}

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
    use crate::bot::capabilities::TransferKinds;

    fn content(body: &Value) -> Content<'_> {
        let last = body.pointer("/messages/0");
        Content { body, last, headers: &[], query: &[] }
    }

    /// The filter relies on this.
    #[test]
    fn an_opening_contains_no_white_space_and_no_start_of_another() {
        for tag in ALL_TAGS {
            assert!(tag.opening.is_ascii() && !tag.opening.contains(char::is_whitespace));
            assert_eq!(tag.opening, tag.opening.to_ascii_lowercase());
            let start = tag.opening.trim_start_matches(['<', '{']);
            assert!(!start.contains(['<', '{']), "{}", tag.opening);
            let others = ALL_TAGS.iter().filter(|other| *other != tag);
            for other in others {
                assert!(!other.opening.starts_with(tag.opening), "{}", tag.opening);
            }
        }
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

    #[test]
    fn a_dialect_can_do_what_its_request_offers() {
        let can = |dialect: ChatDialect, offered: &[&str]| {
            let can = dialect.capabilities_with(|tool| offered.contains(&tool));
            (can.hang_up, can.transfer)
        };
        let number = TransferKinds::NONE.with(TransferKind::Number);
        let none = TransferKinds::NONE;
        assert_eq!(can(ChatDialect::AiCall, &[]), (true, number));
        assert_eq!(can(ChatDialect::Vapi, &[]), (false, none));
        assert_eq!(can(ChatDialect::Vapi, &["endCall", "weather"]), (true, none));
        assert_eq!(can(ChatDialect::Vapi, &["end_call"]), (false, none));
        assert_eq!(can(ChatDialect::Vapi, &["transferCall"]), (false, number));
        let agent = number.with(TransferKind::Agent);
        assert_eq!(
            can(ChatDialect::ElevenLabs, &["transfer_to_agent", "transfer_to_number"]),
            (false, agent)
        );
        assert_eq!(can(ChatDialect::Plain, &["end_call"]), (true, none));
        assert_eq!(can(ChatDialect::Agora, &["end_call", "endCall"]), (false, none));
        for dialect in ChatDialect::ALL {
            let can = dialect.capabilities();
            let controls = matches!(
                dialect,
                ChatDialect::AiCall | ChatDialect::Vapi | ChatDialect::ElevenLabs
            );
            assert_eq!((can.hang_up, can.transfer != none), (controls, controls), "{dialect:?}");
        }
    }
}
