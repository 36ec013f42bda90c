//! The platforms that a bot can be put on.

#[cfg(feature = "digital-employee")]
mod digital_employee;
#[cfg(feature = "duix")]
mod duix;
#[cfg(feature = "odfs")]
mod odfs;

use super::handler::Bot;
use super::host::Host;
use super::needs::NeedsError;

#[cfg(feature = "digital-employee")]
pub use digital_employee::OnDigitalEmployee;
#[cfg(feature = "duix")]
pub use duix::OnDuix;
#[cfg(feature = "odfs")]
pub use odfs::{OdfsSettings, OnOdfs};

impl<B: Bot> Host<B> {
    /// Returns the routes of every platform that is compiled in, with the default settings of each.
    ///
    /// # Errors
    /// Returns an error if one of them lacks something that the bot requires.
    pub fn router(&self) -> Result<axum::Router, NeedsError> {
        let router = axum::Router::new();
        #[cfg(feature = "digital-employee")]
        let router = router.merge(self.digital_employee()?.router());
        #[cfg(feature = "duix")]
        let router = router.merge(self.duix()?.router());
        #[cfg(feature = "odfs")]
        let router = {
            let server = self.odfs()?;
            let budget = self.budget(super::capabilities::Platform::Odfs);
            router.merge(server.deadline(budget.whole).router())
        };
        Ok(router)
    }
}
