//! The rules of requests that no schema can say.

use super::{
    ChatTokenRequest, GenerateCallRequest, RtcTokenRequest, StartInstanceInChannelRequest,
    StartInstanceRequest,
};
use crate::wire::Report;

impl GenerateCallRequest {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        rtc_id(report, "user_id", self.user_id.as_deref());
    }
}

impl StartInstanceRequest {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        rtc_id(report, "user_id", Some(&self.user_id));
    }
}

impl StartInstanceInChannelRequest {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        rtc_id(report, "user_id", Some(&self.user_id));
        rtc_id(report, "channel_id", Some(&self.channel_id));
    }
}

impl RtcTokenRequest {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        rtc_id(report, "user_id", self.user_id.as_deref());
        rtc_id(report, "channel_id", self.channel_id.as_deref());
    }
}

impl ChatTokenRequest {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        let allowed = "0-9, A-Z, a-z and _";
        of_chars(report, "user_id", &self.user_id, "_", allowed);
        if let Some(role) = self.role.as_deref()
            && !matches!(role, "" | "admin")
        {
            let role: String = role.chars().take(64).collect();
            report.field("role").violation(Some(format!("{role:?}")), "`admin`, or nothing");
        }
    }
}

fn rtc_id(report: &mut Report<'_>, field: &str, id: Option<&str>) {
    of_chars(report, field, id.unwrap_or_default(), "_-", "0-9, A-Z, a-z, _ and -");
}

/// Refuses an id with other characters than those allowed. Its length is for the schema.
fn of_chars(report: &mut Report<'_>, field: &str, id: &str, marks: &str, allowed: &str) {
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        let shown: String = id.chars().take(64).collect();
        report.field(field).violation(Some(format!("{shown:?}")), allowed);
    }
}
