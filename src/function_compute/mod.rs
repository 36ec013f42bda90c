#![doc = include_str!("guide.md")]

use std::error::Error;
use std::fmt;
use std::num::{NonZeroU16, ParseIntError};

use axum::Router;
use axum::routing::{get, post};

/// Returns the port that Function Compute expects a custom runtime to listen on.
///
/// It is the value of `FC_SERVER_PORT`, else of `FC_CUSTOM_LISTEN_PORT`, else 9000. `variable` looks
/// up a variable of the environment.
///
/// # Errors
/// When the variable does not hold a port.
///
/// ```
/// use callbot::function_compute::port;
///
/// assert_eq!(port(|_| None), Ok(9000));
/// assert_eq!(port(|name| (name == "FC_CUSTOM_LISTEN_PORT").then(|| "8080".into())), Ok(8080));
/// ```
pub fn port(variable: impl Fn(&str) -> Option<String>) -> Result<u16, PortError> {
    for name in ["FC_SERVER_PORT", "FC_CUSTOM_LISTEN_PORT"] {
        if let Some(value) = variable(name) {
            return match value.parse::<NonZeroU16>() {
                Ok(port) => Ok(port.get()),
                Err(source) => Err(PortError { name, value, source }),
            };
        }
    }
    Ok(9000)
}

/// A variable of the environment that should hold a port and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortError {
    name: &'static str,
    value: String,
    source: ParseIntError,
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} is no port, allowed: 1 to 65535", self.name, self.value)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Returns the routes that Function Compute calls where they are configured, `POST /initialize`
/// and `GET /pre-stop`. Both answer 200 and do nothing: the bot is ready when it listens, and its
/// calls end with the signal that follows.
///
/// Their requests carry no signature: merge them with a router that has a
/// [`VerifyLayer`](crate::auth::VerifyLayer), and do not put them below that layer.
pub fn hooks() -> Router {
    Router::new().route("/initialize", post(async || ())).route("/pre-stop", get(async || ()))
}
