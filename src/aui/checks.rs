//! Rules of requests that a schema cannot express.

use super::ChatTokenRequest;
use crate::wire::Report;

impl ChatTokenRequest {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        if let Some(role) = self.role.as_deref()
            && !matches!(role, "" | "admin")
        {
            let role: String = role.chars().take(64).collect();
            report.field("role").violation(Some(format!("{role:?}")), "`admin` or an empty string");
        }
    }
}
