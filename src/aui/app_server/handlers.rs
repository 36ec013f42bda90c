//! The handlers of an app server: what each operation checks, asks of the upstream and answers.

use std::sync::Arc;
use std::time::Duration;

use super::ownership::{self, Joined};
use super::{AppServer, Start, answered};
use crate::aicall::AgentType;
use crate::aui::admission::{filled, forbidden, invalid, missing};
use crate::aui::ice::Region;
use crate::aui::tokens::{ChatTokens, random_id};
use crate::aui::{
    Api, ChatTokenAnswer, ChatTokenAnswerFields, ChatTokenRequest, DescribeInstanceRequest,
    GenerateCallRequest, GeneratedCall, GeneratedCallFields, InstanceDescription,
    InstanceInChannel, Ownership, Principal, Resource, RtcTokenAnswer, RtcTokenRequest,
    StartInstanceInChannelRequest, StartInstanceRequest, StartedInstance, StartedInstanceFields,
    StopInstanceRequest, UpdateInstanceRequest, Upstream, UpstreamError, ice, operations,
};
use crate::observe::{AgentStopped, Event};
use crate::server::Error;
use crate::wire::Validate;

impl<U: Upstream> Api for AppServer<U> {
    async fn owns(&self, caller: &Principal, resource: Resource<'_>) -> Result<Ownership, Error> {
        Ok(self.ledger.ownership(caller, resource))
    }

    async fn generate_call(
        &self,
        caller: &Principal,
        mut request: GenerateCallRequest,
    ) -> Result<GeneratedCall, Error> {
        request.template_config.get_or_insert_default();
        check(&request)?;
        let agent_type = request.workflow_type;
        let agent_id = match (request.agent_id.as_deref().and_then(filled), &agent_type) {
            (Some(agent_id), _) => agent_id,
            (None, Some(agent_type)) => self.agent_of(agent_type)?,
            (None, None) => return Err(missing("ai_agent_id")),
        };
        let user_id = match request.user_id.as_deref().and_then(filled) {
            Some(user_id) => user_id.to_owned(),
            None => random_id()?,
        };
        let expire = stated(request.expire).unwrap_or(self.tokens.default_lifetime());
        let region = check_region(request.region.as_deref())?;
        let _room = self.ledger.room()?;
        let mut call =
            ice::GenerateCallRequest::new(agent_id).with_user_id(user_id).with_expire(expire);
        let mut wanted =
            self.policy.admit(operations::GENERATE_AI_AGENT_CALL.id, request.agent_config, request.template_config)?;
        let of = self.type_of(agent_id, agent_type.as_ref());
        self.policy.complete(of, &mut wanted)?;
        let mut dropped = wanted.dropped;
        call.agent_config = wanted.agent_config;
        call.template_config = wanted.template_config;
        call.chat_sync_config = request.chat_sync_config;
        call.session_id = request.session_id;
        call.user_data = request.user_data;
        let upstream = Arc::clone(&self.upstream);
        let at = region.clone();
        let ask = async move { upstream.generate(at.as_ref(), call).await };
        let made = self.make(
            &operations::GENERATE_AI_AGENT_CALL,
            region.clone(),
            ask,
            |made| &made.instance_id,
        );
        let made = made.await;
        let made = answered(made, &mut dropped, |made| &made.request_id)?;
        let (channel_id, agent_user_id) = (&*made.channel_id, &*made.agent_user_id);
        let joined = Joined { channel_id, agent_user_id, fresh: true };
        self.ledger.hold(caller, &made.instance_id, joined, region.as_ref());
        let mut answer = GeneratedCall::new(GeneratedCallFields {
            rtc_token: made.token,
            agent_id,
            agent_user_id: &made.agent_user_id,
            channel_id: &made.channel_id,
            instance_id: &made.instance_id,
        });
        answer.workflow_type = match made.workflow_type {
            Some(made) => made.parse().ok(),
            // A caller may name any type beside the agent; only documented ones are written.
            None => agent_type.filter(|named| !matches!(named, AgentType::Unknown(_))),
        };
        answer.request_id = made.request_id;
        Ok(answer)
    }

