//! The rules of the dialogue that a schema can't express: the envelope, the last part of a stream, and
//! the fallback.

#[cfg(feature = "client")]
mod client {
    use futures_util::TryStreamExt;
    use serde_json::{Map, Value};

    use crate::client::{Error, EventStream, Failure, Outcome, Reported, Step};
    use crate::duix::dialogue::{Delta, DialogueAnswer};
    use crate::wire::{decode, decode_value};

    impl Outcome for DialogueAnswer {
        fn failure(&self) -> Option<Failure> {
            let failure = || Failure::new(self.code.as_str()).with_message(self.msg.clone());
            (!self.success).then(failure)
        }

        fn failure_in(body: &[u8]) -> Option<Failure> {
            failure_in(body)
        }
    }

    /// Reads a failure without its `data`, which may have another form than in a success.
    fn failure_in(body: &[u8]) -> Option<Failure> {
        let mut answer: Map<String, Value> = decode(body).ok()?;
        answer.remove("data");
        decode_value::<DialogueAnswer>(&answer.into()).ok()?.failure()
    }

    impl Outcome for Delta {
        fn failure(&self) -> Option<Failure> {
            None
        }

        fn failure_in(body: &[u8]) -> Option<Failure> {
            failure_in(body)
        }
    }

    impl Reported for Delta {
        fn step(&self) -> Step {
            if self.is_end { Step::Last } else { Step::Next }
        }
    }

    impl EventStream<Delta> {
        /// Returns the whole text of the answer.
        ///
        /// # Errors
        /// Returns the first error of the stream.
        pub async fn text(self) -> Result<String, Error> {
            let join = |text: String, delta: Delta| async move { Ok(text + &delta.text) };
            self.try_fold(String::new(), join).await
        }
    }
}

#[cfg(feature = "server")]
pub use server::{PacketWriter, Rules};

#[cfg(feature = "server")]
mod server {
    use std::fmt;
    use std::sync::Arc;
    use std::time::Duration;

    use http::request::Parts;
    use http::{HeaderName, StatusCode};
    use serde::{Serialize, Serializer};

    use crate::auth::is_secret;
    use crate::clock::SharedClock;
    use crate::duix::dialogue::{
        Answer, AnswerForm, Delta, DialogueAnswer, DialogueData, DialogueFailure, DialogueRequest,
        operations,
    };
    use crate::server::rules::{check_ids, short_id};
    use crate::server::{
        Answers, Fault, FaultKind, Frame, PacketKind, Reads, SendError, Server, Speaks,
        WritePackets,
    };
    use crate::wire::{Operation, Report, Secret, Validate, salvage};

    /// The platform's rules for a server, and their settings.
    #[derive(Debug, Clone, Default)]
    pub struct Rules {
        settings: Arc<Settings>,
    }

    #[derive(Debug, Clone, Default)]
    struct Settings {
        form: AnswerForm,
        fallback: Option<String>,
        secret: Option<(HeaderName, Secret)>,
    }

    impl<A> Server<A, Rules> {
        /// Sets what the digital human says when the handler fails, panics or misses the deadline.
        ///
        /// The fallback does not replace an [`Error::public`](crate::server::Error::public) with a
        /// status below 500, unless a stream has already started. If the handler is a `Bot` whose host
        /// has an apology, the apology wins, and the server sees no failure. Default: none, so the answer is a
        /// failure.
        #[must_use]
        pub fn fallback(mut self, text: impl Into<String>) -> Self {
            self.settings().fallback = Some(text.into());
            self
        }

        /// Sets how to write `answer` outside a stream. Default: [`AnswerForm::Object`].
        #[must_use]
        pub fn answer_form(mut self, form: AnswerForm) -> Self {
            self.settings().form = form;
            self
        }

        /// Accepts only requests with `secret` in `header`.
        ///
        /// A request without the header gets status 401, one with another value gets 403. An empty
        /// secret refuses all requests. Default: every request is accepted.
        #[must_use]
        pub fn secret(mut self, header: HeaderName, secret: impl Into<Secret>) -> Self {
            self.settings().secret = Some((header, secret.into()));
            self
        }

        fn settings(&mut self) -> &mut Settings {
            Arc::make_mut(&mut self.rules_mut().settings)
        }
    }

    impl Rules {
        /// Returns the fallback, if it replaces the answer of this fault.
        fn fallback(&self, fault: &Fault) -> Option<&str> {
            let stands_in = match fault.kind {
                FaultKind::Deadline | FaultKind::Internal => true,
                // 501 is an omitted operation, a mistake in the setup. A fallback would hide it.
                FaultKind::Public => fault.status >= 500 && fault.status != 501,
                _ => false,
            };
            self.settings.fallback.as_deref().filter(|_| stands_in)
        }
    }

    /// The fields of a request that its answer echoes.
    #[derive(Clone, Default)]
    pub struct Echo {
        conversation_id: Option<String>,
        question: Option<String>,
    }

