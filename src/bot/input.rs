//! The caller's input, the ends of calls and replies, and the ids of calls and turns.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capabilities::Platform;
use crate::wire::{Hidden, Printable, is_hidden};

/// The caller's input in a turn.
///
/// Match the variants that your bot handles, and add an arm for the rest. `Debug` hides what the caller
/// said or pressed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Input {
    /// The caller said this text, or typed it.
    Speech(String),
    /// The caller pressed these keys.
    #[doc(alias = "keys")]
    Dtmf(String),
    /// The caller did nothing until the platform's timeout.
    Silence,
    /// The caller said something that was not recognised, or pressed keys that were not asked for.
    NoMatch,
    /// A transfer has ended. After a successful one the caller talks to another person; an empty reply
    /// lets the platform end the bot's part of the call.
    Transferred(TransferOutcome),
    /// An input that only this platform has, as JSON.
    Other(Value),
}

impl Input {
    /// Returns whether this has content from the caller, which may be a secret.
    pub(super) fn has_content(&self) -> bool {
        matches!(self, Self::Speech(_) | Self::Dtmf(_) | Self::Other(_))
    }

    /// Returns what the caller said or pressed.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Speech(text) | Self::Dtmf(text) => Some(text),
            _ => None,
        }
    }
}

// The caller's input is private.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speech(_) => f.debug_tuple("Speech").field(&Hidden).finish(),
            Self::Dtmf(_) => f.debug_tuple("Dtmf").field(&Hidden).finish(),
            Self::Silence => f.write_str("Silence"),
            Self::NoMatch => f.write_str("NoMatch"),
            Self::Transferred(outcome) => f.debug_tuple("Transferred").field(outcome).finish(),
            Self::Other(_) => f.debug_tuple("Other").field(&Hidden).finish(),
        }
    }
}

/// The outcome of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransferOutcome {
    /// The transfer succeeded.
    Done,
    /// The transfer failed, with the platform's own code for the reason.
    Failed(String),
}

/// The reason why a call is over.
///
/// [`as_str`](Self::as_str) returns a name for logs and metrics, which does not change:
///
/// | Reason | Name |
/// |---|---|
/// | [`ByBot`](Self::ByBot) | `by_bot` |
/// | [`ByCaller`](Self::ByCaller) | `by_caller` |
/// | [`Transferred`](Self::Transferred) | `transferred` |
/// | [`Expired`](Self::Expired) | `expired` |
/// | [`Evicted`](Self::Evicted) | `evicted` |
/// | [`Shutdown`](Self::Shutdown) | `shutdown` |
/// | [`Unknown`](Self::Unknown) | `unknown` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The bot hung up.
    ByBot,
    /// The caller hung up, or the platform did.
    ByCaller,
    /// The caller was transferred.
    Transferred,
    /// The call was idle for longer than [`Limits::idle_timeout`](super::Limits::idle_timeout), or
    /// [`Limits::open_ended_idle_timeout`](super::Limits::open_ended_idle_timeout).
    Expired,
    /// The store was full, and of the calls on this platform it was the one that had been idle longest.
    /// It made room for another call.
    Evicted,
    /// This server is shutting down, and the call can't go on in another process.
    Shutdown,
    /// A system of the platform failed, or another call with the same id has begun.
    Unknown,
}

impl Ended {
    /// Returns the name of the reason, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByBot => "by_bot",
            Self::ByCaller => "by_caller",
            Self::Transferred => "transferred",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Shutdown => "shutdown",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the reason with this [name](Self::as_str).
    pub(super) fn from_name(name: &str) -> Option<Self> {
        use Ended::{ByBot, ByCaller, Evicted, Expired, Shutdown, Transferred, Unknown};

        let all = [ByBot, ByCaller, Transferred, Expired, Evicted, Shutdown, Unknown];
        all.into_iter().find(|why| why.as_str() == name)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByBot => "the bot hung up",
            Self::ByCaller => "the caller or the platform hung up",
            Self::Transferred => "the caller was transferred",
            Self::Expired => "the call was idle for too long",
            Self::Evicted => "the call made room for another one",
            Self::Shutdown => "the server is shutting down",
            Self::Unknown => "the platform failed, or a new call has the same id",
        })
    }
}

/// A reply that was cut short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cut {
    /// The turn of the reply.
    pub turn: TurnId,
    /// The part of the reply that the caller heard.
    pub heard: Heard,
    /// The cause of the cut.
    pub cause: Cause,
}

impl Cut {
    /// Creates a cut, for a test of [`Bot::interrupted`](super::Bot::interrupted) or of a function that
    /// reads [`Call::cut`](super::Call::cut).
    #[must_use]
    pub fn new(turn: TurnId, heard: Heard, cause: Cause) -> Self {
        Self { turn, heard, cause }
    }
}

