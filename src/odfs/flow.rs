//! A dialog flow behind the wire: what a call is, who serves it, and in which order.

use std::fmt;

use super::calls::{Calls, Full, Limits};
use super::generated::{ProcessV2Parameters, TokenRequest, TokenResponse, WireApi};
use super::issuer::SharedAuthorizer;
use super::{
    CallTime, Capture, Captured, CapturedOutParams, FlowReleaseReason, Input, Interact,
    InteractOutParams, Interacted, Issuer, Language, Prompt, Query, QueryOutParams, QueryType,
    Recognize, RecognizeType, Recognized, RecognizedOutParams, Release, ReleaseOutParams,
    ReleaseOutParamsFields, Request, Response, Route, Start, Transfer, TransferOutParams,
    Transferred,
};
use crate::clock::SharedClock;
use crate::server::Error;
use crate::wire::{Hidden, Secret};

/// What a dialog flow does: it is told what happened in a call, and says what to do next.
///
/// Serve it with [`router`](super::router), or with a [`Server`](super::Server) to change the settings. Both URLs of
/// the interface lead here; [`Call::tenant_space`] tells them apart. The requests of one call, which
/// is one `userid` on both URLs, are served one after the other, in the order in which their tokens
/// were accepted. This, and what [`Call`] knows, holds within one process: several servers need a
/// balancer that keeps a call with one of them.
///
/// A handler has 30 s, its wait for other requests of the call included, unless
/// [`deadline`](crate::server::Server::deadline) says otherwise; no document has a number. Whatever can't be
/// served, be it a bad request, a failure or a deadline, is answered with a release whose `ret` is
/// not 0 (900001 and 900002 for tokens, a numeric [`code`](Error::code) of the handler, else -1) and
/// whose `errorMsg`, a key of ours, has the reason. What is not known of the call is empty there.
pub trait Api: Send + Sync + 'static {
    /// A dialogue begins: `inaction` 8.
    fn start(
        &self,
        call: &Call,
        request: Start,
    ) -> impl Future<Output = Result<Action, Error>> + Send;

    /// An interaction has a result, or a query its answer: `inaction` 9. What the caller did is
    /// [`request.inparams.meaning()`](super::InteractedInParams::meaning); a hang-up is not among
    /// it, that is [`hung_up`](Self::hung_up).
    fn interacted(
        &self,
        call: &Call,
        request: Interacted,
    ) -> impl Future<Output = Result<Action, Error>> + Send;

    /// A transfer has a result: `inaction` 11. By default the flow ends here, whatever it was.
    fn transferred(
        &self,
        call: &Call,
        request: Transferred,
    ) -> impl Future<Output = Result<Action, Error>> + Send {
        let _ = request;
        let release = Action::from(call.release());
        async { Ok(release) }
    }

    /// The call is over: `hangup` has come, with `inaction` 9 or 11. Whatever this gives is the
    /// answer that closes the session; by default it is what is known of the call.
    fn hung_up(
        &self,
        call: &Call,
        request: Request,
    ) -> impl Future<Output = Result<ReleaseOutParams, Error>> + Send {
        let _ = request;
        let release = call.release();
        async { Ok(release) }
    }

    /// Recording by packet capture begins: `inaction` 7. By default there is nothing to say.
    fn capture(
        &self,
        call: &Call,
        request: Capture,
    ) -> impl Future<Output = Result<CapturedOutParams, Error>> + Send {
        let _ = (call, request);
        async { Ok(CapturedOutParams::new()) }
    }

    /// The recorder asks whether there is a result of recognition: `inaction` 13. By default there
    /// is none yet.
    fn recognize(
        &self,
        call: &Call,
        request: Recognize,
    ) -> impl Future<Output = Result<RecognizedOutParams, Error>> + Send {
        let _ = request;
        let none = RecognizedOutParams::new(call.id(), RecognizeType::NotYet);
        async { Ok(none) }
    }
}

/// The call that a request belongs to, as far as the server knows it.
#[derive(Clone)]
pub struct Call {
    id: String,
    tenant_space: Option<String>,
    caller: String,
    called: String,
    started: CallTime,
    now: CallTime,
}

impl Call {
    /// The id: `userid`, and `call_id` in what is answered.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tenant space (VDN) in the path of the V2 URL; `None` when the request came to V1.
    #[must_use]
    pub fn tenant_space(&self) -> Option<&str> {
        self.tenant_space.as_deref()
    }

