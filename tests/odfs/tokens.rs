//! Tokens: which accounts get one at `gettoken`, which tokens are accepted and for how long, and that no
//! secret shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbot::odfs::{
    Account, AnyToken, AuthTokenError, Client, Issuer, Server, TokenAuthorizer, TokenCheck,
    TokenRequest, TokenResponse, router,
};
use serde_json::{Value, json};

use crate::support::events::Events;
use crate::support::odfs::*;

const KEY: &str = "tenant-1";
const SECRET: &str = "SECRET-4711";

fn issuer() -> Issuer {
    Issuer::new().account(KEY, SECRET)
}

/// The token that an issuer issues.
fn token_of(issuer: &Issuer, key: &str, secret: &str) -> String {
    let answer = issuer.issue(&TokenRequest::new(key, secret));
    assert_eq!(answer.error_code, 0, "{answer:?}");
    answer.auth_token.unwrap().expose().to_owned()
}

/// The request with this token.
fn with(body: &Value, token: &str) -> Value {
    changed(body, [("/inparams/auth_token", Some(token.into()))])
}

async fn bench(issuer: Issuer) -> Peer {
    let router = Server::new(Parrot).issuer(issuer).router();
    Peer::connect(start_router(router).await).await
}

const MISSING: &str = "the token is missing or has expired";
const WRONG: &str = "the token is not accepted";

/// Sends a request that must be refused with this code.
async fn refuses(peer: &mut Peer, body: &Value, code: i64) {
    for path in DIALOGUE {
        let answer = peer.ask_json(path, body).await;
        let (status, text) = if code == 900_001 { (401, MISSING) } else { (403, WRONG) };
        assert_eq!(answer.fault(status, code, body["userid"].as_str()), text, "{body}");
    }
}

async fn takes(peer: &mut Peer, token: &str) {
    for path in DIALOGUE {
        let mut bodies: Vec<_> = all_kinds(ID).into();
        bodies.push(hangup(ID));
        for body in bodies {
            let answer = peer.ask_json(path, &with(&body, token)).await;
            assert_eq!((answer.status, &answer.json()["ret"]), (200, &json!(0)), "{body}");
        }
    }
}

