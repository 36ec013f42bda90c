//! A dialog flow behind the wire: the trait to implement, and how a request reaches it.

use std::fmt;

use super::call::{Action, Call};
use super::calls::{Calls, Full, Limits};
use super::generated::{ProcessV2Parameters, TokenRequest, TokenResponse, WireApi};
use super::issuer::SharedAuthorizer;
use super::{
    Account, CallTime, Capture, Captured, CapturedOutParams, Input, Interact, Interacted, Issuer,
    Query, Recognize, RecognizeType, Recognized, RecognizedOutParams, Release, ReleaseOutParams,
    Request, Response, Start, TokenCheck, Transfer, Transferred,
};
use crate::auth::without_bearer;
use crate::clock::SharedClock;
use crate::server::rules::{MAX_ID_BYTES, check_ids};
use crate::server::{Error, Fault, FaultKind};
use crate::wire::Secret;

/// A dialog flow: each handler receives an event of a call and returns what the IVR does next.
///
/// Serve it with [`router`](super::router), or with a [`Server`](super::Server) to change the
/// settings. Requests to both URLs of the interface arrive here; [`Call::tenant_space`] tells them
/// apart.
///
/// A `userid` names one call of an [`Account`], on both URLs. The requests of one call are served one after
/// the other, in the order in which their tokens were accepted. This order and the data of a [`Call`] are
/// kept in one process. With [several instances](crate::guide::several_instances#odfs), a load balancer has to
/// send all requests of a call to the same one.
///
/// A handler has 30 s, including its wait for other requests of the call. Change this with
/// [`deadline`](crate::server::Server::deadline); the platform's documents have no number.
///
/// A bad request, a failure and a missed deadline are answered with a release. Its `ret` is 900001 or
/// 900002 for tokens, the [`code`](Error::code) of the handler's error if that is a number other than
/// 0, and -1 otherwise. Its `errorMsg`, which is not a field of the platform, has the reason. Fields
/// of the call that are not known are empty.
///
/// ```
/// use callbot::odfs::{
///     Action, Api, Call, Input, Interacted, Language, Prompt, Route, Start, router,
/// };
/// use callbot::server::Error;
///
/// struct Bank;
///
/// impl Api for Bank {
///     async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
///         let menu = Prompt::Tts("For your balance press 1, for an agent press 2.");
///         Ok(call.interact(menu, Language::English).into())
///     }
///
///     async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
///         Ok(match request.inparams.meaning() {
///             Input::Keys("1") => call
///                 .interact(Prompt::Tts("Your balance is 20 euros."), Language::English)
///                 .into(),
///             Input::Keys("2") => call.transfer(Route::SkillQueueByName("service")).into(),
///             _ => call.release().into(),
///         })
///     }
/// }
///
/// # #[cfg(feature = "client")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use callbot::client::InMemoryTransport;
/// # use callbot::odfs::{Client, Next};
/// // The client plays the IVR, here in memory.
/// let client = Client::builder_with_token("http://odfs", "token")
///     .transport(InMemoryTransport::new(router(Bank)))
///     .build()?;
/// let mut call = client.dialogue("call-1", "13500000001", "10086");
/// call.start().await?;
/// call.input(Input::Keys("2")).await?;
/// assert_eq!(call.next(), Next::Transferred);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "client"))]
/// # fn main() {}
/// ```
pub trait Api: Send + Sync + 'static {
    /// Called when a dialogue starts: `inaction` 8.
    fn start(
        &self,
        call: &Call,
        request: Start,
    ) -> impl Future<Output = Result<Action, Error>> + Send;

    /// Called with the result of an interaction, or with the answer to a query: `inaction` 9.
    ///
    /// [`request.inparams.meaning()`](super::InteractedInParams::meaning) returns what the caller did.
    /// A hang-up never arrives here, but at [`hung_up`](Self::hung_up).
    fn interacted(
        &self,
        call: &Call,
        request: Interacted,
    ) -> impl Future<Output = Result<Action, Error>> + Send;

    /// Called with the result of a transfer: `inaction` 11.
    ///
    /// The default releases the call, whatever the result.
    fn transferred(
        &self,
        call: &Call,
        request: Transferred,
    ) -> impl Future<Output = Result<Action, Error>> + Send {
        let _ = request;
        let release = Action::from(call.release());
        async { Ok(release) }
    }

    /// Called when the call is over: `hangup` arrived, with `inaction` 9 or 11.
    ///
    /// The returned value closes the session. The default returns what is known of the call.
    fn hung_up(
        &self,
        call: &Call,
        request: Request,
    ) -> impl Future<Output = Result<ReleaseOutParams, Error>> + Send {
        let _ = request;
        let release = call.release();
        async { Ok(release) }
    }

    /// Called when recording by packet capture starts: `inaction` 7.
    ///
    /// The default returns an empty answer.
    fn capture(
        &self,
        call: &Call,
        request: Capture,
    ) -> impl Future<Output = Result<CapturedOutParams, Error>> + Send {
        let _ = (call, request);
        async { Ok(CapturedOutParams::new()) }
    }

    /// Called when the recorder asks for the result of recognition: `inaction` 13.
    ///
    /// The default answers that there is none yet.
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