    /// The number of the caller, or the id of the user, from the first request of the call; empty
    /// when this server has not seen that.
    #[must_use]
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// The number that was called, or the access code.
    #[must_use]
    pub fn called(&self) -> &str {
        &self.called
    }

    /// When the call began, or when this server first heard of it.
    #[must_use]
    pub fn started(&self) -> &CallTime {
        &self.started
    }

    /// Plays, asks or shows something and listens: `outaction` 9. The language is that of synthesis
    /// and of recognition.
    #[must_use]
    pub fn interact(&self, prompt: Prompt<'_>, language: Language) -> InteractOutParams {
        InteractOutParams::from_prompt(self.id(), prompt, language)
    }

    /// Transfers the call: `outaction` 11.
    #[must_use]
    pub fn transfer(&self, route: Route<'_>) -> TransferOutParams {
        TransferOutParams::from_route(self.id(), self.caller(), route)
    }

    /// Queries a queue, or switches the media: `outaction` 12.
    #[must_use]
    pub fn query(&self, query: QueryType) -> QueryOutParams {
        QueryOutParams::new(self.id(), query)
    }

    /// Releases the call, as a flow that has come to its end: `outaction` 10. The client releases
    /// it, and says so with `hangup`.
    #[must_use]
    pub fn release(&self) -> ReleaseOutParams {
        let (start, end) = (self.started.clone(), self.now.clone());
        ReleaseOutParams::new(ReleaseOutParamsFields {
            call_id: self.id(),
            call_sor_id: self.caller(),
            call_dst_id: self.called(),
            start_time: start,
            end_time: end,
        })
        .with_release_reason(FlowReleaseReason::Completed)
    }
}

// The number of the caller is private.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("id", &self.id)
            .field("tenant_space", &self.tenant_space)
            .field("caller", &Hidden)
            .field("called", &self.called)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// What the client has to do next. It is made of what [`Call`] gives.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Play, ask or show something, and listen.
    Interact(Box<InteractOutParams>),
    /// Transfer the call.
    Transfer(Box<TransferOutParams>),
    /// Query a queue, or switch the media.
    Query(Box<QueryOutParams>),
    /// Release the call.
    Release(Box<ReleaseOutParams>),
}

macro_rules! actions {
    ($($params:ident => $arm:ident,)*) => {$(
        impl From<$params> for Action {
            fn from(params: $params) -> Self {
                Self::$arm(Box::new(params))
            }
        }
    )*};
}

actions! {
    InteractOutParams => Interact,
    TransferOutParams => Transfer,
    QueryOutParams => Query,
    ReleaseOutParams => Release,
}

/// What can be set on a flow.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub tokens: Option<SharedAuthorizer>,
    pub issuer: Option<Issuer>,
    pub limits: Limits,
    pub utc_offset: i32,
}

/// A dialog flow as the wire has it.
pub(super) struct Flow<A> {
    api: A,
    tokens: Option<SharedAuthorizer>,
    issuer: Option<Issuer>,
    calls: Calls,
    clock: SharedClock,
    utc_offset: i32,
}

// What is remembered of calls is private.
impl<A> fmt::Debug for Flow<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl<A> Flow<A> {
    pub(super) fn new(api: A, settings: Settings, clock: SharedClock) -> Self {
        let Settings { tokens, issuer, limits, utc_offset } = settings;
        Self { api, tokens, issuer, calls: Calls::new(limits), clock, utc_offset }
    }
}

