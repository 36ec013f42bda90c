//! What an app server does, and whose things are.

use super::{
    ChatTokenAnswer, ChatTokenRequest, DescribeInstanceRequest, GenerateCallRequest, GeneratedCall,
    InstanceDescription, InstanceInChannel, Principal, RtcTokenAnswer, RtcTokenRequest,
    StartInstanceInChannelRequest, StartInstanceRequest, StartedInstance, StopInstanceRequest,
    UpdateInstanceRequest,
};
use crate::server::Error;

/// What an app server does.
///
/// Serve it with [`router`](super::router), or with a [`Server`](super::Server) to change the settings. Before a handler runs, an
/// [`Authorizer`](super::Authorizer) has said who calls, and [`owns`](Self::owns) that the instance or the channel is the
/// caller's own. [`AppServer`](super::AppServer) is an `Api` that is ready to use.
///
/// A failure is answered with HTTP 200 and a `code` that is not 200: that of
/// [`Error::status`], with [`Error::code`] as `error_code`. A handler has 30 s unless
/// [`Server::deadline`](super::Server::deadline) says otherwise.
pub trait Api: Send + Sync + 'static {
    /// Whose an instance or a channel is. What another caller owns is refused with HTTP 403, an
    /// instance that is not known with code 404; a channel that nobody owns is for the handler.
    fn owns(
        &self,
        caller: &Principal,
        resource: Resource<'_>,
    ) -> impl Future<Output = Result<Ownership, Error>> + Send;

    /// Creates an instance that waits for its user: `generateAIAgentCall`.
    fn generate_call(
        &self,
        caller: &Principal,
        request: GenerateCallRequest,
    ) -> impl Future<Output = Result<GeneratedCall, Error>> + Send;

    /// Starts an instance in a new channel: `startAIAgentInstance`.
    fn start_instance(
        &self,
        caller: &Principal,
        request: StartInstanceRequest,
    ) -> impl Future<Output = Result<StartedInstance, Error>> + Send;

    /// Stops an instance of the caller: `stopAIAgentInstance`.
    ///
    /// A failure is told as it is at [`Base::V2`](super::Base::V2), and as `result: false` at [`Base::V1`](super::Base::V1).
    fn stop_instance(
        &self,
        caller: &Principal,
        request: StopInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Changes an instance of the caller: `updateAIAgentInstance`.
    ///
    /// A failure is told as it is at [`Base::V2`](super::Base::V2), and as `result: false` at [`Base::V1`](super::Base::V1).
    fn update_instance(
        &self,
        caller: &Principal,
        request: UpdateInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Makes a token for the message chat: `generateMessageChatToken`. By default there is none.
    fn chat_token(
        &self,
        caller: &Principal,
        request: ChatTokenRequest,
    ) -> impl Future<Output = Result<ChatTokenAnswer, Error>> + Send {
        let _ = (caller, request);
        async { Err(Error::unsupported()) }
    }

    /// Starts an instance in a channel that is there: `startAIAgentInstanceWithChannel`, at
    /// [`Base::V2`](super::Base::V2).
    fn start_instance_in_channel(
        &self,
        caller: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> impl Future<Output = Result<InstanceInChannel, Error>> + Send;

    /// Tells how an instance of the caller is: `describeAIAgentInstance`, at [`Base::V2`](super::Base::V2).
    fn describe_instance(
        &self,
        caller: &Principal,
        request: DescribeInstanceRequest,
    ) -> impl Future<Output = Result<InstanceDescription, Error>> + Send;

    /// Makes a token for a channel: `getRtcAuthToken`, at [`Base::V2`](super::Base::V2).
    fn rtc_token(
        &self,
        caller: &Principal,
        request: RtcTokenRequest,
    ) -> impl Future<Output = Result<RtcTokenAnswer, Error>> + Send;
}

/// What has an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource<'a> {
    /// An instance, by its id.
    Instance(&'a str),
    /// A channel, by its id.
    Channel(&'a str),
}

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The caller's own.
    Own,
    /// Another one's.
    Foreign,
    /// It is not known.
    Unknown,
}