#[tokio::test]
async fn an_account_gets_a_token_that_every_request_accepts() {
    let mut peer = bench(issuer().account("4711", "4712")).await;
    for request in [
        token_request(KEY, SECRET),
        token_request("4711", "4712"),
        json!({"appKey": 4711, "appSecret": 4712, "unknown": [1]}),
    ] {
        let answer = peer.ask_json(TOKEN, &request).await;
        assert_eq!(answer.status, 200);
        let json = answer.json();
        let token = json["authToken"].as_str().unwrap();
        let whole = json!({
            "errorCode": 0, "errorMsg": "", "authToken": token, "expireTime": 3600,
        });
        assert_eq!(json, whole);
        assert!(answer.body.contains("\"errorCode\":0"), "{}", answer.body);
        takes(&mut peer, token).await;
    }
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_key_have_the_same_answer() {
    let mut peer = bench(issuer().account("tenant-2", "SECRET-2")).await;
    let mut bodies = Vec::new();
    for (key, secret) in [
        (KEY, "guess"),
        (KEY, ""),
        (KEY, "SECRET-2"),
        (KEY, "secret-4711"),
        (KEY, "SECRET-471"),
        (KEY, "SECRET-47110"),
        (KEY, "SECRET-4711 "),
        (KEY, "\u{0}SECRET-4711"),
        ("", ""),
        ("", SECRET),
        ("nobody", SECRET),
        ("nobody", ""),
        ("Tenant-1", SECRET),
        ("tenant-1 ", SECRET),
        ("tenant-2", SECRET),
    ] {
        let answer = peer.ask_json(TOKEN, &token_request(key, secret)).await;
        assert_eq!(answer.token_fault(200, 900_002), "the app key or the app secret is wrong");
        bodies.push((answer.body, answer.headers.len()));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let nobody = Issuer::new().issue(&TokenRequest::new("", ""));
    assert_eq!((nobody.error_code, nobody.auth_token), (900_002, None));
    // The last setting of an account is used.
    let renewed = issuer().account(KEY, "new");
    assert_eq!(renewed.issue(&TokenRequest::new(KEY, SECRET)).error_code, 900_002);
    token_of(&renewed, KEY, "new");
}

#[tokio::test]
async fn a_token_expires_after_its_lifetime_to_the_second() {
    let whole = Duration::from_secs;
    for (lifetime, seconds) in [
        (None, 3600),
        (Some(whole(60)), 60),
        (Some(whole(1)), 1),
        (Some(Duration::from_millis(90_999)), 90),
        (Some(Duration::from_millis(999)), 1),
        (Some(Duration::ZERO), 1),
        (Some(whole(100 * 365 * 24 * 3600)), 100 * 365 * 24 * 3600),
    ] {
        let hands = Hands::at(SAMPLE_TIME);
        let issuer = issuer().clock(hands.clone());
        let issuer = match lifetime {
            Some(lifetime) => issuer.lifetime(lifetime),
            None => issuer,
        };
        let answer = issuer.issue(&TokenRequest::new(KEY, SECRET));
        assert_eq!(answer.expire_time, Some(i64::try_from(seconds).unwrap()), "{lifetime:?}");
        let token = token_of(&issuer, KEY, SECRET);
        let mut peer = bench(issuer.clone()).await;
        takes(&mut peer, &token).await;
        hands.forward(seconds - 1);
        takes(&mut peer, &token).await;
        let second = token_of(&issuer, KEY, SECRET);
        hands.forward(1);
        refuses(&mut peer, &with(&start(ID), &token), 900_001).await;
        if seconds > 1 {
            takes(&mut peer, &second).await;
        }
        hands.forward(seconds);
        for token in [&token, &second] {
            refuses(&mut peer, &with(&start(ID), token), 900_001).await;
        }
        // A wrong token is not accepted, expired or not.
        let (signed, _) = token.rsplit_once('.').unwrap();
        refuses(&mut peer, &with(&start(ID), &format!("{signed}.AAAA")), 900_002).await;
        // It is valid again when the clock goes back, and for a clock that is behind.
        hands.set(SAMPLE_TIME);
        takes(&mut peer, &token).await;
        hands.set(SAMPLE_TIME - 3600);
        takes(&mut peer, &token).await;
    }
    let answer = issuer().lifetime(Duration::MAX).issue(&TokenRequest::new(KEY, SECRET));
    assert!(answer.expire_time > Some(1 << 32), "{answer:?}");
    let endless = issuer().lifetime(Duration::MAX);
    takes(&mut bench(endless.clone()).await, &token_of(&endless, KEY, SECRET)).await;
}

#[tokio::test]
async fn a_missing_or_empty_token_differs_from_a_wrong_one() {
    let mut peer = bench(issuer()).await;
    let mut bodies: Vec<_> = all_kinds(ID).into();
    bodies.push(hangup(ID));
    for body in bodies {
        for nothing in [None, Some(Value::Null), Some("".into())] {
            let body = changed(&body, [("/inparams/auth_token", nothing)]);
            refuses(&mut peer, &body, 900_001).await;
        }
        for wrong in ["opaque", " ", ".", "..", "...", "a.b.c", "null", "0"] {
            refuses(&mut peer, &with(&body, wrong), 900_002).await;
        }
        let number = changed(&body, [("/inparams/auth_token", Some(4711.into()))]);
        refuses(&mut peer, &number, 900_002).await;
    }
}

#[tokio::test]
async fn a_token_that_was_changed_in_any_place_is_not_accepted() {
    let issuer = issuer();
    let token = token_of(&issuer, KEY, SECRET);
    let mut peer = bench(issuer.clone()).await;
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(bytes).unwrap();
        let body = with(&start(ID), &tampered);
        peer.ask_json(V1, &body).await.fault(403, 900_002, Some(ID));
        let mut shorter = token.clone();
        shorter.remove(at);
        let body = with(&start(ID), &shorter);
        peer.ask_json(V1, &body).await.fault(403, 900_002, Some(ID));
    }
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{token}") };
    let code = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let with_claims = |pointer, value: Value| {
        let read = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let read: Value = serde_json::from_slice(&read).unwrap();
        code(&changed(&read, [(pointer, Some(value))]))
    };
    let later = with_claims("/exp", json!(i64::MAX));
    let other = with_claims("/appKey", json!("tenant-2"));
    let none = code(&json!({"typ": "JWT", "alg": "none"}));
    let (upper, missing) = (code(&json!({"alg": "NONE"})), code(&json!({"typ": "JWT"})));
    for tampered in [
        format!("{none}.{claims}."),
        format!("{none}.{claims}"),
        format!("{none}.{claims}.{signature}"),
        format!("{none}.{later}."),
        format!("{upper}.{claims}."),
        format!("{missing}.{claims}.{signature}"),
        format!("{missing}.{claims}."),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{later}.{signature}"),
        format!("{header}.{other}.{signature}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}=",),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}.{signature}"),
        format!("{header}.{claims}.{claims}.{signature}"),
        format!("Bearer Bearer {token}"),
        format!("Token {token}"),
        token.to_uppercase(),
        "x".repeat(500_000),
        ".".repeat(500_000),
    ] {
        refuses(&mut peer, &with(&start(ID), &tampered), 900_002).await;
    }
    takes(&mut peer, &token).await;
    for scheme in ["Bearer ", "bearer ", "BEARER  "] {
        takes(&mut peer, &format!("{scheme}{token}")).await;
    }
}

