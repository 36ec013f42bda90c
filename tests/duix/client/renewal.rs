//! Which token a call carries, and how a refused token is replaced.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use callbot::duix::{AvatarParameters, Client, ResponseCode, Tokens, WireClient};
use futures_util::future::join_all;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::time::sleep;

use super::{SECOND, code, once};
use crate::support::duix_platform::{
    APP, Fake, Hand, KEY, NOW, Ticking, at_once, avatar, call, calls, failure, given, good, times,
    tokens,
};

#[tokio::test]
async fn tokens_follow_the_settings_of_the_builder_and_are_shared() {
    let fake = Fake::playing([(200, good())]);
    let hand = Hand::new();
    let client = Client::builder_with_tokens(Tokens::new("app-7", "key-7").clock(hand.clone()))
        .token_lifetime(Duration::from_secs(600))
        .token_back_dating(Duration::from_secs(20))
        .transport(fake.clone())
        .build()
        .unwrap();
    let checker = Tokens::new("app-7", "key-7").clock(hand.clone());
    let mut seen = Vec::new();
    for at in [0.0, 100.0, 519.0, 521.0, 900.0] {
        hand.set(at);
        for client in [client.clone(), client.with_options(once())] {
            client.sessions().await.unwrap();
            client.stop_session("s").await.unwrap();
            for asked in fake.taken() {
                assert_eq!(checker.check(asked.token()), Ok(()), "{at}");
                assert_eq!(asked.token(), client.tokens().current().expose(), "{at}");
                seen.push(times(asked.token()));
            }
        }
    }
    let [first, second] = [(NOW - 20, NOW + 580), (NOW + 501, NOW + 1101)];
    assert_eq!(seen, [vec![first; 12], vec![second; 8]].concat());
    assert_eq!(client.tokens().app_id(), "app-7");

    // The client uses the tokens of `Tokens` that it is given.
    let tokens = Tokens::new(APP, KEY).clock(Ticking::new());
    let token = tokens.current();
    let client =
        Client::builder_with_tokens(tokens.clone()).transport(fake.clone()).build().unwrap();
    client.sessions().await.unwrap();
    assert_eq!(fake.taken()[0].token(), token.expose());
    tokens.renew(&token);
    client.sessions().await.unwrap();
    assert_eq!(fake.taken()[0].token(), tokens.current().expose());
}

