//! What SDK and wire call by different numbers.

use super::{AgentErrorNotice, AgentType, CaptureMode, ErrorCode, VisionCaptureRequest};

impl AgentType {
    /// The number of the type in the SDK; none for a type that this version does not know.
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

    /// The type with this number in the SDK.
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
    /// The error that the SDK makes of what an agent notes; none where it makes none.
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
    /// Whether one picture is taken, and not one after the other: `isSingle` in the SDK.
    #[must_use]
    #[doc(alias = "isSingle")]
    pub fn is_single(&self) -> bool {
        self.mode == Some(CaptureMode::Single)
    }
}
