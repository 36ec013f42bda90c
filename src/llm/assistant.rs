//! The assistant: a bot that answers with a language model.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::conversation::Size;
use super::memory::Memory;
use super::model::Model;
use super::phrases::{Phrases, Silence};
use super::tool::Tool;
use crate::bot::{
    Bot, Call, Cut, Ended, Host, HostBuilder, Input, Needs, Reply, Result, SpeechSettings,
};
use crate::observe::{CALL, CallSummary, Event};

/// A bot that answers with a language model; see [the module](super).
///
/// It is a whole [`Bot`], and [`host`](Self::host) puts it into a host. A bot of your own calls
/// [`answer`](Self::answer) in its turns.
///
/// `M` is your own memory of a call, which tools change. Without one, begin with [`new`](Self::new), and with
/// one with [`with_memory`](Self::with_memory).
#[must_use]
pub struct Assistant<M = ()> {
    /// The first one answers, the others are fallbacks.
    pub(super) models: Vec<Model>,
    pub(super) tools: Vec<Tool<M>>,
    pub(super) size: Size,
    pub(super) max_rounds: usize,
    pub(super) phrases: Phrases,
    pub(super) silence: Silence,
    pub(super) speakable: bool,
    instructions: Instructions<M>,
    greeting: Option<String>,
    barge_in: bool,
    needs: Needs,
}

enum Instructions<M> {
    Text(String),
    Made(Box<dyn Fn(&Call<Memory<M>>) -> String + Send + Sync>),
}

/// What the model needs to know to speak on the phone.
const ON_THE_PHONE: &str = "You are on a phone call. Your text is spoken by a voice, so answer in short, \
     complete sentences, without lists, headings, Markdown or emoji. Text in square brackets is not from the \
     caller: it tells you what happened on the line. Never say it.";

impl Assistant {
    /// Creates an assistant without a memory of your own.
    pub fn new(model: Model) -> Self {
        Self::with_memory(model)
    }
}

impl<M> Assistant<M> {
    /// Creates an assistant with a memory of your own, which its tools change.
    pub fn with_memory(model: Model) -> Self {
        Self {
            models: vec![model],
            tools: Vec::new(),
            size: Size { entries: 40, tokens: 8000 },
            max_rounds: 4,
            phrases: Phrases::default(),
            silence: Silence::default(),
            speakable: true,
            instructions: Instructions::Text(String::new()),
            greeting: None,
            barge_in: true,
            needs: Needs::NONE,
        }
    }

    /// Sets the instructions for the model: who it is, and what it does. A note follows that says that it is
    /// on the phone, and that text in brackets is not from the caller. Default: only that note.
    pub fn system(mut self, prompt: impl Into<String>) -> Self {
        self.instructions = Instructions::Text(prompt.into());
        self
    }

    /// Sets the instructions for each request, such as with the name of the caller. Otherwise as
    /// [`system`](Self::system).
    pub fn system_with(
        mut self,
        prompt: impl Fn(&Call<Memory<M>>) -> String + Send + Sync + 'static,
    ) -> Self {
        self.instructions = Instructions::Made(Box::new(prompt));
        self
    }

    /// Sets what the assistant says when a call begins. Platforms without a greeting drop it, unless
    /// [`HostBuilder::greeting`] says otherwise. Default: nothing.
    pub fn greeting(mut self, text: impl Into<String>) -> Self {
        self.greeting = Some(text.into());
        self
    }

    /// Sets whether callers may barge in, on platforms where that can be set. Default: yes.
    pub fn barge_in(mut self, yes: bool) -> Self {
        self.barge_in = yes;
        self
    }

    /// Adds a tool. It replaces a tool with the same name. Default: none.
    pub fn tool(mut self, tool: Tool<M>) -> Self {
        self.tools.retain(|known| known.name != tool.name);
        self.tools.push(tool);
        self
    }

    /// Adds a model that answers when the one before it fails or misses a deadline, as long as the caller has
    /// heard nothing of its answer. For the rest of the turn the fallback answers; the next turn begins with
    /// the first model again. Default: none.
    pub fn fallback(mut self, model: Model) -> Self {
        self.models.push(model);
        self
    }

    /// Sets how many turns before the one that runs the model gets, at most. The history of a call has its
    /// own limits; see [`Limits`](crate::bot::Limits). Default: 40.
    pub fn max_entries(mut self, turns: usize) -> Self {
        self.size.entries = turns;
        self
    }

