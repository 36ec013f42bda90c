//! Who owns the instances and the channels, and for how long that is remembered.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::admission::{foreign, invalid, no_instance};
use super::super::ice::Region;
use super::super::{Ownership, Principal, Resource};
use crate::clock::SharedClock;
use crate::server::Error;

/// How long an instance or channel is remembered after it was last named, in seconds.
const DAY: i64 = 24 * 60 * 60;
/// How many agents of a channel are remembered by name.
const AGENTS: usize = 16;
/// How long a stopped instance is remembered, in seconds.
const STOPPED: i64 = 60 * 60;

/// The owners of the instances and the channels.
pub(super) struct Ledger {
    pub clock: SharedClock,
    /// The most instances, and the most channels, that are remembered.
    pub max_instances: usize,
    known: Mutex<Known>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { clock: SharedClock::default(), max_instances: 100_000, known: Mutex::default() }
    }
}

#[derive(Default)]
struct Known {
    instances: HashMap<String, Instance>,
    channels: HashMap<String, Channel>,
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

impl Known {
    /// Returns whether there is room for one more instance or channel. Removes expired entries first,
    /// at most every 10 s.
    fn has_room(&mut self, max: usize, now: i64) -> bool {
        // Scanning all entries for each request would cost more than the request.
        if self.is_full(max) && now.saturating_sub(self.swept) >= 10 {
            self.swept = now;
            self.instances.retain(|_, instance| instance.until > now);
            self.channels.retain(|_, channel| channel.until > now);
        }
        !self.is_full(max)
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
        lock(self.0).pending -= 1;
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    // No panic can come between two changes that belong together.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// Returns who owns an instance or a channel.
    pub(super) fn ownership(&self, caller: &Principal, resource: Resource<'_>) -> Ownership {
        let now = self.clock.seconds();
        let known = lock(&self.known);
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

    /// Reserves room for an instance and its channel.
    pub(super) fn room(&self) -> Result<Room<'_>, Error> {
        let mut known = lock(&self.known);
        if !known.has_room(self.max_instances, self.clock.seconds()) {
            return Err(full());
        }
        known.pending += 1;
        Ok(Room(&self.known))
    }

    /// Returns when an instance or channel that is named now will be forgotten.
    fn until(&self) -> i64 {
        self.clock.seconds().saturating_add(DAY)
    }

    /// Records the caller as the owner of a new instance and its channel.
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
        let mut known = lock(&self.known);
        known.instances.insert(id.into(), instance);
        let channel = known.channels.entry(joined.channel_id.into()).or_insert_with(|| Channel {
            owner: caller.clone(),
            agents: VecDeque::new(),
            until,
        });
        channel.owner = caller.clone();
        channel.until = until;
        if channel.agents.len() == AGENTS {
            channel.agents.pop_front();
        }
        channel.agents.push_back(joined.agent_user_id.into());
    }

    /// Records the caller as the owner of a channel, unless another caller owns it. `user_id` must not
    /// be the name of an agent in the channel.
    pub(super) fn claim_channel(
        &self,
        caller: &Principal,
        id: &str,
        user_id: &str,
    ) -> Result<(), Error> {
        let (now, until) = (self.clock.seconds(), self.until());
        let mut known = lock(&self.known);
        match known.channels.get_mut(id).filter(|channel| channel.until > now) {
            Some(channel) if channel.owner == *caller => {
                if channel.agents.iter().any(|agent| agent == user_id) {
                    return Err(invalid("/user_id: the name of an agent, allowed: another name"));
                }
                channel.until = until;
            }
            Some(_) => return Err(foreign("channel")),
            None => {
                if !known.has_room(self.max_instances, now) {
                    return Err(full());
                }
                let agents = VecDeque::new();
                let channel = Channel { owner: caller.clone(), agents, until };
                known.channels.insert(id.into(), channel);
            }
        }
        Ok(())
    }

    /// Returns the region of an instance of the caller, and remembers the instance for another day.
    pub(super) fn region_of(&self, caller: &Principal, id: &str) -> Result<Option<Region>, Error> {
        let (now, until) = (self.clock.seconds(), self.until());
        let mut known = lock(&self.known);
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

    /// Marks an instance as stopped. It, and a channel that was created for it, are forgotten after an
    /// hour.
    pub(super) fn stopped(&self, id: &str) {
        let until = self.clock.seconds().saturating_add(STOPPED);
        let known = &mut *lock(&self.known);
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

fn full() -> Error {
    let error = Error::public("this server has reached its limit of instances and channels");
    error.status(503).code("ServiceUnavailable")
}
