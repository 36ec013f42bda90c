//! Asks the models in turn, each within its deadlines, until one answers.

use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use tracing::field::Empty;

use super::{HoldBack, Turn};
use crate::bot::{Call, Error, Result};
use crate::chat::{ChatRequest, Completion};
use crate::llm::listen::{Clock, Failure, Listen};
use crate::llm::memory::Memory;
use crate::llm::model::{Model, ModelError};
use crate::llm::voice::Voice;
use crate::observe::MODEL;
use crate::text::sentences;

/// Why a model did not answer.
enum Trouble {
    Model(ModelError),
    /// The turn can't go on.
    Turn(Error),
}

impl From<ModelError> for Trouble {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Turn(error)
    }
}

impl<M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Turn<'_, M> {
    /// Asks the models in turn until one answers. Its text is said, or held.
    pub(super) async fn ask(
        &mut self,
        call: &mut Call<Memory<M>>,
        request: &ChatRequest,
    ) -> Result<Completion> {
        loop {
            let models = &self.assistant.models;
            let Some(model) = models.get(self.model) else { return Err(ModelError::Empty.into()) };
            let more = self.model + 1 < models.len();
            let tally = &mut call.memory.log.tally;
            tally.requests = tally.requests.saturating_add(1);
            let before = self.said.len();
            let span = tracing::debug_span!(
                target: MODEL,
                "model",
                otel.name = format!("chat {}", model.name),
                otel.kind = "client",
                gen_ai.operation.name = "chat",
                gen_ai.request.model = model.name,
                gen_ai.usage.input_tokens = Empty,
                gen_ai.usage.output_tokens = Empty,
            );
            match self.ask_model(model, request, more).instrument(span.clone()).await {
                Ok(answer) => {
                    if let Some(usage) = &answer.usage {
                        tally.add_usage(usage);
                        span.record("gen_ai.usage.input_tokens", usage.prompt_tokens);
                        span.record("gen_ai.usage.output_tokens", usage.completion_tokens);
                    }
                    return Ok(answer);
                }
                Err(Trouble::Model(error)) if more && self.said.len() == before => {
                    let (platform, key, turn) = (call.info.platform, call.key(), call.turn());
                    let error = Error::from(error);
                    tracing::warn!(
                        %platform, call = %key, %turn, model = model.name,
                        "a model did not answer, so its fallback does: {error}"
                    );
                    let tally = &mut call.memory.log.tally;
                    tally.fallbacks = tally.fallbacks.saturating_add(1);
                    self.model += 1;
                }
                Err(Trouble::Model(error)) => {
                    // A reply that fails does not send what it has not sent by then.
                    self.reply.flush().await?;
                    return Err(error.into());
                }
                Err(Trouble::Turn(error)) => return Err(error),
            }
        }
    }

    /// Asks a model, and says its text sentence by sentence. `more` is whether another model can answer if
    /// this one does not.
    async fn ask_model(
        &mut self,
        model: &Model,
        request: &ChatRequest,
        more: bool,
    ) -> Result<Completion, Trouble> {
        self.words.clear();
        self.held.clear();
        self.reply.start_sentence();
        let clock = self.clock(model, more);
        let request = model.prepare(request.clone());
        let opening = model.client.stream(&request);
        let opened = match clock.first() {
            Some(at) => timeout_at(at, opening).await.map_err(|_| clock.late())?,
            None => opening.await,
        };
        let mut stream = opened.map_err(ModelError::from)?;
        let failure = Failure::default();
        let voice = Voice::new(self.assistant.speakable);
        let mut texts = sentences(Listen::new(&mut stream, clock, voice, failure.clone()));
        loop {
            let text = match self.hold_until() {
                Some(due) => match timeout_at(due, texts.next()).await {
                    Ok(text) => text,
                    Err(_) => {
                        self.hold = HoldBack::No;
                        self.say_held().await?;
                        continue;
                    }
                },
                None => texts.next().await,
            };
            let Some(text) = text else { break };
            let text = text?;
            if failure.is_set() && self.said_nothing_of_it() {
                // The start of a sentence that never ended. Another model answers, or the apology.
                break;
            }
            self.words.push_str(&text);
            match self.hold {
                HoldBack::No => self.say(&text).await?,
                HoldBack::UntilDue | HoldBack::UntilEnd => self.held.push_str(&text),
            }
        }
        drop(texts);
        if let Some(error) = failure.take() {
            return Err(error.into());
        }
        // The number of tokens follows the end of the answer. Not every server sends it, or ends the stream.
        const GRACE: Duration = Duration::from_millis(500);
        let end = Instant::now() + GRACE;
        while let Ok(Some(Ok(_))) = timeout_at(end, stream.next()).await {}
        let answer = stream.so_far();
        if self.words.trim().is_empty() && answer.tool_calls.is_empty() {
            if answer.refusal.trim().is_empty() {
                return Err(ModelError::Empty.into());
            }
            self.words.clone_from(&answer.refusal);
            self.held.clone_from(&answer.refusal);
        }
        Ok(answer)
    }

    /// Returns the deadlines of a request that starts now.
    fn clock(&self, model: &Model, more: bool) -> Clock {
        let mut deadlines = model.deadlines;
        if more && let Some(due) = self.reply.text_due() {
            let left = due.saturating_duration_since(Instant::now());
            deadlines.first = deadlines.first.min(left / 2);
        }
        if !self.can.streams
            && let Some(left) = self.reply.time_left()
        {
            // The rest is for what follows the answer. A platform that gets nothing in time gets a failure.
            deadlines.whole = deadlines.whole.min(left - left / 10);
            if more {
                deadlines.first = deadlines.first.min(left / 2);
            }
        }
        Clock::start(deadlines)
    }

    /// Returns until when the text is held back; `None` if it is not, or if only the end of the answer
    /// counts.
    fn hold_until(&self) -> Option<Instant> {
        self.reply.text_due().filter(|_| self.hold == HoldBack::UntilDue)
    }

    fn said_nothing_of_it(&self) -> bool {
        self.words.len() == self.held.len()
    }
}
