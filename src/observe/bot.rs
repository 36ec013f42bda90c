//! The events of a bot.

use std::time::Duration;

use super::label::labels;
use crate::bot::{Budget, CallKey, Cause, Ended, Input, Platform, TransferOutcome, TurnId};

/// A turn has started: its request has arrived, and its task begins.
///
/// Each one is followed by a [`TurnEnded`] of the same turn. A request that the platform repeats while its
/// turn runs starts no other turn; see [`TurnEnded::requests`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TurnStarted<'a> {
    /// The platform.
    pub platform: Platform,
    /// The call. Not for a label of metrics.
    pub call: &'a CallKey,
    /// The turn. Not for a label of metrics.
    pub turn: &'a TurnId,
    /// The kind of input.
    pub input: InputKind,
}

/// A turn has ended. Its reply is over, and the bot no longer works on it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TurnEnded<'a> {
    /// The platform.
    pub platform: Platform,
    /// The call. Not for a label of metrics.
    pub call: &'a CallKey,
    /// The turn. Not for a label of metrics.
    pub turn: &'a TurnId,
    /// The kind of input.
    pub input: InputKind,
    /// What the caller got.
    pub outcome: TurnOutcome,
    /// Why the turn was cut, if it was. A turn that misses its deadline is cut, whatever the caller gets.
    pub cause: Option<Cause>,
    /// Why the turn failed, if it did.
    pub failure: Option<TurnFailure>,
    /// From the arrival of the request until the first packet was ready; `None` without a packet.
    pub first_packet: Option<Duration>,
    /// What the first packet was; `None` without a packet.
    pub first_by: Option<FirstBy>,
    /// From the arrival of the request until the end of the reply, or until it was cut. The bot may have
    /// worked for longer, in a [hold](crate::bot::Call::hold).
    pub duration: Duration,
    /// The number of packets, with the last one, which may have no text. Of a reply that was cut only those
    /// that the platform took count.
    pub packets: usize,
    /// The length of the text in these packets, in bytes.
    pub bytes: usize,
    /// The time limits of the turn.
    pub budget: Budget,
    /// How long the turn waited for the store, without [`hold_wait`](Self::hold_wait).
    pub store_time: Duration,
    /// How long the turn waited for the hold of another turn of its call. Holds are known in this process
    /// only: a wait for a turn in another process counts as [`store_time`](Self::store_time).
    pub hold_wait: Duration,
    /// Whether the turn had been answered before, so that the platform got that answer again and the bot did
    /// not run.
    pub repeated: bool,
    /// The number of requests that read the reply. It is more than 1 if the platform repeated the request
    /// while the turn ran.
    pub requests: usize,
}

/// A call has begun: the first turn of a call that the store did not have.
///
/// Each one is followed by a [`CallEnded`], in this process or, with a store that several processes share, in
/// another one. A process that crashes loses the calls in its memory, and the events of their end.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallBegun<'a> {
    /// The platform.
    pub platform: Platform,
    /// The call. Not for a label of metrics.
    pub call: &'a CallKey,
}

/// A call has ended, and [`Bot::ended`](crate::bot::Bot::ended) has run.
///
/// With a store that several processes share, it may come more than once for a call, as `Bot::ended` may.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallEnded<'a> {
    /// The platform.
    pub platform: Platform,
    /// The call. Not for a label of metrics.
    pub call: &'a CallKey,
    /// Why the call ended.
    pub why: Ended,
    /// The number of turns that were answered, with the greeting.
    pub turns: u64,
    /// From the first turn until now, by the wall clock; `None` if the record does not say.
    pub duration: Option<Duration>,
}

/// The summary of a call that an [`Assistant`](crate::llm::Assistant) has answered. It comes when the call
/// ends, before its [`CallEnded`].
///
/// The counts are a part of the call's memory, so they are complete even if several processes have answered
/// the call. Those of a turn that failed or was cut are rolled back with its memory.
#[cfg(feature = "llm")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallSummary<'a> {
    /// The platform.
    pub platform: Platform,
    /// The call. Not for a label of metrics.
    pub call: &'a CallKey,
    /// Why the call ended.
    pub why: Ended,
    /// The number of turns that the assistant has answered, without the greeting.
    pub turns: u64,
    /// The number of replies that were cut.
    pub cuts: u64,
    /// The number of turns that ended with the [apology](crate::bot::HostBuilder::apology).
    pub apologies: u64,
    /// From the arrival of a request until the first packet was ready, over the last 100 turns; `None` without
    /// a turn. On a platform without a stream, until the model had answered.
    pub first_packets: Option<FirstPackets>,
    /// The number of requests to models.
    pub requests: u64,
    /// How often a fallback has taken over.
    pub fallbacks: u64,
    /// The number of tool calls.
    pub tool_calls: u64,
    /// The number of tokens in the requests, as the servers of the models report it.
    pub prompt_tokens: u64,
    /// The number of tokens in the answers, as the servers of the models report it.
    pub completion_tokens: u64,
}

/// The times to the first packets of a call.
#[cfg(feature = "llm")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirstPackets {
    /// The shortest.
    pub min: Duration,
    /// The middle one. Half of them are shorter.
    pub median: Duration,
    /// The longest.
    pub max: Duration,
}

/// A turn that was cut has stopped.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TurnCut<'a> {
    /// The platform.
    pub platform: Platform,
    /// The call. Not for a label of metrics.
    pub call: &'a CallKey,
    /// The turn. Not for a label of metrics.
    pub turn: &'a TurnId,
    /// Why it was cut.
    pub cause: Cause,
    /// From the cut until the bot's future was dropped, or had ended. A
    /// [hold](crate::bot::Call::hold) makes it longer.
    pub latency: Duration,
}