/// The settings of a flow.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub tokens: Option<SharedAuthorizer>,
    pub issuer: Option<Issuer>,
    pub limits: Limits,
    pub utc_offset: i32,
}

/// A dialog flow as a server of the wire.
pub(super) struct Flow<A> {
    api: A,
    tokens: Option<SharedAuthorizer>,
    issuer: Option<Issuer>,
    calls: Calls,
    clock: SharedClock,
    utc_offset: i32,
}

// The data of calls is private.
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
        let token = token.map(without_bearer).filter(|token| !token.expose().is_empty());
        let account = match &self.tokens {
            Some(tokens) => {
                let request = TokenCheck {
                    user_id: &id,
                    tenant_space: tenant_space.as_deref(),
                    token: token.as_ref(),
                };
                tokens.check(request).await.map_err(|error| {
                    let mut fault = Fault::new(FaultKind::Unauthorized, error.to_string());
                    (fault.status, fault.code) = (error.status(), Some(error.code().into()));
                    Error::from(fault)
                })?
            }
            None => Account::default(),
        };
        // The server keeps these texts for the whole call, and many calls at the same time.
        let caller_id = caller.as_deref().unwrap_or_default();
        check_ids([("/userid", &id), ("/inparams/call_sor_id", caller_id)])?;
        let mut inside = self.calls.enter(&account, &id).await.map_err(|full| {
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
        if called.len() <= MAX_ID_BYTES {
            memory.called = called;
        }
        let call = Call {
            id,
            account,
            tenant_space,
            caller: memory.caller.clone(),
            called: memory.called.clone(),
            started,
            now,
            #[cfg(feature = "bot")]
            utc_offset: self.utc_offset,
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
            // The platform's common code for something that is missing.
            None => {
                let error = Error::public("this server issues no tokens");
                Err(error.status(404).code("10000003"))
            }
        }
    }
}

/// Refuses a kind of request that the platform's documents do not have.
fn unknown() -> Error {
    let message = "/inaction: unknown value, expected 7, 8, 9, 11 or 13";
    Error::from(Fault::new(FaultKind::Request, message))
}

/// Adds the envelope to an answer.
trait ForCall {
    fn for_call(self, call: &Call) -> Response;
}

macro_rules! for_call {
    ($($arm:ident),*) => {$(
        impl ForCall for $arm {
            fn for_call(mut self, call: &Call) -> Response {
                self.ret = Some(0);
                self.user_id = Some(call.id().to_owned());
                Response::$arm(self)
            }
        }
    )*};
}

for_call!(Interact, Transfer, Query, Release, Captured, Recognized);

/// The fields that every kind of request has.
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
