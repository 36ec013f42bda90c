//! The rest of a body that the handler has dropped.
//!
//! A client may send the body behind the head, and a handler may refuse the request by its head. The answer
//! then has to wait for the rest: hyper closes a connection on which the rest is missing, and the answer may be
//! lost if the client still sends.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::timeout;

/// How much of the rest is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// How long the rest is waited for.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What is missing of a body that the handler has dropped.
#[derive(Debug)]
pub(super) enum Unread {
    Rest(Incoming),
    /// It did not arrive in time.
    Late,
}

impl Unread {
    /// Reads the rest, unless it is large or late. Returns whether it has been read.
    pub(super) async fn read(self) -> bool {
        let Self::Rest(body) = self else { return false };
        if body.size_hint().lower() > MAX_BYTES as u64 {
            return false;
        }
        let rest = async {
            let mut body = pin!(body);
            let mut length = 0;
            while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
                let Ok(frame) = frame else { return false };
                length += frame.data_ref().map_or(0, Bytes::len);
                if length > MAX_BYTES {
                    return false;
                }
            }
            true
        };
        timeout(TIMEOUT, rest).await.unwrap_or_default()
    }
}
