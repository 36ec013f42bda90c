//! The wire client: it returns whole envelopes, sends the tokens that it is given, and makes one
//! attempt.

use callbot::duix::{
    AvatarParameters, ConcurrencyParameters, ConversationParameters, ConversationV2Parameters,
    CreateAvatarParameters, ResponseCode, SessionsParameters, StopAllSessionsOfAppParameters,
    StopSessionParameters, WireClient, operations,
};
use serde_json::json;

use super::line;
use crate::support::duix_platform::{APP, Fake, avatar, failure, good, tokens};

#[tokio::test]
async fn the_wire_client_returns_the_whole_envelope() {
    let fake = Fake::playing([
        (200, json!({"success": true, "code": "0", "msg": "fine", "data": {"cropId": 7}})),
        (200, json!({"success": true, "code": "", "message": "", "data": ""})),
        (200, json!({"success": true})),
        (200, json!({"success": true, "code": "200", "data": {"id": 108}})),
        (200, json!({"success": true, "code": "200", "data": null})),
        (200, json!({"success": true, "code": "200", "data": {"taskId": 1}})),
        (200, json!({"success": true, "code": "200", "data": [1]})),
        (200, json!({"success": true, "code": "200", "data": {"name": "Anna"}})),
    ]);
    let client = WireClient::builder("http://duix").transport(fake.clone()).build().unwrap();

    let answer = client.concurrency(&ConcurrencyParameters::new("t-0", "a b")).await.unwrap();
    assert_eq!((answer.success, &answer.code), (true, &Some(ResponseCode::OkNewer)));
    assert_eq!(answer.message.as_deref(), Some("fine"));
    assert_eq!(answer.data.as_ref().unwrap().corp_id.as_deref(), Some("7"));
    let stop = StopAllSessionsOfAppParameters::new("t-1", APP);
    let answer = client.stop_all_sessions_of_app(&stop).await.unwrap();
    assert_eq!(answer.code.as_ref().unwrap().as_str(), "");
    assert_eq!(answer.data, Some(json!("")));
    let answer = client.stop_session(&StopSessionParameters::new("t-2", "s")).await.unwrap();
    assert_eq!((&answer.code, &answer.message, &answer.data), (&None, &None, &None));
    let parameters = ConversationParameters::new("t-3", "108");
    let answer = client.conversation(&parameters).await.unwrap();
    assert_eq!(answer.data.as_ref().unwrap().id.as_deref(), Some("108"));
    let parameters = ConversationV2Parameters::new("t-4", "108");
    assert_eq!(client.conversation_v2(&parameters).await.unwrap().data, None);
    let parameters = CreateAvatarParameters::new("t-5");
    let answer = client.create_avatar(&parameters, &avatar()).await.unwrap();
    assert_eq!(answer.data.as_ref().unwrap().task_id.as_deref(), Some("1"));
    let answer = client.sessions(&SessionsParameters::new("t-6", APP)).await.unwrap();
    assert_eq!(answer.data, Some(json!([1])));
    let answer = client.avatar(&AvatarParameters::new("t-7", "task-1")).await.unwrap();
    assert_eq!(answer.data.as_ref().unwrap().name.as_deref(), Some("Anna"));

    let asked = fake.taken();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.clone()).collect();
    let v2 = operations::CONVERSATION_V2.path;
    let expected = [
        line("concurrency").replace("app-1", "a+b"),
        line("stop_all_sessions_of_app"),
        line("stop_session").replace("session-1", "s"),
        line("conversation"),
        format!("GET {v2}?conversationId=108 HTTP/1.1"),
        line("create_avatar"),
        line("sessions"),
        line("avatar"),
    ];
    assert_eq!(lines, expected);
    // The tokens are those of the parameters, unchanged.
    assert_eq!(tokens(&asked), ["t-0", "t-1", "t-2", "t-3", "t-4", "t-5", "t-6", "t-7"]);
}

#[tokio::test]
async fn the_wire_client_makes_one_attempt_and_renews_nothing() {
    for (status, body) in [(200, failure("1006")), (200, failure("-1")), (503, json!(""))] {
        let fake = Fake::playing([(status, body.clone()), (200, good())]);
        let client = WireClient::builder("http://duix").transport(fake.clone()).build().unwrap();
        let error = client.sessions(&SessionsParameters::new("t", APP)).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status, "{body}");
        let failed = error.failure().map(|failure| json!(failure.code()));
        assert_eq!(failed.as_ref(), body.get("code"), "{body}");
        assert_eq!(tokens(&fake.taken()), ["t"], "{body}");
    }
}
