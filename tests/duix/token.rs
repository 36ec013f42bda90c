//! The tokens of the DUIX management API: their bytes, how long they are used, how clones share them,
//! which ones are refused, and that no secret shows.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::duix_platform::{
    APP, Asked, Fake, Hand, KEY, NOW, Ticking, call, calls, failure, given, good, taken_apart,
    times,
};
use crate::support::traces::traced;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use callbot::client::{CallOptions, Error, TransportError};
use callbot::duix::{
    Api, AvatarParameters, Client, Concurrency, ConcurrencyParameters, Conversation,
    ConversationParameters, CreateAvatarParameters, Server, SessionsParameters,
    StopAllSessionsOfAppParameters, StopSessionParameters, TokenError, Tokens, WireClient,
};
use callbot::server;
use callbot::wire::Secret;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use tokio::net::TcpListener;

/// The test vector: app `app-1`, key `secret-1`, issued at [`NOW`] for 1800 s.
const VECTOR: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
    eyJhcHBJZCI6ImFwcC0xIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDE4MDB9.\
    tEpb6HGg9JFPsqVW_DOMIZ2Yfu16iJxk9Pf3ZJaBf1w";

const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

const SECOND: Duration = Duration::from_secs(1);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The time at which tests start, as a clock that does not move.
fn now() -> SystemTime {
    UNIX_EPOCH + seconds(NOW.try_into().unwrap())
}

fn tokens() -> Tokens {
    Tokens::new(APP, KEY).clock(now())
}

/// Tokens without back-dating, and their clock.
fn by_hand() -> (Tokens, Hand) {
    let hand = Hand::new();
    (Tokens::new(APP, KEY).back_dating(Duration::ZERO).clock(hand.clone()), hand)
}

fn exposed(token: &Secret) -> &str {
    token.expose()
}

