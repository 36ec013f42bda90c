//! A turn of an assistant: the model answers, its tools run, and the reply is spoken.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use tracing::field::Empty;

use super::assistant::Assistant;
use super::conversation::Source;
use super::listen::{Clock, Failure, Listen};
use super::memory::{At, Called, Memory};
use super::model::{Model, ModelError};
use super::phrases::Silence;
use super::tool::{Closing, Tool};
use super::voice::Voice;
use crate::bot::{
    Call, Capabilities, Error, HangUp, Input, Platform, Reply, Result, TransferOutcome,
};
use crate::chat::{
    ChatRequest, Completion, FunctionDefinition, StreamOptions, Tool as OfferedTool, ToolCall,
};
use crate::observe::MODEL;
use crate::text::sentences;

impl<M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Assistant<M> {
    /// Answers an input. For a turn of your own bot, whose memory is [`Memory`]; the assistant as a bot does
    /// the same.
    ///
    /// Forward [`Bot::interrupted`](crate::bot::Bot::interrupted) and [`Bot::ended`](crate::bot::Bot::ended)
    /// to the assistant, too, or the [`CallSummary`](crate::observe::CallSummary) is not complete.
    ///
    /// # Errors
    /// Returns a [`ModelError`] if no model answered, and the errors of [`Reply::say`] and [`Call::hold`].
    /// Return it from the turn: the caller then hears the apology of the host.
    pub async fn answer(
        &self,
        call: &mut Call<Memory<M>>,
        input: Input,
        reply: &mut Reply,
    ) -> Result {
        call.memory.log.tally.look_at(&call.history);
        let mut turn = Turn::new(self, call, input, reply);
        match (&turn.input, self.silence) {
            // The caller talks to another person.
            (Input::Transferred(TransferOutcome::Done), _) => return Ok(()),
            (Input::Silence, Silence::Ask(times)) => turn.ask_again(call, times).await?,
            _ => {
                call.memory.log.silences = 0;
                turn.run(call).await?;
            }
        }
        call.memory.log.tally.add_turn(reply.first_packet());
        Ok(())
    }
}

/// A turn that runs.
pub(super) struct Turn<'a, M> {
    assistant: &'a Assistant<M>,
    pub(super) reply: &'a mut Reply,
    pub(super) can: Capabilities,
    pub(super) input: Input,
    secret: bool,
    /// Whether the model may gather digits in this turn.
    gathers: bool,
    /// The tools that the model is offered in this round.
    pub(super) offered: Vec<(&'a Tool<M>, FunctionDefinition)>,
    /// The model that answers.
    model: usize,
    /// What was said.
    said: String,
    /// When the first text was said.
    began: Option<Instant>,
    /// The text of the last answer, said or held.
    words: String,
    /// The text of that answer that was not said yet.
    held: String,
    hold: HoldBack,
    /// The text of the answers that had tool calls, by their rounds.
    texts: BTreeMap<usize, String>,
    /// What the reply ends with, and the last words before it.
    pub(super) closing: Option<(Closing, String)>,
    /// Whether a tool has ended the turn, so that the model is not asked again.
    pub(super) ends: bool,
}

/// How long the text of an answer is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HoldBack {
    /// Not at all.
    No,
    /// Until it is known whether the answer calls a tool that must come first, or the first packet is due.
    UntilDue,
    /// Until the answer is complete. The platform takes the reply as a whole, so nothing is lost by it, and
    /// if the model fails, a fallback can still answer.
    UntilEnd,
}

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