    async fn start_instance(
        &self,
        caller: &Principal,
        request: StartInstanceRequest,
    ) -> Result<StartedInstance, Error> {
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check(&request)?;
        let expire = capped(request.expire, self.tokens.default_lifetime());
        let agent_id = self.agent_of(&request.workflow_type)?;
        let _room = self.ledger.room()?;
        let channel_id = random_id()?;
        let token = self.tokens.issue_for(&channel_id, user_id, expire)?;
        let start = Start {
            operation: &operations::START_AI_AGENT_INSTANCE,
            agent_id,
            agent_type: request.workflow_type.clone(),
            channel_id: &channel_id,
            fresh: true,
            region: None,
            template_config: request.template_config,
            agent_config: request.agent_config,
            chat_sync_config: request.chat_sync_config,
            session_id: request.session_id,
            user_data: request.user_data,
        };
        let started = self.start_in(caller, start).await?;
        let mut answer = StartedInstance::new(StartedInstanceFields {
            instance_id: &started.instance_id,
            rtc_token: token.encode(),
            agent_user_id: &started.agent_user_id,
            channel_id: &channel_id,
        });
        answer.request_id = started.request_id;
        Ok(answer)
    }

    async fn stop_instance(
        &self,
        caller: &Principal,
        request: StopInstanceRequest,
    ) -> Result<(), Error> {
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.ledger.region_of(caller, id)?;
        let stop = ice::StopInstanceRequest::new(id);
        self.upstream.stop(region.as_ref(), stop).await.map_err(UpstreamError::into_error)?;
        self.ledger.stopped(id);
        let operation = operations::STOP_AI_AGENT_INSTANCE.id;
        let stopped = AgentStopped { instance: id, operation };
        self.observers.emit(&Event::AgentStopped(&stopped));
        Ok(())
    }

    async fn update_instance(
        &self,
        caller: &Principal,
        mut request: UpdateInstanceRequest,
    ) -> Result<(), Error> {
        if request.agent_config.is_none() && request.template_config.is_none() {
            return Err(missing("template_config"));
        }
        request.template_config.get_or_insert_default();
        check(&request)?;
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.ledger.region_of(caller, id)?;
        let mut update = ice::UpdateInstanceRequest::new(id);
        let wanted =
            self.policy.admit(operations::UPDATE_AI_AGENT_INSTANCE.id, request.agent_config, request.template_config)?;
        let mut dropped = wanted.dropped;
        update.agent_config = wanted.agent_config;
        update.template_config = wanted.template_config;
        let updated = self.upstream.update(region.as_ref(), update).await;
        answered(updated, &mut dropped, |updated| &updated.request_id).map(drop)
    }

    async fn chat_token(
        &self,
        _: &Principal,
        mut request: ChatTokenRequest,
    ) -> Result<ChatTokenAnswer, Error> {
        let Some(tokens) = &self.chat else { return Err(Error::unsupported()) };
        filled(&request.agent_id).ok_or_else(|| missing("ai_agent_id"))?;
        // Apps ask for the lifetime of a join token, and get the longest that a chat token can have.
        request.expire = request.expire.map(|expire| expire.min(ChatTokens::LONGEST));
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check(&request)?;
        let role = request.role.as_deref().unwrap_or_default();
        if !role.is_empty() && !self.admin_chats {
            return Err(forbidden("/role: this server does not issue tokens for the role `admin`"));
        }
        let expire = capped(request.expire, tokens.default_lifetime());
        let token = tokens.issue_for(user_id, role, expire)?;
        Ok(ChatTokenAnswer::new(ChatTokenAnswerFields {
            app_id: &token.app_id,
            app_sign: token.app_sign,
            token: token.token,
            user_id: &token.user_id,
            expires_at: token.timestamp,
        })
        .with_nonce(token.nonce)
        .with_role(token.role))
    }

