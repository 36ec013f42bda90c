//! What other crates of a program switch on must not change callbot, and callbot must not break them.
#![cfg(test)]

use std::sync::Arc;

use callbot::digital_employee::{
    Client, DialogueRequest, EndSessionRequest, EndSessionRequestFields,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one request with an empty object. Returns the URL, and the first bytes that arrive.
async fn server(scheme: &str) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = vec![0; 4096];
        let read = stream.read(&mut seen).await.unwrap();
        seen.truncate(read);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        // The client of a failed handshake does not read it.
        let _ = stream.write_all(answer).await;
        seen
    });
    (url, seen)
}

fn request() -> EndSessionRequest {
    EndSessionRequest::new(EndSessionRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
    })
}

/// A proxy in the environment, at which nobody listens. Set before any client is built.
fn proxy() {
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
        std::env::set_var(name, "http://127.0.0.1:1");
    }
    std::env::remove_var("NO_PROXY");
    std::env::remove_var("no_proxy");
}

#[tokio::test]
async fn a_client_of_reqwest_works_beside_callbot() {
    let _ours = Client::builder("https://bot.example").build().unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "a provider for the process");
    // With TLS and without a provider this would panic.
    let theirs = reqwest::Client::builder().no_proxy().build().unwrap();
    let _ = reqwest::Client::new();
    let (url, seen) = server("http").await;
    assert!(theirs.get(url).send().await.unwrap().status().is_success());
    let head = String::from_utf8(seen.await.unwrap()).unwrap();
    assert!(head.contains("accept-encoding: gzip"), "the feature `gzip` is off: {head}");
}

#[tokio::test]
async fn callbot_uses_neither_compression_nor_a_proxy_of_the_environment() {
    proxy();
    let (url, seen) = server("http").await;
    let theirs = reqwest::Client::new().get(&url).send().await;
    assert!(
        theirs.is_err(),
        "the proxy of the environment is not used, so this test shows nothing"
    );
    let ours = Client::builder(&url).build().unwrap();
    // The empty object is not an answer of the platform, and that is not the point here.
    let _ = ours.end_session(&request()).await;
    let head = String::from_utf8(seen.await.unwrap()).unwrap();
    assert!(head.starts_with("POST /proxy/endSession HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("accept-encoding"), "{head}");
}

#[tokio::test]
async fn callbot_speaks_tls_though_reqwest_does_not() {
    let (url, seen) = server("https").await;
    let ours = Client::builder(&url).build().unwrap();
    assert!(ours.end_session(&request()).await.unwrap_err().is_transport());
    // A handshake record, and the protocol's first version number.
    assert_eq!(seen.await.unwrap()[..2], [0x16, 0x03]);
}

/// A server with a certificate that its own key has signed. Returns the URL and the certificate as PEM.
async fn tls_server() -> (String, String) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let body = r#"{"requestId":"r-1","httpStatusCode":200,"code":"OK"}"#;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, signed.cert.pem())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_certificates_that_the_system_trusts_are_accepted() {
    let (url, certificate) = tls_server().await;
    let ours = Client::builder(&url).build().unwrap();
    let error = ours.end_session(&request()).await.unwrap_err();
    let mut causes = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    assert!(causes.last().unwrap().contains("UnknownIssuer"), "{causes:?}");

    let file = std::env::temp_dir().join(format!("callbot-outside-{}.pem", std::process::id()));
    std::fs::write(&file, certificate).unwrap();
    // The verifier of the platform reads it when a client is built.
    std::env::set_var("SSL_CERT_FILE", &file);
    let ours = Client::builder(&url).build().unwrap();
    let answer = ours.end_session(&request()).await;
    std::env::remove_var("SSL_CERT_FILE");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(answer.unwrap().request_id.as_deref(), Some("r-1"));
}

#[test]
fn numbers_are_read_with_arbitrary_precision() {
    let precise: serde_json::Value = serde_json::from_str("1.10").unwrap();
    assert_eq!(precise.to_string(), "1.10", "the feature `arbitrary_precision` is off");

    let json = |tenant: &str, session: &str| {
        let text = format!(
            r#"{{"requestId":"r","tenantId":{tenant},"instanceId":"i","scriptId":"s",
                "sessionId":{session},"streamId":"1","utterance":"Hello"}}"#
        );
        serde_json::from_str::<DialogueRequest>(&text)
    };
    let read = json("5.0", "1e2").unwrap();
    assert_eq!((read.tenant_id, &*read.session_id), (Some(5), "100"));
    assert_eq!(json("\"5\"", "7").unwrap().tenant_id, Some(5));
    // Every digit is there, so this is the id that was sent. Without the feature, digits are lost.
    let long = "123456789012345678901234567890";
    assert_eq!(json("5", long).unwrap().session_id, long);
    assert_eq!(json("{}", "1").unwrap().tenant_id, None);
    let error = json("5", "{}").unwrap_err().to_string();
    assert!(error.contains("invalid type: map"), "{error}");

    let config = r#"{"AsrConfig":{"AsrMaxSilence":600.0},"TtsConfig":{"SpeechRate":1.25}}"#;
    let config: callbot::aicall::AgentConfig = serde_json::from_str(config).unwrap();
    assert_eq!(config.tts.speech_rate, Some(1.25));
    assert_eq!(config.asr.max_silence, Some(std::time::Duration::from_millis(600)));
}