impl<A: Api> Flow<A> {
    async fn step(
        &self,
        tenant_space: Option<String>,
        request: Request,
    ) -> Result<Response, Error> {
        let Head { id, token, caller, called, hangs_up } = Head::of(&request)?;
        let token = token.filter(|token| !token.expose().is_empty());
        if let Some(tokens) = &self.tokens {
            tokens.check(&id, token).await.map_err(|error| {
                Error::public(error.to_string()).status(error.status()).code(error.code())
            })?;
        }
        for (pointer, text) in [("/userid", Some(&id)), ("/inparams/call_sor_id", caller.as_ref())]
        {
            // They are remembered for as long as the call lasts, of many calls at once.
            if text.is_some_and(|text| text.len() > LONGEST) {
                let message = format!("{pointer}: longer than {LONGEST} bytes");
                return Err(Error::public(message).status(400));
            }
        }
        let mut inside = self.calls.enter(&id).await.map_err(|full| {
            let message = match full {
                Full::Queue => "too many requests of this call are waiting",
                Full::Calls => "too many calls",
            };
            Error::public(message).status(503)
        })?;

        let now = CallTime::now(&self.clock, self.utc_offset);
        let memory = &mut inside.memory;
        if let Request::Start(_) = request {
            **memory = Default::default();
        }
        if let Some(caller) = caller {
            memory.caller = caller;
        }
        let started = memory.started.get_or_insert_with(|| now.clone()).clone();
        if called.len() <= LONGEST {
            memory.called = called;
        }
        let call = Call {
            id,
            tenant_space,
            caller: memory.caller.clone(),
            called: memory.called.clone(),
            started,
            now,
        };

        if hangs_up {
            let outparams = self.api.hung_up(&call, request).await?;
            inside.forget();
            return Ok(Release::new(outparams).for_call(&call));
        }
        inside.keep();
        let action = match request {
            Request::Start(request) => self.api.start(&call, request).await?,
            Request::Interacted(request) => self.api.interacted(&call, request).await?,
            Request::Transferred(request) => self.api.transferred(&call, request).await?,
            Request::Capture(request) => {
                return Ok(Captured::new(self.api.capture(&call, request).await?).for_call(&call));
            }
            Request::Recognize(request) => {
                let outparams = self.api.recognize(&call, request).await?;
                return Ok(Recognized::new(outparams).for_call(&call));
            }
            Request::Unknown(_) => return Err(unknown()),
        };
        Ok(match action {
            Action::Interact(outparams) => Interact::new(*outparams).for_call(&call),
            Action::Transfer(outparams) => Transfer::new(*outparams).for_call(&call),
            Action::Query(outparams) => Query::new(*outparams).for_call(&call),
            Action::Release(outparams) => Release::new(*outparams).for_call(&call),
        })
    }
}

impl<A: Api> WireApi for Flow<A> {
    async fn process(&self, request: Request) -> Result<Response, Error> {
        self.step(None, request).await
    }

    async fn process_v2(
        &self,
        parameters: ProcessV2Parameters,
        request: Request,
    ) -> Result<Response, Error> {
        self.step(Some(parameters.vdn_id), request).await
    }

    async fn get_token(&self, request: TokenRequest) -> Result<TokenResponse, Error> {
        match &self.issuer {
            Some(issuer) => Ok(issuer.issue(&request)),
            None => Err(Error::unsupported()),
        }
    }
}

/// The longest text that is remembered of a call, in bytes; the platform's are of 64 characters.
const LONGEST: usize = 256;

/// A kind of request that the platform's documents do not have.
fn unknown() -> Error {
    Error::public("/inaction: not a kind of request that is known").status(400)
}

/// An answer that gets its envelope.
trait ForCall {
    fn for_call(self, call: &Call) -> Response;
}

macro_rules! for_call {
    ($($arm:ident),*) => {$(
        impl ForCall for $arm {
            fn for_call(mut self, call: &Call) -> Response {
                self.ret = Some(0);
                self.user_id = Some(call.id.clone());
                Response::$arm(self)
            }
        }
    )*};
}

for_call!(Interact, Transfer, Query, Release, Captured, Recognized);

/// What every kind of request has.
struct Head<'a> {
    id: String,
    token: Option<&'a Secret>,
    caller: Option<String>,
    called: String,
    hangs_up: bool,
}

impl<'a> Head<'a> {
    fn of(request: &'a Request) -> Result<Self, Error> {
        Ok(match request {
            Request::Start(Start { user_id, inparams, .. }) => Self {
                id: user_id.clone(),
                token: inparams.auth_token.as_ref(),
                caller: Some(inparams.call_sor_id.clone()),
                called: inparams.call_dst_id.clone(),
                hangs_up: false,
            },
            Request::Interacted(Interacted { user_id, inparams, .. }) => Self {
                id: user_id.clone(),
                token: inparams.auth_token.as_ref(),
                caller: None,
                called: inparams.call_dst_id.clone(),
                hangs_up: inparams.meaning() == Input::HangUp,
            },
            Request::Transferred(Transferred { user_id, inparams, .. }) => Self {
                id: user_id.clone(),
                token: inparams.auth_token.as_ref(),
                caller: None,
                called: inparams.call_dst_id.clone(),
                hangs_up: inparams.is_hang_up(),
            },
            Request::Capture(Capture { user_id, inparams, .. })
            | Request::Recognize(Recognize { user_id, inparams, .. }) => Self {
                id: user_id.clone(),
                token: inparams.auth_token.as_ref(),
                caller: inparams.call_sor_id.clone(),
                called: inparams.call_dst_id.clone(),
                hangs_up: false,
            },
            Request::Unknown(_) => return Err(unknown()),
        })
    }
}