/// The cause of a cut.
///
/// [`as_str`](Self::as_str) returns a name for logs and metrics, which does not change:
///
/// | Cause | Name |
/// |---|---|
/// | [`BargeIn`](Self::BargeIn) | `barge_in` |
/// | [`NewTurn`](Self::NewTurn) | `new_turn` |
/// | [`PeerGone`](Self::PeerGone) | `peer_gone` |
/// | [`Deadline`](Self::Deadline) | `deadline` |
/// | [`CallOver`](Self::CallOver) | `call_over` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The caller barged in, and the platform reported it.
    BargeIn,
    /// The caller's next turn began.
    NewTurn,
    /// The platform closed the connection.
    PeerGone,
    /// The reply missed a deadline of the [`Budget`](super::Budget).
    Deadline,
    /// The call ended, or this server is shutting down.
    CallOver,
}

impl Cause {
    /// Returns the name of the cause, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BargeIn => "barge_in",
            Self::NewTurn => "new_turn",
            Self::PeerGone => "peer_gone",
            Self::Deadline => "deadline",
            Self::CallOver => "call_over",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BargeIn => "the caller barged in",
            Self::NewTurn => "the caller's next turn began",
            Self::PeerGone => "the platform closed the connection",
            Self::Deadline => "the deadline has passed",
            Self::CallOver => "the call ended",
        })
    }
}

/// The part of a cut reply that the caller heard. `Debug` hides the texts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Heard {
    /// The reply from its start up to the end of this text. A filler before the reply is not included.
    UpTo(String),
    /// None of the reply.
    Nothing,
    /// The platform reported this text, which is not in the reply. The history keeps the whole reply. Of
    /// a longer text only the first 4 KiB are kept.
    Mismatch(String),
    /// The platform did not report what was heard. The history keeps what was sent.
    Unknown,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpTo(_) => f.debug_tuple("UpTo").field(&Hidden).finish(),
            Self::Nothing => f.write_str("Nothing"),
            Self::Mismatch(_) => f.debug_tuple("Mismatch").field(&Hidden).finish(),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// The id of a turn: the platform's, or a random one if the platform has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TurnId(Arc<str>);

impl TurnId {
    /// Creates an id.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// Creates a random id, for a platform that has none.
    pub(super) fn random() -> Self {
        Self::new(format!("{:016x}", fastrand::u64(..)))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For logs: control characters are escaped, and an id of more than 256 bytes is cut. Use
/// [`as_str`](TurnId::as_str) for anything else.
impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable::cut(&self.0).fmt(f)
    }
}

/// The key of a call: the platform, the account if the platform has several, and the platform's id of
/// the call.
///
/// A key is displayed as `platform/id`, or as `platform@account/id`, and parses from that text. Control
/// characters and `%` are in percent-encoding, so an id forges no line of a log:
///
/// ```
/// use callbot::bot::{CallKey, Platform};
///
/// let key = CallKey::new(Platform::Odfs, "1750-7/3");
/// assert_eq!(key.to_string(), "odfs/1750-7/3");
/// assert_eq!("odfs/1750-7/3".parse(), Ok(key.clone()));
///
/// let key = key.with_account("tenant-1");
/// assert_eq!(key.to_string(), "odfs@tenant-1/1750-7/3");
/// assert_eq!("odfs@tenant-1/1750-7/3".parse(), Ok(key));
///
/// let error = "fax/7".parse::<CallKey>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"unknown platform "fax" in the key of a call, allowed: digital-employee, duix, odfs, aicall, chat"#
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallKey {
    /// The platform's [`name`](Platform::name).
    pub platform: Arc<str>,
    /// The platform's id of the call: `sessionId` of Digital Employee, `dh-conversation-id` of DUIX,
    /// `userid` of ODFS, `instanceId` of AICall. The [`ChatDialect`](super::ChatDialect)s have those of
    /// other chat completions.
    pub id: Arc<str>,
    /// The account that the call belongs to, if the server tells accounts apart: on ODFS the app
    /// key of its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Arc<str>>,
}

impl CallKey {
    /// Creates the key of the call with this id on this platform.
    #[must_use]
    pub fn new(platform: Platform, id: impl AsRef<str>) -> Self {
        Self { platform: platform.name().into(), id: id.as_ref().into(), account: None }
    }

