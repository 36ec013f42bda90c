//! The target of a transfer.

use std::fmt;

use super::{TransferOutParams, TransferOutParamsFields, TransferType};
use crate::wire::{Hidden, Report};

/// The target of a transfer: `trans_type` with its `route_value`.
///
/// The target itself does not show in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route<'a> {
    /// A skill queue, by its routing number, which is the access code of the queue (1).
    SkillQueueByAccessCode(&'a str),
    /// An IVR, by the access code of its flow (2).
    Ivr(&'a str),
    /// A skill queue, by its name (3).
    SkillQueueByName(&'a str),
    /// An agent, by id (4).
    Agent(&'a str),
    /// A third party, by its number (5).
    ThirdParty(&'a str),
    /// Online digital assistance, by the route number of the flow (6).
    DigitalAssistance(&'a str),
    /// The last agent (7). Multimedia only.
    LastAgent,
    /// The skill queue of an agent, by the id of the agent (8). Multimedia only.
    SkillQueueOfAgent(&'a str),
    /// A multimedia message to the last agent (31).
    MessageToLastAgent,
    /// A multimedia message to a skill queue, by its name or access code (32).
    MessageToSkillQueue(&'a str),
    /// A multimedia message to an agent, by id (33).
    MessageToAgent(&'a str),
    /// A kind that this version does not know.
    Unknown {
        /// The `trans_type`.
        kind: &'a TransferType,
        /// The `route_value`; may be empty.
        value: &'a str,
    },
}

impl<'a> Route<'a> {
    fn read(kind: &'a TransferType, value: &'a str) -> Self {
        match kind {
            TransferType::SkillQueueByAccessCode => Self::SkillQueueByAccessCode(value),
            TransferType::Ivr => Self::Ivr(value),
            TransferType::SkillQueueByName => Self::SkillQueueByName(value),
            TransferType::Agent => Self::Agent(value),
            TransferType::ThirdParty => Self::ThirdParty(value),
            TransferType::DigitalAssistance => Self::DigitalAssistance(value),
            TransferType::LastAgent => Self::LastAgent,
            TransferType::SkillQueueOfAgent => Self::SkillQueueOfAgent(value),
            TransferType::MessageToLastAgent => Self::MessageToLastAgent,
            TransferType::MessageToSkillQueue => Self::MessageToSkillQueue(value),
            TransferType::MessageToAgent => Self::MessageToAgent(value),
            TransferType::Unknown(_) => Self::Unknown { kind, value },
        }
    }

    /// Returns the `trans_type` of this target.
    #[must_use]
    pub fn kind(self) -> TransferType {
        match self {
            Self::SkillQueueByAccessCode(_) => TransferType::SkillQueueByAccessCode,
            Self::Ivr(_) => TransferType::Ivr,
            Self::SkillQueueByName(_) => TransferType::SkillQueueByName,
            Self::Agent(_) => TransferType::Agent,
            Self::ThirdParty(_) => TransferType::ThirdParty,
            Self::DigitalAssistance(_) => TransferType::DigitalAssistance,
            Self::LastAgent => TransferType::LastAgent,
            Self::SkillQueueOfAgent(_) => TransferType::SkillQueueOfAgent,
            Self::MessageToLastAgent => TransferType::MessageToLastAgent,
            Self::MessageToSkillQueue(_) => TransferType::MessageToSkillQueue,
            Self::MessageToAgent(_) => TransferType::MessageToAgent,
            Self::Unknown { kind, .. } => kind.clone(),
        }
    }

    /// Returns the `route_value` of this target. Empty for targets that have none.
    #[must_use]
    pub fn value(self) -> &'a str {
        match self {
            Self::SkillQueueByAccessCode(value)
            | Self::Ivr(value)
            | Self::SkillQueueByName(value)
            | Self::Agent(value)
            | Self::ThirdParty(value)
            | Self::DigitalAssistance(value)
            | Self::SkillQueueOfAgent(value)
            | Self::MessageToSkillQueue(value)
            | Self::MessageToAgent(value)
            | Self::Unknown { value, .. } => value,
            Self::LastAgent | Self::MessageToLastAgent => "",
        }
    }
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastAgent | Self::MessageToLastAgent => write!(f, "{:?}", self.kind()),
            Self::Unknown { kind, .. } => {
                f.debug_struct("Unknown").field("kind", kind).field("value", &Hidden).finish()
            }
            _ => write!(f, "{:?}({Hidden:?})", self.kind()),
        }
    }
}

impl TransferOutParams {
    /// Returns the target.
    ///
    /// A `route_value` is ignored if its `trans_type` has none. A missing one is empty.
    #[must_use]
    pub fn route(&self) -> Route<'_> {
        Route::read(&self.trans_type, &self.route_value)
    }

    /// Creates a transfer to `route`: sets `trans_type` and `route_value`.
    ///
    /// ```
    /// use callbot::odfs::{Route, TransferOutParams};
    ///
    /// let to_ivr = TransferOutParams::from_route("c-1", "13500000001", Route::Ivr("2001"));
    /// assert_eq!(to_ivr.route_value, "2001");
    /// ```
    #[must_use]
    pub fn from_route(call_id: &str, call_sor_id: &str, route: Route<'_>) -> Self {
        Self::new(TransferOutParamsFields {
            call_id,
            call_sor_id,
            trans_type: route.kind(),
            route_value: route.value(),
        })
    }

    /// Checks that `route_value` has a target if and only if its `trans_type` needs one.
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        let kind = &self.trans_type;
        let needed = match self.route() {
            Route::Unknown { .. } => return,
            Route::LastAgent | Route::MessageToLastAgent => false,
            _ => true,
        };
        let mut place = report.field("route_value");
        if needed && self.route_value.is_empty() {
            let allowed = format!("a target, as `trans_type` is {kind}");
            place.violation(Some("\"\"".into()), allowed);
        } else if !needed && !self.route_value.is_empty() {
            let allowed = format!("\"\", as `trans_type` is {kind}");
            place.private().violation(Some(self.route_value.clone()), allowed);
        }
    }
}
