//! The scripts that Redis runs. Each is one step of a call: nothing else happens to the call meanwhile.

use std::sync::OnceLock;

use redis::{Cmd, Pipeline, Value};

/// The number of scripts.
const COUNT: usize = 9;

#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    Open,
    Hold,
    Write,
    Leave,
    Abort,
    Claim,
    Remove,
    Check,
    Index,
}

impl Script {
    const ALL: [Self; COUNT] = [
        Self::Open,
        Self::Hold,
        Self::Write,
        Self::Leave,
        Self::Abort,
        Self::Claim,
        Self::Remove,
        Self::Check,
        Self::Index,
    ];

    fn source(self) -> String {
        let own = match self {
            Self::Open => include_str!("open.lua"),
            Self::Hold => include_str!("hold.lua"),
            Self::Write => include_str!("write.lua"),
            Self::Leave => include_str!("leave.lua"),
            Self::Abort => include_str!("abort.lua"),
            Self::Claim => include_str!("claim.lua"),
            Self::Remove => include_str!("remove.lua"),
            Self::Check => include_str!("check.lua"),
            // It is about no single call.
            Self::Index => return include_str!("index.lua").to_owned(),
        };
        format!("{}\n{own}", include_str!("call.lua"))
    }
}

/// The names that Redis has given to the scripts: hashes of their sources.
#[derive(Debug, Default)]
pub(super) struct Hashes(OnceLock<Vec<String>>);

impl Hashes {
    /// Returns the commands that load all scripts.
    pub(super) fn load() -> Pipeline {
        let mut commands = redis::pipe();
        for script in Script::ALL {
            commands.cmd("SCRIPT").arg("LOAD").arg(script.source());
        }
        commands
    }

    /// Keeps the answers to [`load`](Self::load). Returns `false` if they are not what they should be.
    pub(super) fn keep(&self, answers: Vec<Value>) -> bool {
        let hashes: Result<Vec<String>, _> =
            answers.into_iter().map(redis::from_redis_value).collect();
        match hashes {
            Ok(hashes) if hashes.len() == COUNT => {
                // The same sources have the same hashes.
                let _ = self.0.set(hashes);
                true
            }
            _ => false,
        }
    }

    /// Returns a command that runs a script.
    pub(super) fn run(&self, script: Script) -> Cmd {
        let hashes = self.0.get();
        let hash = hashes.and_then(|hashes| hashes.get(script as usize));
        let mut command = redis::cmd("EVALSHA");
        // Redis answers that it does not know an empty one, and then they are loaded.
        command.arg(hash.map_or("", String::as_str));
        command
    }
}
