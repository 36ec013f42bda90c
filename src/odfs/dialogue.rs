//! A call as the IVR sees it: which request follows which answer.

use std::fmt;

use super::client::{Client, QueryAnswer};
use super::{
    CallReleaseReason, CallTime, FlowResultType, Input, Interacted, InteractedExtParams,
    InteractedInParams, Request, Response, Start, StartInParams, TransferResult, Transferred,
    TransferredInParams,
};
use crate::client::Error;
use crate::wire::decode_value;

/// What has to happen next in a [`Dialogue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Next {
    /// [`start`](Dialogue::start): nothing has been sent yet.
    Start,
    /// [`input`](Dialogue::input): the flow plays and listens.
    Input,
    /// [`transferred`](Dialogue::transferred): the flow wants a transfer.
    Transferred,
    /// [`queried`](Dialogue::queried): the flow asks about a queue, or for other media.
    Queried,
    /// [`hang_up`](Dialogue::hang_up): the flow has released the call, or nobody knows what it
    /// wants.
    HangUp,
    /// Nothing: the session is closed.
    Nothing,
}

/// A call, from `start` to the answer to `hangup`.
///
/// The caller may hang up at any time after the start; every other step must be the one that
/// [`next`](Self::next) names. A step that failed leaves the dialogue as it was: whether the flow
/// has served it is not known, and it is not made again by itself.
///
/// ```no_run
/// use callbot::odfs::{Client, Input, Next};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("https://odfs.example:28080", "tenant-1", "secret-1").build()?;
/// let mut call = client.dialogue("1528780879-9581", "13500000001", "10086");
/// call.start().await?;
/// while call.next() == Next::Input {
///     call.input(Input::Keys("1")).await?;
/// }
/// call.hang_up().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Dialogue {
    client: Client,
    id: String,
    caller: String,
    called: String,
    next: Next,
    /// The last answer was to a transfer, so `hangup` goes with `inaction` 11.
    transferred: bool,
    count: Option<String>,
    asked: CallTime,
}

impl Client {
    /// A call that is about to begin: its id (`userid`, unique, up to 64 characters), the number of
    /// the caller or the id of the user, and the number that was called or the access code.
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
            transferred: false,
            count: None,
            asked: self.now(),
        }
    }

    fn now(&self) -> CallTime {
        CallTime::now(&self.clock, self.utc_offset)
    }
}

impl Dialogue {
    /// What has to happen next.
    #[must_use]
    pub fn next(&self) -> Next {
        self.next
    }

    /// Whether the session is closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Begins the dialogue: `inaction` 8.
    ///
    /// # Errors
    /// When it has begun already, or the call fails.
    pub async fn start(&mut self) -> Result<Response, DialogueError> {
        self.expect(Next::Start)?;
        let inparams = StartInParams::new(&self.id, &self.caller, &self.called, "");
        self.send(Request::Start(Start::new(&self.id, inparams)), false).await
    }

    /// Tells what the caller did, or that nothing came: `inaction` 9.
    ///
    /// # Errors
    /// When something else has to happen next, or the call fails.
    pub async fn input(&mut self, input: Input<'_>) -> Result<Response, DialogueError> {
        self.expect(Next::Input)?;
        let inparams = InteractedInParams::from_input(&self.id, &self.called, input, "");
        self.send(Request::Interacted(self.interacted(inparams)), false).await
    }

    /// Tells how a transfer ended: `inaction` 11.
    ///
    /// # Errors
    /// When something else has to happen next, or the call fails.
    pub async fn transferred(&mut self, result: TransferResult) -> Result<Response, DialogueError> {
        self.expect(Next::Transferred)?;
        let request = Transferred::new(&self.id, self.transfer(result));
        self.send(Request::Transferred(request), true).await
    }

    /// Tells what is known of a queue, or that the media were switched: by default with `inaction`
    /// 9, see [`QueryAnswer`].
    ///
    /// # Errors
    /// When something else has to happen next, or the call fails.
    pub async fn queried(&mut self, found: InteractedExtParams) -> Result<Response, DialogueError> {
        self.expect(Next::Queried)?;
        let inparams =
            InteractedInParams::new(&self.id, &self.called, FlowResultType::Other, "", "");
        let request = Request::Interacted(self.interacted(inparams).with_extparams(found));
        let request = match self.client.query_answer {
            QueryAnswer::Interacted => request,
            QueryAnswer::SameNumber => renumbered(&request, 12)?,
        };
        self.send(request, false).await
    }

    /// Tells that the call is over, by the caller or because the flow has released it: `hangup`,
    /// with `inaction` 9, or 11 after a transfer. The answer closes the session.
    ///
    /// # Errors
    /// When the dialogue has not begun or is over, or the call fails.
    pub async fn hang_up(&mut self) -> Result<Response, DialogueError> {
        if matches!(self.next, Next::Start | Next::Nothing) {
            return Err(DialogueError::OutOfOrder(self.next));
        }
        let released = self.next == Next::HangUp;
        let request = if self.transferred || self.next == Next::Transferred {
            let result = match self.transferred {
                true => TransferResult::Success,
                false => TransferResult::Failure,
            };
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
            Request::Interacted(self.interacted(inparams).with_extparams(found))
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

    fn interacted(&self, mut inparams: InteractedInParams) -> Interacted {
        inparams.inter_idx.clone_from(&self.count);
        inparams.begin_play = Some(self.asked.clone());
        inparams.result_time = Some(self.client.now());
        Interacted::new(&self.id, inparams)
    }

    fn transfer(&self, result: TransferResult) -> TransferredInParams {
        let (begin, end) = (self.asked.clone(), self.client.now());
        let mut inparams = TransferredInParams::new(&self.id, &self.called, begin, end, result, "");
        inparams.inter_idx.clone_from(&self.count);
        inparams
    }

    async fn send(
        &mut self,
        request: Request,
        transferred: bool,
    ) -> Result<Response, DialogueError> {
        let answer = self.client.process(request).await?.into_inner();
        self.asked = self.client.now();
        self.transferred = transferred;
        let (next, count) = match &answer {
            Response::Interact(answer) => (Next::Input, &answer.outparams.inter_idx),
            Response::Transfer(answer) => (Next::Transferred, &answer.outparams.inter_idx),
            Response::Query(answer) => (Next::Queried, &answer.outparams.inter_idx),
            _ => (Next::HangUp, &None),
        };
        self.next = next;
        self.count.clone_from(count);
        Ok(answer)
    }
}

/// The same request under another number.
fn renumbered(request: &Request, inaction: i64) -> Result<Request, DialogueError> {
    let mut json = serde_json::to_value(request).unwrap_or_default();
    if let Some(place) = json.get_mut("inaction") {
        *place = inaction.into();
    }
    decode_value(&json).map_err(|_| DialogueError::OutOfOrder(Next::Queried))
}

/// Why a step was not made.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialogueError {
    /// Something else has to happen next. Nothing was sent.
    OutOfOrder(Next),
    /// The call failed.
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
            Self::OutOfOrder(next) => write!(f, "not the next step, which is {next:?}"),
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
