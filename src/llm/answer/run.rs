//! Runs the tools that a model calls.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;
use tracing::Instrument;

use super::Turn;
use crate::bot::{Call, Capabilities, Error, Input, ReplyError, Result};
use crate::chat::ToolCall;
use crate::llm::built_in::{BuiltIn, Closing, Control, Wanted};
use crate::llm::context::{Parts, Shared};
use crate::llm::memory::{At, Called, Memory, UNKNOWN};
use crate::llm::schema::{self, BadArguments};
use crate::llm::tool::{Kind, Run, Start, Tool};
use crate::observe::MODEL;
use crate::server::Fault;

impl<'a, M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Turn<'a, M> {
    /// Runs the tools that the model calls, one after the other.
    pub(super) async fn run_tools(
        &mut self,
        call: &mut Call<Memory<M>>,
        calls: Vec<ToolCall>,
    ) -> Result {
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

    /// Runs a tool. Returns what the model gets; `None` if the memory has it already.
    ///
    /// # Errors
    /// Returns an error if the turn can't go on. What the tool itself returns is for the model.
    async fn run_tool(
        &mut self,
        call: &mut Call<Memory<M>>,
        at: At,
        called: Called,
    ) -> Result<Option<String>> {
        let Some(tool) = self.tool(&called.name) else {
            let names: Vec<_> = self.offered.iter().map(|(tool, _)| tool.name.as_str()).collect();
            let allowed = names.join(", ");
            return Ok(Some(format!("There is no such tool, allowed: {allowed}")));
        };
        let arguments = match schema::parse(&called.arguments) {
            Ok(arguments) => arguments,
            Err(BadArguments(error)) => return Ok(Some(error)),
        };
        match &tool.kind {
            Kind::BuiltIn(built_in) => self.run_built_in(built_in, arguments).await.map(Some),
            Kind::Function { run, .. } => self.run_function(call, at, tool, run, arguments).await,
        }
    }

    /// Adds the control of a built-in tool to the reply, or keeps it for the end.
    async fn run_built_in(&mut self, built_in: &BuiltIn, arguments: Value) -> Result<String> {
        const DONE: &str = "done";
        let Wanted { control, words } = match built_in.read(arguments) {
            Ok(wanted) => wanted,
            Err(BadArguments(error)) => return Ok(error),
        };
        match control {
            Control::Close(closing) => self.closing = Some((closing, words)),
            Control::Gather(gather) => {
                if let Err(error) = self.reply.gather(gather).await {
                    return refused(error);
                }
                self.say_held().await?;
                self.say_unless_said(&words).await?;
            }
        }
        self.ends = true;
        Ok(DONE.into())
    }

    /// Runs a function of the program.
    async fn run_function(
        &mut self,
        call: &mut Call<Memory<M>>,
        at: At,
        tool: &Tool<M>,
        run: &Run<M>,
        arguments: Value,
    ) -> Result<Option<String>> {
        let turn = call.turn().clone();
        if !tool.read_only
            && let Some(known) = call.memory.log.same(&turn, at, &tool.name, &arguments)
        {
            return Ok(Some(known));
        }
        let start = match run(arguments) {
            Ok(start) => start,
            Err(BadArguments(error)) => return Ok(Some(error)),
        };
        // The hold outlasts the tool, whose result must be stored.
        let hold = tool.timeout.saturating_add(Duration::from_secs(1)).min(call.longest_hold());
        let work = Work {
            name: &tool.name,
            read_only: tool.read_only,
            start,
            input: self.input.clone(),
            can: self.can,
            key: format!("{}/{turn}/{}.{}", call.key(), at.0, at.1),
            timeout: match tool.read_only {
                true => tool.timeout,
                false => tool.timeout.min(hold - hold / 10),
            },
        };
        let (result, closing) = match tool.read_only {
            true => work.run(call).await?,
            false => {
                call.hold_for(hold, async move |call: &mut Call<Memory<M>>| {
                    if let Some(called) = call.memory.log.called_mut(&turn, at) {
                        called.started = true;
                    }
                    // If this process dies now, the next turn knows that the work was begun.
                    call.save().await?;
                    let (result, closing) = work.run(call).await?;
                    call.memory.log.set_result(&turn, at, &result);
                    Ok((result, closing))
                })
                .await?
            }
        };
        if let Some(closing) = closing {
            self.closing = Some((closing, String::new()));
        }
        Ok(Some(result))
    }

    /// Returns a tool that the model is offered in this round.
    fn tool(&self, name: &str) -> Option<&'a Tool<M>> {
        self.offered.iter().find(|(tool, _)| tool.name == name).map(|(tool, _)| *tool)
    }
}

/// The work of one tool call.
struct Work<'a, M> {
    name: &'a str,
    read_only: bool,
    start: Start<M>,
    input: Input,
    can: Capabilities,
    key: String,
    timeout: Duration,
}

impl<M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Work<'_, M> {
    /// Runs the tool. Returns what the model gets, and what the reply ends with.
    ///
    /// # Errors
    /// Returns an error if the memory is not JSON.
    async fn run(self, call: &mut Call<Memory<M>>) -> Result<(String, Option<Closing>)> {
        let Self { name, read_only, start, input, can, key, timeout: time } = self;
        // A tool that fails leaves the memory as it was.
        let before = serde_json::to_string(&call.memory.own)?;
        let (memory, shared) = (std::mem::take(&mut call.memory.own), Shared::new());
        let (info, shared_too) = (call.info.clone(), shared.clone());
        let parts = Parts { memory, info, input, key, can, shared: shared_too };
        let ended = timeout(time, start(parts)).await;
        // What a tool has done that was dropped can't be known, unless it changes nothing.
        let is_known = ended.is_ok() || read_only;
        let error = match (ended, shared.take_memory()) {
            (Ok(Ok(result)), Some(memory)) => {
                call.memory.own = memory;
                return Ok((result, shared.take_closing()));
            }
            (Ok(Ok(_)), None) => Error::from("its context outlived it, and has the memory"),
            (Ok(Err(error)), _) => error,
            (Err(_), _) => Error::from(format!("it took longer than {time:?} (`Tool::timeout`)")),
        };
        call.memory.own = serde_json::from_str(&before)?;
        let (platform, key, turn) = (call.info.platform, call.key(), call.turn());
        tracing::error!(%platform, call = %key, %turn, tool = name, "a tool failed: {error}");
        let told = match is_known {
            true => told(&error),
            false => UNKNOWN.to_owned(),
        };
        Ok((told, None))
    }
}

/// Returns what the model learns of a control that the platform does not take now.
fn refused(error: Error) -> Result<String> {
    match error.downcast_ref::<ReplyError>() {
        Some(
            ReplyError::Late(_)
            | ReplyError::FillerFirst(_)
            | ReplyError::Unsupported(..)
            | ReplyError::Invalid(_),
        ) => Ok(format!("The tool failed: {error}")),
        _ => Err(error),
    }
}

/// Returns what the model learns of an error of a tool.
fn told(error: &Error) -> String {
    match error.downcast_ref::<Fault>() {
        Some(fault) => format!("The tool failed: {}", fault.message),
        None => "The tool failed.".into(),
    }
}
