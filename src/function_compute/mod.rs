#![doc = include_str!("guide.md")]

use std::error::Error;
use std::fmt;
use std::num::{NonZeroU16, ParseIntError};

use axum::Router;
use axum::routing::{get, post};

/// Returns the port that Function Compute expects a custom runtime to listen on.
///
/// The port is the value of `FC_SERVER_PORT`, otherwise of `FC_CUSTOM_LISTEN_PORT`. `variable` returns
/// the value of an environment variable by its name. Default: 9000.
///
/// # Errors
/// If the value is not a port.
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

/// An environment variable whose value is not a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortError {
    name: &'static str,
    value: String,
    source: ParseIntError,
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} is not a port, allowed: 1 to 65535", self.name, self.value)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Returns the routes of Function Compute's lifecycle hooks: `POST /initialize` and `GET /pre-stop`.
///
/// Both answer with status 200 and do nothing: the bot is ready when it listens, and the signal that
/// follows ends its calls. Function Compute only calls the hooks that you configure.
///
/// Their requests have no signature. If your router has a
/// [`VerifyLayer`](crate::auth::VerifyLayer), merge the hooks after you have added that layer, so that
/// it does not cover them.
///
/// ```
/// use axum::Router;
/// use axum::body::Body;
/// use axum::routing::post;
/// use callbot::function_compute::hooks;
/// use http::{Request, StatusCode};
/// use tower_service::Service;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bot = Router::new().route("/proxy/dialogue", post(async || ()));
/// let mut router = bot.merge(hooks());
/// let request = Request::post("/initialize").body(Body::empty())?;
/// assert_eq!(router.call(request).await?.status(), StatusCode::OK);
/// # Ok(())
/// # }
/// ```
pub fn hooks() -> Router {
    Router::new().route("/initialize", post(async || ())).route("/pre-stop", get(async || ()))
}
