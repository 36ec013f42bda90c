//! The operations of an app server, and the owners of instances and channels.

use super::{
    ChatTokenAnswer, ChatTokenRequest, DescribeInstanceRequest, GenerateCallRequest, GeneratedCall,
    InstanceDescription, InstanceInChannel, Principal, RtcTokenAnswer, RtcTokenRequest,
    StartInstanceInChannelRequest, StartInstanceRequest, StartedInstance, StopInstanceRequest,
    UpdateInstanceRequest,
};
use crate::server::Error;

/// The operations of an app server.
///
/// Serve it with [`router`](super::router), or with a [`Server`](super::Server) to change the
/// settings. Before a handler runs, an [`Authorizer`](super::Authorizer) has identified the caller,
/// and [`owns`](Self::owns) has confirmed that the named instance is the caller's and that the named
/// channel is not another caller's. [`AppServer`](super::AppServer) is an `Api` that is ready to use.
///
/// A failure is answered with HTTP 200 and a `code` other than 200: that of [`Error::status`], with
/// [`Error::code`] as `error_code`. A handler may take 30 s unless
/// [`Server::deadline`](super::Server::deadline) sets another limit.
pub trait Api: Send + Sync + 'static {
    /// Returns who owns an instance or a channel. A request that names another caller's is refused
    /// with HTTP 403, and one that names an unknown instance with code 404. A request that names an
    /// unknown channel reaches the handler.
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
    /// An error is answered as a failure at [`Base::V2`](super::Base::V2), and as `result: false` at
    /// [`Base::V1`](super::Base::V1).
    fn stop_instance(
        &self,
        caller: &Principal,
        request: StopInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Changes an instance of the caller: `updateAIAgentInstance`.
    ///
    /// An error is answered as a failure at [`Base::V2`](super::Base::V2), and as `result: false` at
    /// [`Base::V1`](super::Base::V1).
    fn update_instance(
        &self,
        caller: &Principal,
        request: UpdateInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Makes a token for the message chat: `generateMessageChatToken`. By default the operation is
    /// not supported.
    fn chat_token(
        &self,
        caller: &Principal,
        request: ChatTokenRequest,
    ) -> impl Future<Output = Result<ChatTokenAnswer, Error>> + Send {
        let _ = (caller, request);
        async { Err(Error::unsupported()) }
    }

    /// Starts an instance in an existing channel: `startAIAgentInstanceWithChannel`, at
    /// [`Base::V2`](super::Base::V2).
    fn start_instance_in_channel(
        &self,
        caller: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> impl Future<Output = Result<InstanceInChannel, Error>> + Send;

    /// Returns the state and the configuration of an instance of the caller:
    /// `describeAIAgentInstance`, at [`Base::V2`](super::Base::V2).
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

/// An instance or a channel, which a caller can own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource<'a> {
    /// An instance, by its id.
    Instance(&'a str),
    /// A channel, by its id.
    Channel(&'a str),
}

/// Who owns an instance or a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The caller owns it.
    Own,
    /// Another caller owns it.
    Foreign,
    /// The instance or channel is unknown.
    Unknown,
}