/// The signature of a text, by other code than that under test.
macro_rules! mac {
    ($hash:ty, $key:expr, $text:expr) => {{
        let mut mac = Hmac::<$hash>::new_from_slice($key.as_bytes()).unwrap();
        mac.update($text.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }};
}

/// A token with this header and these claims.
fn made(key: &str, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = mac!(Sha256, key, signed);
    format!("{signed}.{signature}")
}

/// A token with these claims, which is valid otherwise.
fn claiming(claims: &str) -> String {
    made(KEY, HEADER, claims)
}

#[test]
fn the_test_vector_is_made_byte_for_byte() {
    let tokens = tokens().back_dating(Duration::ZERO);
    assert_eq!(exposed(&tokens.mint()), VECTOR);
    assert_eq!(exposed(&tokens.current()), VECTOR);
    assert_eq!(tokens.check(VECTOR), Ok(()));
    assert_eq!(tokens.app_id(), APP);
    // Times are whole seconds, rounded down.
    let late = tokens.clock(now() + Duration::from_millis(999));
    assert_eq!(exposed(&late.mint()), VECTOR);
    // The helper of these tests makes the same token.
    let claims = r#"{"appId":"app-1","iat":1700000000,"exp":1700001800}"#;
    assert_eq!(claiming(claims), VECTOR);
    assert_eq!(taken_apart(VECTOR), [HEADER, claims]);
}

#[test]
fn a_token_has_the_header_and_the_three_claims_for_any_app_and_any_key() {
    let long = "k".repeat(200);
    for (app, key) in [
        ("app-1", "secret-1"),
        ("", ""),
        ("7", "c2VjcmV0LTE="),
        ("a\"b\\c/d", "密钥 with a space"),
        ("应用\u{1F600}", "\u{0}\n"),
        ("{\"appId\":\"x\"}", long.as_str()),
    ] {
        let token = Tokens::new(app, key).clock(now()).mint();
        let claims = format!(
            r#"{{"appId":{},"iat":{},"exp":{}}}"#,
            Value::from(app),
            NOW - 5,
            NOW - 5 + 1800
        );
        assert_eq!(taken_apart(exposed(&token)), [HEADER.to_owned(), claims.clone()]);
        // The key is used as plain bytes, whatever it looks like.
        assert_eq!(exposed(&token), made(key, HEADER, &claims), "{app}");
    }
}

#[test]
fn a_token_has_the_lifetime_that_is_set_and_is_back_dated_by_half_of_it_at_most() {
    let most = Duration::MAX;
    let cases = [
        // The lifetime and the back-dating that are set, now minus `iat`, and `exp` minus `iat`.
        (None, None, 5, 1800),
        (None, Some(Duration::ZERO), 0, 1800),
        (None, Some(seconds(60)), 60, 1800),
        (None, Some(seconds(900)), 900, 1800),
        (None, Some(seconds(901)), 900, 1800),
        (None, Some(seconds(1800)), 900, 1800),
        (None, Some(most), 900, 1800),
        (None, Some(Duration::from_millis(5999)), 5, 1800),
        (Some(seconds(600)), None, 5, 600),
        (Some(seconds(10)), None, 5, 10),
        (Some(seconds(9)), None, 4, 9),
        (Some(seconds(3)), None, 1, 3),
        (Some(seconds(2)), None, 1, 2),
        (Some(SECOND), None, 0, 1),
        (Some(Duration::from_millis(1999)), None, 0, 1),
        (Some(Duration::from_millis(1)), None, 0, 1),
        (Some(Duration::ZERO), None, 0, 1),
        (Some(Duration::ZERO), Some(most), 0, 1),
        (Some(seconds(86_400)), Some(seconds(300)), 300, 86_400),
    ];
    for (lifetime, back, dated_back, life) in cases {
        let place = format!("{lifetime:?} {back:?}");
        let lasting = |tokens: Tokens| match lifetime {
            Some(lifetime) => tokens.lifetime(lifetime),
            None => tokens,
        };
        let dating = |tokens: Tokens| match back {
            Some(back) => tokens.back_dating(back),
            None => tokens,
        };
        // The order of the settings does not matter.
        for tokens in [lasting(dating(tokens())), dating(lasting(tokens()))] {
            for token in [tokens.mint(), tokens.current()] {
                let (iat, exp) = times(exposed(&token));
                assert_eq!((NOW - iat, exp - iat), (dated_back, life), "{place}");
                assert_eq!(tokens.check(exposed(&token)), Ok(()), "{place}");
            }
        }
    }
}

#[test]
fn a_lifetime_that_is_too_large_is_the_largest_possible() {
    for lifetime in [Duration::MAX, seconds(u64::MAX), seconds(i64::MAX.try_into().unwrap())] {
        let tokens = tokens().lifetime(lifetime);
        assert_eq!(times(exposed(&tokens.current())), (NOW - 5, i64::MAX));
        assert_eq!(tokens.check(exposed(&tokens.current())), Ok(()));
    }
    // The back-dating is half of it.
    let tokens = tokens().lifetime(Duration::MAX).back_dating(Duration::MAX);
    let (iat, exp) = times(exposed(&tokens.current()));
    assert_eq!((iat, exp), (NOW - i64::MAX / 2, NOW - i64::MAX / 2 + i64::MAX));
    assert_eq!(tokens.check(exposed(&tokens.mint())), Ok(()));
}

#[test]
fn a_clock_before_1970_makes_tokens_that_it_accepts() {
    for clock in [UNIX_EPOCH, UNIX_EPOCH + SECOND, UNIX_EPOCH - seconds(1_000_000)] {
        let tokens = tokens().clock(clock);
        assert_eq!(tokens.check(exposed(&tokens.mint())), Ok(()));
    }
}

#[test]
fn a_token_is_used_until_shortly_before_it_expires() {
    let cases = [
        // Lifetime, back-dating, a time just before the renewal and one just after it.
        (1800, 0, 1739.0, 1740.1),
        (1800, 0, 1739.9, 1800.0),
        (1800, 0, 1739.9, 1_000_000.0),
        (1800, 5, 1734.0, 1735.1),
        (86_400, 0, 86_339.0, 86_340.1),
        (700, 0, 639.0, 640.1),
        (600, 0, 539.0, 540.1),
        (590, 0, 530.0, 531.1),
        (300, 0, 269.0, 270.1),
        (100, 0, 89.0, 90.1),
        (100, 50, 39.0, 40.1),
        (10, 0, 8.9, 9.1),
        (10, 5, 3.9, 4.1),
        (2, 0, 0.9, 2.0),
        (1, 0, 0.9, 1.0),
    ];
    for (lifetime, back, last, first) in cases {
        let place = format!("{lifetime} {back}");
        let (tokens, hand) = by_hand();
        let tokens = tokens.lifetime(seconds(lifetime)).back_dating(seconds(back));
        let token = tokens.current();
        for elapsed in [0.0, last / 2.0, last] {
            hand.set(elapsed);
            assert_eq!(tokens.current(), token, "{place}: at {elapsed}");
            assert_eq!(tokens.check(exposed(&token)), Ok(()), "{place}: at {elapsed}");
        }
        hand.set(first);
        let next = tokens.current();
        assert_ne!(next, token, "{place}");
        assert_eq!(next, tokens.mint(), "{place}");
        assert_eq!(tokens.check(exposed(&next)), Ok(()), "{place}");
        // The next token lasts as long.
        hand.set(first + (last - 1.0).max(0.0));
        assert_eq!(tokens.current(), next, "{place}");
    }
}

#[test]
fn a_minted_token_is_new_and_not_the_current_one() {
    let (tokens, hand) = by_hand();
    let current = tokens.current();
    hand.advance(7);
    let minted = tokens.mint();
    assert_eq!(times(exposed(&minted)), (NOW + 7, NOW + 7 + 1800));
    assert_eq!(tokens.current(), current);
    hand.advance(1);
    assert_ne!(tokens.mint(), minted);
    assert_eq!(tokens.current(), current);
    // A minted token does not become the current one, even if there is none.
    let (tokens, hand) = by_hand();
    let minted = tokens.mint();
    hand.advance(1);
    assert_ne!(tokens.current(), minted);
}

#[test]
fn renewing_replaces_the_current_token_only() {
    let (tokens, hand) = by_hand();
    let first = tokens.current();
    hand.advance(3);
    tokens.renew(&first);
    let second = tokens.current();
    assert_eq!(times(exposed(&second)).0, NOW + 3);

    hand.advance(3);
    for refused in [first, tokens.mint(), "".into(), exposed(&second)[1..].into()] {
        tokens.renew(&refused);
        assert_eq!(tokens.current(), second);
    }
    // Tokens are compared by their text.
    tokens.renew(&exposed(&second).into());
    let third = tokens.current();
    assert_eq!(times(exposed(&third)).0, NOW + 6);
    // The new token has a whole lifetime.
    hand.set(6.0 + 1739.0);
    assert_eq!(tokens.current(), third);
    hand.set(6.0 + 1740.1);
    assert_ne!(tokens.current(), third);
}

#[test]
fn renewing_works_without_a_current_token() {
    let (tokens, hand) = by_hand();
    tokens.renew(&"of another one".into());
    hand.advance(3);
    assert_eq!(times(exposed(&tokens.current())).0, NOW);
}

#[test]
fn of_many_simultaneous_renewals_the_first_makes_the_token() {
    let tokens = Tokens::new(APP, KEY).clock(Ticking::new()).lifetime(seconds(86_400));
    let refused = tokens.current();
    let renewed: BTreeSet<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (tokens, refused) = (tokens.clone(), refused.clone());
                scope.spawn(move || {
                    tokens.renew(&refused);
                    tokens.current().expose().to_owned()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert!(!renewed.contains(exposed(&refused)));
}

#[test]
fn clones_share_the_current_token() {
    let (tokens, hand) = by_hand();
    let early = tokens.clone();
    let first = tokens.current();
    hand.advance(3);
    let late = tokens.clone();
    assert_eq!((early.current(), late.current()), (first.clone(), first.clone()));
    late.renew(&first);
    let second = late.current();
    assert_ne!(second, first);
    assert_eq!((tokens.current(), early.current()), (second.clone(), second));
    // `Tokens` with the same settings do not share it.
    let (stranger, _) = by_hand();
    assert_eq!(stranger.current(), first);
}

#[test]
fn every_setting_ends_the_sharing_and_keeps_the_current_token_of_the_others() {
    let (tokens, hand) = by_hand();
    let first = tokens.current();
    hand.advance(7);
    let settings: [(&str, &dyn Fn(Tokens) -> Tokens); 3] = [
        // The value is the same as before.
        ("lifetime", &|tokens| tokens.lifetime(seconds(1800))),
        ("back_dating", &|tokens| tokens.back_dating(Duration::ZERO)),
        ("clock", &|tokens| tokens.clock(hand.clone())),
    ];
    for (name, set) in settings {
        let apart = set(tokens.clone());
        let own = apart.current();
        assert_eq!(times(exposed(&own)).0, NOW + 7, "{name}");
        assert_eq!(tokens.current(), first, "{name}");
        hand.advance(1);
        apart.renew(&own);
        assert_ne!(apart.current(), own, "{name}");
        assert_eq!(tokens.current(), first, "{name}");
        tokens.clone().renew(&own);
        assert_eq!(tokens.current(), first, "{name}");
        hand.advance(-1);
    }
}

#[test]
fn other_texts_than_tokens_of_this_kind_are_refused() {
    let claims = json!({"appId": APP, "iat": NOW, "exp": NOW + 1800}).to_string();
    let good = claiming(&claims);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    let tokens = tokens();
    assert_eq!(tokens.check(&good), Ok(()));

    // The header: other algorithms are refused, with any signature.
    for header in [
        r#"{"typ":"JWT","alg":"none"}"#,
        r#"{"typ":"JWT","alg":"None"}"#,
        r#"{"typ":"JWT","alg":""}"#,
        r#"{"typ":"JWT","alg":"HS512"}"#,
        r#"{"typ":"JWT","alg":"HS384"}"#,
        r#"{"typ":"JWT","alg":"RS256"}"#,
        r#"{"typ":"JWT","alg":"hs256"}"#,
        r#"{"typ":"JWT","alg":["HS256"]}"#,
        r#"{"typ":"JWT","alg":null}"#,
        r#"{"typ":"HS256"}"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "null",
        "{",
        "",
    ] {
        let signed = format!("{}.{body}", URL_SAFE_NO_PAD.encode(header));
        for signature in [mac!(Sha256, KEY, signed), mac!(Sha512, KEY, signed), String::new()] {
            let token = format!("{signed}.{signature}");
            assert_eq!(tokens.check(&token), Err(TokenError::Signature), "{header}: {token}");
        }
    }
    // Other fields of the header do not matter.
    for header in [r#"{"alg":"HS256"}"#, r#" {"alg":"HS256", "typ":"jwt", "kid":"7"} "#] {
        assert_eq!(tokens.check(&made(KEY, header, &claims)), Ok(()), "{header}");
    }

    // The signature.
    let other_claims = claims.replace("1800", "9999");
    assert_ne!(claims, other_claims);
    let forged = [
        ("another key", made("secret-2", HEADER, &claims)),
        ("an empty key", made("", HEADER, &claims)),
        ("a key with a space", made("secret-1 ", HEADER, &claims)),
        ("another hash", format!("{signed}.{}", mac!(Sha512, KEY, signed))),
        ("other claims", format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(other_claims))),
        ("another header", format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode("{}"))),
        ("no signature", format!("{signed}.")),
        ("half a signature", format!("{signed}.{}", &signature[..20])),
        ("a longer signature", format!("{good}AAAA")),
        ("a signature of nothing", format!("{signed}.{}", mac!(Sha256, KEY, ""))),
        ("a signature of the claims", format!("{signed}.{}", mac!(Sha256, KEY, body))),
        ("a signature with padding", format!("{good}=")),
        // A signature is base64 and not hex.
        ("a signature in hex", format!("{signed}.{}", "ab".repeat(32))),
    ];
    for (how, token) in forged {
        assert_eq!(tokens.check(&token), Err(TokenError::Signature), "{how}: {token}");
    }
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(bytes).unwrap();
        assert_eq!(tokens.check(&token), Err(TokenError::Signature), "{at}: {token}");
    }

    // The parts.
    let garbage = [
        String::new(),
        " ".into(),
        ".".into(),
        "..".into(),
        "...".into(),
        "garbage".into(),
        "\u{0}".into(),
        "令牌.令牌.令牌".into(),
        head.into(),
        signed.into(),
        format!("{head}.{signature}"),
        format!("{body}.{signature}"),
        format!(".{body}.{signature}"),
        format!("{head}..{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{head}.{good}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("Bearer {good}"),
        good[1..].into(),
        good.to_uppercase(),
        good.repeat(2),
        "x".repeat(100_000),
    ];
    for token in garbage {
        assert_eq!(tokens.check(&token), Err(TokenError::Signature), "{token}");
    }
    // Four parts with a correct signature.
    let four = format!("{signed}.{body}");
    let four = format!("{four}.{}", mac!(Sha256, KEY, four));
    assert_eq!(tokens.check(&four), Err(TokenError::Signature));
    // Padded base64 with a correct signature.
    let padded = format!("{head}.{}", URL_SAFE.encode(format!("{claims} ")));
    assert!(padded.ends_with('='), "{padded}");
    let padded = format!("{padded}.{}", mac!(Sha256, KEY, padded));
    assert_eq!(tokens.check(&padded), Err(TokenError::Signature));
}

#[test]
fn tokens_with_other_claims_are_refused() {
    let (tokens, end) = (tokens(), NOW + 1800);
    let with = |app: Value, iat: Value, exp: Value| {
        claiming(&json!({"appId": app, "iat": iat, "exp": exp}).to_string())
    };
    for claims in [
        String::new(),
        "{".into(),
        "null".into(),
        "7".into(),
        "\"app-1\"".into(),
        "{}".into(),
        json!({"iat": NOW, "exp": end}).to_string(),
        json!({"appId": APP, "exp": end}).to_string(),
        json!({"appId": APP, "iat": NOW}).to_string(),
        json!({"app_id": APP, "iat": NOW, "exp": end}).to_string(),
        json!({"appId": APP, "iat": NOW.to_string(), "exp": end}).to_string(),
        json!({"appId": APP, "iat": NOW, "exp": end.to_string()}).to_string(),
        json!({"appId": APP, "iat": NOW, "exp": null}).to_string(),
        json!({"appId": APP, "iat": NOW, "exp": u64::MAX}).to_string(),
        json!({"appId": null, "iat": NOW, "exp": end}).to_string(),
        json!({"appId": [APP], "iat": NOW, "exp": end}).to_string(),
        json!({"appId": 7, "iat": NOW, "exp": end}).to_string(),
    ] {
        assert_eq!(tokens.check(&claiming(&claims)), Err(TokenError::Claims), "{claims}");
    }

    let (iat, exp) = (json!(NOW), json!(end));
    for app in ["app-2", "", "app-1 ", "APP-1", "app", "app-11"] {
        let token = with(app.into(), iat.clone(), exp.clone());
        assert_eq!(tokens.check(&token), Err(TokenError::App), "{app}");
    }
    for (iat, exp, expected) in [
        (NOW, end, Ok(())),
        (NOW, NOW + 1, Ok(())),
        (0, i64::MAX, Ok(())),
        (i64::MIN, i64::MAX, Ok(())),
        (NOW + 1, end, Err(TokenError::Future)),
        (NOW + 5, end, Err(TokenError::Future)),
        (i64::MAX, i64::MAX, Err(TokenError::Future)),
        (NOW - 1800, NOW, Err(TokenError::Expired)),
        (NOW - 1800, NOW - 1, Err(TokenError::Expired)),
        (0, 0, Err(TokenError::Expired)),
        (NOW, i64::MIN, Err(TokenError::Expired)),
    ] {
        let token = with(APP.into(), iat.into(), exp.into());
        assert_eq!(tokens.check(&token), expected, "{iat} {exp}");
    }
    // Integrations add other claims.
    let more = json!({"exp": end, "userId": "u-1", "timestamp": 1.5, "iat": NOW, "appId": APP});
    assert_eq!(tokens.check(&claiming(&more.to_string())), Ok(()));
}

#[test]
fn a_token_is_valid_from_its_issue_to_its_expiry() {
    let (maker, hand) = by_hand();
    let maker = maker.back_dating(seconds(5));
    let (token, checker) = (maker.mint(), maker.clone());
    for (at, expected) in [
        (-5.1, Err(TokenError::Future)),
        // The back-dating makes it valid for a peer whose clock is behind.
        (-5.0, Ok(())),
        (0.0, Ok(())),
        (1794.9, Ok(())),
        (1795.0, Err(TokenError::Expired)),
        (100_000.0, Err(TokenError::Expired)),
    ] {
        hand.set(at);
        assert_eq!(checker.check(exposed(&token)), expected, "{at}");
    }
    // The checker may have other settings.
    hand.set(0.0);
    let other = Tokens::new(APP, KEY).lifetime(SECOND).clock(hand);
    assert_eq!(other.check(exposed(&token)), Ok(()));
    for (app, key, expected) in [
        (APP, "secret-2", TokenError::Signature),
        ("app-2", KEY, TokenError::App),
        ("app-2", "secret-2", TokenError::Signature),
    ] {
        let stranger = Tokens::new(app, key).clock(now());
        assert_eq!(stranger.check(exposed(&token)), Err(expected), "{app} {key}");
    }
}

#[test]
fn the_errors_of_tokens_say_what_is_wrong() {
    for (error, text) in [
        (TokenError::Signature, "the signature of the token is wrong"),
        (TokenError::Claims, "the claims of the token are missing or malformed"),
        (TokenError::App, "the token belongs to another app"),
        (TokenError::Future, "the token was issued in the future"),
        (TokenError::Expired, "the token has expired"),
    ] {
        assert_eq!(error.to_string(), text);
        assert!(std::error::Error::source(&error).is_none());
    }
}

#[test]
fn claims_in_an_array_are_refused() {
    let claims = json!([APP, NOW, NOW + 1800]).to_string();
    assert_eq!(tokens().check(&claiming(&claims)), Err(TokenError::Claims));
}

/// Checks that a text holds neither the app key nor a token nor the signature of one.
#[track_caller]
fn hides(what: &str, text: &str, tokens: &[Secret]) {
    assert!(!text.contains(KEY), "the key shows: {what}: {text}");
    assert!(!text.contains("hunter2"), "the password shows: {what}: {text}");
    assert!(!text.contains("eyJ"), "a token shows: {what}: {text}");
    for token in tokens {
        let (_, signature) = exposed(token).rsplit_once('.').unwrap();
        assert!(!text.contains(signature), "a signature shows: {what}: {text}");
    }
}

macro_rules! shown {
    ($($value:expr),* $(,)?) => {
        [$((stringify!($value), format!("{:?}\n{:#?}", $value, $value))),*]
    };
}

#[test]
fn debug_shows_no_secret() {
    let tokens = tokens();
    let token = tokens.current();
    let password = "http://user:hunter2@127.0.0.1:1/path";
    let secret = HeaderValue::from_static(KEY);
    let options = CallOptions::new().header(HeaderName::from_static("x-gateway"), secret);
    let builder = || {
        Client::builder_with_tokens(tokens.clone())
            .base_url(password)
            .options(options.clone())
            .conversation_path("/c")
    };
    let client = builder().build().unwrap();
    let server = Server::new(()).check_tokens(tokens.clone());
    let rules = { Server::new(()).check_tokens(tokens.clone()).rules_mut().clone() };
    let wire = WireClient::builder(password).options(options.clone());
    let texts = shown!(
        tokens,
        token,
        tokens.mint(),
        Tokens::new(APP, KEY),
        Client::builder(APP, KEY),
        builder(),
        client,
        client.with_options(options.clone()),
        client.tokens(),
        options,
        server,
        rules,
        wire,
        WireClient::builder(password).build().unwrap(),
        ConcurrencyParameters::new(token.clone(), APP),
        StopSessionParameters::new(token.clone(), "s"),
        CreateAvatarParameters::new(token.clone()),
        AvatarParameters::new(token.clone(), "t"),
        tokens.check("eyJ.eyJ.eyJ"),
        tokens.check(&made("secret-1-not", HEADER, "{}")),
    );
    for (what, text) in &texts {
        hides(what, text, std::slice::from_ref(&token));
    }
    // Other values do show.
    assert!(texts[0].1.contains(APP), "{}", texts[0].1);
    assert!(texts[6].1.contains("retries"), "{}", texts[6].1);
}

/// Every text of an error and of its causes.
fn told(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(" {error} {error:?}");
        cause = error.source();
    }
    text
}

