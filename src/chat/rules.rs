//! The rules of chat completions that a schema can't express, for a server: its paths, its keys, and what a
//! failure looks like.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::failure::answer_to;
use super::writer::{Echo, PacketWriter};
use super::{ChatRequest, CreateChatCompletionParameters, operations};
use crate::auth::access::{AccessKeys, NoAccess};
use crate::clock::SharedClock;
use crate::server::rules::{check_ids, short_id};
use crate::server::{Dates, Fault, FaultKind, PathError, Reads, Server, Speaks, check_path};
use crate::wire::{Operation, Secret};

/// The rules of chat completions for a server, and their settings.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    settings: Arc<Settings>,
}

#[derive(Debug, Clone, Default)]
struct Settings {
    keys: AccessKeys,
    /// Empty for the default.
    bases: Vec<String>,
    whole: Vec<String>,
}

/// The bases below which a server answers unless others are set.
const BASES: [&str; 2] = ["", "/v1"];

impl<A> Server<A, Rules> {
    /// Accepts requests with this key. Call it once for each key, to have several: one for each platform,
    /// or the old one and the new one.
    ///
    /// The key is what the platform's console calls the API key. It is read from the header
    /// `Authorization`, with or without `Bearer`, and compared in constant time before the body is read.
    /// Other requests get status 401 and never reach the handler. An empty key grants access to nobody.
    /// Default: every request is accepted, and a warning is logged when the routes are made.
    #[must_use]
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.settings().keys.add(key.into());
        self
    }

    /// Serves `/chat/completions` below this base, such as `/bot/v1`. Call it once for each base.
    ///
    /// Default: two bases, the empty one and `/v1`. Setting a base replaces both.
    ///
    /// # Errors
    /// If the base is not empty and does not start with `/`, or has a segment that a router would not match
    /// literally.
    pub fn base(mut self, base: impl Into<String>) -> Result<Self, PathError> {
        let base = base.into();
        let below = base.trim_end_matches('/');
        let operation = &operations::CREATE_CHAT_COMPLETION;
        if let Err(reason) = check_path(&format!("{below}{}", operation.path)) {
            return Err(PathError::new(operation, base, reason));
        }
        self.settings().bases.push(below.into());
        Ok(self)
    }

    /// Also serves exactly this path, for a platform that uses the URL unchanged. Call it once for each
    /// path. Default: none.
    ///
    /// # Errors
    /// If the path does not start with `/`, or has a segment that a router would not match literally.
    pub fn whole_url(mut self, path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        if let Err(reason) = check_path(&path) {
            return Err(PathError::new(&operations::CREATE_CHAT_COMPLETION, path, reason));
        }
        self.settings().whole.push(path);
        Ok(self)
    }

    fn settings(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.rules_mut().settings)
    }
}

impl crate::server::Rules for Rules {
    type Echo = Echo;

    fn platform(_: &Operation) -> &'static str {
        "chat"
    }

    // The clients of OpenAI repeat a request by themselves, and a turn must not run twice.
    const REFUSAL_HEADERS: &'static [(&'static str, &'static str)] = &[("x-should-retry", "false")];

    fn bases<'a>(&'a self, _: &'a Operation) -> Vec<&'a str> {
        match self.settings.bases.as_slice() {
            [] => BASES.to_vec(),
            bases => bases.iter().map(String::as_str).collect(),
        }
    }

    fn also_at(&self, _: &Operation) -> &[String] {
        &self.settings.whole
    }

    fn mounted(&self) {
        if self.settings.keys.is_open() {
            tracing::warn!(
                "chat completions are served to anybody who reaches this server; \
                 `chat::Server::key` sets a key"
            );
        }
    }

    fn admit(&self, head: &mut Parts) -> Result<(), Fault> {
        self.settings.keys.check(&mut head.headers).map_err(|no_access| {
            let message = match no_access {
                NoAccess::Missing => "the header Authorization is missing",
                NoAccess::Wrong => "the key is wrong",
            };
            let mut fault = Fault::new(FaultKind::Unauthorized, message);
            fault.code = Some("invalid_api_key".into());
            fault
        })
    }

    fn salvage(&self, _: &[u8]) -> Echo {
        Echo::default()
    }

    fn refuse(&self, _: &Operation, _: Echo, fault: &Fault) -> (StatusCode, String) {
        // Can't fail: the values have string keys and plain values only.
        (fault.status_code(), serde_json::to_string(&answer_to(fault)).unwrap_or_default())
    }
}

impl Reads<(CreateChatCompletionParameters, ChatRequest)> for Rules {
    fn echo(&self, (_, request): &(CreateChatCompletionParameters, ChatRequest)) -> Echo {
        let options = request.stream_options.as_ref();
        Echo {
            model: short_id(request.model.clone()).filter(|model| !model.is_empty()),
            include_usage: options.is_some_and(|options| options.include_usage == Some(true)),
        }
    }

    /// Refuses a conversation without messages, and ids that servers would have to keep in memory.
    fn check(
        &self,
        (parameters, request): &(CreateChatCompletionParameters, ChatRequest),
    ) -> Result<(), Fault> {
        if request.messages.is_empty() {
            return Err(Fault::new(
                FaultKind::Request,
                "/messages: must have at least one message",
            ));
        }
        let aicall = request.extend_data.as_ref();
        let vapi = request.call.as_ref();
        let agora = request.context.as_ref();
        let ids = [
            ("/extendData/instanceId", aicall.and_then(|data| data.instance_id.as_deref())),
            ("/extendData/sentenceId", aicall.and_then(|data| data.sentence_id.as_deref())),
            ("/call/id", vapi.and_then(|call| call.id.as_deref())),
            ("/context/channel", agora.and_then(|context| context.channel.as_deref())),
            ("/turn_id", request.turn_id.as_deref()),
            ("/round_id", request.round_id.as_deref()),
            ("/X-Task-Id", parameters.task_id.as_deref()),
            ("/X-Request-Id", parameters.request_id.as_deref()),
        ];
        check_ids(ids.map(|(pointer, id)| (pointer, id.unwrap_or_default())))
    }
}

impl Dates for Rules {}

impl Speaks for Rules {
    type Writer = PacketWriter;

    const REFUSES_IN_STREAM: bool = false;

    const FAILS_WITH_STATUS: bool = true;

    fn writer(&self, echo: Echo, clock: &SharedClock) -> PacketWriter {
        PacketWriter::new(echo, clock.seconds())
    }
}
