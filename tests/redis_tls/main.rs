//! TLS of the store in Redis, with a private authority.
//!
//! A binary of its own with few features, so that it is compiled quickly: `.ci/run` compiles it with each
//! provider of rustls alone, besides the build of all tests, which has both.

#![cfg(all(any(feature = "rustls", feature = "rustls-aws-lc-rs"), unix))]
#[path = "../support/mod.rs"]
mod support;

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use callbot::bot::store::{
    Opened, Opening, RedisStore, RedisStoreBuilder, Signal, Store as _, StoreError,
};
use callbot::bot::{CallKey, Platform, TurnId};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::support::missing::skip_all;
use crate::support::redis::{Redis, free_port};
use crate::support::traces::traced;

const PASSWORD: &str = "hush-4711";

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
            let status = command.unwrap_or_else(|error| skip_all("openssl", &error));
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

fn key() -> CallKey {
    CallKey::new(Platform::DigitalEmployee, "1")
}

/// Opens the call for a turn, which must be possible.
async fn open(store: &RedisStore, id: &str) {
    let (turn, fresh) = (TurnId::new(id), "{}".into());
    let opening = Opening::Turn { turn, told: None, overtake: true, fresh };
    let opened = store.open(&key(), &opening).await.unwrap();
    assert!(matches!(opened, Opened::Run { .. }), "{opened:?}");
}

fn builder(host: &str, port: u16) -> RedisStoreBuilder {
    let url = format!("rediss://:{PASSWORD}@{host}:{port}");
    // Tests run beside each other on slow machines.
    RedisStore::builder(url, "bot").timeout(Duration::from_secs(5))
}

/// Returns all that an error shows.
fn shown(error: &StoreError) -> String {
    let source = error.source().map(ToString::to_string);
    format!("{error} {error:?} {error:#?} {}", source.unwrap_or_default())
}

fn assert_hidden(text: &str) {
    assert!(!text.contains("4711") && !text.contains("rediss:"), "{text}");
}

/// Connects to a Redis whose certificate must be refused.
async fn refused(builder: RedisStoreBuilder) {
    let error = builder.timeout(Duration::from_millis(300)).connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
    assert!(shown(&error).contains("certificate"), "{}", shown(&error));
    assert_hidden(&shown(&error));
}

/// Starts a Redis that also listens with TLS, on the port that is returned.
fn start(certificates: &Certificates) -> (Redis, u16) {
    let port = free_port();
    let (key, pem) = (certificates.path("server.key"), certificates.path("server.pem"));
    let (ca, tls_port) = (certificates.path("ca.pem"), port.to_string());
    let redis = Redis::with(&[
        "--requirepass",
        PASSWORD,
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
    let builder = || builder("127.0.0.1", port).root_certificates(certificates.authority());
    let (store, other) = (builder().connect().await.unwrap(), builder().connect().await.unwrap());
    let mut signals = Box::pin(store.signals());
    open(&store, "t1").await;
    open(&other, "t2").await;
    let stopped = async { while !matches!(signals.next().await.unwrap(), Signal::Stop(_)) {} };
    timeout(Duration::from_secs(20), stopped).await.unwrap();
    assert!(store.read(&key()).await.unwrap().is_some());
}

#[tokio::test]
async fn another_authority_and_another_host_are_refused() {
    let certificates = Certificates::new("refused");
    let (_redis, port) = start(&certificates);
    refused(builder("127.0.0.1", port)).await;
    let stranger = Certificates::new("stranger");
    refused(builder("127.0.0.1", port).root_certificates(stranger.authority())).await;
    refused(builder("localhost", port).root_certificates(certificates.authority())).await;
}

#[tokio::test]
async fn the_url_and_its_password_are_neither_logged_nor_in_an_error() {
    let (traces, _guard) = traced();
    let certificates = Certificates::new("hidden");
    let (mut redis, port) = start(&certificates);
    let builder = |builder: RedisStoreBuilder| {
        builder.timeout(Duration::from_millis(500)).root_certificates(certificates.authority())
    };
    let right = builder(crate::builder("127.0.0.1", port));
    assert_hidden(&format!("{right:?} {right:#?}"));
    let wrong = RedisStore::builder(format!("rediss://:4711-wrong@127.0.0.1:{port}"), "bot");
    let error = builder(wrong).connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
    assert_hidden(&shown(&error));
    let store = right.connect().await.unwrap();
    open(&store, "t1").await;
    assert_hidden(&format!("{store:?} {store:#?}"));
    redis.kill();
    let error = store.read(&key()).await.unwrap_err();
    assert_hidden(&shown(&error));
    assert!(traces.text().contains("127.0.0.1"), "{}", traces.text());
    assert_hidden(&traces.with(&["callbot"]).join("\n"));
}

#[tokio::test]
async fn certificates_that_are_none_are_refused() {
    for wrong in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let store = RedisStore::builder("rediss://127.0.0.1", "bot").root_certificates(wrong);
        let error = store.connect().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{wrong:?}: {error:?}");
    }
}
