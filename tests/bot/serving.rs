//! A bot on a socket: the platforms that it fits, and the shutdown of its calls beside the connections.
#![cfg(all(
    feature = "bot",
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "client"
))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::bot::{
    Bot, Call, Ended, Host, Input, MemoryStore, Need, Needs, Platform, Reply, Result, TransferKind,
};
use callbot::digital_employee::{Client, DialogueRequest, DialogueRequestFields, Packet};
use callbot::duix::dialogue;
use callbot::server::{CutError, serve};
use futures_util::StreamExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::peer::soon;

/// A bot with these needs. It waits without end for whoever says "wait", and notes how calls end.
#[derive(Default)]
struct Needy {
    needs: Needs,
    ends: Arc<Mutex<Vec<Ended>>>,
}

impl Bot for Needy {
    type Memory = ();

    fn needs(&self) -> Needs {
        self.needs
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        reply.say("So. ").await?;
        if matches!(input, Input::Speech(words) if words == "wait") {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn ended(&self, _: &mut Call<()>, why: Ended) -> Result {
        self.ends.lock().unwrap().push(why);
        Ok(())
    }
}

fn needing(needs: Needs) -> Host<Needy> {
    Host::new(Needy { needs, ..Needy::default() })
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn turn(utterance: &str) -> DialogueRequest {
    DialogueRequest::new(DialogueRequestFields {
        request_id: "r",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "c",
        stream_id: "t",
        utterance,
    })
}

type Packets = Vec<std::result::Result<Packet, callbot::client::Error>>;

async fn say(url: &str, words: &str) -> Packets {
    Client::new(url).unwrap().dialogue(&turn(words)).await.unwrap().collect().await
}

#[tokio::test]
async fn a_bot_is_put_on_the_platforms_that_it_fits() {
    for (needs, platforms, lacks) in [
        (Needs::NONE, &Platform::ALL[..], vec![]),
        (
            Needs::NONE.hang_up(),
            &[Platform::DigitalEmployee, Platform::Odfs],
            // A request of AICall could not be told from another one in time.
            vec![
                (Platform::Duix, Need::HangUp),
                (Platform::DuixStream, Need::HangUp),
                (Platform::Chat, Need::HangUp),
            ],
        ),
        (
            Needs::NONE.stream(),
            &[Platform::DigitalEmployee, Platform::DuixStream, Platform::AiCall, Platform::Chat],
            vec![(Platform::Duix, Need::Stream), (Platform::Odfs, Need::Stream)],
        ),
    ] {
        let host = Host::builder(Needy { needs, ..Needy::default() }).chat_key("k").build();
        let fitting = host.fitting();
        assert_eq!(fitting.platforms, platforms);
        let left_out = fitting.left_out.iter().map(|error| (error.platform, error.missing[0]));
        assert_eq!(left_out.collect::<Vec<_>>(), lacks);
        assert_eq!(host.router().is_ok(), lacks.is_empty());
    }
}

#[tokio::test]
async fn a_served_bot_is_on_the_platforms_that_it_fits_and_on_no_other() {
    let (listener, url) = listen().await;
    tokio::spawn(needing(Needs::NONE.hang_up()).serve(listener).into_future());
    let packets = say(&url, "hello").await;
    assert!(packets.iter().all(|packet| packet.is_ok()), "{packets:?}");
    let request = dialogue::DialogueRequest::new(dialogue::DialogueRequestFields {
        user_id: "100003",
        avatar_code: "1",
        question: "Hello!",
        conversation_id: "c",
    });
    let error = dialogue::Client::new(&url).unwrap().dialogue(&request).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
}

#[tokio::test]
async fn a_bot_that_fits_no_platform_is_an_error_that_says_what_each_lacks() {
    let (listener, _) = listen().await;
    let host = needing(Needs::NONE.stream().transfer(TransferKind::Flow));
    assert!(host.fitting().platforms.is_empty());
    let error = soon("the error", host.serve(listener).into_future()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    let error = error.to_string();
    for part in ["the bot fits no platform: ", "a transfer to a flow; ", "streamed replies"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_bot_hears_of_the_end_of_its_calls_when_its_server_stops() {
    let (listener, url) = listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let bot = Needy::default();
    let ends = bot.ends.clone();
    let server = Host::new(bot).serve(listener).signal(async { _ = stopped.await });
    let served = tokio::spawn(server.into_future());
    say(&url, "hello").await;
    stop.send(()).unwrap();
    soon("the server", served).await.unwrap().unwrap();
    assert_eq!(*ends.lock().unwrap(), [Ended::Shutdown]);
}

#[tokio::test]
async fn a_turn_that_outlasts_the_grace_period_fails_at_the_platform_and_is_reported() {
    let (listener, url) = listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let host = Host::builder(Needy::default()).store(MemoryStore::new()).build();
    let router = host.digital_employee().unwrap().router();
    let server = serve(listener, router).host(&host).signal(async { _ = stopped.await });
    let served = tokio::spawn(server.grace(Duration::from_millis(400)).into_future());
    let mut reply = Client::new(&url).unwrap().dialogue(&turn("wait")).await.unwrap();
    soon("a packet", reply.next()).await.unwrap().unwrap();
    stop.send(()).unwrap();
    let rest: Packets = soon("the end of the reply", reply.collect()).await;
    let error = rest.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.to_string(), "dialogue: failure 503 Exception: the server is shutting down");
    let error = soon("the server", served).await.unwrap().unwrap_err();
    assert!(error.get_ref().unwrap().is::<CutError>(), "{error}");
}