    /// Sets the account that the call belongs to.
    #[must_use]
    pub fn with_account(mut self, account: impl Into<Arc<str>>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Returns the platform. For DUIX it is always [`Platform::Duix`], since the key does not have the
    /// kind.
    pub(crate) fn platform(&self) -> Platform {
        Platform::from_name(&self.platform)
    }
}

/// For logs: control characters are escaped, since a peer chooses the id. The servers refuse ids of more than
/// 256 bytes.
impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.platform, "").fmt(f)?;
        if let Some(account) = &self.account {
            // A slash must not look like the one before the id.
            write!(f, "@{}", Escaped(account, "/"))?;
        }
        write!(f, "/{}", Escaped(&self.id, ""))
    }
}

/// A text with its percent signs, what is not shown as itself, and these characters in percent-encoding.
struct Escaped<'a>(&'a str, &'static str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, others) = self;
        for c in text.chars() {
            if c == '%' || is_hidden(c) || others.contains(c) {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    write!(f, "%{byte:02X}")?;
                }
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

fn unescaped(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

impl FromStr for CallKey {
    type Err = CallKeyError;

    fn from_str(text: &str) -> Result<Self, CallKeyError> {
        let Some((owner, id)) = text.split_once('/') else { return Err(CallKeyError::new(None)) };
        let (name, account) = match owner.split_once('@') {
            Some((name, account)) => (name, Some(account)),
            None => (owner, None),
        };
        let Some(platform) = Platform::ALL.into_iter().find(|platform| platform.name() == name)
        else {
            return Err(CallKeyError::new(Some(name)));
        };
        let account = account.map(|account| unescaped(account).into());
        Ok(Self { account, ..Self::new(platform, unescaped(id)) })
    }
}

/// The error of a text that is not the key of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallKeyError {
    /// The unknown platform, shortened; `None` if the text has no slash.
    platform: Option<String>,
}

impl CallKeyError {
    fn new(platform: Option<&str>) -> Self {
        const SHOWN: usize = 32;
        Self { platform: platform.map(|name| name.chars().take(SHOWN).collect()) }
    }
}

impl fmt::Display for CallKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.platform {
            None => f.write_str("the key of a call has no slash, expected: `platform/id`"),
            Some(name) => {
                let mut names: Vec<_> = Platform::ALL.into_iter().map(Platform::name).collect();
                names.dedup();
                let names = names.join(", ");
                write!(f, "unknown platform {name:?} in the key of a call, allowed: {names}")
            }
        }
    }
}

impl std::error::Error for CallKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_parses_from_what_it_displays() {
        for platform in Platform::ALL {
            for id in ["s-1", "", "a/b//", " ", "电话", "100%", "a\n\u{1b}\u{202e}%0A"] {
                let key = CallKey::new(platform, id);
                assert_eq!(key.to_string().parse(), Ok(key.clone()));
                for account in ["tenant-1", "", "a@b", "a/b%2F%"] {
                    let key = key.clone().with_account(account);
                    assert_eq!(key.to_string().parse(), Ok(key));
                }
            }
        }
        for (text, message) in [
            ("", "the key of a call has no slash, expected: `platform/id`"),
            ("duix", "the key of a call has no slash, expected: `platform/id`"),
            (
                "DUIX/1",
                "unknown platform \"DUIX\" in the key of a call, allowed: digital-employee, duix, \
                 odfs, aicall, chat",
            ),
        ] {
            assert_eq!(text.parse::<CallKey>().unwrap_err().to_string(), message);
        }
        assert_eq!(CallKey::new(Platform::Duix, "a\nb").to_string(), "duix/a%0Ab");
        let long = format!("{}/1", "x".repeat(1000)).parse::<CallKey>().unwrap_err();
        assert!(long.to_string().len() < 150, "{long}");
    }

    #[test]
    fn the_names_of_causes_are_those_that_are_stored() {
        use Cause::{BargeIn, CallOver, Deadline, NewTurn, PeerGone};

        let causes = [BargeIn, NewTurn, PeerGone, Deadline, CallOver];
        let names = causes.map(Cause::as_str);
        assert_eq!(names, ["barge_in", "new_turn", "peer_gone", "deadline", "call_over"]);
        assert_eq!(serde_json::to_value(causes).unwrap(), serde_json::json!(names));
    }

    #[test]
    fn the_reasons_of_an_end_have_names() {
        use Ended::{ByBot, ByCaller, Evicted, Expired, Shutdown, Transferred, Unknown};

        let all = [ByBot, ByCaller, Transferred, Expired, Evicted, Shutdown, Unknown];
        let names =
            ["by_bot", "by_caller", "transferred", "expired", "evicted", "shutdown", "unknown"];
        assert_eq!(all.map(Ended::as_str), names);
        assert_eq!(names.map(Ended::from_name), all.map(Some));
        assert_eq!(Ended::from_name(""), None);
    }
}
