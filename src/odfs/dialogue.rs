//! A call from the view of the IVR: which request follows which answer.

use std::fmt;

use super::client::{Client, QueryAnswer};
use super::{
    CallReleaseReason, CallTime, FlowResultType, Input, Interacted, InteractedExtParams,
    InteractedInParams, InteractedInParamsFields, Request, Response, Start, StartInParams,
    StartInParamsFields, TransferResult, Transferred, TransferredInParams,
    TransferredInParamsFields,
};
use crate::client::Error;
use crate::wire::Hidden;

/// The next step of a [`Dialogue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Next {
    /// [`start`](Dialogue::start): nothing has been sent yet.
    Start,
    /// [`input`](Dialogue::input): the flow plays and listens.
    Input,
    /// [`transferred`](Dialogue::transferred): the flow transfers the call.
    Transferred,
    /// [`queried`](Dialogue::queried): the flow queries a queue or switches the media.
    Queried,
    /// [`hang_up`](Dialogue::hang_up): the flow has released the call, or its answer has no known
    /// next step.
    HangUp,
    /// Nothing: the session is closed.
    Nothing,
}

/// A call, from `start` to the answer to `hangup`.
///
/// The caller may hang up at any time after the start. Every other step must be the one that
/// [`next`](Self::next) returns. A step that fails does not change the dialogue: it is not known
/// whether the flow has served it, and it is not retried.
///
/// ```
/// # #[cfg(feature = "server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use callbot::client::InMemoryTransport;
/// # use callbot::odfs::{Action, Api, Call, Interacted, Language, Prompt, Start, router};
/// # use callbot::server::Error;
/// # struct Flow;
/// # impl Api for Flow {
/// #     async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
/// #         Ok(call.interact(Prompt::Tts("Press 1."), Language::English).into())
/// #     }
/// #     async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
/// #         Ok(call.release().into())
/// #     }
/// # }
/// use callbot::odfs::{Client, Input, Next};
///
/// let client = Client::builder_with_token("https://odfs.example:28080", "token")
/// #     .transport(InMemoryTransport::new(router(Flow)))
///     .build()?;
/// let mut call = client.dialogue("1528780879-9581", "13500000001", "10086");
/// call.start().await?;
/// while call.next() == Next::Input {
///     call.input(Input::Keys("1")).await?;
/// }
/// call.hang_up().await?;
/// assert!(call.is_over());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
pub struct Dialogue {
    client: Client,
    id: String,
    caller: String,
    called: String,
    next: Next,
    /// Whether a start was attempted.
    started: bool,
    /// The result of the transfer that the last answer was for.
    transferred: Option<TransferResult>,
    count: Option<String>,
    asked: CallTime,
}

impl Client {
    /// Creates a call that has not started yet.
    ///
    /// `id` is the `userid`, unique, with up to 64 characters. `caller` is the caller's number or the
    /// id of the user. `called` is the number that was called or the access code.
    #[must_use]
    pub fn dialogue(
        &self,
        id: impl Into<String>,
        caller: impl Into<String>,
        called: impl Into<String>,
    ) -> Dialogue {
        Dialogue {
            client: self.clone(),
            id: id.into(),
            caller: caller.into(),
            called: called.into(),
            next: Next::Start,
            started: false,
            transferred: None,
            count: None,
            asked: self.now(),
        }
    }

    fn now(&self) -> CallTime {
        CallTime::now(&self.settings.clock, self.settings.utc_offset)
    }
}

impl Dialogue {
    /// Returns the next step.
    #[must_use]
    pub fn next(&self) -> Next {
        self.next
    }

    /// Returns whether the session is closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Starts the dialogue: `inaction` 8.
    ///
    /// # Errors
    /// If it has already started, or the request fails.
    pub async fn start(&mut self) -> Result<Response, DialogueError> {
        let inparams = StartInParams::new(StartInParamsFields {
            call_id: &self.id,
            call_sor_id: &self.caller,
            call_dst_id: &self.called,
            auth_token: "".into(),
        });
        self.start_with(Start::new(&self.id, inparams)).await
    }

