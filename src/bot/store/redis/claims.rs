//! The index of calls, and the claim of those that are idle or have ended.

use std::time::Duration;

use redis::Cmd;

use super::keys::Keys;
use super::scripts::Script;
use super::{RedisStore, keys, millis, run};
use crate::bot::input::CallKey;
use crate::bot::store::{Claim, Claimed, Lease, StoreError};

/// How many entries of the index a claim asks for, and how often.
const PAGE: usize = 32;
const PAGES: usize = 32;

impl RedisStore {
    /// Returns the command that runs an operation on the index of a platform.
    fn index(&self, platform: &str, operation: &str, arguments: &[&str]) -> Cmd {
        let mut command = self.client.hashes.run(Script::Index);
        command.arg(2).arg(self.names.index(platform).as_slice());
        command.arg(operation).arg(&self.ttl).arg(arguments);
        command
    }

    /// Enters a call that is about to end into the index, so that its end is handled even if this process dies.
    pub(super) async fn index_end(
        &self,
        call: &CallKey,
        name: &str,
        again: Duration,
    ) -> Result<(), StoreError> {
        let command = self.index(&call.platform, "end", &[name, &millis(again)]);
        run(&self.client, command).await.map(drop)
    }

    /// Enters a new call, without making its turn wait: nobody looks for the entry before the call is idle. If
    /// it fails, or this process dies first, the second opening of the call does it again.
    ///
    /// The entry may arrive after the call has ended. It is then what each call leaves in the index: a claim
    /// finds no call, and removes it.
    pub(super) fn enter(&self, call: &CallKey, keys: &Keys, epoch: u64) {
        let command = self.index(&call.platform, "enter", &[&keys.name, &epoch.to_string()]);
        // The entry must not go with the store, so the task has the client alone.
        let (client, call) = (self.client.clone(), call.clone());
        // These tasks need no limit. Each follows an opening that Redis has answered, so their number is
        // bounded by that of the turns, and none begins while Redis hangs. Each ends within the timeout of
        // the client.
        tokio::spawn(async move {
            if let Err(error) = run(&client, command).await {
                tracing::warn!(
                    %call, %error,
                    "a call could not be indexed: it may end without notice unless it goes on"
                );
            }
        });
    }

    /// Claims idle or ended calls.
    pub(super) async fn claim_kind(
        &self,
        kind: &'static str,
        claim: &Claim,
        claimed: &mut Vec<Claimed>,
    ) -> Result<(), StoreError> {
        let platform = claim.platform.name();
        // Entries that this version has to leave to a newer one.
        let mut skipped = 0_usize;
        for _ in 0..PAGES {
            let (offset, page) = (skipped.to_string(), PAGE.to_string());
            let due = [kind, &millis(claim.idle), &offset, &page];
            let mut due = run(&self.client, self.index(platform, "due", &due)).await?;
            let mut count = 0;
            while !due.is_empty() {
                if claimed.len() >= claim.max {
                    return Ok(());
                }
                count += 1;
                let (name, score) = (due.text()?, due.text()?);
                let (next, is_newer) = match keys::call(&name) {
                    Some(call) => self.claim_call(kind, claim, &call, claimed).await?,
                    None => (String::new(), false),
                };
                if is_newer {
                    skipped += 1;
                } else {
                    let correction = [kind, &name, &score, &next];
                    run(&self.client, self.index(platform, "correct", &correction)).await?;
                }
            }
            if count < PAGE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Claims a call, or what was set aside of it. Returns when its entry in the index is due next, or an empty
    /// text for never, and whether it has to stay for a newer version.
    async fn claim_call(
        &self,
        kind: &'static str,
        claim: &Claim,
        call: &CallKey,
        claimed: &mut Vec<Claimed>,
    ) -> Result<(String, bool), StoreError> {
        let keys = self.names.keys(call);
        if kind == "idle" {
            self.index_end(call, &keys.name, claim.again).await?;
        }
        let mut command = self.script(Script::Claim, &keys);
        command.arg(kind).arg(self.nonce()).arg(millis(claim.idle)).arg(millis(claim.again));
        command.arg(claim.version).arg(claim.max.saturating_sub(claimed.len()));
        let mut answer = run(&self.client, command).await?;
        let (next, is_newer) = (answer.text()?, answer.text()? == "1");
        while !answer.is_empty() {
            let (epoch, unsettled) = (answer.number()?, answer.time()?);
            match self.record_aside(&keys, epoch).await {
                Ok((record, why)) => {
                    let lease = Lease::new(call.clone(), None, epoch);
                    claimed.push(Claimed::new(lease, record, why, unsettled));
                }
                Err(StoreError::Gone) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((next, is_newer))
    }
}
