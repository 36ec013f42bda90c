//! Tools: functions of the program that the model may call, and those of the platform.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::built_in::BuiltIn;
use super::context::{Parts, ToolContext};
use super::memory::Memory;
use super::schema::{self, BadArguments};
use crate::bot::{Call, Capabilities, Gather, Result, Transfer};
use crate::chat::FunctionDefinition;

/// A function that the model may call.
///
/// The model reads the name, the description, and the JSON Schema of the arguments: a comment of a field is
/// its description. Arguments that do not fit the type go back to the model as an error with their place, and
/// the function does not run.
///
/// ```
/// use callbot::llm::{Tool, ToolContext};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Pizza {
///     /// The name on the menu.
///     name: String,
///     /// How many.
///     count: u32,
/// }
///
/// let order = Tool::new(
///     "order_pizza",
///     "Orders pizzas of one kind.",
///     async |mut context: ToolContext<Vec<String>>, pizza: Pizza| {
///         // `place(context.key(), &pizza).await?`
///         context.memory.push(format!("{} {}", pizza.count, pizza.name));
///         Ok(format!("ordered, {} kinds in all", context.memory.len()))
///     },
/// );
/// # drop(order);
/// ```
///
/// # What a tool returns
///
/// Any type that serde writes. A text goes to the model as it is, `()` as `done`, and anything else as JSON.
/// An [`Error::public`](crate::bot::Error::public) goes to the model with its message. For any other error, the
/// model only gets that the tool failed, and the error goes to the log. A tool that fails leaves the memory as it
/// was.
///
/// # Side effects
///
/// A tool is protected by a [hold](Call::hold) unless it is [`read_only`](Self::read_only). So a caller who
/// barges in does not cut it in half: it runs to its end, and its result is stored, for the next turn to
/// know. It does not start if the caller has barged in before.
///
/// In one turn no tool with side effects runs twice with the same arguments, even if the platform repeats the
/// turn, or if another model goes on after a failure: the model gets the first result again.
#[must_use]
pub struct Tool<M = ()> {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) kind: Kind<M>,
    /// Whether it changes nothing.
    pub(super) read_only: bool,
    pub(super) timeout: Duration,
    condition: Option<Condition<M>>,
}

type Condition<M> = Box<dyn Fn(&Call<Memory<M>>) -> bool + Send + Sync>;

/// What a tool does.
pub(super) enum Kind<M> {
    /// It runs a function of the program.
    Function { parameters: Map<String, Value>, run: Run<M> },
    /// It adds a control to the reply.
    BuiltIn(BuiltIn),
}

/// Reads the arguments of a call, and returns what then runs.
pub(super) type Run<M> = Box<dyn Fn(Value) -> Result<Start<M>, BadArguments> + Send + Sync>;
/// Starts a tool with what its context is made of.
pub(super) type Start<M> = Box<dyn FnOnce(Parts<M>) -> BoxFuture<'static, Result<String>> + Send>;

impl<M: Default + Send + 'static> Tool<M> {
    /// Creates a tool. `function` is an `async fn`, an async closure, or a closure that returns a future. To
    /// use a value of your program in it, clone the value in a closure: `move |context, arguments: Order| {
    /// let shop = shop.clone(); async move { … } }`.
    ///
    /// A name has 1 to 64 letters, digits, underscores and hyphens: most servers refuse others.
    pub fn new<T, R, F, Fut>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: F,
    ) -> Self
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + 'static,
        F: Fn(ToolContext<M>, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        let (parameters, takes_nothing) = schema::parameters::<T>();
        let function = Arc::new(function);
        let run = move |arguments: Value| {
            let arguments = if takes_nothing { Value::Null } else { arguments };
            let arguments: T = schema::read(arguments)?;
            let function = function.clone();
            let start: Start<M> = Box::new(move |parts| {
                let running = function(ToolContext::new(parts), arguments);
                Box::pin(async move { written(&running.await?) })
            });
            Ok(start)
        };
        Self::of(name, description, Kind::Function { parameters, run: Box::new(run) })
    }
}

impl<M> Tool<M> {
    fn of(name: impl Into<String>, description: impl Into<String>, kind: Kind<M>) -> Self {
        let (name, description) = (name.into(), description.into());
        let timeout = Duration::from_secs(10);
        Self { name, description, kind, read_only: false, timeout, condition: None }
    }