    /// Starts the dialogue with your request, for instance one with a channel or with data for the
    /// flow.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(&mut self, request: Start) -> Result<Response, DialogueError> {
        self.expect(Next::Start)?;
        self.started = true;
        let answer = self.client.process(Request::Start(request)).await?;
        Ok(self.took(answer.into_inner(), None))
    }

    /// Reports what the caller did, or that there was no input: `inaction` 9.
    ///
    /// [`Input::HangUp`] does the same as [`hang_up`](Self::hang_up).
    ///
    /// # Errors
    /// If another step is [next](Self::next), or the request fails.
    pub async fn input(&mut self, input: Input<'_>) -> Result<Response, DialogueError> {
        self.expect(Next::Input)?;
        let inparams = InteractedInParams::from_input(&self.id, &self.called, input, "");
        if inparams.meaning() == Input::HangUp {
            return self.hang_up().await;
        }
        self.interacted(self.result(inparams)).await
    }

    /// Reports the result of an interaction with your request, for instance one with a feedback or a
    /// channel. Only the token is replaced.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    pub async fn interacted(&mut self, request: Interacted) -> Result<Response, DialogueError> {
        self.expect(Next::Input)?;
        let answer = self.client.process(Request::Interacted(request)).await?;
        Ok(self.took(answer.into_inner(), None))
    }

    /// Reports the result of a transfer: `inaction` 11.
    ///
    /// # Errors
    /// If another step is [next](Self::next), or the request fails.
    pub async fn transferred(&mut self, result: TransferResult) -> Result<Response, DialogueError> {
        self.expect(Next::Transferred)?;
        let request = Transferred::new(&self.id, self.transfer(result.clone()));
        let answer = self.client.process(Request::Transferred(request)).await?;
        Ok(self.took(answer.into_inner(), Some(result)))
    }

    /// Reports the state of a queue, or that the media were switched.
    ///
    /// [`QueryAnswer`] sets the kind of request. Default: `inaction` 9.
    ///
    /// # Errors
    /// If another step is [next](Self::next), or the request fails.
    pub async fn queried(&mut self, found: InteractedExtParams) -> Result<Response, DialogueError> {
        self.expect(Next::Queried)?;
        let inparams = InteractedInParams::new(InteractedInParamsFields {
            call_id: &self.id,
            call_dst_id: &self.called,
            flow_result_type: FlowResultType::Other,
            input: "",
            auth_token: "".into(),
        });
        let request = Request::Interacted(self.result(inparams).with_extparams(found));
        let inaction = match self.client.settings.query_answer {
            QueryAnswer::Interacted => None,
            QueryAnswer::SameNumber => Some(12),
        };
        let answer = self.client.process_as(request, inaction).await?;
        Ok(self.took(answer.into_inner(), None))
    }

    /// Reports that the caller has hung up or the flow has released the call: `hangup`, with
    /// `inaction` 9, or 11 after a transfer.
    ///
    /// The answer closes the session. You may call this as soon as a start was attempted, because the
    /// flow may have served a start whose answer was lost.
    ///
    /// # Errors
    /// If the dialogue has not started or is over, or the request fails.
    pub async fn hang_up(&mut self) -> Result<Response, DialogueError> {
        if !self.started || self.next == Next::Nothing {
            return Err(DialogueError::OutOfOrder(self.next));
        }
        let released = self.next == Next::HangUp;
        // `hangup` has the number of the last instruction of the flow.
        let transfer = match (self.next, &self.transferred) {
            (Next::Transferred, _) => Some(TransferResult::Failure),
            (Next::HangUp, result) => result.clone(),
            _ => None,
        };
        let request = if let Some(result) = transfer {
            let inparams = self.transfer(result).with_hang_up();
            Request::Transferred(Transferred::new(&self.id, inparams))
        } else {
            let inparams =
                InteractedInParams::from_input(&self.id, &self.called, Input::HangUp, "");
            let reason = match released {
                true => CallReleaseReason::Flow,
                false => CallReleaseReason::User,
            };
            let found = InteractedExtParams::new().with_release_reason(reason);
            Request::Interacted(self.result(inparams).with_extparams(found))
        };
        let answer = self.client.process(request).await?.into_inner();
        if matches!(answer, Response::Release(_)) {
            self.next = Next::Nothing;
        }
        Ok(answer)
    }

    fn expect(&self, step: Next) -> Result<(), DialogueError> {
        if self.next == step { Ok(()) } else { Err(DialogueError::OutOfOrder(self.next)) }
    }

    fn result(&self, mut inparams: InteractedInParams) -> Interacted {
        inparams.inter_idx.clone_from(&self.count);
        inparams.begin_play = Some(self.asked.clone());
        inparams.result_time = Some(self.client.now());
        Interacted::new(&self.id, inparams)
    }

    fn transfer(&self, result: TransferResult) -> TransferredInParams {
        let (begin, end) = (self.asked.clone(), self.client.now());
        let mut inparams = TransferredInParams::new(TransferredInParamsFields {
            call_id: &self.id,
            call_dst_id: &self.called,
            begin_trans: begin,
            end_trans: end,
            trans_result: result,
            auth_token: "".into(),
        });
        inparams.inter_idx.clone_from(&self.count);
        inparams
    }

    /// Records an answer. `result` is that of the transfer that it answers, if it answers one.
    fn took(&mut self, answer: Response, result: Option<TransferResult>) -> Response {
        self.asked = self.client.now();
        self.transferred = result;
        let (next, count) = match &answer {
            Response::Interact(answer) => (Next::Input, &answer.outparams.inter_idx),
            Response::Transfer(answer) => (Next::Transferred, &answer.outparams.inter_idx),
            Response::Query(answer) => (Next::Queried, &answer.outparams.inter_idx),
            _ => (Next::HangUp, &None),
        };
        self.next = next;
        self.count.clone_from(count);
        answer
    }
}

// The caller's number is private.
impl fmt::Debug for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue")
            .field("id", &self.id)
            .field("caller", &Hidden)
            .field("called", &self.called)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Why a step failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialogueError {
    /// Another step is next, which this holds. Nothing was sent.
    OutOfOrder(Next),
    /// The request failed.
    Call(Error),
}

impl From<Error> for DialogueError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for DialogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrder(next) => {
                write!(f, "the step is out of order: the next one is {next:?}")
            }
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DialogueError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::OutOfOrder(_) => None,
            Self::Call(error) => error.source(),
        }
    }
}
