//! The names of keys and channels.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::super::error::StoreError;
use super::client::settings_error;
use crate::bot::input::{CallKey, TurnId};

/// What an id must not contain in a key or a message: braces delimit the hash tag, a line feed the parts
/// of a message. `utf8_percent_encode` also encodes what is not ASCII.
const ID: &AsciiSet = &CONTROLS.add(b'%').add(b'{').add(b'}');
/// The same for an account, which ends at the first slash.
const ACCOUNT: &AsciiSet = &ID.add(b'/');

/// The longest prefix, in bytes. It is part of every key.
const LONGEST: usize = 64;

/// How all keys and channels of a store begin.
#[derive(Debug)]
pub(super) struct Names {
    prefix: String,
}

/// The keys of a call, or of a record that was set aside.
#[derive(Debug)]
pub(super) struct Keys {
    /// The call as the scripts name it.
    pub name: String,
    /// The hash. The names of the other keys begin like it.
    pub hash: String,
}

impl Names {
    pub(super) fn new(prefix: String) -> Result<Self, StoreError> {
        let is_wrong = |c: char| c.is_control() || c == '{' || c == '}';
        if prefix.is_empty() || prefix.len() > LONGEST || prefix.contains(is_wrong) {
            let message = format!(
                "the prefix of keys is {prefix:?}, allowed: 1 to {LONGEST} bytes without braces and \
                 control characters"
            );
            return Err(settings_error(message));
        }
        Ok(Self { prefix })
    }

    pub(super) fn keys(&self, call: &CallKey) -> Keys {
        let name = name(call);
        let hash = format!("{}:{{{name}}}", self.prefix);
        Keys { name, hash }
    }

    /// Returns how the channels of processes begin.
    pub(super) fn channels(&self) -> String {
        format!("{}:to:", self.prefix)
    }

    /// Returns how the keys of nonces begin.
    pub(super) fn nonces(&self) -> String {
        format!("{}:nonce:", self.prefix)
    }

    /// Returns the keys of the index of a platform: of idle calls, and of ended ones.
    pub(super) fn index(&self, platform: &str) -> [String; 2] {
        let Self { prefix } = self;
        ["idle", "ended"].map(|kind| format!("{prefix}:index:{{{platform}}}:{kind}"))
    }
}

impl Keys {
    pub(super) fn history(&self) -> String {
        format!("{}:h", self.hash)
    }

    pub(super) fn notes(&self) -> String {
        format!("{}:n", self.hash)
    }

    /// Returns the epochs of the records that were set aside, by when they are due.
    pub(super) fn aside(&self) -> String {
        format!("{}:z", self.hash)
    }

    /// Returns when the call last ended.
    pub(super) fn ended(&self) -> String {
        format!("{}:x", self.hash)
    }

    /// Returns the keys of the record that was set aside under this epoch.
    pub(super) fn set_aside(&self, epoch: u64) -> Self {
        Self { name: self.name.clone(), hash: format!("{}:z:{epoch}", self.hash) }
    }
}

/// Returns the key of a call as text without braces and control characters.
pub(super) fn name(call: &CallKey) -> String {
    let CallKey { platform, id, account } = call;
    let id = utf8_percent_encode(id, ID);
    match account {
        None => format!("{platform}/{id}"),
        Some(account) => format!("{platform}@{}/{id}", utf8_percent_encode(account, ACCOUNT)),
    }
}

/// Returns the key of a call with this [`name`].
pub(super) fn call(name: &str) -> Option<CallKey> {
    let (owner, id) = name.split_once('/')?;
    let (platform, account) = match owner.split_once('@') {
        Some((platform, account)) => (platform, Some(account)),
        None => (owner, None),
    };
    Some(CallKey {
        platform: platform.into(),
        id: decoded(id)?.into(),
        account: match account {
            Some(account) => Some(decoded(account)?.into()),
            None => None,
        },
    })
}

/// Returns the id of a turn as the scripts know it.
pub(super) fn turn_name(turn: &TurnId) -> String {
    utf8_percent_encode(turn.as_str(), ID).to_string()
}

/// Returns the turn with this [`turn_name`].
pub(super) fn turn(name: &str) -> Option<TurnId> {
    decoded(name).map(TurnId::new)
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::capabilities::Platform;

    #[test]
    fn every_id_has_a_name_of_its_own_and_is_read_back_from_it() {
        let mut names = std::collections::HashSet::new();
        let ids = [
            "",
            "1",
            "a/b",
            "a@b",
            "{x}",
            "}:h",
            "a%2Fb",
            "a\nb",
            "通话",
            "x".repeat(300).as_str(),
        ]
        .map(str::to_owned);
        for id in &ids {
            for account in [None, Some("t"), Some("t/1"), Some("t%2F1"), Some("a@b")] {
                let mut key = CallKey::new(Platform::Odfs, id);
                if let Some(account) = account {
                    key = key.with_account(account);
                }
                let name = name(&key);
                assert!(!name.contains(['{', '}', '\n']), "{name}");
                assert_eq!(call(&name), Some(key));
                assert!(names.insert(name));
            }
            let id = TurnId::new(id);
            assert_eq!(turn(&turn_name(&id)), Some(id));
        }
    }

    #[test]
    fn a_prefix_that_would_move_the_hash_tag_is_refused() {
        for prefix in ["", "a{b", "a}b", "a\nb", &"x".repeat(65)] {
            assert!(Names::new(prefix.to_owned()).is_err(), "{prefix:?}");
        }
        assert!(Names::new("demo:bot".to_owned()).is_ok());
    }
}
