//! The tokens of RTC channels: their bytes, how long they live, which tokens are refused, and that they
//! do not show.

#![cfg(all(feature = "aui", any(feature = "client", feature = "server")))]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use callbot::aui::{RtcToken, RtcTokenError, RtcTokens};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const APP: &str = "abc";
const KEY: &str = "abckey";
const CHANNEL: &str = "abcChannel";
const USER: &str = "abcUser";

/// The expiry of the token on the vendor's page.
const END: i64 = 1_699_423_634;

/// The hash on the vendor's page.
const HASH: &str = "3c9ee8d9f8734f0b7560ed8022a0590659113955819724fc9345ab8eedf84f31";

/// The token with this hash, computed by other code. Its keys have the order of the vendor's page.
const VECTOR: &str = "eyJhcHBpZCI6ImFiYyIsImNoYW5uZWxpZCI6ImFiY0NoYW5uZWwiLCJ1c2VyaWQiOiJhYmNVc2Vy\
    Iiwibm9uY2UiOiIiLCJ0aW1lc3RhbXAiOjE2OTk0MjM2MzQsInRva2VuIjoiM2M5ZWU4ZDlmODczNGYwYjc1NjBlZDgw\
    MjJhMDU5MDY1OTExMzk1NTgxOTcyNGZjOTM0NWFiOGVlZGY4NGYzMSJ9";

const DAY: i64 = 86_400;

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.try_into().unwrap())
}

fn at(time: i64) -> SystemTime {
    UNIX_EPOCH + seconds(time)
}

/// Returns the tokens of the vendor's app, one day before [`END`].
fn tokens() -> RtcTokens {
    RtcTokens::new(APP, KEY).clock(at(END - DAY))
}

fn issued() -> RtcToken {
    tokens().issue(CHANNEL, USER).unwrap()
}

