//! A call as a handler sees it, and what its handlers answer.

use std::fmt;

use super::{
    Account, CallTime, FlowReleaseReason, InteractOutParams, Language, Prompt, QueryOutParams,
    QueryType, ReleaseOutParams, ReleaseOutParamsFields, Route, TransferOutParams,
};
use crate::wire::Hidden;

/// The call that a request belongs to, as far as this server knows it.
///
/// Its methods create the answers of a handler. Each result converts into an [`Action`] and has
/// setters for the other fields of the answer:
///
/// ```
/// use callbot::odfs::{Action, Call, DtmfKeys, Language, ModelType, Prompt};
///
/// fn ask_for_account(call: &Call) -> Action {
///     call.interact(Prompt::Tts("Please enter your account number."), Language::English)
///         .with_model_type(ModelType::keys(DtmfKeys::up_to(12).hash_confirms()))
///         .with_timeout("10")
///         .into()
/// }
/// ```
#[derive(Clone)]
pub struct Call {
    pub(super) id: String,
    pub(super) account: Account,
    pub(super) tenant_space: Option<String>,
    pub(super) caller: String,
    pub(super) called: String,
    pub(super) started: CallTime,
    pub(super) now: CallTime,
    #[cfg(feature = "bot")]
    pub(super) utc_offset: i32,
}

impl Call {
    /// Adds what another process knows from the first request of the call: the caller's number, and when
    /// that request arrived.
    #[cfg(feature = "bot")]
    pub(crate) fn with_origin(
        mut self,
        caller: Option<String>,
        started: Option<std::time::SystemTime>,
    ) -> Self {
        if let Some(caller) = caller {
            self.caller = caller;
        }
        if let Some(started) = started {
            let since = started.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
            self.started = CallTime::at(seconds, self.utc_offset);
        }
        self
    }

    /// Returns the id of the call: `userid` in requests, `call_id` in answers.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the account that the call belongs to, as the
    /// [`TokenAuthorizer`](super::TokenAuthorizer) has found it.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the tenant space (VDN) in the path of the V2 URL, or `None` for a request to V1.
    #[must_use]
    pub fn tenant_space(&self) -> Option<&str> {
        self.tenant_space.as_deref()
    }

    /// Returns the caller's number, or the id of the user, from the first request of the call.
    ///
    /// Empty if this server has not seen that request.
    #[must_use]
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// Returns the number that was called, or the access code.
    #[must_use]
    pub fn called(&self) -> &str {
        &self.called
    }

    /// Returns when this server received the first request of the call.
    #[must_use]
    pub fn started(&self) -> &CallTime {
        &self.started
    }

    /// Plays, records or shows something, and collects the caller's input: `outaction` 9.
    ///
    /// `language` applies to speech synthesis and to speech recognition.
    #[must_use]
    pub fn interact(&self, prompt: Prompt<'_>, language: Language) -> InteractOutParams {
        InteractOutParams::from_prompt(self.id(), prompt, language)
    }

    /// Transfers the call: `outaction` 11.
    #[must_use]
    pub fn transfer(&self, route: Route<'_>) -> TransferOutParams {
        TransferOutParams::from_route(self.id(), self.caller(), route)
    }

    /// Queries a queue or switches the media: `outaction` 12.
    #[must_use]
    pub fn query(&self, query: QueryType) -> QueryOutParams {
        QueryOutParams::new(self.id(), query)
    }

    /// Releases the call with the reason that the flow is completed: `outaction` 10.
    ///
    /// The IVR releases the call and reports that with `hangup`.
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

// The caller's number is private.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("tenant_space", &self.tenant_space)
            .field("caller", &Hidden)
            .field("called", &self.called)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// What the IVR does next.
///
/// Create one with the methods of [`Call`].
///
/// ```
/// use callbot::odfs::{Action, TransferOutParams, Route};
///
/// let to_agent = TransferOutParams::from_route("call-1", "13500000001", Route::Agent("1001"));
/// assert!(matches!(Action::from(to_agent), Action::Transfer(_)));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Play, record or show something, and collect the caller's input.
    Interact(Box<InteractOutParams>),
    /// Transfer the call.
    Transfer(Box<TransferOutParams>),
    /// Query a queue or switch the media.
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