#[tokio::test]
async fn servers_with_the_same_accounts_accept_each_others_tokens() {
    let two = || issuer().account("tenant-2", "SECRET-2");
    let (first, second) = (two(), two());
    let mut peer = bench(second).await;
    let tokens = [token_of(&first, KEY, SECRET), token_of(&first, "tenant-2", "SECRET-2")];
    for token in &tokens {
        takes(&mut peer, token).await;
    }
    for (other, taken) in [
        // Another secret, another name, one account less.
        (Issuer::new().account(KEY, "SECRET-4712").account("tenant-2", SECRET), [false, false]),
        (Issuer::new().account("tenant-3", SECRET), [false, false]),
        (Issuer::new(), [false, false]),
        (issuer(), [true, false]),
        (issuer().lifetime(Duration::from_secs(1)), [true, false]),
        (Issuer::new().account("tenant-2", "SECRET-2"), [false, true]),
    ] {
        let mut peer = bench(other).await;
        for (token, taken) in tokens.iter().zip(taken) {
            if taken {
                takes(&mut peer, token).await;
            } else {
                refuses(&mut peer, &with(&start(ID), token), 900_002).await;
            }
        }
    }
    // Two accounts with the same secret have different tokens.
    let twins = Issuer::new().account("a", SECRET).account("b", SECRET);
    let [a, b] = ["a", "b"].map(|key| token_of(&twins, key, SECRET));
    assert_ne!(a, b);
    let mut peer = bench(Issuer::new().account("a", SECRET)).await;
    takes(&mut peer, &a).await;
    refuses(&mut peer, &with(&start(ID), &b), 900_002).await;
}

/// Notes its checks, and decides by the token.
#[derive(Clone, Default)]
struct Doorman(Arc<Mutex<Vec<Asked>>>);

/// The id of the call, the tenant space, and the token.
type Asked = (String, Option<String>, Option<String>);

impl TokenAuthorizer for Doorman {
    async fn check(&self, request: TokenCheck<'_>) -> Result<Account, AuthTokenError> {
        let TokenCheck { user_id, tenant_space, token, .. } = request;
        let token = token.map(|token| token.expose().to_owned());
        let space = tenant_space.map(Into::into);
        self.0.lock().unwrap().push((user_id.to_owned(), space, token.clone()));
        tokio::task::yield_now().await;
        match token.as_deref() {
            Some("good") => Ok(Account::default()),
            Some("old") => Err(AuthTokenError::MissingOrExpired),
            None if user_id == "guest" => Ok(Account::default()),
            _ => Err(AuthTokenError::NotAccepted),
        }
    }
}

#[tokio::test]
async fn two_accounts_that_name_the_same_call_have_two_calls() {
    let issuer = issuer().account("tenant-2", "SECRET-2");
    let mine = token_of(&issuer, KEY, SECRET);
    let other = token_of(&issuer, "tenant-2", "SECRET-2");
    let mut peer = bench(issuer).await;
    peer.ask_json(V1, &with(&start(ID), &mine)).await.outparams(ID, 9);
    for path in DIALOGUE {
        // Neither does the other account learn the number, nor does it end the call.
        let over = peer.ask_json(path, &with(&hangup(ID), &other)).await.outparams(ID, 10);
        assert_ne!(over["call_sor_id"], CALLER, "{over}");
        let number = [("/inparams/call_sor_id", Some("4712".into()))];
        peer.ask_json(path, &with(&changed(&start(ID), number), &other)).await.outparams(ID, 9);
    }
    let over = peer.ask_json(V2, &with(&hangup(ID), &mine)).await.outparams(ID, 10);
    assert_eq!(over["call_sor_id"], CALLER, "{over}");
    let over = peer.ask_json(V1, &with(&hangup(ID), &other)).await.outparams(ID, 10);
    assert_eq!(over["call_sor_id"], "4712", "{over}");
}

