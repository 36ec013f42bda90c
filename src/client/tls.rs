//! The HTTP client of our own making: TLS with a provider of ours, no redirects, no compression.

use std::time::Duration;

use super::Error;

/// A `reqwest::Client` for calls to platforms. One that only writes requests, for a transport that
/// sends them, trusts nobody: to load certificates takes tens of milliseconds.
pub(super) fn http_client(connect: Duration, sends: bool) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .connect_timeout(connect)
        .tcp_nodelay(true)
        // A redirect would carry credentials to another host.
        .redirect(reqwest::redirect::Policy::none());
    #[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
    let builder = builder.tls_backend_preconfigured(tls(sends)?);
    #[cfg(not(any(feature = "rustls", feature = "rustls-aws-lc-rs")))]
    let _ = sends;
    builder
        .build()
        .map_err(|error| Error::settings_caused("the HTTP client can't be set up", error))
}

// No process-wide provider: a program may use another one for itself.
#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
fn tls(sends: bool) -> Result<rustls::ClientConfig, Error> {
    use std::sync::Arc;

    use rustls_platform_verifier::BuilderVerifierExt;

    #[cfg(feature = "rustls-aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "rustls-aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    let failed = |error| Error::settings_caused("TLS can't be set up", error);
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let config = match sends {
        true => config.with_platform_verifier().map_err(failed)?,
        false => config.with_root_certificates(rustls::RootCertStore::empty()),
    };
    Ok(config.with_no_client_auth())
}
