//! Who owns the instances and the channels, and for how long that is remembered.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::admission::{foreign, invalid, no_instance};
use super::super::ice::Region;
use super::super::{Ownership, Principal, Resource};
use super::entries::{Entries, Owned};
use crate::clock::SharedClock;
use crate::lock::Mutex;
use crate::server::Error;

/// How long an instance and its channel are remembered after the instance was last named.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many agents of a channel are remembered by name.
const AGENTS: usize = 16;
/// The length of the ids of the channels that this server creates.
const MADE_CHANNEL: usize = 32;
/// The longest id of a channel, in bytes.
const LONGEST_CHANNEL: usize = 64;
/// How many characters of an agent's name must be missing from a user id that is its prefix.
const OPEN: usize = 16;
/// How long a stopped instance is remembered, in seconds.
const STOPPED: i64 = 60 * 60;

/// The owners of the instances and the channels.
pub(super) struct Ledger {
    pub clock: SharedClock,
    /// The most instances, and the most channels, that are remembered.
    pub max_instances: usize,
    /// The most instances, and the most channels, that are remembered of one caller.
    pub max_instances_per_caller: usize,
    /// The length of a new channel's id that a caller may name; `None` for any.
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
    instances: Entries<Instance>,
    channels: Entries<Channel>,
    /// The number of instances for which the upstream was asked and has not answered yet.
    pending: usize,
    /// When expired entries were last removed, as Unix time in seconds.
    swept: i64,
}

/// The owner of an instance, and for how long it is remembered.
struct Instance {
    owner: Principal,
    region: Option<Region>,
    /// The channel that was created for the instance.
    channel_id: Option<String>,
    stopped: bool,
    /// When the instance is forgotten, as Unix time in seconds.
    until: i64,
}

/// The owner of a channel, and for how long it is remembered.
struct Channel {
    owner: Principal,
    /// The names of the agents that joined last.
    agents: VecDeque<String>,
    /// When the channel is forgotten, as Unix time in seconds.
    until: i64,
}

impl Owned for Instance {
    fn owner(&self) -> &Principal {
        &self.owner
    }

    fn until(&self) -> i64 {
        self.until
    }
}

impl Owned for Channel {
    fn owner(&self) -> &Principal {
        &self.owner
    }

    fn until(&self) -> i64 {
        self.until
    }
}

impl Known {
    /// Returns whether there is room for one more instance or channel. Removes expired entries first,
    /// at most every 10 s.
    fn has_room(&mut self, max: usize, now: i64) -> bool {
        // Scanning all entries for each request would cost more than the request.
        if self.is_full(max) && now.saturating_sub(self.swept) >= 10 {
            self.swept = now;
            self.instances.sweep(now);
            self.channels.sweep(now);
        }
        !self.is_full(max)
    }

    /// Checks that a token for `user_id` in the channel `id` is valid for nothing else.
    ///
    /// The hash of a token has no separators between its parts, so a token for user `2bob` in channel
    /// `room1` is also valid for user `bob` in channel `room12`. The joined ids are therefore split at
    /// every position: the first part must not be the channel of another caller, and the rest must not
    /// be the name of an agent in a channel of this caller.
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
            let channel = self.channels.get(channel_id, now).filter(|_| !user_id.is_empty());
            let Some(channel) = channel else { continue };
            if channel.owner != *caller {
                return Err(foreign("channel"));
            }
            if channel.agents.iter().any(|agent| speaks_as(user_id, agent)) {
                return Err(invalid("/user_id: the name of an agent, allowed: another name"));
            }
        }
        Ok(())
    }

    fn is_full(&self, max: usize) -> bool {
        self.instances.len().max(self.channels.len()) + self.pending >= max
    }
}

/// How an agent joined its channel.
pub(super) struct Joined<'a> {
    pub channel_id: &'a str,
    pub agent_user_id: &'a str,
    /// Whether the channel was created for the agent.
    pub fresh: bool,
}

/// Reserved room for one instance and its channel, until the upstream has answered.
pub(super) struct Room<'a>(&'a Mutex<Known>);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.lock().pending -= 1;
    }
}

