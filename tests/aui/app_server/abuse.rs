//! What one principal can't do to another: get a token that opens the other's channel, speak as an
//! agent, or use up the places that all principals share.

use callbot::aicall::AgentType;
use callbot::aui::{
    Api, AppServer, InMemoryAgents, Principal, RtcTokenRequest, RtcTokens, StartInstanceRequest,
    StartedInstance, StopInstanceRequest,
};
use callbot::server::Error;

type App = AppServer<InMemoryAgents>;

fn app() -> App {
    let tokens = RtcTokens::new("app-1", "key-1");
    AppServer::new(InMemoryAgents::new(tokens.clone()), tokens).agent(AgentType::Voice, "agent-1")
}

async fn started(app: &App, caller: &Principal) -> StartedInstance {
    let request = StartInstanceRequest::new("user-1", AgentType::Voice);
    app.start_instance(caller, request).await.unwrap()
}

/// Returns the status that the app gets.
fn status(error: &Error) -> u16 {
    let shown = format!("{error:?}");
    let (_, status) = shown.split_once("status: ").unwrap();
    status[..3].parse().unwrap()
}

/// Requests a token for `user` in `channel`. Returns status and text of the refusal, or `None` if the
/// token is granted.
async fn refusal(
    app: &App,
    caller: &Principal,
    channel: &str,
    user: &str,
) -> Option<(u16, String)> {
    let request = RtcTokenRequest::new(user).with_channel_id(channel);
    let error: Error = app.rtc_token(caller, request).await.err()?;
    Some((status(&error), error.to_string()))
}

#[tokio::test]
async fn no_token_opens_the_channel_of_another_principal() {
    let (alice, mallory) = (Principal::new("alice"), Principal::new("mallory"));
    let app = app().channel_id_length(None);
    let channel = started(&app, &alice).await.channel_id;
    let (start, end) = channel.split_at(31);
    // Each of these has the hash of a token for a user in Alice's channel.
    for (named, user) in [
        (channel.clone(), "mallory".to_owned()),
        (format!("{channel}x"), "mallory".into()),
        (start.into(), format!("{end}mallory")),
        (channel[..1].into(), format!("{}mallory", &channel[1..])),
    ] {
        let refused = refusal(&app, &mallory, &named, &user).await;
        assert_eq!(refused.map(|(status, _)| status), Some(403), "{named} and {user}");
    }
    assert_eq!(refusal(&app, &mallory, "room-1", "mallory").await, None);
    assert_eq!(refusal(&app, &alice, &channel, "alice").await, None);
}

#[tokio::test]
async fn the_id_of_a_named_channel_must_have_the_configured_length() {
    let (alice, app) = (Principal::new("alice"), app());
    let (status, text) = refusal(&app, &alice, "room-1", "alice").await.unwrap();
    assert_eq!((status, &*text), (400, "/channel_id: 6 characters, allowed: 32"));
    assert_eq!(refusal(&app, &alice, &"c".repeat(32), "alice").await, None);
    let app = self::app().channel_id_length(6);
    assert_eq!(refusal(&app, &alice, "room-1", "alice").await, None);
}

#[tokio::test]
async fn no_token_speaks_as_the_agent() {
    let (mallory, app) = (Principal::new("mallory"), app().channel_id_length(None));
    let StartedInstance { channel_id: channel, agent_user_id: agent, .. } =
        started(&app, &mallory).await;
    let (start, end) = channel.split_at(31);
    for (named, user) in [
        (&*channel, agent.clone()),
        (&channel, format!("{agent}x")),
        // A nonce may happen to start with the missing digit.
        (&channel, agent[..31].into()),
        (start, format!("{end}{agent}")),
        (start, format!("{end}{agent}x")),
    ] {
        let (status, text) = refusal(&app, &mallory, named, &user).await.unwrap();
        assert_eq!(status, 400, "{named} and {user}");
        assert!(text.starts_with("/user_id: the name of an agent"), "{text}");
    }
    assert_eq!(refusal(&app, &mallory, &channel, &agent[..4]).await, None, "a short id is granted");
}

#[tokio::test]
async fn a_flood_of_one_principal_leaves_room_for_the_others() {
    let (alice, mallory) = (Principal::new("alice"), Principal::new("mallory"));
    let app = app().max_instances(100).max_instances_per_caller(10);
    let hers = started(&app, &alice).await.instance_id;
    let first = started(&app, &mallory).await.instance_id;
    let second = started(&app, &mallory).await.instance_id;
    for _ in 0..200 {
        app.rtc_token(&mallory, RtcTokenRequest::new("mallory")).await.unwrap();
    }
    for _ in 0..9 {
        started(&app, &mallory).await;
    }
    started(&app, &alice).await;
    // The flood displaced only the principal's own oldest instance.
    let stop = |id: &str| StopInstanceRequest::new(id);
    let forgotten = app.stop_instance(&mallory, stop(&first)).await.unwrap_err();
    assert_eq!(status(&forgotten), 404);
    app.stop_instance(&mallory, stop(&second)).await.unwrap();
    app.stop_instance(&alice, stop(&hers)).await.unwrap();
}
