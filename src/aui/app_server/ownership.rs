//! Whose the instances and the channels are, and for how long that is remembered.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::super::admission::{foreign, invalid, no_instance};
use super::super::ice::Region;
use super::super::{Ownership, Principal, Resource};
use crate::clock::SharedClock;
use crate::lock::Mutex;
use crate::server::Error;

/// How long an instance counts after it was named, and a channel with an agent.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many agents of a channel are known by name.
const AGENTS: usize = 16;
/// The length of the ids of the channels that this server makes.
const MADE_CHANNEL: usize = 32;
/// The longest id of a channel, in bytes.
const LONGEST_CHANNEL: usize = 64;
/// How many characters a user id must leave open of an agent's name that it begins.
const OPEN: usize = 16;
/// How long an instance that was stopped can be asked about, in seconds.
const STOPPED: i64 = 60 * 60;

/// Who owns which instance and which channel.
pub(super) struct Ledger {
    pub clock: SharedClock,
    /// The number of instances, and of channels, that are remembered.
    pub max_instances: usize,
    /// The number of instances, and of channels, that are remembered of one caller.
    pub max_instances_per_caller: usize,
    /// The length that the ids of channels have that callers name; `None` for any.
    pub channel_id_length: Option<usize>,
    known: Mutex<Known>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            clock: SharedClock::default(),
            max_instances: 100_000,
            max_instances_per_caller: 1_000,
            channel_id_length: Some(MADE_CHANNEL),
            known: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct Known {
    instances: HashMap<String, Instance>,
    channels: HashMap<String, Channel>,
    owners: HashMap<Principal, Owned>,
    /// What is about to be remembered: the upstream has been asked, and has not answered.
    pending: usize,
    /// When what is over was last looked for.
    swept: i64,
}

/// The ids of what a caller owns, the oldest first.
#[derive(Default)]
struct Owned {
    instances: VecDeque<String>,
    channels: VecDeque<String>,
}

/// Whose an instance is, and for how long that counts.
struct Instance {
    owner: Principal,
    region: Option<Region>,
    /// The channel that was made for it.
    channel_id: Option<String>,
    stopped: bool,
    /// Unix time in seconds.
    until: i64,
}

/// Whose a channel is, and for how long that counts.
struct Channel {
    owner: Principal,
    /// The names of the agents that came last.
    agents: VecDeque<String>,
    /// Unix time in seconds.
    until: i64,
}

impl Known {
    /// Whether there is room for one more instance or channel, once what is over is forgotten.
    fn has_room(&mut self, max: usize, now: i64) -> bool {
        // To look at all of them for each request would cost more than the request.
        if self.is_full(max) && now.saturating_sub(self.swept) >= 10 {
            self.sweep(now);
        }
        !self.is_full(max)
    }

    /// Forgets what is over.
    fn sweep(&mut self, now: i64) {
        self.swept = now;
        let Self { instances, channels, owners, .. } = self;
        instances.retain(|_, instance| instance.until > now);
        channels.retain(|_, channel| channel.until > now);
        owners.retain(|owner, owned| {
            owned.instances.retain(|id| instances.get(id).is_some_and(|it| it.owner == *owner));
            owned.channels.retain(|id| channels.get(id).is_some_and(|it| it.owner == *owner));
            !owned.instances.is_empty() || !owned.channels.is_empty()
        });
    }

    /// Makes an instance the caller's. Its oldest one is forgotten if it has more than `max`.
    fn add_instance(&mut self, id: &str, instance: Instance, max: usize) {
        let Self { instances, owners, .. } = self;
        let owner = instance.owner.clone();
        let before = instances.insert(id.into(), instance);
        if before.is_some_and(|before| before.owner == owner) {
            return;
        }
        let ids = &mut owners.entry(owner.clone()).or_default().instances;
        ids.push_back(id.into());
        while ids.len() > max.max(1)
            && let Some(oldest) = ids.pop_front()
        {
            // The id may have gone to another caller since.
            if instances.get(&oldest).is_some_and(|instance| instance.owner == owner) {
                instances.remove(&oldest);
            }
        }
    }

    /// Makes a channel the caller's. Its oldest one is forgotten if it has more than `max`.
    fn add_channel(&mut self, id: &str, channel: Channel, max: usize) {
        let Self { channels, owners, .. } = self;
        let owner = channel.owner.clone();
        let before = channels.insert(id.into(), channel);
        if before.is_some_and(|before| before.owner == owner) {
            return;
        }
        let ids = &mut owners.entry(owner.clone()).or_default().channels;
        ids.push_back(id.into());
        while ids.len() > max.max(1)
            && let Some(oldest) = ids.pop_front()
        {
            if channels.get(&oldest).is_some_and(|channel| channel.owner == owner) {
                channels.remove(&oldest);
            }
        }
    }

    /// Checks that a token for `user_id` in the channel `id` opens nothing else.
    ///
    /// What a token's hash covers has no separators, so a token for user `2bob` in channel `room1` is
    /// also one for user `bob` in channel `room12`. Wherever the channel's id may be read to end, no
    /// channel of another caller may end there, and what is left must not be read as an agent's name.
    fn check_token(
        &self,
        caller: &Principal,
        id: &str,
        user_id: &str,
        now: i64,
    ) -> Result<(), Error> {
        let joined = [id, user_id].concat();
        for end in 1..=LONGEST_CHANNEL {
            let Some((channel_id, user_id)) = joined.split_at_checked(end) else { break };
            let channel = self.channels.get(channel_id).filter(|channel| channel.until > now);
            let Some(channel) = channel.filter(|_| !user_id.is_empty()) else { continue };
            if channel.owner != *caller {
                return Err(foreign("channel"));
            }
            if channel.agents.iter().any(|agent| speaks_as(user_id, agent)) {
                return Err(invalid("/user_id: the name of the agent, allowed: another one"));
            }
        }
        Ok(())
    }

