//! The built-in HTTP client: its own TLS provider, no redirects, no compression.

use std::time::Duration;

use super::Error;

/// Returns a `reqwest::Client` that sends requests to platforms.
pub(super) fn http_client(connect_deadline: Duration) -> Result<reqwest::Client, Error> {
    let builder = settings(connect_deadline);
    #[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
    let builder = builder.tls_backend_preconfigured(rustls_config::with_platform_verifier()?);
    built(builder)
}

/// Returns a `reqwest::Client` that only builds requests, for a transport that sends them. It trusts
/// no certificate: loading them takes tens of milliseconds.
pub(super) fn request_builder(connect_deadline: Duration) -> Result<reqwest::Client, Error> {
    let builder = settings(connect_deadline);
    #[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
    let builder = builder.tls_backend_preconfigured(rustls_config::without_certificates()?);
    built(builder)
}

fn settings(connect_deadline: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(connect_deadline)
        .tcp_nodelay(true)
        // A redirect would carry credentials to another host.
        .redirect(reqwest::redirect::Policy::none())
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    builder
        .build()
        .map_err(|error| Error::settings_caused("the HTTP client can't be set up", error))
}

#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
mod rustls_config {
    use std::sync::Arc;

    use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
    use rustls_platform_verifier::BuilderVerifierExt;

    use super::Error;

    pub(super) fn with_platform_verifier() -> Result<ClientConfig, Error> {
        let config = builder()?.with_platform_verifier().map_err(failed)?;
        Ok(config.with_no_client_auth())
    }

    pub(super) fn without_certificates() -> Result<ClientConfig, Error> {
        let config = builder()?.with_root_certificates(RootCertStore::empty());
        Ok(config.with_no_client_auth())
    }

    // Sets no process-wide provider, since the program may use another one.
    fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
        #[cfg(feature = "rustls-aws-lc-rs")]
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(not(feature = "rustls-aws-lc-rs"))]
        let provider = rustls::crypto::ring::default_provider();
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)
    }

    fn failed(error: rustls::Error) -> Error {
        Error::settings_caused("TLS can't be set up", error)
    }
}