/// An operation of the [`Store`](crate::bot::Store) has ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StoreOperation {
    /// The operation.
    pub operation: StoreOperationKind,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: StoreOutcome,
}

/// A [hold](crate::bot::Call::hold) ended before its work was complete.
///
/// A hold whose work goes on, and is dropped later, is reported twice: the second time with
/// [`dropped`](Self::dropped).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HoldBroken<'a> {
    /// The platform.
    pub platform: Platform,
    /// The call. Not for a label of metrics.
    pub call: &'a CallKey,
    /// The turn; empty between turns. Not for a label of metrics.
    pub turn: &'a TurnId,
    /// The time of the hold; `None` if the work was dropped before that was up.
    pub after: Option<Duration>,
    /// Whether the work was dropped. If not, it goes on without protection.
    pub dropped: bool,
}

labels! {
    /// The kind of input that started a turn.
    pub enum InputKind {
        /// The start of the call, which asks for a greeting.
        Begin = "begin",
        /// [`Input::Speech`].
        Speech = "speech",
        /// [`Input::Dtmf`].
        Dtmf = "dtmf",
        /// [`Input::Silence`].
        Silence = "silence",
        /// [`Input::NoMatch`].
        NoMatch = "no_match",
        /// [`Input::Transferred`] after a successful transfer.
        Transferred = "transferred",
        /// [`Input::Transferred`] after a transfer that failed.
        TransferFailed = "transfer_failed",
        /// [`Input::Other`].
        Other = "other",
    }
}

impl InputKind {
    /// Returns the kind of an input, which is `None` at the start of a call.
    pub(crate) fn of(input: Option<&Input>) -> Self {
        match input {
            None => Self::Begin,
            Some(Input::Speech(_)) => Self::Speech,
            Some(Input::Dtmf(_)) => Self::Dtmf,
            Some(Input::Silence) => Self::Silence,
            Some(Input::NoMatch) => Self::NoMatch,
            Some(Input::Transferred(TransferOutcome::Done)) => Self::Transferred,
            Some(Input::Transferred(_)) => Self::TransferFailed,
            Some(Input::Other(_)) => Self::Other,
        }
    }
}

labels! {
    /// What the caller got in a turn.
    pub enum TurnOutcome {
        /// The whole reply of the bot.
        Answered = "answered",
        /// The greeting as far as it had got at its deadline.
        Shortened = "shortened",
        /// The [apology](crate::bot::HostBuilder::apology): the turn failed.
        Apology = "apology",
        /// The failure answer of the platform: the turn failed.
        Failed = "failed",
        /// What was sent before the reply was cut.
        Cut = "cut",
    }
}

labels! {
    /// Why a turn failed.
    pub enum TurnFailure {
        /// The bot returned an error.
        Bot = "bot",
        /// The bot refused the turn with an [`Error::public`](crate::bot::Error::public) of a status below
        /// 500.
        Rejected = "rejected",
        /// The bot panicked.
        Panic = "panic",
        /// The turn missed a limit of its [`Budget`].
        Deadline = "deadline",
        /// The bot's memory could not be read, or not be stored: it is too large, or not JSON.
        Memory = "memory",
        /// The store failed.
        Store = "store",
        /// The store had no room for the call.
        Full = "full",
        /// The server shut down.
        Shutdown = "shutdown",
        /// The task of the turn was dropped, or the runtime failed.
        Internal = "internal",
    }
}

labels! {
    /// What the first packet of a reply was.
    pub enum FirstBy {
        /// The bot's own text or controls, or an earlier answer that was sent again.
        Bot = "bot",
        /// The [filler](crate::bot::HostBuilder::filler).
        Filler = "filler",
        /// The [apology](crate::bot::HostBuilder::apology).
        Apology = "apology",
    }
}

labels! {
    /// An operation of the [`Store`](crate::bot::Store).
    pub enum StoreOperationKind {
        /// [`Store::open`](crate::bot::Store::open).
        Open = "open",
        /// [`Store::hold`](crate::bot::Store::hold).
        Hold = "hold",
        /// [`Store::write`](crate::bot::Store::write).
        Write = "write",
        /// [`Store::leave`](crate::bot::Store::leave).
        Leave = "leave",
        /// [`Store::abort`](crate::bot::Store::abort).
        Abort = "abort",
        /// [`Store::read`](crate::bot::Store::read).
        Read = "read",
        /// [`Store::evict`](crate::bot::Store::evict).
        Evict = "evict",
        /// [`Store::claim`](crate::bot::Store::claim).
        Claim = "claim",
        /// [`Store::remove`](crate::bot::Store::remove).
        Remove = "remove",
        /// [`Store::check`](crate::bot::Store::check).
        Check = "check",
    }
}

labels! {
    /// How an operation of the store ended.
    pub enum StoreOutcome {
        /// It succeeded.
        Ok = "ok",
        /// The store was [full](crate::bot::StoreError::Full).
        Full = "full",
        /// The turn [no longer had the call](crate::bot::StoreError::Fenced).
        Fenced = "fenced",
        /// The store [did not have the call](crate::bot::StoreError::Gone): it was lost, or it has ended.
        Gone = "gone",
        /// The store failed, or did not answer in time.
        Failed = "failed",
        /// The turn ended while it waited for the store.
        Dropped = "dropped",
    }
}
