//! TLS, with a private authority.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use callbot::bot::store::{RedisStore, Store as _, StoreError};

use crate::support::redis::{Redis, free_port};
use crate::{Signals, key, open, turn};

/// A folder with the certificates of an authority and of a server.
struct Certificates(PathBuf);

impl Certificates {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("callbot-tls-{}-{name}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let certificates = Self(folder);
        for line in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj /CN=authority \
             -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem",
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis \
             -addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.csr",
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3 \
             -copy_extensions copy -out server.pem",
        ] {
            let command = Command::new("openssl")
                .args(line.split_ascii_whitespace())
                .current_dir(&certificates.0)
                .stderr(Stdio::null())
                .status();
            let status = command.expect("openssl must be installed, as `.ci/run install` does");
            assert!(status.success(), "openssl {line}");
        }
        certificates
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn authority(&self) -> Vec<u8> {
        std::fs::read(Path::new(&self.path("ca.pem"))).unwrap()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a Redis that also listens with TLS, on the port that is returned.
fn start(certificates: &Certificates) -> (Redis, u16) {
    let port = free_port();
    let (key, pem) = (certificates.path("server.key"), certificates.path("server.pem"));
    let (ca, tls_port) = (certificates.path("ca.pem"), port.to_string());
    let redis = Redis::with(&[
        "--tls-port",
        &tls_port,
        "--tls-cert-file",
        &pem,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ]);
    (redis, port)
}

#[tokio::test]
async fn a_private_authority_is_trusted_if_it_is_set() {
    let certificates = Certificates::new("trusted");
    let (_redis, port) = start(&certificates);
    let builder = || {
        RedisStore::builder(format!("rediss://127.0.0.1:{port}"), "bot")
            .timeout(Duration::from_secs(5))
    };
    let store = builder().root_certificates(certificates.authority()).connect().await.unwrap();
    let other = builder().root_certificates(certificates.authority()).connect().await.unwrap();
    let mut signals = Signals::of(&store);
    open(&store, &key("1"), turn("t1")).await;
    open(&other, &key("1"), turn("t2")).await;
    assert!(matches!(signals.next().await, callbot::bot::store::Signal::Stop(_)));
    assert!(store.read(&key("1")).await.unwrap().is_some());

    let short = || builder().timeout(Duration::from_millis(300));
    let error = short().connect().await.unwrap_err();
    let StoreError::Unreachable(failure) = error else { panic!("{error:?}") };
    assert!(failure.get_ref().to_string().contains("certificate"), "{}", failure.get_ref());
    let stranger = Certificates::new("stranger");
    let error = short().root_certificates(stranger.authority()).connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused() {
    let certificates = Certificates::new("host");
    let (_redis, port) = start(&certificates);
    let store = RedisStore::builder(format!("rediss://localhost:{port}"), "bot")
        .timeout(Duration::from_millis(300))
        .root_certificates(certificates.authority());
    let error = store.connect().await.unwrap_err();
    let StoreError::Unreachable(failure) = error else { panic!("{error:?}") };
    assert!(failure.get_ref().to_string().contains("certificate"), "{}", failure.get_ref());
}

#[tokio::test]
async fn certificates_that_are_none_are_refused() {
    for wrong in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let store = RedisStore::builder("rediss://127.0.0.1", "bot").root_certificates(wrong);
        let error = store.connect().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{wrong:?}: {error:?}");
    }
}