    // The question is what the user said.
    impl fmt::Debug for Echo {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Echo").finish_non_exhaustive()
        }
    }

    impl crate::server::Rules for Rules {
        type Echo = Echo;

        const DEADLINE: Option<Duration> = Some(Duration::from_secs(20));

        fn platform(operation: &Operation) -> &'static str {
            match operation.id == operations::DIALOGUE_STREAM.id {
                true => "duix-stream",
                false => "duix",
            }
        }

        fn admit(&self, head: &mut Parts) -> Result<(), Fault> {
            let Some((header, secret)) = &self.settings.secret else { return Ok(()) };
            let Some(value) = head.headers.get_mut(header) else {
                let message = format!("the header {header} is missing");
                return Err(Fault::new(FaultKind::Unauthorized, message));
            };
            value.set_sensitive(true);
            if is_secret(secret, value.as_bytes()) {
                return Ok(());
            }
            Err(Fault::new(FaultKind::Forbidden, format!("the header {header} is wrong")))
        }

        fn salvage(&self, body: &[u8]) -> Echo {
            let [conversation_id] = salvage(body, ["dh-conversation-id"]).map(short_id);
            Echo { conversation_id, question: None }
        }

        fn refuse(&self, _: &Operation, echo: Echo, fault: &Fault) -> (StatusCode, String) {
            if let Some(text) = self.fallback(fault) {
                return (StatusCode::OK, json(&self.answer(&echo, Answer::text(text))));
            }
            // The platform's document has these statuses only.
            let status = match fault.status {
                401 => StatusCode::UNAUTHORIZED,
                403 => StatusCode::FORBIDDEN,
                400..=499 => StatusCode::BAD_REQUEST,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let code = fault.code.as_deref().unwrap_or(status.as_str());
            (status, json(&DialogueFailure::new(code, fault.message.as_ref(), false)))
        }
    }

    impl Reads<DialogueRequest> for Rules {
        fn echo(&self, request: &DialogueRequest) -> Echo {
            Echo {
                conversation_id: short_id(Some(request.conversation_id.clone())),
                question: Some(request.question.clone()),
            }
        }

        fn check(&self, request: &DialogueRequest) -> Result<(), Fault> {
            check_ids([("/dh-conversation-id", &request.conversation_id)])
        }
    }

    impl Answers<Answer> for Rules {
        type Answer = Written;

        fn answer(&self, echo: &Echo, answer: Answer) -> Written {
            let Answer { spoken, intent, extra } = answer;
            let id = echo.conversation_id.clone().unwrap_or_default();
            let mut data = DialogueData::new(id, spoken);
            data.question.clone_from(&echo.question);
            data.intent = intent;
            data.extra = extra.map(|extra| extra.to_string());
            let answer = DialogueAnswer::new("200", true).with_msg("SUCCESS").with_data(data);
            Written { answer, form: self.settings.form }
        }
    }

    /// An answer in one of its forms.
    #[derive(Debug)]
    pub struct Written {
        answer: DialogueAnswer,
        form: AnswerForm,
    }

    impl Serialize for Written {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.form == AnswerForm::Object {
                return self.answer.serialize(serializer);
            }
            let mut value =
                serde_json::to_value(&self.answer).map_err(serde::ser::Error::custom)?;
            if let Some(spoken) = value.pointer_mut("/data/answer") {
                *spoken = spoken.to_string().into();
            }
            value.serialize(serializer)
        }
    }

    impl Validate for Written {
        fn check(&self, report: &mut Report<'_>) {
            self.answer.check(report);
        }
    }

    fn json(value: &impl Serialize) -> String {
        // Can't fail: the values have string keys and plain values only.
        serde_json::to_string(value).unwrap_or_default()
    }

    impl Speaks for Rules {
        type Writer = PacketWriter;

        // The statuses are documented for the answer as one body only. A stream that has not begun has no
        // other way to refuse.
        const REFUSES_IN_STREAM: bool = false;

        fn writer(&self, _: Echo, _: &SharedClock) -> PacketWriter {
            PacketWriter { rules: self.clone(), ended: false }
        }
    }

    /// Writes the parts of one reply. It keeps whether the reply has ended.
    #[derive(Debug)]
    pub struct PacketWriter {
        rules: Rules,
        ended: bool,
    }

    impl PacketWriter {
        fn last(&mut self, text: String) -> Option<Frame> {
            let ended = std::mem::replace(&mut self.ended, true);
            (!ended).then(|| Frame::spaced_json(&Delta::new(text, true)))
        }
    }

    impl WritePackets for PacketWriter {
        type Event = String;

        fn packet(&mut self, text: String, kind: PacketKind) -> Result<Frame, SendError> {
            if self.ended {
                return Err(SendError::Finished);
            }
            self.ended = kind == PacketKind::Last;
            Ok(Frame::spaced_json(&Delta::new(text, self.ended)))
        }

        fn end(&mut self) -> Option<Frame> {
            self.last(String::new())
        }

        // The status 200 is already sent, and the stream has no field for an error. So the fallback
        // is all that can still reach the user.
        fn fail(&mut self, _: &Fault) -> Option<Frame> {
            let text = self.rules.settings.fallback.clone();
            self.last(text.unwrap_or_default())
        }
    }
}