impl<'a, M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Turn<'a, M> {
    fn new(
        assistant: &'a Assistant<M>,
        call: &Call<Memory<M>>,
        input: Input,
        reply: &'a mut Reply,
    ) -> Self {
        let can = reply.can();
        let gathering = assistant.tools.iter().filter(|tool| tool.gathers());
        let gathers = gathering.filter_map(|tool| tool.offer(call, &can)).next().is_some();
        let hold = match can.streams {
            false => HoldBack::UntilEnd,
            true if gathers && !can.late_gather => HoldBack::UntilDue,
            true => HoldBack::No,
        };
        if hold == HoldBack::UntilDue {
            // A filler would be the first packet.
            reply.no_filler();
        }
        Self {
            assistant,
            reply,
            can,
            input,
            secret: call.input_is_secret(),
            gathers,
            offered: Vec::new(),
            model: 0,
            said: String::new(),
            began: None,
            words: String::new(),
            held: String::new(),
            hold,
            texts: BTreeMap::new(),
            closing: None,
            ends: false,
        }
    }

    /// Asks a silent caller whether they are still there, or says goodbye.
    async fn ask_again(&mut self, call: &mut Call<Memory<M>>, times: u32) -> Result {
        let phrases = &self.assistant.phrases;
        let silences = call.memory.log.silences;
        let position = usize::try_from(silences).unwrap_or(usize::MAX);
        let texts = &phrases.still_there;
        match texts.get(position).or(texts.last()).filter(|_| silences < times) {
            Some(text) => {
                call.memory.log.silences = silences.saturating_add(1);
                self.say(text).await
            }
            None if self.can.hang_up => {
                self.closing = Some((Closing::HangUp(None), phrases.goodbye.clone()));
                self.close().await
            }
            None => self.say(&phrases.goodbye).await,
        }
    }

    /// Lets the model answer, with as many rounds of tool calls as it may have.
    async fn run(&mut self, call: &mut Call<Memory<M>>) -> Result {
        let max = self.assistant.max_rounds;
        for round in 0..=max {
            let last = round == max;
            self.offer(call, last);
            let request = self.request(call);
            let answer = self.ask(call, &request).await?;
            if answer.tool_calls.is_empty() || last {
                if self.words.trim().is_empty() {
                    return Err(ModelError::Rounds(max).into());
                }
                self.say_held().await?;
                break;
            }
            self.run_tools(call, answer.tool_calls).await?;
            if self.ends {
                break;
            }
        }
        self.close().await
    }

    /// Chooses the tools for the next answer: none for the last one, so that the model must answer in words.
    fn offer(&mut self, call: &Call<Memory<M>>, last: bool) {
        // Where digits are gathered with the first packet, what is first offered later comes too late.
        let too_late = !self.gathers && !self.can.late_gather;
        let tools = self.assistant.tools.iter();
        let tools = tools.filter(|tool| !(last || too_late && tool.gathers()));
        let offered = tools.filter_map(|tool| Some((tool, tool.offer(call, &self.can)?)));
        self.offered = offered.collect();
    }

    /// Returns the request for the next answer.
    fn request(&self, call: &Call<Memory<M>>) -> ChatRequest {
        let instructions = self.assistant.instructions(call);
        let source = Source {
            history: &call.history,
            log: &call.memory.log,
            turn: call.turn(),
            input: &self.input,
            secret: self.secret,
            texts: &self.texts,
        };
        let messages = source.messages(instructions, self.assistant.size);
        let usage = StreamOptions::new().with_include_usage(true);
        let request = ChatRequest::new("", messages).with_stream_options(usage);
        if self.offered.is_empty() {
            return request;
        }
        let tools = self.offered.iter().map(|(_, tool)| OfferedTool::new(tool.clone()));
        request.with_tools(tools)
    }

    /// Asks the models in turn until one answers. Its text is said, or held.
    async fn ask(
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

    /// Says a text.
    pub(super) async fn say(&mut self, text: &str) -> Result {
        self.reply.say(text).await?;
        if !text.trim().is_empty() {
            self.began.get_or_insert_with(Instant::now);
        }
        self.said.push_str(text);
        Ok(())
    }

    /// Says the text that was held back.
    pub(super) async fn say_held(&mut self) -> Result {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Ok(()) } else { self.say(&held).await }
    }

