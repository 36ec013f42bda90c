//! Conversions between values on the wire and the numbers of the platform's SDK.

use super::{AgentErrorNotice, AgentType, CaptureMode, ErrorCode, VisionCaptureRequest};

impl AgentType {
    /// Returns the type's number in the SDK, or `None` for a type that this version does not know.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        Some(match self {
            Self::Voice => 0,
            Self::Avatar => 1,
            Self::Vision => 2,
            Self::Video => 3,
            Self::Message => 11,
            Self::Unknown(_) => return None,
        })
    }

    /// Returns the type with this number in the SDK, or `None` if no type has it.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Voice,
            1 => Self::Avatar,
            2 => Self::Vision,
            3 => Self::Video,
            11 => Self::Message,
            _ => return None,
        })
    }
}

impl AgentErrorNotice {
    /// Returns the error that the SDK derives from this notice, or `None` if it derives none.
    #[must_use]
    pub fn error(self) -> Option<ErrorCode> {
        Some(match self {
            Self::AvatarRoutesExhausted => ErrorCode::AvatarRoutesExhausted,
            Self::PullFailed => ErrorCode::AgentPullFailed,
            Self::AsrFailed => ErrorCode::AgentAsrFailed,
            Self::AvatarServiceFailed => ErrorCode::AvatarServiceFailed,
            Self::Unknown(_) => return None,
        })
    }
}

impl VisionCaptureRequest {
    /// Returns whether frames are captured only once: `isSingle` in the SDK.
    #[must_use]
    #[doc(alias = "isSingle")]
    pub fn is_single(&self) -> bool {
        self.mode == Some(CaptureMode::Single)
    }
}
