//! The dialects of chat completions: what differs between the platforms that ask, as data.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::capabilities::TransferKinds;

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