#[test]
fn the_error_of_a_client_that_cannot_be_built_shows_no_secret() {
    for url in [
        "http://user:hunter2@host:port",
        "ftp://user:hunter2@host",
        "user:hunter2@host",
        "http://user:hunter2@host/?token=hunter2",
        "http://user:hunter2@host/#hunter2",
        "hunter2",
        "",
    ] {
        let error = Client::builder(APP, KEY).base_url(url).build().unwrap_err();
        hides(url, &told(&error), &[]);
        assert!(error.to_string().starts_with("the client can't be built: "), "{error}");
    }
    let error = Client::builder(APP, KEY).conversation_path("no slash").build().unwrap_err();
    hides("path", &told(&error), &[]);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_call_shows_no_secret() {
    type Answer = fn(usize, &Asked) -> crate::support::duix_platform::Given;
    let answers: [(&str, Answer); 9] = [
        ("not connected", |_, _| Err(TransportError::connect("nobody there"))),
        ("broken off", |_, _| Err(TransportError::new("broken off"))),
        ("unreadable", |_, _| given(200, "<html>")),
        ("a gateway's", |_, _| given(502, "<html>")),
        ("a failure", |_, _| given(200, failure("1009").to_string())),
        ("a refused token", |_, _| given(401, failure("1006").to_string())),
        // The platform may quote the request.
        ("of the wrong kind", |_, asked| {
            given(200, json!({"success": asked.token(), "code": asked.token()}).to_string())
        }),
        ("with data of the wrong kind", |_, asked| {
            let mut answer = good();
            answer["data"] = asked.token().into();
            given(200, answer.to_string())
        }),
        ("too large", |_, _| given(200, vec![b' '; 2 * 1024 * 1024])),
    ];
    for (how, answer) in answers {
        let fake = Fake::new(move |number, asked| std::future::ready(answer(number, asked)));
        let client = fake.client();
        for name in calls() {
            let what = format!("{name}: {how}");
            let outcome = call(&client, name).await;
            let sent: Vec<Secret> = fake.taken().iter().map(|asked| asked.token().into()).collect();
            assert!(!sent.is_empty(), "{what}");
            match outcome {
                Err(error) => hides(&what, &told(&error), &sent),
                // The data of these calls may have any form.
                Ok(_) => {
                    assert!(how == "with data of the wrong kind" && name.starts_with("s"), "{what}")
                }
            }
        }
    }
}

#[tokio::test]
async fn the_error_about_a_token_that_cannot_be_a_header_does_not_show_it() {
    let client = WireClient::new("http://127.0.0.1:1").unwrap();
    for token in ["secret-1\n", "secret-1\u{0}"] {
        let parameters = ConcurrencyParameters::new(token, APP);
        let error = client.concurrency(&parameters).await.unwrap_err();
        hides("header", &told(&error), &[]);
        assert!(error.to_string().contains("header token"), "{error}");
        assert!(!error.is_retryable(), "{error}");
    }
}

/// A platform without sessions.
struct Idle;

impl Api for Idle {
    async fn concurrency(&self, _: ConcurrencyParameters) -> Result<Concurrency, server::Error> {
        Err(server::Error::public("busy").code("-1"))
    }

    async fn sessions(&self, _: SessionsParameters) -> Result<Value, server::Error> {
        Ok(json!([]))
    }

    async fn stop_all_sessions_of_app(
        &self,
        _: StopAllSessionsOfAppParameters,
    ) -> Result<(), server::Error> {
        Ok(())
    }

    async fn stop_session(&self, _: StopSessionParameters) -> Result<(), server::Error> {
        panic!("nobody is there")
    }

    async fn conversation(&self, _: ConversationParameters) -> Result<Conversation, server::Error> {
        Err(server::Error::unsupported())
    }
}

#[tokio::test]
async fn traces_show_no_secret() {
    let (traces, guard) = traced();
    let server = Server::new(Idle).trace_content(true).check_tokens(tokens());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(listener, server.router()).into_future());
    let mut sent = Vec::new();
    for (key, good) in [(KEY, true), ("secret-1-not", false)] {
        let tokens = Tokens::new(APP, key).clock(Ticking::new()).lifetime(seconds(86_400));
        let client = Client::builder_with_tokens(tokens).base_url(&url).build().unwrap();
        for name in calls() {
            sent.push(client.tokens().current());
            let outcome = call(&client, name).await;
            assert_eq!(outcome.is_ok(), good && name.starts_with("s") && name != "stop_session");
        }
    }
    drop(guard);
    let text = traces.text();
    for part in ["the token was refused", "refused: ", "response received", "retrying", "request="]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    hides("traces", &text, &sent);
}

#[test]
fn an_empty_app_key_accepts_no_token() {
    let tokens = Tokens::new(APP, "");
    assert_eq!(tokens.check(tokens.mint().expose()), Err(TokenError::Signature));
}