    async fn start_instance_in_channel(
        &self,
        caller: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> Result<InstanceInChannel, Error> {
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        let agent_id = filled(&request.agent_id).ok_or_else(|| missing("ai_agent_id"))?;
        let channel_id = filled(&request.channel_id).ok_or_else(|| missing("channel_id"))?;
        let region = check_region(Some(&request.region))?.ok_or_else(|| missing("region"))?;
        check(&request)?;
        let _room = self.ledger.room()?;
        // For as long as an instance is remembered.
        self.ledger.claim_channel(caller, channel_id, user_id, ownership::DAY)?;
        let start = Start {
            operation: &operations::START_AI_AGENT_INSTANCE_WITH_CHANNEL,
            agent_id,
            agent_type: request.workflow_type,
            channel_id,
            fresh: false,
            region: Some(region),
            template_config: request.template_config,
            agent_config: request.agent_config,
            chat_sync_config: request.chat_sync_config,
            session_id: request.session_id,
            user_data: request.user_data,
        };
        let started = self.start_in(caller, start).await?;
        let mut answer = InstanceInChannel::new(started.instance_id, started.agent_user_id);
        answer.request_id = started.request_id;
        Ok(answer)
    }

    async fn describe_instance(
        &self,
        caller: &Principal,
        request: DescribeInstanceRequest,
    ) -> Result<InstanceDescription, Error> {
        filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.ledger.region_of(caller, id)?;
        let describe = ice::DescribeInstanceRequest::new(id);
        let described = self.upstream.describe(region.as_ref(), describe).await;
        let described = described.map_err(UpstreamError::into_error)?;
        let instance = described.instance;
        // The web client fails without a configuration.
        let (agent_config, template_config) =
            self.policy.shown(instance.agent_config, instance.template_config)?;
        let mut answer = InstanceDescription::new()
            .with_agent_config(agent_config)
            .with_template_config(template_config);
        answer.status = instance.status;
        answer.call_log_url = instance.call_log_url;
        answer.user_data = instance.user_data;
        answer.runtime_config = instance.runtime_config.map(without_token);
        answer.request_id = described.request_id;
        Ok(answer)
    }

    async fn rtc_token(
        &self,
        caller: &Principal,
        request: RtcTokenRequest,
    ) -> Result<RtcTokenAnswer, Error> {
        let user_id = request.user_id.as_deref().and_then(filled);
        let user_id = user_id.ok_or_else(|| missing("user_id"))?;
        check(&request)?;
        let channel_id = match request.channel_id.as_deref().and_then(filled) {
            Some(channel_id) => channel_id.to_owned(),
            None => random_id()?,
        };
        let lifetime = self.tokens.default_lifetime();
        self.ledger.claim_channel(caller, &channel_id, user_id, lifetime)?;
        let token = self.tokens.issue(&channel_id, user_id)?;
        Ok(RtcTokenAnswer::new(token.encode(), token.expires_at).with_channel_id(channel_id))
    }
}

/// Removes the agent's token, because its holder can speak as the agent.
fn without_token(mut config: ice::InstanceRuntimeConfig) -> ice::InstanceRuntimeConfig {
    config.auth_token = None;
    let parts = [&mut config.voice_chat, &mut config.vision_chat, &mut config.avatar_chat_3d];
    for part in parts.into_iter().flatten() {
        part.auth_token = None;
    }
    config
}

/// Refuses a request that breaks a rule of the spec.
fn check(request: &impl Validate) -> Result<(), Error> {
    request.validate().map_err(|violations| invalid(violations.to_string()))
}

/// Returns `expire` unless it is zero, which means that the request sets none.
fn stated(expire: Option<Duration>) -> Option<Duration> {
    expire.filter(|expire| !expire.is_zero())
}

/// Returns `expire`, but at most `max`, and `max` if the request sets none.
fn capped(expire: Option<Duration>, max: Duration) -> Duration {
    stated(expire).map_or(max, |expire| expire.min(max))
}

/// Parses the id of a region. The upstream decides whether the region is allowed.
fn check_region(region: Option<&str>) -> Result<Option<Region>, Error> {
    let Some(region) = region.and_then(filled) else { return Ok(None) };
    match region.parse() {
        Ok(region) => Ok(Some(region)),
        Err(_) => {
            let shown: String = region.chars().take(64).collect();
            Err(invalid(format!("/region: {shown:?}, allowed: a region id such as `cn-shanghai`")))
        }
    }
}
