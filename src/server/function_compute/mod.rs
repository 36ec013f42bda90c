#![doc = include_str!("guide.md")]

use std::fmt;

use axum::Router;
use axum::routing::{get, post};

/// The port that Function Compute expects a custom runtime to listen on.
///
/// It is the value of `FC_SERVER_PORT`, else of `FC_CUSTOM_LISTEN_PORT`, else 9000. `variable` looks
/// up a variable of the environment.
///
/// # Errors
/// When the variable holds no port.
///
/// ```
/// use callbot::server::function_compute::port;
///
/// assert_eq!(port(|_| None), Ok(9000));
/// assert_eq!(port(|name| (name == "FC_CUSTOM_LISTEN_PORT").then(|| "8080".into())), Ok(8080));
/// ```
pub fn port(variable: impl Fn(&str) -> Option<String>) -> Result<u16, PortError> {
    for name in ["FC_SERVER_PORT", "FC_CUSTOM_LISTEN_PORT"] {
        if let Some(value) = variable(name) {
            return match value.parse() {
                Ok(port) if port != 0 => Ok(port),
                _ => Err(PortError { name, value }),
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
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} is no port, allowed: 1 to 65535", self.name, self.value)
    }
}

impl std::error::Error for PortError {}

/// The routes that Function Compute calls by itself where they are configured, `POST /initialize`
/// and `GET /pre-stop`. Both answer 200 and do nothing: the bot is ready when it listens, and its
/// calls end with the signal that follows.
///
/// They carry no signature, so they stand beside a router with a
/// [`VerifyLayer`](crate::auth::VerifyLayer), not within it.
pub fn hooks() -> Router {
    Router::new().route("/initialize", post(async || ())).route("/pre-stop", get(async || ()))
}
