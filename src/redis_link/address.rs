//! Where Redis is, and how to log in there.

use std::fmt;
use std::path::PathBuf;
#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
use std::sync::Arc;

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use tokio::net::TcpStream;

use super::error::LinkError;
use super::stream::Stream;

/// Where Redis is, and how to log in there. `Debug` shows neither user nor password.
pub(crate) struct Address {
    place: Place,
    settings: RedisConnectionInfo,
}

enum Place {
    Tcp {
        host: String,
        port: u16,
        tls: Option<Tls>,
    },
    #[cfg_attr(not(unix), expect(dead_code, reason = "an address that is refused later"))]
    Unix(PathBuf),
}

#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
struct Tls {
    connector: tokio_rustls::TlsConnector,
    name: rustls::pki_types::ServerName<'static>,
}

#[cfg(not(any(feature = "rustls", feature = "rustls-aws-lc-rs")))]
enum Tls {}

impl Address {
    /// Reads a URL. `authorities` are the certificates, as PEM, of the only authorities to trust; `None`
    /// trusts those of the system.
    pub(crate) fn parse(url: &str, authorities: Option<&[u8]>) -> Result<Self, LinkError> {
        // The crate `redis` must not see that it is TLS, which is ours.
        let secure = ["rediss://", "valkeys://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let info = match secure {
            // It would switch off the check of the certificate.
            Some(rest) if rest.contains('#') => {
                return Err(LinkError::settings(
                    "the URL has a fragment (`#…`), which is not allowed",
                ));
            }
            Some(rest) => format!("redis://{rest}").into_connection_info(),
            None => url.into_connection_info(),
        };
        let info = info.map_err(|error| LinkError::of(&error).connecting())?;
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let tls = secure.map(|_| Tls::new(host, authorities)).transpose()?;
                Place::Tcp { host: host.clone(), port: *port, tls }
            }
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            _ => return Err(LinkError::settings("the URL has a form that is not supported")),
        };
        if authorities.is_some() && secure.is_none() {
            return Err(LinkError::settings(
                "certificates of authorities are set, but the URL is not of TLS (`rediss://`)",
            ));
        }
        Ok(Self { place, settings: info.redis_settings().clone() })
    }

    /// Returns the user, the password and the database.
    pub(crate) fn settings(&self) -> &RedisConnectionInfo {
        &self.settings
    }

    /// Connects.
    pub(crate) async fn stream(&self) -> Result<Box<dyn Stream>, LinkError> {
        match &self.place {
            Place::Tcp { host, port, tls } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await;
                let stream = stream.map_err(LinkError::connect)?;
                // A command must not wait for the acknowledgement of the one before.
                stream.set_nodelay(true).map_err(LinkError::connect)?;
                match tls {
                    None => Ok(Box::new(stream)),
                    Some(tls) => tls.wrap(stream).await,
                }
            }
            #[cfg(unix)]
            Place::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await;
                Ok(Box::new(stream.map_err(LinkError::connect)?))
            }
            #[cfg(not(unix))]
            Place::Unix(_) => Err(LinkError::settings("this system has no Unix sockets")),
        }
    }
}

#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
impl Tls {
    fn new(host: &str, authorities: Option<&[u8]>) -> Result<Self, LinkError> {
        use rustls::pki_types::pem::PemObject;
        use rustls::pki_types::{CertificateDer, ServerName};

        let config = match authorities {
            None => crate::tls::client_config(),
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let added = certificate.ok().map(|certificate| roots.add(certificate));
                    if !matches!(added, Some(Ok(()))) {
                        let message = "the certificates of authorities are not valid PEM";
                        return Err(LinkError::settings(message));
                    }
                }
                if roots.is_empty() {
                    return Err(LinkError::settings("the PEM of authorities has no certificate"));
                }
                crate::tls::client_config_with(roots)
            }
        };
        let config = config.map_err(|error| LinkError::settings(format!("TLS: {error}")))?;
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| LinkError::settings("the host is not a name or an address"))?;
        Ok(Self { connector: Arc::new(config).into(), name })
    }

    async fn wrap(&self, stream: TcpStream) -> Result<Box<dyn Stream>, LinkError> {
        let stream = self.connector.connect(self.name.clone(), stream).await;
        Ok(Box::new(stream.map_err(LinkError::connect)?))
    }
}

#[cfg(not(any(feature = "rustls", feature = "rustls-aws-lc-rs")))]
impl Tls {
    fn new(_: &str, _: Option<&[u8]>) -> Result<Self, LinkError> {
        Err(LinkError::settings(
            "TLS (`rediss://`) needs the feature `rustls` or `rustls-aws-lc-rs` of callbot",
        ))
    }

    async fn wrap(&self, _: TcpStream) -> Result<Box<dyn Stream>, LinkError> {
        match *self {}
    }
}

/// Shows the place, for logs.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}
