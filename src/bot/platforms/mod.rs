//! The platforms that a bot can be put on.

#[cfg(feature = "digital-employee")]
mod digital_employee;
#[cfg(feature = "duix")]
mod duix;
mod fitting;
#[cfg(feature = "odfs")]
mod odfs;

#[cfg(feature = "digital-employee")]
pub use digital_employee::OnDigitalEmployee;
#[cfg(feature = "duix")]
pub use duix::OnDuix;
pub use fitting::Fitting;
#[cfg(feature = "odfs")]
pub use odfs::{OdfsSettings, OnOdfs};