    /// Says these words if the last answer of the model has none.
    pub(super) async fn say_unless_said(&mut self, words: &str) -> Result {
        if self.words.trim().is_empty() {
            self.words = words.to_owned();
            self.say(words).await?;
        }
        Ok(())
    }

    /// Runs the tools that the model calls, one after the other.
    async fn run_tools(&mut self, call: &mut Call<Memory<M>>, calls: Vec<ToolCall>) -> Result {
        let gathers = |name: &str| self.tool(name).is_some_and(Tool::gathers);
        if !calls.iter().any(|call| gathers(&call.function.name)) {
            // Before the tools run, which may take a while.
            self.say_held().await?;
        }
        let turn = call.turn().clone();
        let round = call.memory.log.exchange(&turn).map_or(0, |known| known.rounds.len());
        let called = calls.into_iter().enumerate().map(|(position, call)| Called {
            id: match call.id.is_empty() {
                // Some servers send none, and the results need one.
                true => format!("call_{round}_{position}"),
                false => call.id,
            },
            name: call.function.name,
            arguments: call.function.arguments,
            result: None,
            started: false,
        });
        let called = called.collect();
        self.texts.insert(round, self.words.clone());
        let count = call.memory.log.add_round(&turn, called);
        let tally = &mut call.memory.log.tally;
        tally.tool_calls = tally.tool_calls.saturating_add(count as u64);
        for position in 0..count {
            let at: At = (round, position);
            let called = call.memory.log.called_mut(&turn, at).cloned();
            let Some(called) = called.filter(|called| called.result.is_none()) else { continue };
            let span = tracing::debug_span!(
                target: MODEL,
                "tool",
                otel.name = format!("execute_tool {}", called.name),
                gen_ai.operation.name = "execute_tool",
                gen_ai.tool.name = called.name,
            );
            if let Some(result) = self.run_tool(call, at, called).instrument(span).await? {
                call.memory.log.set_result(&turn, at, &result);
            }
        }
        self.say_held().await
    }

    pub(super) fn tool(&self, name: &str) -> Option<&'a Tool<M>> {
        self.offered.iter().find(|(tool, _)| tool.name == name).map(|(tool, _)| *tool)
    }

    /// Ends the reply with the transfer or the hang-up that a tool asked for, if there is one.
    async fn close(&mut self) -> Result {
        let Some((closing, words)) = self.closing.take() else { return Ok(()) };
        let phrases = &self.assistant.phrases;
        let phrase = match closing {
            Closing::HangUp(_) => &phrases.goodbye,
            Closing::Transfer(_) => &phrases.transfer,
        };
        let words = if words.trim().is_empty() { phrase } else { &words };
        self.say_unless_said(words).await?;
        match closing {
            Closing::HangUp(Some(how)) => self.reply.hang_up(how).await,
            Closing::HangUp(None) => {
                let how = HangUp::new().with_delay(self.delay());
                self.reply.hang_up(how).await
            }
            Closing::Transfer(to) => self.reply.transfer(to).await,
        }
    }

    /// Returns how long a platform waits with a hang-up for the voice to end. Digital Employee does not wait
    /// by itself, ODFS does, and the others have no field for the time.
    fn delay(&self) -> Duration {
        const LONGEST: u64 = 10;
        if self.reply.platform() != Platform::DigitalEmployee {
            return Duration::ZERO;
        }
        let spoken = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let left = speech_time(&self.said).saturating_sub(spoken);
        // The platform takes whole seconds.
        Duration::from_secs((left.as_secs() + 1).min(LONGEST))
    }
}

/// Returns how long a slow voice takes for a text.
fn speech_time(text: &str) -> Duration {
    /// Four syllables of Chinese in a second, or twelve letters of other languages.
    const IDEOGRAPH: Duration = Duration::from_millis(250);
    const LETTER: Duration = Duration::from_millis(1000 / 12);
    let time = |c: char| match c {
        '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => IDEOGRAPH,
        _ => LETTER,
    };
    text.chars().map(time).sum()
}
