//! The tokens of chats: their hashes, nonces and roles, how long they live, which tokens are refused,
//! and that they do not show.

#![cfg(all(feature = "aui", any(feature = "client", feature = "server")))]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callbot::aui::{ChatToken, ChatTokenError, ChatTokens};
use sha2::{Digest, Sha256};

const APP: &str = "abc";
const KEY: &str = "abckey";
const SIGN: &str = "sign-1";
const USER: &str = "abc_User";

/// The expiry of the tokens in the test vectors.
const END: i64 = 1_699_423_634;

/// Hashes computed by other code: for a user without nonce and role, and for an admin.
const PLAIN: &str = "4a508be2a9764a26381c99f5e9e7971aba6e55290947b8221244c3feb40ee680";
const ADMIN: &str = "608dc8979704d7c489be87c49dc2965a3738512c21f42e12a4ced1d5ab5edb1b";

const HOUR: i64 = 3600;

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.try_into().unwrap())
}

fn at(time: i64) -> SystemTime {
    UNIX_EPOCH + seconds(time)
}

/// Returns the tokens, one hour before [`END`].
fn tokens() -> ChatTokens {
    ChatTokens::new(APP, KEY, SIGN).clock(at(END - HOUR))
}

fn plain() -> ChatToken {
    tokens().nonce("").issue(USER, "").unwrap()
}

