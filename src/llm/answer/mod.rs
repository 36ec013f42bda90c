//! A turn of an assistant: the model answers, its tools run, and the reply is spoken.

mod ask;
mod run;
mod say;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::assistant::Assistant;
use super::built_in::Closing;
use super::conversation::Source;
use super::memory::Memory;
use super::model::ModelError;
use super::phrases::Silence;
use super::tool::Tool;
use crate::bot::{Call, Capabilities, Input, Reply, Result, TransferOutcome};
use crate::chat::{ChatRequest, FunctionDefinition, StreamOptions, Tool as OfferedTool};

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
struct Turn<'a, M> {
    assistant: &'a Assistant<M>,
    reply: &'a mut Reply,
    can: Capabilities,
    input: Input,
    secret: bool,
    /// Whether the model may gather digits in this turn.
    gathers: bool,
    /// The tools that the model is offered in this round.
    offered: Vec<(&'a Tool<M>, FunctionDefinition)>,
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
    closing: Option<(Closing, String)>,
    /// Whether a tool has ended the turn, so that the model is not asked again.
    ends: bool,
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
}