/// Returns the hash of the parts, computed independently of the code under test.
fn hashed(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the JSON of the vendor's token with one field changed or left out.
fn json_with(key: &str, value: Option<Value>) -> String {
    let mut fields = json!({
        "appid": APP, "channelid": CHANNEL, "userid": USER, "nonce": "", "timestamp": END,
        "token": HASH,
    });
    match value {
        Some(value) => fields[key] = value,
        None => drop(fields.as_object_mut().unwrap().remove(key)),
    }
    fields.to_string()
}

fn with(key: &str, value: impl Into<Value>) -> String {
    STANDARD.encode(json_with(key, Some(value.into())))
}

/// Returns a handmade token with a correct hash.
fn made(channel: &str, user: &str, nonce: &str, time: &str) -> String {
    let hash = hashed(&[APP, KEY, channel, user, nonce, time]);
    let fields = json!({
        "appid": APP, "channelid": channel, "userid": user, "nonce": nonce,
        "timestamp": time.parse::<i64>().unwrap(), "token": hash,
    });
    STANDARD.encode(fields.to_string())
}

fn refused(token: &str) -> RtcTokenError {
    tokens().check(token).expect_err(token)
}

fn id_error(error: RtcTokenError) -> (String, String, String) {
    let RtcTokenError::Id(error) = error else { panic!("{error:?}") };
    (error.field().to_owned(), error.value().to_owned(), error.allowed().to_owned())
}

#[test]
fn issued_tokens_equal_the_test_vectors() {
    let token = issued();
    assert_eq!(token.hash.expose(), HASH);
    assert_eq!(token.encode().expose(), VECTOR);
    assert_eq!(tokens().check(VECTOR), Ok(token.clone()));
    assert_eq!(RtcToken::read(VECTOR), Ok(token.clone()));
    assert_eq!(
        (token.app_id.as_str(), token.channel_id.as_str(), token.user_id.as_str()),
        (APP, CHANNEL, USER)
    );
    assert_eq!((token.nonce.as_str(), token.expires_at), ("", END));
    assert_eq!(tokens().app_id(), APP);
    // The independent hash of these tests is the same.
    assert_eq!(hashed(&[APP, KEY, CHANNEL, USER, "", &END.to_string()]), HASH);
}

#[test]
fn an_issued_token_is_valid_and_is_read_back_unchanged() {
    let longest = "Aa0_-zZ9".repeat(8);
    for nonce in ["", "AK-0464002093ce3dd010cb05356c8b1d0f", "a \"b\"\\~!", "7"] {
        for (app, key) in [("app-1", "secret-1"), ("7", "密钥\n"), ("应用\"\\", "k")] {
            let tokens = RtcTokens::new(app, key).clock(at(END)).nonce(nonce);
            for (channel, user) in [("c", "u"), ("-", "_"), (longest.as_str(), longest.as_str())] {
                let token = tokens.issue(channel, user).unwrap();
                let time = (END + DAY).to_string();
                assert_eq!(token.hash.expose(), hashed(&[app, key, channel, user, nonce, &time]));
                let text = token.encode();
                let json = String::from_utf8(STANDARD.decode(text.expose()).unwrap()).unwrap();
                let (app, nonce) = (Value::from(app), Value::from(nonce));
                let expected = [
                    format!(r#"{{"appid":{app},"channelid":"{channel}","userid":"{user}","#),
                    format!(r#""nonce":{nonce},"timestamp":{time},"#),
                    format!(r#""token":"{}"}}"#, token.hash.expose()),
                ];
                assert_eq!(json, expected.concat());
                assert_eq!(RtcToken::read(text.expose()), Ok(token.clone()));
                assert_eq!(tokens.check(text.expose()), Ok(token.clone()));
                // The checking side need not have the same settings.
                let other = tokens.clone().lifetime(seconds(1)).nonce("x");
                assert_eq!(other.check(text.expose()), Ok(token));
            }
        }
    }
}

#[test]
fn a_users_token_lives_for_at_most_one_day_and_an_agents_for_seven() {
    let now = END - DAY;
    for (lifetime, life) in [
        (seconds(1), 1),
        (Duration::from_millis(1999), 1),
        (seconds(3600), 3600),
        (seconds(DAY), DAY),
        (RtcTokens::LONGEST, DAY),
    ] {
        for token in [
            tokens().lifetime(lifetime).issue(CHANNEL, USER).unwrap(),
            tokens().issue_for(CHANNEL, USER, lifetime).unwrap(),
        ] {
            assert_eq!(token.expires_at - now, life, "{lifetime:?}");
            assert!(tokens().check(token.encode().expose()).is_ok(), "{lifetime:?}");
        }
    }
    for lifetime in [
        Duration::ZERO,
        Duration::from_millis(999),
        seconds(DAY) + Duration::from_nanos(1),
        seconds(DAY + 1),
        RtcTokens::AGENT,
        Duration::MAX,
    ] {
        let tokens = tokens().lifetime(lifetime);
        assert_eq!(tokens.issue(CHANNEL, USER), Err(RtcTokenError::Lifetime), "{lifetime:?}");
        let own = self::tokens().issue_for(CHANNEL, USER, lifetime);
        assert_eq!(own, Err(RtcTokenError::Lifetime), "{lifetime:?}");
        // The lifetime of users does not apply to agents.
        assert_eq!(tokens.issue_agent(CHANNEL, USER).unwrap().expires_at - now, 7 * DAY);
    }
    // Times are whole seconds. A started second counts.
    let late = tokens().clock(at(now) + Duration::from_millis(999));
    assert_eq!(late.issue(CHANNEL, USER), Ok(issued()));
}

#[test]
fn a_token_is_valid_until_it_expires_unless_it_claims_more_than_seven_days() {
    let agent = tokens().issue_agent(CHANNEL, USER).unwrap();
    for (token, now, expected) in [
        (issued(), END - DAY, Ok(())),
        (issued(), END - 1, Ok(())),
        (issued(), END, Err(RtcTokenError::Expired)),
        (issued(), END + 1, Err(RtcTokenError::Expired)),
        (issued(), 4_000_000_000, Err(RtcTokenError::Expired)),
        (issued(), END - 7 * DAY, Ok(())),
        (issued(), END - 7 * DAY - 1, Err(RtcTokenError::TooFar)),
        (issued(), 0, Err(RtcTokenError::TooFar)),
        (agent.clone(), END - DAY, Ok(())),
        (agent.clone(), END - DAY - 1, Err(RtcTokenError::TooFar)),
        (agent.clone(), END + 6 * DAY - 1, Ok(())),
        (agent, END + 6 * DAY, Err(RtcTokenError::Expired)),
    ] {
        let found = tokens().clock(at(now)).check(token.encode().expose());
        assert_eq!(found, expected.map(|()| token), "{now}");
    }
    // Within the last second.
    let clock = at(END) - Duration::from_millis(1);
    assert!(tokens().clock(clock).check(VECTOR).is_ok());
    // Values that are not times.
    for time in [0, -1, i64::MIN] {
        let token = made(CHANNEL, USER, "", &time.to_string());
        assert_eq!(refused(&token), RtcTokenError::Expired, "{time}");
    }
    let token = made(CHANNEL, USER, "", &i64::MAX.to_string());
    assert_eq!(refused(&token), RtcTokenError::TooFar);
}

#[test]
fn a_changed_field_makes_the_hash_wrong() {
    for (key, values) in [
        ("channelid", ["abcChanne", "abcchannel", "b", "abcChannelx"]),
        ("userid", ["abcUse", "ABCUSER", "7", "abcUser-"]),
        ("nonce", ["x", " ", "AK-1", "\""]),
        ("timestamp", ["1699423633", "1699423635", "1699337235", "1699999999"]),
        ("token", ["", "3c9ee8d9", "0", "3C9EE8D9"]),
    ] {
        for value in values {
            assert_eq!(refused(&with(key, value)), RtcTokenError::Hash, "{key}: {value}");
        }
    }
    for hash in [HASH.to_uppercase(), format!("{HASH} "), format!("{HASH}0"), HASH[1..].into()] {
        assert_eq!(refused(&with("token", hash)), RtcTokenError::Hash);
    }
    for at in 0..HASH.len() {
        let mut hash = HASH.as_bytes().to_vec();
        hash[at] = if hash[at] == b'0' { b'1' } else { b'0' };
        let hash = String::from_utf8(hash).unwrap();
        assert_eq!(refused(&with("token", hash)), RtcTokenError::Hash, "{at}");
    }
    for app in ["", "ABC", "ab", "abcd", "abc "] {
        assert_eq!(refused(&with("appid", app)), RtcTokenError::App, "{app}");
    }
    // The fields of a parsed token are checked like those of the text.
    let mut token = issued();
    token.user_id = "other".into();
    assert_eq!(refused(token.encode().expose()), RtcTokenError::Hash);
}

#[test]
fn the_token_of_another_app_or_key_is_refused() {
    for (app, key, expected) in [
        (APP, "abckeY", RtcTokenError::Hash),
        (APP, "abckey ", RtcTokenError::Hash),
        ("abd", KEY, RtcTokenError::App),
        ("abd", "other", RtcTokenError::App),
        // The hashed text is the same here.
        ("abcabc", "key", RtcTokenError::App),
    ] {
        let stranger = RtcTokens::new(app, key).clock(at(END - DAY));
        assert_eq!(stranger.check(VECTOR), Err(expected), "{app} {key}");
    }
}

#[test]
fn an_empty_setting_neither_issues_nor_accepts_tokens() {
    for (app, key) in [(APP, ""), ("", KEY), ("", "")] {
        let tokens = RtcTokens::new(app, key).clock(at(END - DAY));
        assert_eq!(tokens.issue(CHANNEL, USER), Err(RtcTokenError::Unset));
        assert_eq!(tokens.issue_agent(CHANNEL, USER), Err(RtcTokenError::Unset));
        let time = END.to_string();
        let fields = json!({
            "appid": app, "channelid": CHANNEL, "userid": USER, "nonce": "", "timestamp": END,
            "token": hashed(&[app, key, CHANNEL, USER, "", &time]),
        });
        let token = STANDARD.encode(fields.to_string());
        assert_eq!(tokens.check(&token), Err(RtcTokenError::Unset), "{app} {key}");
    }
}

#[test]
fn an_invalid_id_is_named_in_the_error() {
    let allowed = "1 to 64 characters of 0-9, A-Z, a-z, _ and -";
    let long = "x".repeat(65);
    let longer = "\u{10ffff}".repeat(40);
    let cases = [
        ("", String::new()),
        (" ", " ".into()),
        ("a b", "a b".into()),
        ("a.b", "a.b".into()),
        ("a/b", "a/b".into()),
        ("a\"b\\", r#"a\"b\\"#.into()),
        ("user\n", r"user\n".into()),
        ("u\u{0}", r"u\u{0}".into()),
        ("usér", r"us\u{e9}r".into()),
        // Letters that look like others, and a mark that reverses the direction of a line.
        ("\u{430}bc", r"\u{430}bc".into()),
        ("a\u{202e}b", r"a\u{202e}b".into()),
        (long.as_str(), "x".repeat(64) + "…"),
        (longer.as_str(), r"\u{10ffff}".repeat(6) + "…"),
    ];
    for (id, shown) in cases {
        for (field, channel, user) in [("channel_id", id, USER), ("user_id", CHANNEL, id)] {
            let told = (field.to_owned(), shown.clone(), allowed.to_owned());
            for result in [
                tokens().issue(channel, user),
                tokens().issue_for(channel, user, seconds(60)),
                tokens().issue_agent(channel, user),
                tokens().check(&made(channel, user, "", &END.to_string())),
            ] {
                let error = result.unwrap_err();
                let text = format!("the {field} is \"{shown}\", allowed: {allowed}");
                assert_eq!(error.to_string(), text);
                assert_eq!(id_error(error), told);
            }
        }
    }
    // Parsing a token does not check it.
    let token = RtcToken::read(&made("a b", "", "\u{7f}", "0")).unwrap();
    assert_eq!((token.channel_id.as_str(), token.user_id.as_str()), ("a b", ""));
}

#[test]
fn a_nonce_is_printable_ascii() {
    for nonce in ["\n", "\u{0}", "\u{7f}", "é", "a\tb", "\u{80}"] {
        let tokens = tokens().nonce(nonce);
        assert_eq!(tokens.issue(CHANNEL, USER), Err(RtcTokenError::Nonce), "{nonce:?}");
        assert_eq!(tokens.issue_agent(CHANNEL, USER), Err(RtcTokenError::Nonce), "{nonce:?}");
        let token = made(CHANNEL, USER, nonce, &END.to_string());
        assert_eq!(refused(&token), RtcTokenError::Nonce, "{nonce:?}");
    }
}

#[test]
fn json_with_another_layout_is_accepted() {
    let token = issued();
    let fields: [(&str, String); 6] = [
        ("appid", json!(APP).to_string()),
        ("channelid", json!(CHANNEL).to_string()),
        ("userid", json!(USER).to_string()),
        ("nonce", json!("").to_string()),
        ("timestamp", END.to_string()),
        ("token", json!(HASH).to_string()),
    ];
    // Each key in each position.
    for turn in 0..fields.len() {
        for reversed in [false, true] {
            let mut fields = fields.clone();
            fields.rotate_left(turn);
            if reversed {
                fields.reverse();
            }
            let fields = fields.map(|(key, value)| format!("{key:?}:{value}"));
            let json = format!("{{{}}}", fields.join(","));
            assert_eq!(tokens().check(&STANDARD.encode(&json)), Ok(token.clone()), "{json}");
        }
    }
    for json in [
        json_with("gslb", Some(json!(["https://gw.rtn.aliyuncs.com"]))),
        json_with("more", Some(json!({"token": [null, 1.5]}))),
        json_with("timestamp", Some(json!(END.to_string()))),
        json_with("nonce", None),
        format!(" {} \n", json_with("more", None).replace(',', " ,\n")),
    ] {
        assert_eq!(tokens().check(&STANDARD.encode(&json)), Ok(token.clone()), "{json}");
    }
}

#[test]
fn a_token_that_is_not_base64_is_refused() {
    let json = json_with("nonce", Some("?>~?>~".into()));
    let url_safe = URL_SAFE.encode(&json);
    assert!(url_safe.contains(['-', '_']), "{url_safe}");
    let padded = STANDARD.encode(format!("{} ", json_with("nonce", None)));
    assert!(padded.ends_with('='), "{padded}");
    // MIME would break lines like this. The platform's tokens have no line breaks.
    let lines: Vec<_> = VECTOR.as_bytes().chunks(76).collect();
    for token in [
        "garbage",
        "a",
        "=",
        "====",
        "\u{0}",
        "令牌",
        "{}",
        &url_safe,
        &format!("{VECTOR}\n"),
        &format!(" {VECTOR}"),
        &format!("{VECTOR}="),
        &VECTOR[1..],
        &lines.join("\n".as_bytes()).iter().map(|byte| char::from(*byte)).collect::<String>(),
        &lines.join("\r\n".as_bytes()).iter().map(|byte| char::from(*byte)).collect::<String>(),
        padded.trim_end_matches('='),
        &STANDARD_NO_PAD.encode(format!("{} ", json_with("nonce", None))),
        &VECTOR.replace("ey", "%65y"),
    ] {
        assert_eq!(RtcToken::read(token), Err(RtcTokenError::Base64), "{token}");
        assert_eq!(refused(token), RtcTokenError::Base64, "{token}");
    }
    assert!(tokens().check(&padded).is_ok());
}

#[test]
fn json_that_is_not_a_token_is_refused_with_the_place() {
    let twice = json_with("nonce", None).replace('{', r#"{"userid":"other","#);
    let cases: [(String, &str); 20] = [
        (String::new(), ": not JSON: EOF while parsing a value at line 1 column 0"),
        ("{".into(), ": not JSON: EOF while parsing an object at line 1 column 1"),
        ("null".into(), ": invalid type: null, expected an object"),
        ("7".into(), ": invalid type: integer, expected an object"),
        (
            format!("[{APP:?},{CHANNEL:?},{USER:?},\"\",{END},{HASH:?}]"),
            "sequence, expected an object",
        ),
        (" [".into(), ": invalid type: sequence, expected an object"),
        ("{}".into(), "/appid: must be there"),
        (twice, "duplicate field `userid`"),
        (json_with("appid", None), "/appid: must be there"),
        (json_with("channelid", None), "/channelid: must be there"),
        (json_with("userid", None), "/userid: must be there"),
        (json_with("timestamp", None), "/timestamp: must be there"),
        (json_with("token", None), "/token: must be there"),
        (json_with("appid", Some(json!(7))), "/appid: invalid type: integer, expected a string"),
        (json_with("userid", Some(json!(null))), "/userid: invalid type: null"),
        (
            json_with("timestamp", Some(json!(1.5))),
            "/timestamp: the number has a fraction, expected an integer",
        ),
        (json_with("timestamp", Some(json!("soon"))), "/timestamp: invalid value: string"),
        (
            json_with("timestamp", Some(json!(u64::MAX))),
            "/timestamp: the number is out of range, expected an integer from -9",
        ),
        (json_with("token", Some(json!([HASH]))), "/token: invalid type: sequence"),
        (format!("{}{{}}", json_with("nonce", None)), "not JSON: trailing characters"),
    ];
    for (json, part) in cases {
        let error = RtcToken::read(&STANDARD.encode(&json)).expect_err(&json);
        assert!(matches!(error, RtcTokenError::Json(_)), "{json}: {error:?}");
        let text = error.to_string();
        assert!(text.starts_with("the JSON of the token can't be read: "), "{json}: {text}");
        assert!(text.contains(part.trim_start_matches(": ")), "{json}: {text}");
        assert!(!format!("{error:?} {error}").contains(HASH), "{error:?}");
        assert_eq!(refused(&STANDARD.encode(&json)), error, "{json}");
    }
    let error = RtcToken::read(&STANDARD.encode(b"{\"appid\":\"\xff\"}")).unwrap_err();
    assert!(matches!(error, RtcTokenError::Json(_)), "{error:?}");
}

#[test]
fn the_hashed_parts_have_no_separators() {
    // As the docs say: this is why the ids of channels and users should have a fixed length.
    let token = tokens().issue("room1", "2bob").unwrap();
    let mut moved = token.clone();
    (moved.channel_id, moved.user_id) = ("room12".into(), "bob".into());
    assert_eq!(tokens().check(moved.encode().expose()), Ok(moved));
    let mut moved = token.clone();
    (moved.user_id, moved.nonce) = ("2b".into(), "ob".into());
    assert_eq!(tokens().check(moved.encode().expose()), Ok(moved));
    // Times cannot be confused: they have ten digits for the next centuries.
    let mut moved = tokens().issue("room1", "bob1").unwrap();
    (moved.user_id, moved.expires_at) = ("bob".into(), format!("1{END}").parse().unwrap());
    assert_eq!(refused(moved.encode().expose()), RtcTokenError::TooFar);
}

#[test]
fn the_errors_say_what_is_wrong() {
    for (error, text) in [
        (RtcTokenError::Unset, "the app id or the app key is empty"),
        (RtcTokenError::Lifetime, "the lifetime of a token must be 1 s to 24 h"),
        (RtcTokenError::Nonce, "the nonce must be printable ASCII"),
        (RtcTokenError::Base64, "the token is not Base64"),
        (RtcTokenError::App, "the token belongs to another app"),
        (RtcTokenError::Hash, "the hash of the token is wrong"),
        (RtcTokenError::Expired, "the token has expired"),
        (RtcTokenError::TooFar, "the token expires later than 7 days from now"),
    ] {
        assert_eq!(error.to_string(), text);
        assert!(std::error::Error::source(&error).is_none());
    }
}

#[test]
fn secrets_do_not_show() {
    let tokens = RtcTokens::new("app-1", "secret-1").clock(at(END));
    let token = tokens.issue(CHANNEL, USER).unwrap();
    let text = token.encode();
    let mut forged = token.clone();
    forged.user_id = "other".into();
    let shown = [
        format!("{tokens:?} {tokens:#?}"),
        format!("{token:?} {token:#?} {text:?}"),
        format!("{:?}", tokens.check(text.expose())),
        format!("{:?}", tokens.check(forged.encode().expose())),
        format!("{:?}", tokens.check(&text.expose()[4..])),
        format!("{:?}", RtcToken::read(text.expose())),
    ];
    for shown in &shown {
        for secret in ["secret-1", "eyJ", token.hash.expose()] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
    // Fields that are not secret show.
    assert!(shown[0].contains("app-1"), "{}", shown[0]);
    assert!(shown[1].contains(CHANNEL) && shown[1].contains(USER), "{}", shown[1]);
}

#[test]
fn the_system_clock_is_the_default() {
    let tokens = RtcTokens::new(APP, KEY);
    let token = tokens.issue(CHANNEL, USER).unwrap();
    assert_eq!(tokens.check(token.encode().expose()), Ok(token));
    assert_eq!(tokens.check(VECTOR), Err(RtcTokenError::Expired));
    // A clock before 1970 counts as 1970.
    let early = tokens.clock(UNIX_EPOCH - seconds(1_000_000));
    let token = early.issue(CHANNEL, USER).unwrap();
    assert_eq!(token.expires_at, DAY);
    assert_eq!(early.check(token.encode().expose()), Ok(token));
}