/// Returns the hash of the parts, computed independently of the code under test.
fn hashed(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a handmade token with a correct hash.
fn made(user: &str, nonce: &str, role: &str, time: i64) -> ChatToken {
    let hash = hashed(&[APP, KEY, user, nonce, &time.to_string(), role]);
    ChatToken::new(APP, SIGN, hash, user, time).with_nonce(nonce).with_role(role)
}

#[test]
fn issued_tokens_equal_the_test_vectors() {
    let token = plain();
    assert_eq!(token.token.expose(), PLAIN);
    assert_eq!((token.app_id.as_str(), token.app_sign.expose()), (APP, SIGN));
    assert_eq!((token.user_id.as_str(), token.timestamp), (USER, END));
    assert_eq!((token.nonce.as_str(), token.role.as_str()), ("", ""));
    assert_eq!(tokens().check(&token), Ok(()));
    assert_eq!(ChatToken::new(APP, SIGN, PLAIN, USER, END), token);

    let token = tokens().nonce("AK-0123").issue(USER, "admin").unwrap();
    assert_eq!(token.token.expose(), ADMIN);
    assert_eq!((token.nonce.as_str(), token.role.as_str()), ("AK-0123", "admin"));
    assert_eq!(tokens().check(&token), Ok(()));
    assert_eq!(made(USER, "AK-0123", "admin", END), token);
    assert_eq!(tokens().app_id(), APP);
}

#[test]
fn an_issued_token_is_valid() {
    let longest = "Aa0_zZ9x".repeat(8);
    for (app, key, sign) in
        [("app-1", "secret-1", "H4sI"), ("7", "密钥\n", "签 \""), ("应", "k", "s")]
    {
        let tokens = ChatTokens::new(app, key, sign).clock(at(END));
        for user in ["u", "_", "7", longest.as_str()] {
            for role in ["", "admin"] {
                let token = tokens.issue(user, role).unwrap();
                let time = (END + HOUR).to_string();
                let hash = hashed(&[app, key, user, &token.nonce, &time, role]);
                assert_eq!(token.token.expose(), hash);
                assert_eq!(tokens.check(&token), Ok(()));
                // The checking side need not have the same settings.
                let other = ChatTokens::new(app, key, sign).nonce("").lifetime(seconds(1));
                assert_eq!(other.clock(at(END)).check(&token), Ok(()));
            }
        }
    }
}

#[test]
fn every_token_has_a_new_nonce_unless_one_is_set() {
    let tokens = tokens();
    let nonces: BTreeSet<_> = (0..1000).map(|_| tokens.issue(USER, "").unwrap().nonce).collect();
    assert_eq!(nonces.len(), 1000);
    for nonce in &nonces {
        let rest = nonce.strip_prefix("AK-").unwrap();
        assert_eq!(rest.len(), 32, "{nonce}");
        assert!(rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{nonce}");
    }
    // Every digit varies.
    for place in 3..35 {
        let digits: BTreeSet<_> = nonces.iter().map(|nonce| nonce.as_bytes()[place]).collect();
        assert_eq!(digits.len(), 16, "{place}");
    }
    let longest = format!("AK-{}", "x".repeat(61));
    for nonce in ["", "AK-", "AK-1", "AK-aZ09_", longest.as_str()] {
        let tokens = tokens.clone().nonce(nonce);
        let [one, other] = [(), ()].map(|()| tokens.issue(USER, "").unwrap());
        assert_eq!(one.nonce, nonce);
        assert_eq!(one, other);
        assert_eq!(self::tokens().check(&one), Ok(()));
    }
}

#[test]
fn an_invalid_nonce_is_refused() {
    let long = format!("AK-{}", "x".repeat(62));
    for nonce in ["x", "AK", "ak-1", "AK_1", " ", "AK-1-2", "AK- ", "AK-é", "AK-\n", long.as_str()]
    {
        let issued = tokens().nonce(nonce).issue(USER, "");
        assert_eq!(issued, Err(ChatTokenError::Nonce), "{nonce:?}");
        let token = made(USER, nonce, "", END);
        assert_eq!(tokens().check(&token), Err(ChatTokenError::Nonce), "{nonce:?}");
    }
}

#[test]
fn the_only_roles_are_none_and_admin() {
    for role in ["Admin", "ADMIN", "user", " ", "admin ", "admins", "\u{80}admin"] {
        assert_eq!(tokens().issue(USER, role), Err(ChatTokenError::Role), "{role}");
        let token = made(USER, "", role, END);
        assert_eq!(tokens().check(&token), Err(ChatTokenError::Role), "{role}");
    }
}

#[test]
fn an_invalid_id_is_named_in_the_error() {
    let allowed = "1 to 64 characters of 0-9, A-Z, a-z and _";
    let long = "x".repeat(65);
    for (id, shown) in [
        ("", String::new()),
        ("a-b", "a-b".into()),
        ("a b", "a b".into()),
        ("a.b", "a.b".into()),
        ("usér", r"us\u{e9}r".into()),
        ("user\n", r"user\n".into()),
        (long.as_str(), "x".repeat(64) + "…"),
    ] {
        for result in [
            tokens().issue(id, ""),
            tokens().issue_for(id, "admin", seconds(60)),
            tokens().check(&made(id, "", "", END)).map(|()| plain()),
        ] {
            let error = result.unwrap_err();
            let text = format!("the user_id is \"{shown}\", allowed: {allowed}");
            assert_eq!(error.to_string(), text);
            let ChatTokenError::Id(error) = error else { panic!("{error:?}") };
            assert_eq!(
                (error.field(), error.value(), error.allowed()),
                ("user_id", shown.as_str(), allowed)
            );
            assert_eq!(error.to_string(), text);
        }
    }
}

#[test]
fn a_token_lives_for_at_most_one_hour() {
    let now = END - HOUR;
    for (lifetime, life) in [
        (seconds(1), 1),
        (Duration::from_millis(1999), 1),
        (seconds(600), 600),
        (ChatTokens::LONGEST, HOUR),
    ] {
        for token in [
            tokens().lifetime(lifetime).issue(USER, "").unwrap(),
            tokens().issue_for(USER, "", lifetime).unwrap(),
        ] {
            assert_eq!(token.timestamp - now, life, "{lifetime:?}");
            assert_eq!(tokens().check(&token), Ok(()), "{lifetime:?}");
        }
    }
    for lifetime in [
        Duration::ZERO,
        Duration::from_millis(999),
        seconds(HOUR) + Duration::from_nanos(1),
        seconds(HOUR + 1),
        Duration::MAX,
    ] {
        let set = tokens().lifetime(lifetime).issue(USER, "");
        assert_eq!(set, Err(ChatTokenError::Lifetime), "{lifetime:?}");
        let own = tokens().issue_for(USER, "", lifetime);
        assert_eq!(own, Err(ChatTokenError::Lifetime), "{lifetime:?}");
    }
}

#[test]
fn a_token_is_valid_until_it_expires_unless_it_claims_more_than_one_hour() {
    for (now, expected) in [
        (END - HOUR, Ok(())),
        (END - HOUR - 1, Err(ChatTokenError::TooFar)),
        (0, Err(ChatTokenError::TooFar)),
        (END - 1, Ok(())),
        (END, Err(ChatTokenError::Expired)),
        (END + 1, Err(ChatTokenError::Expired)),
    ] {
        assert_eq!(tokens().clock(at(now)).check(&plain()), expected, "{now}");
    }
    let clock = at(END) - Duration::from_millis(1);
    assert_eq!(tokens().clock(clock).check(&plain()), Ok(()));
    for (time, expected) in [
        (0, ChatTokenError::Expired),
        (i64::MIN, ChatTokenError::Expired),
        (i64::MAX, ChatTokenError::TooFar),
    ] {
        assert_eq!(tokens().check(&made(USER, "", "", time)), Err(expected), "{time}");
    }
}

#[test]
fn a_changed_field_is_detected() {
    type Change = fn(&mut ChatToken);
    let changes: [(&str, Change, ChatTokenError); 14] = [
        ("app id", |token| token.app_id = "abd".into(), ChatTokenError::App),
        ("no app id", |token| token.app_id.clear(), ChatTokenError::App),
        ("sign", |token| token.app_sign = "sign-2".into(), ChatTokenError::AppSign),
        ("longer sign", |token| token.app_sign = "sign-1 ".into(), ChatTokenError::AppSign),
        ("no sign", |token| token.app_sign = "".into(), ChatTokenError::AppSign),
        ("no token", |token| token.token = "".into(), ChatTokenError::Hash),
        ("capitals", |token| token.token = PLAIN.to_uppercase().into(), ChatTokenError::Hash),
        ("half", |token| token.token = PLAIN[..32].into(), ChatTokenError::Hash),
        ("another's", |token| token.token = ADMIN.into(), ChatTokenError::Hash),
        ("user", |token| token.user_id = "abc_user".into(), ChatTokenError::Hash),
        ("nonce", |token| token.nonce = "AK-1".into(), ChatTokenError::Hash),
        ("role", |token| token.role = "admin".into(), ChatTokenError::Hash),
        ("sooner", |token| token.timestamp -= 1, ChatTokenError::Hash),
        ("later", |token| token.timestamp += 1, ChatTokenError::Hash),
    ];
    for (what, change, expected) in changes {
        let mut token = plain();
        assert_eq!(tokens().check(&token), Ok(()));
        change(&mut token);
        assert_eq!(tokens().check(&token), Err(expected), "{what}");
    }
    for at in 0..PLAIN.len() {
        let mut hash = PLAIN.as_bytes().to_vec();
        hash[at] = if hash[at] == b'0' { b'1' } else { b'0' };
        let mut token = plain();
        token.token = String::from_utf8(hash).unwrap().into();
        assert_eq!(tokens().check(&token), Err(ChatTokenError::Hash), "{at}");
    }
    for (app, key, sign, expected) in [
        (APP, "abckeY", SIGN, ChatTokenError::Hash),
        (APP, KEY, "sign", ChatTokenError::AppSign),
        ("abcabc", "key", SIGN, ChatTokenError::App),
    ] {
        let stranger = ChatTokens::new(app, key, sign).clock(at(END - HOUR));
        assert_eq!(stranger.check(&plain()), Err(expected), "{app} {key} {sign}");
    }
}

#[test]
fn moving_text_from_one_part_to_the_next_is_detected() {
    // The hashed text has no separators, so these have the hash of an issued token.
    let token = tokens().nonce("AK-12").issue("bob1", "").unwrap();
    let moved = |user: &str, nonce: &str, time: &str| {
        let mut moved = token.clone();
        (moved.user_id, moved.nonce) = (user.into(), nonce.into());
        moved.timestamp = time.parse().unwrap();
        let hash = hashed(&[APP, KEY, user, nonce, time]);
        assert_eq!(hash, token.token.expose(), "{user} {nonce} {time}");
        tokens().check(&moved)
    };
    let end = END.to_string();
    assert_eq!(moved("bob1", "AK-12", &end), Ok(()));
    assert_eq!(moved("bob", "1AK-12", &end), Err(ChatTokenError::Nonce));
    assert_eq!(moved("bob1A", "K-12", &end), Err(ChatTokenError::Nonce));
    assert_eq!(moved("bob1", "AK-1", &format!("2{end}")), Err(ChatTokenError::TooFar));
    assert_eq!(moved("bob1", "AK-121", &end[1..]), Err(ChatTokenError::Expired));
    let error = moved("bob1AK-12", "", &end).unwrap_err();
    assert!(matches!(error, ChatTokenError::Id(_)), "{error:?}");
}

#[test]
fn an_empty_setting_neither_issues_nor_accepts_tokens() {
    for (app, key, sign) in [("", KEY, SIGN), (APP, "", SIGN), (APP, KEY, "")] {
        let tokens = ChatTokens::new(app, key, sign).clock(at(END - HOUR));
        assert_eq!(tokens.issue(USER, ""), Err(ChatTokenError::Unset));
        let hash = hashed(&[app, key, USER, &END.to_string()]);
        let token = ChatToken::new(app, sign, hash, USER, END);
        assert_eq!(tokens.check(&token), Err(ChatTokenError::Unset), "{app} {key} {sign}");
    }
}

#[test]
fn the_errors_say_what_is_wrong() {
    let nonce =
        "the nonce must be empty, or AK- followed by 0-9, A-Z, a-z and _, at most 64 characters";
    for (error, text) in [
        (ChatTokenError::Unset, "the app id, the app key or the signature of the app is empty"),
        (ChatTokenError::Lifetime, "the lifetime of a token must be 1 s to 1 h"),
        (ChatTokenError::Nonce, nonce),
        (ChatTokenError::Role, "the role must be admin or empty"),
        (ChatTokenError::App, "the token belongs to another app"),
        (ChatTokenError::AppSign, "the signature of the app is wrong"),
        (ChatTokenError::Hash, "the hash of the token is wrong"),
        (ChatTokenError::Expired, "the token has expired"),
        (ChatTokenError::TooFar, "the token expires later than 1 h from now"),
    ] {
        assert_eq!(error.to_string(), text);
        assert!(std::error::Error::source(&error).is_none());
    }
}

#[test]
fn secrets_do_not_show() {
    let tokens = ChatTokens::new("app-1", "secret-1", SIGN).clock(at(END));
    let token = tokens.issue(USER, "admin").unwrap();
    let mut forged = token.clone();
    forged.user_id = "other".into();
    let shown = [
        format!("{tokens:?} {tokens:#?}"),
        format!("{token:?} {token:#?}"),
        format!("{:?}", tokens.check(&forged)),
        format!("{:?}", tokens.issue("a-b", "")),
    ];
    for shown in &shown {
        for secret in ["secret-1", SIGN, token.token.expose()] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
    // Fields that are not secret show.
    assert!(shown[0].contains("app-1"), "{}", shown[0]);
    assert!(shown[1].contains(USER) && shown[1].contains("AK-"), "{}", shown[1]);
}

#[test]
fn the_system_clock_is_the_default() {
    let tokens = ChatTokens::new(APP, KEY, SIGN);
    let token = tokens.issue(USER, "").unwrap();
    assert_eq!(tokens.check(&token), Ok(()));
    assert_eq!(tokens.check(&plain()), Err(ChatTokenError::Expired));
}
