//! The rules of the dialogue that no schema can say: the envelope, the last piece, the fallback.

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

    /// A failure whose data are not those of a success.
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
        /// The whole text of the answer.
        ///
        /// # Errors
        /// The first error of the stream.
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
    use std::sync::Arc;
    use std::time::Duration;

    use http::request::Parts;
    use http::{HeaderName, StatusCode};
    use serde::{Serialize, Serializer};

    use crate::auth::is_secret;
    use crate::clock::SharedClock;
    use crate::duix::dialogue::{
        Answer, AnswerForm, Delta, DialogueAnswer, DialogueData, DialogueRequest,
    };
    use crate::server::{
        Answers, Fault, FaultKind, Frame, PacketKind, Reads, SendError, Server, Speaks,
        WritePackets,
    };
    use crate::wire::{Operation, Report, Secret, Validate, salvage};

    /// The platform's rules for a server, and the settings that go with them.
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
        /// What the digital human says when the handler fails, panics, or does not end within the
        /// deadline. Default: nothing; the answer is then a failure. A handler that fails with
        /// [`Error::public`](crate::server::Error::public) and a status below 500 has chosen its
        /// answer itself, where no stream has begun.
        #[must_use]
        pub fn fallback(mut self, words: impl Into<String>) -> Self {
            self.settings().fallback = Some(words.into());
            self
        }

        /// How `answer` is written, without a stream. Default: as an object.
        #[must_use]
        pub fn answer_form(mut self, form: AnswerForm) -> Self {
            self.settings().form = form;
            self
        }

        /// Takes only requests that have this secret in this header: 401 without the header, 403
        /// with another value, and for an empty secret. Default: any request is taken.
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
        /// The words that stand in for an answer that did not come about.
        fn fallback(&self, fault: &Fault) -> Option<&str> {
            let stands_in = match fault.kind {
                FaultKind::Deadline | FaultKind::Internal => true,
                // An operation that is left out is no failure that words could hide.
                FaultKind::Public => fault.status >= 500 && fault.status != 501,
                _ => false,
            };
            self.settings.fallback.as_deref().filter(|_| stands_in)
        }
    }

    /// What of a request returns in its answer.
    #[derive(Clone, Default)]
    pub struct Echo {
        conversation_id: Option<String>,
        question: Option<String>,
    }

    impl crate::server::Rules for Rules {
        type Echo = Echo;

        const DEADLINE: Option<Duration> = Some(Duration::from_secs(20));

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
            let [conversation_id] = salvage(body, ["dh-conversation-id"]);
            Echo { conversation_id, question: None }
        }

        fn refuse(&self, _: &Operation, echo: Echo, fault: &Fault) -> (StatusCode, String) {
            if let Some(words) = self.fallback(fault) {
                return (StatusCode::OK, json(&self.answer(&echo, Answer::text(words))));
            }
            // The document has these and no others.
            let status = match fault.status {
                401 => StatusCode::UNAUTHORIZED,
                403 => StatusCode::FORBIDDEN,
                400..=499 => StatusCode::BAD_REQUEST,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let code = fault.code.as_deref().unwrap_or(status.as_str());
            (status, json(&DialogueAnswer::new(code, false).with_msg(fault.message.clone())))
        }
    }

    impl Reads<DialogueRequest> for Rules {
        fn echo(&self, request: &DialogueRequest) -> Echo {
            Echo {
                conversation_id: Some(request.conversation_id.clone()),
                question: Some(request.question.clone()),
            }
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
        // Maps with text keys and plain values: writing them can't fail.
        serde_json::to_string(value).unwrap_or_default()
    }

    impl Speaks for Rules {
        type Writer = PacketWriter;

        // The documented statuses are for both kinds of dialogue.
        const REFUSES_IN_STREAM: bool = false;

        fn writer(&self, _: Echo, _: &SharedClock) -> PacketWriter {
            PacketWriter { rules: self.clone(), ended: false }
        }
    }

    /// One reply: whether it has ended, and what it may end with.
    #[derive(Debug)]
    pub struct PacketWriter {
        rules: Rules,
        ended: bool,
    }

    impl PacketWriter {
        fn last(&mut self, words: String) -> Option<Frame> {
            let ended = std::mem::replace(&mut self.ended, true);
            (!ended).then(|| Frame::spaced_json(&Delta::new(words, true)))
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

        // The head has left with status 200: words are all that can still say it.
        fn fail(&mut self, _: &Fault) -> Option<Frame> {
            let words = self.rules.settings.fallback.clone();
            self.last(words.unwrap_or_default())
        }
    }
}
