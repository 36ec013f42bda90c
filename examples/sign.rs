//! Prints the headers of a signed request, as Digital Employee signs it, to call a bot with curl.
//!
//! ```text
//! sign [--key-id ID] [--method METHOD] [URL]
//! ```
//!
//! `CALLBOT_KEY_SECRET` is the secret of the key. Defaults: the key `key-1` with the secret `secret-1`, the
//! method POST, and the URL `http://127.0.0.1:9000/proxy/endSession`. The signature covers neither the host
//! nor the body. Curl reads the headers with `-H @-`.

use std::error::Error;

use callbot::auth::{Credentials, Scheme, Signer};
use callbot::http::{HeaderMap, Method, Uri};
use lexopt::prelude::{Long, Value, ValueExt as _};

const USAGE: &str = "usage: sign [--key-id ID] [--method METHOD] [URL]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut uri = Uri::from_static("http://127.0.0.1:9000/proxy/endSession");
    let (mut key_id, mut method) = ("key-1".to_owned(), Method::POST);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("key-id") => key_id = arguments.value()?.string()?,
            Long("method") => method = arguments.value()?.parse()?,
            Long("help") => {
                println!("{USAGE}");
                return Ok(());
            }
            Value(url) => uri = url.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    let secret = match std::env::var("CALLBOT_KEY_SECRET") {
        Ok(secret) => secret,
        Err(std::env::VarError::NotPresent) => "secret-1".to_owned(),
        Err(error) => return Err(format!("CALLBOT_KEY_SECRET: {error}").into()),
    };
    let mut headers = HeaderMap::new();
    let signer = Signer::new(Credentials::new(key_id, secret), Scheme::Trigger);
    signer.sign(&method, &uri, &mut headers, b"")?;
    for (name, value) in &headers {
        // Curl sends a header without a value only if a semicolon follows its name.
        match value.to_str()? {
            "" => println!("{name};"),
            value => println!("{name}: {value}"),
        }
    }
    Ok(())
}