#[tokio::test]
async fn a_custom_authorizer_decides_by_the_call_and_the_token() {
    let doorman = Doorman::default();
    let flow = Server::new(Parrot).authorize(doorman.clone());
    let mut peer = Peer::connect(start_router(flow.router()).await).await;
    let mut expected = Vec::new();
    for (id, token, code) in [
        ("c-1", Some("good"), 0),
        ("c-1", Some("old"), 900_001),
        ("c-1", Some("bad"), 900_002),
        ("c-1", Some(" "), 900_002),
        ("c-1", None, 900_002),
        ("c-1", Some(""), 900_002),
        ("guest", None, 0),
        ("guest", Some(""), 0),
        ("guest", Some("bad"), 900_002),
    ] {
        for path in DIALOGUE {
            let body = changed(&start(id), [("/inparams/auth_token", token.map(Into::into))]);
            let answer = peer.ask_json(path, &body).await;
            match code {
                0 => drop(answer.outparams(id, 9)),
                900_001 => assert_eq!(answer.fault(401, code, Some(id)), MISSING),
                _ => assert_eq!(answer.fault(403, code, Some(id)), WRONG),
            }
            let token = token.filter(|token| !token.is_empty());
            let space = (path == V2).then(|| "vdn-1".to_owned());
            expected.push((id.to_owned(), space, token.map(String::from)));
        }
    }
    // An empty token is a missing one.
    assert_eq!(*doorman.0.lock().unwrap(), expected);
    // It issues no tokens.
    peer.ask_json(TOKEN, &token_request(KEY, SECRET)).await.token_fault(404, 10_000_003);
}

#[tokio::test]
async fn tokens_can_be_issued_by_one_authority_and_checked_by_another() {
    let flow = Server::new(Parrot).issuer(issuer()).authorize(Doorman::default());
    let mut peer = Peer::connect(start_router(flow.router()).await).await;
    let answer = peer.ask_json(TOKEN, &token_request(KEY, SECRET)).await.json();
    let token = answer["authToken"].as_str().unwrap();
    refuses(&mut peer, &with(&start(ID), token), 900_002).await;
    takes(&mut peer, "good").await;
    // The last setting of the check is used.
    let flow = Server::new(Parrot).authorize(Doorman::default()).issuer(issuer());
    let mut peer = Peer::connect(start_router(flow.router()).await).await;
    takes(&mut peer, token).await;
    refuses(&mut peer, &with(&start(ID), "good"), 900_002).await;
}

#[tokio::test]
async fn without_an_issuer_any_token_is_accepted_and_none_is_issued() {
    let explicit = Server::new(Parrot).authorize(AnyToken).router();
    for router in [router(Parrot), explicit] {
        let mut peer = Peer::connect(start_router(router).await).await;
        for token in [None, Some(""), Some("opaque"), Some("a.b.c")] {
            let token = token.map(Into::into);
            let body = changed(&start(ID), [("/inparams/auth_token", token)]);
            peer.ask_json(V1, &body).await.outparams(ID, 9);
        }
        let answer = peer.ask_json(TOKEN, &token_request(KEY, SECRET)).await;
        assert_eq!(answer.token_fault(404, 10_000_003), "this server issues no tokens");
    }
}

#[tokio::test]
async fn a_client_with_the_account_is_served_and_another_is_not() {
    let issuer = issuer().lifetime(Duration::from_secs(100));
    let router = Server::new(Parrot).issuer(issuer).router();
    let url = format!("http://{}", start_router(router).await);
    let client = Client::builder(&url, KEY, SECRET).build().unwrap();
    client.process(request(&start(ID))).await.unwrap();
    let stranger = Client::builder(&url, KEY, "guess").build().unwrap();
    let error = stranger.process(request(&start(ID))).await.unwrap_err();
    let failure = error.failure().unwrap();
    let text = "the app key or the app secret is wrong";
    assert_eq!((failure.code(), failure.message()), ("900002", Some(text)));
}

/// Checks that a text holds none of the secrets.
fn assert_hidden(text: &str, secrets: &[&str]) {
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret:?} shows");
    }
}

/// A flow that implements `Debug`.
#[derive(Debug)]
struct Plain;