impl Ledger {
    /// Returns who owns an instance or a channel.
    pub(super) fn ownership(&self, caller: &Principal, resource: Resource<'_>) -> Ownership {
        let now = self.clock.seconds();
        let known = self.known.lock();
        let owner = match resource {
            Resource::Instance(id) => known.instances.get(id, now).map(Owned::owner),
            Resource::Channel(id) => known.channels.get(id, now).map(Owned::owner),
        };
        match owner {
            Some(owner) if owner == caller => Ownership::Own,
            Some(_) => Ownership::Foreign,
            None => Ownership::Unknown,
        }
    }

    /// Reserves room for an instance and its channel.
    pub(super) fn room(&self) -> Result<Room<'_>, Error> {
        let mut known = self.known.lock();
        if !known.has_room(self.max_instances, self.clock.seconds()) {
            return Err(full());
        }
        known.pending += 1;
        Ok(Room(&self.known))
    }

    /// Returns when an instance that is named now will be forgotten.
    fn until(&self) -> i64 {
        self.clock.seconds().saturating_add_unsigned(DAY.as_secs())
    }

    /// Records the caller as the owner of a new instance and its channel.
    pub(super) fn hold(
        &self,
        caller: &Principal,
        id: &str,
        joined: Joined<'_>,
        region: Option<&Region>,
    ) {
        let (now, until) = (self.clock.seconds(), self.until());
        let instance = Instance {
            owner: caller.clone(),
            region: region.cloned(),
            channel_id: joined.fresh.then(|| joined.channel_id.into()),
            stopped: false,
            until,
        };
        let max = self.max_instances_per_caller;
        let mut known = self.known.lock();
        known.instances.add(id, instance, max);
        let before = known.channels.get_mut(joined.channel_id, now);
        let mut agents =
            before.map(|channel| std::mem::take(&mut channel.agents)).unwrap_or_default();
        if agents.len() == AGENTS {
            agents.pop_front();
        }
        agents.push_back(joined.agent_user_id.into());
        let channel = Channel { owner: caller.clone(), agents, until };
        known.channels.add(joined.channel_id, channel, max);
    }

    /// Checks a channel that the caller names, and records the caller as its owner for at least `time`.
    ///
    /// The caller gets a token for `user_id` in the channel, or may have one already. However the parts
    /// of its hash are split, the token must be valid neither for a channel of another caller nor for
    /// the name of an agent.
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
        match known.channels.get_mut(id, now) {
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
                known.channels.add(id, channel, self.max_instances_per_caller);
            }
        }
        Ok(())
    }

    /// Returns the region of an instance of the caller, and remembers the instance for another day.
    pub(super) fn region_of(&self, caller: &Principal, id: &str) -> Result<Option<Region>, Error> {
        let (now, until) = (self.clock.seconds(), self.until());
        let mut known = self.known.lock();
        match known.instances.get_mut(id, now) {
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

    /// Marks an instance as stopped. It, and a channel that was created for it, are forgotten after an
    /// hour.
    pub(super) fn stopped(&self, id: &str) {
        let now = self.clock.seconds();
        let until = now.saturating_add(STOPPED);
        let known = &mut *self.known.lock();
        if let Some(instance) = known.instances.get_mut(id, now) {
            instance.stopped = true;
            instance.until = instance.until.min(until);
            let channel =
                instance.channel_id.as_ref().and_then(|id| known.channels.get_mut(id, now));
            if let Some(channel) = channel {
                channel.until = channel.until.min(until);
            }
        }
    }
}

/// Returns whether a token for `user_id` could also be valid for `agent`.
///
/// If `user_id` starts with the agent's name, the rest could be read as the nonce. If it is a prefix of
/// the agent's name, a nonce could complete it, unless too much is missing for a nonce to match by
/// chance.
fn speaks_as(user_id: &str, agent: &str) -> bool {
    user_id.starts_with(agent)
        || agent.strip_prefix(user_id).is_some_and(|missing| missing.len() < OPEN)
}

fn full() -> Error {
    let error = Error::public("this server has reached its limit of instances and channels");
    error.status(503).code("ServiceUnavailable")
}