    /// Sets the name. Built-in tools have one; set it to have two of a kind.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets what the model reads about the tool.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Marks a tool that changes nothing, such as a look-up. It needs no hold: a caller who barges in drops
    /// it. It may run again in the same turn.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Sets how long the tool may run. It is dropped then, and the model learns that the outcome is unknown,
    /// or that a [`read_only`](Self::read_only) tool has failed. The hold of a tool with side effects lasts
    /// longer; such a tool gets at most nine tenths of [`Limits::max_hold`](crate::bot::Limits::max_hold).
    /// Default: 10 s.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// Offers the tool only while `condition` returns `true`. It is asked before each request to the model.
    /// Default: always.
    pub fn only_if(
        mut self,
        condition: impl Fn(&Call<Memory<M>>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.condition = Some(Box::new(condition));
        self
    }

    /// Returns whether it gathers digits.
    pub(super) fn gathers(&self) -> bool {
        matches!(&self.kind, Kind::BuiltIn(built_in) if built_in.is_gather())
    }

    /// Returns the tool as the model reads it; `None` if it is not offered in this turn, or if the platform
    /// can't do what it does.
    pub(super) fn offer(
        &self,
        call: &Call<Memory<M>>,
        can: &Capabilities,
    ) -> Option<FunctionDefinition> {
        if self.condition.as_ref().is_some_and(|condition| !condition(call)) {
            return None;
        }
        let parameters = match &self.kind {
            Kind::Function { parameters, .. } => parameters.clone(),
            Kind::BuiltIn(built_in) => built_in.parameters(can)?,
        };
        let definition = FunctionDefinition::new(&self.name);
        Some(definition.with_description(&self.description).with_parameters(parameters))
    }
}

/// Tools of the platform. The model is offered them only where the platform can do it; see
/// [`Capabilities`].
impl<M> Tool<M> {
    /// Creates the tool `hang_up`, with which the model ends the call.
    ///
    /// The caller hears the goodbye to its end: the text of the answer, or else the `goodbye` that the model
    /// passes to the tool, or that of the [phrases](super::Phrases). On Digital Employee, which hangs up
    /// without waiting for the voice, the [delay](crate::bot::HangUp::delay) is estimated from the length of
    /// the text; 10 s at most.
    pub fn hang_up() -> Self {
        Self::of(
            "hang_up",
            "Ends the call. Call it when the caller says goodbye or needs nothing else.",
            Kind::BuiltIn(BuiltIn::HangUp),
        )
    }

    /// Creates the tool `transfer`, with which the model puts the caller through to one of these targets.
    /// Each has a name, which the model chooses by.
    ///
    /// The caller first hears the text of the answer, or else the `announcement` that the model passes to the
    /// tool, or that of the [phrases](super::Phrases). Targets that the platform can't transfer to are not
    /// offered. A transfer that fails is an input of the next turn.
    ///
    /// ```
    /// use callbot::bot::Transfer;
    /// use callbot::llm::Tool;
    ///
    /// let transfer: Tool = Tool::transfer([
    ///     ("sales", Transfer::to_queue("skg-1")),
    ///     ("complaints", Transfer::to_queue("skg-2")),
    /// ]);
    /// # drop(transfer);
    /// ```
    pub fn transfer<N: Into<String>>(targets: impl IntoIterator<Item = (N, Transfer)>) -> Self {
        let targets = targets.into_iter().map(|(name, target)| (name.into(), target));
        Self::of(
            "transfer",
            "Puts the caller through to a person or a department. It ends your part of the call.",
            Kind::BuiltIn(BuiltIn::Transfer(targets.collect())),
        )
    }

    /// Creates the tool `gather_digits`, with which the model asks for DTMF digits: up to as many as `most`
    /// has, with its other settings. The digits are the caller's next input. If they are
    /// [secret](Gather::secret), only tools can read them, as
    /// [`ToolContext::input`](super::ToolContext::input).
    ///
    /// On Digital Employee digits can be gathered in the first packet only. So in turns that offer this tool
    /// no filler goes out there, and the text of the model waits until its answer is complete or the first
    /// packet is due. Offer it only where you need it, with [`only_if`](Self::only_if).
    pub fn gather(most: Gather) -> Self {
        Self::of(
            "gather_digits",
            "Asks the caller to enter digits on the keypad of the phone. Call it before you say anything. \
             The digits are the caller's next message.",
            Kind::BuiltIn(BuiltIn::Gather(most)),
        )
    }
}

impl<M> fmt::Debug for Tool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("name", &self.name)
            .field("read_only", &self.read_only)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Returns what the model gets for the value that a tool returned.
fn written<R: Serialize>(value: &R) -> Result<String> {
    Ok(match serde_json::to_value(value)? {
        Value::String(text) => text,
        Value::Null => "done".into(),
        other => other.to_string(),
    })
}