impl callbot::odfs::Api for Plain {
    async fn start(
        &self,
        call: &callbot::odfs::Call,
        _: callbot::odfs::Start,
    ) -> Result<callbot::odfs::Action, callbot::server::Error> {
        Ok(call.release().into())
    }

    async fn interacted(
        &self,
        call: &callbot::odfs::Call,
        _: callbot::odfs::Interacted,
    ) -> Result<callbot::odfs::Action, callbot::server::Error> {
        Ok(call.release().into())
    }
}

#[test]
fn debug_shows_neither_secrets_nor_tokens() {
    let issuer = issuer();
    let token = token_of(&issuer, KEY, SECRET);
    let answer: TokenResponse = issuer.issue(&TokenRequest::new(KEY, SECRET));
    let given = answer.auth_token.clone().unwrap();
    let dialogue = request(&with(&start(ID), &token));
    let client = Client::builder("http://user:password@odfs", KEY, SECRET);
    let fixed = Client::builder_with_token("http://odfs", token.clone());
    for shown in [
        format!("{issuer:?} {issuer:#?}"),
        format!("{answer:?} {dialogue:?}"),
        format!("{:?}", TokenRequest::new(KEY, SECRET)),
        format!("{:?}", Server::new(Plain).issuer(issuer.clone())),
        format!("{:?}", Server::new(Plain).issuer(issuer).into_wire_api()),
        format!("{client:?} {fixed:?}"),
        format!("{:?} {:?}", client.build().unwrap(), fixed.build().unwrap()),
    ] {
        assert_hidden(&shown, &[SECRET, &token, given.expose(), "password"]);
    }
    let refusals = [AuthTokenError::MissingOrExpired, AuthTokenError::NotAccepted];
    let texts = refusals.map(|refusal| refusal.to_string());
    assert_eq!(texts, [MISSING, WRONG]);
}

/// Sends every kind of request with a valid token and with a wrong one. Returns the secrets in them.
async fn traffic(server: Server<Parrot>) -> Vec<String> {
    let address = start_router(server.router()).await;
    let answer = ask(address, TOKEN, &token_request(KEY, SECRET)).await.json();
    let token = answer["authToken"].as_str().unwrap().to_owned();
    let wrong = "WRONG-4711.WRONG-4711.WRONG-4711";
    for token in [token.as_str(), wrong] {
        for path in DIALOGUE {
            for body in all_kinds(ID) {
                ask(address, path, &with(&body, token)).await;
                // Refused for another reason.
                let body = changed(&with(&body, token), [("/inparams/call_dst_id", None)]);
                ask(address, path, &body).await;
            }
        }
    }
    ask(address, TOKEN, &token_request(KEY, "WRONG-4711")).await;
    ask(address, TOKEN, &json!({"appKey": KEY, "appSecret": [SECRET]})).await;
    ask(address, TOKEN, &json!({"appSecret": SECRET})).await;
    let url = format!("http://{address}");
    let client = Client::builder(&url, KEY, SECRET).build().unwrap();
    client.process(request(&start(ID))).await.unwrap();
    let client = Client::builder_with_token(&url, wrong).build().unwrap();
    let error = client.process(request(&start(ID))).await.unwrap_err();
    assert_hidden(&format!("{error} {error:?}"), &["4711", &token]);
    vec![SECRET.into(), "WRONG-4711".into(), token]
}

#[tokio::test]
async fn traces_show_neither_secrets_nor_tokens() {
    let (traces, _guard) = traced();
    let secrets = traffic(Server::new(Parrot).issuer(issuer())).await;
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    assert!(!traces.with(&["WARN", "refused"]).is_empty(), "{}", traces.text());
    assert_hidden(&traces.text(), &secrets);
}

#[tokio::test]
async fn traces_of_content_show_neither_secrets_nor_tokens() {
    let (traces, _guard) = traced();
    let server = Server::new(Parrot).issuer(issuer()).trace_content(true);
    let secrets = traffic(server).await;
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    // The content itself is traced.
    assert!(!traces.with(&["TRACE", "operation=\"process\"", CALLER]).is_empty());
    assert_hidden(&traces.text(), &secrets);
}

#[tokio::test]
async fn a_request_with_a_wrong_token_is_an_event() {
    let events = Events::default();
    traffic(Server::new(Parrot).issuer(issuer()).observer(events.clone())).await;
    for path in ["process", "processV2"] {
        let line = format!("refused odfs {path} 403 token");
        assert!(events.all().contains(&line), "{:?}", events.all());
    }
}