    /// Sets how many tokens the conversation has at most, with the instructions and without the tools. The
    /// number is estimated: one for four ASCII characters, and one for each other character. The oldest turns
    /// are left out. Default: 8000.
    pub fn max_tokens(mut self, tokens: usize) -> Self {
        self.size.tokens = tokens;
        self
    }

    /// Sets how often in a turn the model may call tools and get their results. Then it must answer in words.
    /// Default: 4.
    pub fn max_rounds(mut self, rounds: usize) -> Self {
        self.max_rounds = rounds;
        self
    }

    /// Sets what happens when the caller is silent. Default: [`Silence::Ask`] with 2.
    pub fn silence(mut self, policy: Silence) -> Self {
        self.silence = policy;
        self
    }

    /// Sets what the assistant says without the model. Default: [`Phrases::english`].
    pub fn phrases(mut self, phrases: Phrases) -> Self {
        self.phrases = phrases;
        self
    }

    /// Sets whether the text of the model is prepared for a voice: without Markdown, links and emoji, and
    /// with numbers and dates as they are read. Default: yes.
    pub fn speakable(mut self, yes: bool) -> Self {
        self.speakable = yes;
        self
    }

    /// Sets what the assistant requires of a platform. Default: nothing; a tool that the platform can't do is
    /// not offered to the model.
    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// Returns the instructions for this call.
    pub(super) fn instructions(&self, call: &Call<Memory<M>>) -> String {
        let own = match &self.instructions {
            Instructions::Text(text) => text.clone(),
            Instructions::Made(make) => make(call),
        };
        match own.trim() {
            "" => ON_THE_PHONE.to_owned(),
            own => format!("{own}\n\n{ON_THE_PHONE}"),
        }
    }
}

impl<M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Assistant<M> {
    /// Returns a builder for a host with this bot. The apology and the filler of the [phrases](Self::phrases)
    /// are set, so the caller is never left in silence.
    pub fn host(self) -> HostBuilder<Self> {
        let Phrases { apology, filler, .. } = self.phrases.clone();
        let host = Host::builder(self).apology(apology);
        if filler.is_empty() { host } else { host.filler(filler) }
    }
}

impl<M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Bot for Assistant<M> {
    type Memory = Memory<M>;

    fn needs(&self) -> Needs {
        self.needs
    }

    async fn begin(&self, _: &mut Call<Memory<M>>, reply: &mut Reply) -> Result {
        if reply.can().speech.barge_in {
            reply.speech_settings(SpeechSettings::new().with_barge_in(self.barge_in)).await?;
        }
        match &self.greeting {
            Some(greeting) => reply.say(greeting).await,
            None => Ok(()),
        }
    }

    async fn turn(&self, call: &mut Call<Memory<M>>, input: Input, reply: &mut Reply) -> Result {
        self.answer(call, input, reply).await
    }

    async fn interrupted(&self, call: &mut Call<Memory<M>>, cut: &Cut) -> Result {
        call.memory.log.tally.add_cut(&cut.turn);
        Ok(())
    }

    async fn ended(&self, call: &mut Call<Memory<M>>, why: Ended) -> Result {
        call.memory.log.tally.look_at(&call.history);
        let tally = &call.memory.log.tally;
        let (platform, key) = (call.info.platform, call.key());
        let summary = CallSummary {
            platform,
            call: &key,
            why,
            turns: tally.turns,
            cuts: tally.cuts,
            apologies: tally.apologies,
            first_packets: tally.first_packets(),
            requests: tally.requests,
            fallbacks: tally.fallbacks,
            tool_calls: tally.tool_calls,
            prompt_tokens: tally.prompt_tokens,
            completion_tokens: tally.completion_tokens,
        };
        tracing::debug!(
            target: CALL,
            %platform,
            call = %key,
            why = why.as_str(),
            turns = summary.turns,
            cuts = summary.cuts,
            apologies = summary.apologies,
            requests = summary.requests,
            fallbacks = summary.fallbacks,
            tool_calls = summary.tool_calls,
            prompt_tokens = summary.prompt_tokens,
            completion_tokens = summary.completion_tokens,
            "the summary of a call"
        );
        call.observers().emit(&Event::CallSummary(&summary));
        Ok(())
    }
}

// The instructions are the program's own.
impl<M> fmt::Debug for Assistant<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assistant")
            .field("models", &self.models)
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}
