//! The messages of other processes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::Value;
use redis::aio::{PubSub, PubSubSink, PubSubStream};
use tokio::sync::broadcast;
use tokio::time::{sleep, timeout};

use super::client::Client;
use super::keys;
use crate::bot::store::{Cancel, CancelReason, Signal};
use crate::redis_link::LinkError;

/// The pause between two pings.
const PING: Duration = Duration::from_secs(2);
/// The time of a ping, and of one after an attempt elsewhere had no answer.
const PONG: Duration = Duration::from_millis(500);
const PONG_IN_TROUBLE: Duration = Duration::from_millis(100);
/// The time of a connection and its subscription.
const SUBSCRIBE: Duration = Duration::from_secs(2);
/// The pauses between attempts to subscribe. They never end.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A subscription to the channel of this process.
pub(super) struct Subscription {
    sink: PubSubSink,
    stream: PubSubStream,
}

impl Subscription {
    pub(super) async fn open(client: &Client, channel: &str) -> Result<Self, LinkError> {
        let opening = async {
            let stream = client.address.stream().await?;
            let opened = PubSub::new(client.address.settings(), stream).await;
            let opened = opened.map_err(|error| LinkError::of(&error).connecting())?;
            let (mut sink, stream) = opened.split();
            let subscribed = sink.subscribe(channel).await;
            subscribed.map_err(|error| LinkError::of(&error).connecting())?;
            Ok(Self { sink, stream })
        };
        let late = |_| Err(LinkError::late(SUBSCRIBE).connecting());
        timeout(SUBSCRIBE, opening).await.unwrap_or_else(late)
    }
}

/// Passes the messages on, and subscribes again whenever the connection ends.
pub(super) async fn listen(
    client: Arc<Client>,
    channel: String,
    mut subscription: Subscription,
    signals: broadcast::Sender<Signal>,
) {
    loop {
        let Subscription { sink, stream } = subscription;
        let error = tokio::select! {
            () = forward(stream, &signals) => LinkError::connect("the connection has ended"),
            error = watch(sink, &client) => error,
        };
        let redis = &client.address;
        tracing::warn!(%redis, %error, "Redis delivers no messages of other processes");
        let mut pause = FIRST_PAUSE;
        subscription = loop {
            match Subscription::open(&client, &channel).await {
                Ok(subscription) => break subscription,
                Err(_) => sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        tracing::info!(%redis, "Redis delivers messages of other processes again");
        let _ = signals.send(Signal::Lost);
    }
}

/// Ends with the connection.
async fn forward(mut stream: PubSubStream, signals: &broadcast::Sender<Signal>) {
    while let Some(message) = stream.next().await {
        let text = std::str::from_utf8(message.get_payload_bytes()).ok();
        match text.and_then(signal) {
            // There may be no receiver.
            Some(signal) => drop(signals.send(signal)),
            None => tracing::debug!("a message that this version does not know"),
        }
    }
}

/// Pings Redis every [`PING`], and immediately when a command had no answer. Returns the error of the first ping
/// that fails.
async fn watch(mut sink: PubSubSink, client: &Client) -> LinkError {
    loop {
        let limit = tokio::select! {
            () = sleep(PING) => PONG,
            () = client.trouble.notified() => PONG_IN_TROUBLE,
        };
        match timeout(limit, sink.ping::<Value>()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return LinkError::of(&error),
            Err(_) => return LinkError::late(limit),
        }
    }
}

/// Reads a message of a script.
fn signal(text: &str) -> Option<Signal> {
    let mut parts = text.split('\n');
    let (kind, call) = (parts.next()?, keys::call(parts.next()?)?);
    match kind {
        "stop" => {
            let (turn, epoch) = (keys::turn(parts.next()?)?, parts.next()?.parse().ok()?);
            let reason = match parts.next()? {
                "aborted" => CancelReason::Aborted,
                "overtaken" => CancelReason::Overtaken,
                "ended" => CancelReason::Ended,
                _ => return None,
            };
            Some(Signal::Stop(Cancel { call, turn, epoch, reason }))
        }
        "free" => Some(Signal::Free(call)),
        "left" => Some(Signal::Left(call)),
        _ => None,
    }
}
