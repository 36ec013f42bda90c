//! The platforms that a bot can be put on.

#[cfg(all(feature = "aicall", feature = "chat"))]
mod aicall;
#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "digital-employee")]
mod digital_employee;
#[cfg(feature = "duix")]
mod duix;
mod fitting;
#[cfg(feature = "odfs")]
mod odfs;

/// How much longer the deadline of a server is than the budget of a turn. The server knows no apology, so
/// the budget has to end first.
#[cfg(any(feature = "duix", feature = "odfs"))]
const GRACE: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(all(feature = "aicall", feature = "chat"))]
pub use aicall::OnAiCallCallbacks;
#[cfg(feature = "chat")]
pub use chat::{ChatDialect, ChatSettings, OnChat};
#[cfg(all(feature = "chat", feature = "client"))]
pub(in crate::bot) use chat::{closing, turn_of};
#[cfg(feature = "digital-employee")]
pub use digital_employee::OnDigitalEmployee;
#[cfg(feature = "duix")]
pub use duix::OnDuix;
pub use fitting::Fitting;
#[cfg(feature = "odfs")]
pub use odfs::{OdfsSettings, OnOdfs};