#[tokio::test]
async fn the_token_header_is_marked_as_sensitive_in_every_attempt() {
    let fake = Fake::playing([(503, good()), (200, failure("1006")), (200, good())]);
    let options = at_once(2).header(HeaderName::from_static("x-a"), HeaderValue::from_static("b"));
    let client = fake.dated(Ticking::new()).options(options).build().unwrap();
    client.sessions().await.unwrap();
    client.create_avatar(&avatar()).await.unwrap();
    let wire = WireClient::builder("http://duix").transport(fake.clone()).build().unwrap();
    wire.avatar(&AvatarParameters::new("token-7", "1")).await.unwrap();
    let asked = fake.asked();
    assert_eq!(asked.len(), 5);
    for asked in asked {
        assert!(asked.headers["token"].is_sensitive(), "{}", asked.line);
        let shown = format!("{:?}", asked.headers);
        assert!(!shown.contains(asked.token()), "{shown}");
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_call_is_repeated_once() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.dated(Ticking::new()).token_lifetime(86_400 * SECOND).build().unwrap();
    for status in [200, 401, 403, 500] {
        for (code, data) in [(json!("1006"), Value::Null), (json!(1006), json!(""))] {
            let mut refusal = failure(code);
            refusal["data"] = data;
            for name in calls() {
                let place = format!("{name} {status}");
                fake.play([(status, refusal.clone()), (200, good())]);
                let refused = client.tokens().current();
                assert_eq!(call(&client, name).await.unwrap(), 200, "{place}");
                assert_eq!(call(&client, name).await.unwrap(), 200, "{place}");
                let asked = fake.taken();
                let [first, second, later] = asked.as_slice() else { panic!("{place}: {asked:?}") };
                assert_eq!(first.token(), refused.expose(), "{place}");
                assert!(times(second.token()) > times(first.token()), "{place}");
                // The rest of the request is the same.
                assert_eq!((&second.line, &second.body), (&first.line, &first.body), "{place}");
                assert_eq!(second.headers.len(), first.headers.len(), "{place}");
                // The new token stays in use.
                assert_eq!(later.token(), second.token(), "{place}");
                assert_eq!(client.tokens().current().expose(), second.token(), "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_a_second_time_is_an_error() {
    let fake = Fake::playing([(200, good())]);
    let builder = fake.dated(Ticking::new()).token_lifetime(86_400 * SECOND);
    let client = builder.options(at_once(5)).build().unwrap();
    for name in calls() {
        let refusals = (0..9).map(|number| {
            let mut refusal = failure("1006");
            refusal["message"] = format!("refusal {number}").into();
            (200, refusal)
        });
        fake.play(refusals);
        let error = call(&client, name).await.unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!(failure.code_as::<ResponseCode>(), ResponseCode::TokenInvalid, "{name}");
        assert_eq!(failure.message(), Some("refusal 1"), "{name}");
        assert!(!error.is_retryable(), "{name}");
        let asked = fake.taken();
        assert_eq!(tokens(&asked).into_iter().collect::<BTreeSet<_>>().len(), 2, "{name}");
        assert_eq!(asked.len(), 2, "{name}");
        // The next call tries again.
        call(&client, name).await.unwrap_err();
        assert_eq!(fake.taken().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn the_second_attempt_may_fail_in_another_way() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for name in calls() {
        fake.play([(200, failure("1006")), (404, failure("2002"))]);
        let error = call(&client, name).await.unwrap_err();
        assert_eq!((code(&error), error.status()), ("2002", Some(StatusCode::NOT_FOUND)));
        assert_eq!(fake.asked().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn no_other_failure_renews_a_token() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.dated(Ticking::new()).options(once()).build().unwrap();
    for (status, body) in [
        (200, failure("1005")),
        (200, failure("1007")),
        (200, failure("40001")),
        (200, failure("-1")),
        (200, failure("10060")),
        (401, failure("1009")),
        (401, json!("")),
        (403, json!({"code": "1006"})),
    ] {
        fake.play([(status, body.clone())]);
        let token = client.tokens().current();
        for name in calls() {
            call(&client, name).await.unwrap_err();
            assert_eq!(tokens(&fake.taken()), [token.expose()], "{name} {status} {body}");
        }
    }
    // Nor does a success with that code.
    fake.play([(200, json!({"success": true, "code": "1006", "data": {}}))]);
    for name in calls() {
        call(&client, name).await.unwrap();
        assert_eq!(fake.taken().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn of_many_calls_refused_at_the_same_time_one_renews_the_token() {
    const CALLS: usize = 28;
    // No call is answered before all requests have arrived.
    let all = Arc::new(Barrier::new(CALLS));
    let fake = Fake::new(move |number, _| {
        let all = all.clone();
        async move {
            if number >= CALLS {
                return given(200, good().to_string());
            }
            all.wait().await;
            given(200, failure("1006").to_string())
        }
    });
    let client = fake.dated(Ticking::new()).token_lifetime(86_400 * SECOND).build().unwrap();
    let names: Vec<_> = calls().cycle().take(CALLS).collect();
    let outcomes = join_all(names.iter().map(|name| call(&client, name))).await;
    for (name, outcome) in names.iter().zip(outcomes) {
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
    let asked = fake.asked();
    assert_eq!(asked.len(), 2 * CALLS);
    let (first, second) = asked.split_at(CALLS);
    let distinct = |asked| tokens(asked).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let [first, second] = [distinct(first), distinct(second)];
    assert_eq!((first.len(), second.len()), (1, 1), "{first:?} {second:?}");
    assert!(first.is_disjoint(&second));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_late_uses_the_renewed_token() {
    // The first call is refused after the second one has renewed the token.
    let fake = Fake::new(|number, _| async move {
        sleep(if number == 0 { 5 * SECOND } else { SECOND / 10 }).await;
        let refused = number < 2;
        given(200, if refused { failure("1006") } else { good() }.to_string())
    });
    let client = fake.dated(Ticking::new()).build().unwrap();
    let (slow, quick) = tokio::join!(client.stop_session("slow"), client.stop_session("quick"));
    slow.unwrap();
    quick.unwrap();
    let asked = fake.asked();
    let [first, second, third, fourth] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(first.token(), second.token());
    assert_ne!(third.token(), first.token());
    assert_eq!(fourth.token(), third.token());
    assert!(fourth.line.contains("slow"), "{}", fourth.line);
}
