//! Wall-clock time, from a source that tests can set.
//!
//! Deadlines do not use it: they use tokio's clock, which tests pause with `tokio::time::pause`.
//!
//! ```
//! # #[cfg(any(feature = "client", feature = "server"))]
//! # fn main() -> Result<(), callbot::auth::SignError> {
//! use std::time::{Duration, SystemTime, UNIX_EPOCH};
//! use callbot::auth::{Credentials, Scheme, Signer};
//! use callbot::clock::Clock;
//! use http::{HeaderMap, Method, Uri};
//!
//! /// A clock that is 3 s behind the system clock.
//! struct Late;
//!
//! impl Clock for Late {
//!     fn now(&self) -> SystemTime {
//!         SystemTime::now() - Duration::from_secs(3)
//!     }
//! }
//! # drop(Late.now());
//!
//! // A `SystemTime` is a clock that stands still, so requests get the same date in each run of a test.
//! let noon = UNIX_EPOCH + Duration::from_secs(1_750_000_000);
//! let signer = Signer::new(Credentials::new("key-1", "secret"), Scheme::Trigger).clock(noon);
//! let mut headers = HeaderMap::new();
//! signer.sign(&Method::GET, &Uri::from_static("/"), &mut headers, b"")?;
//! assert_eq!(headers["x-acs-date"], "2025-06-15T15:06:40Z");
//! # Ok(())
//! # }
//! # #[cfg(not(any(feature = "client", feature = "server")))]
//! # fn main() {}
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of wall-clock time, such as for the times in packets.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> SystemTime;
}

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still, for tests.
impl Clock for SystemTime {
    fn now(&self) -> SystemTime {
        *self
    }
}

/// A clock that several owners share.
#[derive(Clone)]
pub struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    /// Shares a clock.
    pub fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.0.now()
    }

    /// Returns the Unix time in milliseconds.
    #[must_use]
    pub fn millis(&self) -> i64 {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Returns the Unix time in whole seconds.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.millis() / 1000
    }
}

impl Default for SharedClock {
    fn default() -> Self {
        Self::new(SystemClock)
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedClock")
    }
}