    fn is_full(&self, max: usize) -> bool {
        self.instances.len().max(self.channels.len()) + self.pending >= max
    }
}

/// How an agent has joined.
pub(super) struct Joined<'a> {
    pub channel_id: &'a str,
    pub agent_user_id: &'a str,
    /// The channel was made for it.
    pub fresh: bool,
}

/// Room for one instance and its channel, for as long as the upstream is asked.
pub(super) struct Room<'a>(&'a Mutex<Known>);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.lock().pending -= 1;
    }
}

impl Ledger {
    /// Returns whose an instance or a channel is.
    pub(super) fn ownership(&self, caller: &Principal, resource: Resource<'_>) -> Ownership {
        let now = self.clock.seconds();
        let known = self.known.lock();
        let held = match resource {
            Resource::Instance(id) => {
                known.instances.get(id).map(|instance| (&instance.owner, instance.until))
            }
            Resource::Channel(id) => {
                known.channels.get(id).map(|channel| (&channel.owner, channel.until))
            }
        };
        match held.filter(|(_, until)| *until > now) {
            Some((owner, _)) if owner == caller => Ownership::Own,
            Some(_) => Ownership::Foreign,
            None => Ownership::Unknown,
        }
    }

    /// Keeps room for an instance and its channel.
    pub(super) fn room(&self) -> Result<Room<'_>, Error> {
        let mut known = self.known.lock();
        if !known.has_room(self.max_instances, self.clock.seconds()) {
            return Err(full());
        }
        known.pending += 1;
        Ok(Room(&self.known))
    }

    /// Until when something counts that is named now.
    fn until(&self) -> i64 {
        self.clock.seconds().saturating_add_unsigned(DAY.as_secs())
    }

    /// Makes a new instance and its channel the caller's own.
    pub(super) fn hold(
        &self,
        caller: &Principal,
        id: &str,
        joined: Joined<'_>,
        region: Option<&Region>,
    ) {
        let until = self.until();
        let instance = Instance {
            owner: caller.clone(),
            region: region.cloned(),
            channel_id: joined.fresh.then(|| joined.channel_id.into()),
            stopped: false,
            until,
        };
        let max = self.max_instances_per_caller;
        let mut known = self.known.lock();
        known.add_instance(id, instance, max);
        let before = known.channels.get_mut(joined.channel_id);
        let mut agents =
            before.map(|channel| std::mem::take(&mut channel.agents)).unwrap_or_default();
        if agents.len() == AGENTS {
            agents.pop_front();
        }
        agents.push_back(joined.agent_user_id.into());
        let channel = Channel { owner: caller.clone(), agents, until };
        known.add_channel(joined.channel_id, channel, max);
    }

    /// Checks a channel that the caller names, and makes it the caller's for `time` at least.
    ///
    /// The caller gets a token for `user_id` in the channel, or may have one already. Neither must open
    /// more than that, however its hash is cut anew: not a channel of another caller, and not the name of
    /// an agent.
    pub(super) fn claim_channel(
        &self,
        caller: &Principal,
        id: &str,
        user_id: &str,
        time: Duration,
    ) -> Result<(), Error> {
        let now = self.clock.seconds();
        let until = now.saturating_add_unsigned(time.as_secs());
        let known = &mut *self.known.lock();
        known.check_token(caller, id, user_id, now)?;
        match known.channels.get_mut(id).filter(|channel| channel.until > now) {
            Some(channel) => channel.until = channel.until.max(until),
            None => {
                if let Some(length) = self.channel_id_length.filter(|length| id.len() != *length) {
                    let found = id.len();
                    return Err(invalid(format!(
                        "/channel_id: {found} characters, allowed: {length}"
                    )));
                }
                if !known.has_room(self.max_instances, now) {
                    return Err(full());
                }
                let channel = Channel { owner: caller.clone(), agents: VecDeque::new(), until };
                known.add_channel(id, channel, self.max_instances_per_caller);
            }
        }
        Ok(())
    }

    /// The region of an instance of the caller, who names it now.
    pub(super) fn region_of(&self, caller: &Principal, id: &str) -> Result<Option<Region>, Error> {
        let (now, until) = (self.clock.seconds(), self.until());
        let mut known = self.known.lock();
        match known.instances.get_mut(id).filter(|instance| instance.until > now) {
            Some(instance) if instance.owner == *caller => {
                if !instance.stopped {
                    instance.until = until;
                }
                Ok(instance.region.clone())
            }
            Some(_) => Err(foreign("instance")),
            None => Err(no_instance()),
        }
    }

    /// Notes that an instance was stopped: it, and a channel that was made for it, are soon forgotten.
    pub(super) fn stopped(&self, id: &str) {
        let until = self.clock.seconds().saturating_add(STOPPED);
        let known = &mut *self.known.lock();
        if let Some(instance) = known.instances.get_mut(id) {
            instance.stopped = true;
            instance.until = instance.until.min(until);
            let channel = instance.channel_id.as_ref().and_then(|id| known.channels.get_mut(id));
            if let Some(channel) = channel {
                channel.until = channel.until.min(until);
            }
        }
    }
}

/// Whether a token for `user_id` could be read as one for `agent`. A name that goes on behind the
/// agent's could have its rest read as the nonce. One that stops before the end of the agent's could
/// be completed by a nonce, unless so much is missing that no nonce will fit by chance.
fn speaks_as(user_id: &str, agent: &str) -> bool {
    user_id.starts_with(agent)
        || agent.strip_prefix(user_id).is_some_and(|missing| missing.len() < OPEN)
}

fn full() -> Error {
    Error::public("too many instances").status(503).code("ServiceUnavailable")
}
