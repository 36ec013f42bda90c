//! The origins whose pages may call from a browser.

use std::fmt;

use axum::Router;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The origins whose pages may call.
#[derive(Debug, Clone)]
pub(super) enum Origins {
    These(Vec<HeaderValue>),
    Any,
}

impl Origins {
    pub(super) fn read(
        origins: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, OriginError> {
        let origins = origins.into_iter().map(|origin| read_origin(origin.as_ref()));
        Ok(Self::These(origins.collect::<Result<_, _>>()?))
    }

    /// Adds the CORS headers that allow these origins.
    pub(super) fn layer(self, router: Router) -> Router {
        let origins = match self {
            Self::These(origins) if origins.is_empty() => return router,
            Self::These(origins) => AllowOrigin::list(origins),
            Self::Any => AllowOrigin::mirror_request(),
        };
        // The methods that the vendor's server allows.
        let methods = [Method::POST, Method::GET, Method::PATCH, Method::DELETE, Method::PUT];
        let cors = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(methods)
            .allow_headers([AUTHORIZATION, CONTENT_TYPE])
            .allow_credentials(true);
        // Only for these routes, and not for the unknown paths of a router that they are merged into.
        router.route_layer(cors)
    }
}

/// A string is not an origin in the form that browsers send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginError(String);

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid origin {:?}, expected one such as `https://app.example`", self.0)
    }
}

impl std::error::Error for OriginError {}

fn read_origin(origin: &str) -> Result<HeaderValue, OriginError> {
    let error = || OriginError(origin.into());
    let (scheme, host) = origin.split_once("://").ok_or_else(error)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| plain(c) || "+-.".contains(c));
    let is_host = !host.is_empty() && host.chars().all(|c| plain(c) || "-._:[]".contains(c));
    if !is_scheme || !is_host {
        return Err(error());
    }
    HeaderValue::from_str(origin).map_err(|_| error())
}
