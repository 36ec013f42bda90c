//! Share tokens: their bytes, their form in a URL, and when they expire.
#![cfg(all(feature = "aicall", any(feature = "client", feature = "server")))]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbot::aicall::{AgentType, GmtTime, ShareConfig, Template};
use callbot::aicall::{ShareTokenError, ShareTokens};
use serde_json::json;

/// Computed by other code from the text of the SDK's share page.
const VECTOR: &str = "eyJUZW1wb3JhcnlBSUFnZW50SWQiOiJzaGFyZTEiLCJXb3JrZmxvd1R5cGUiOiJWaXNpb25DaGF0Ii\
    wiRXhwaXJlVGltZSI6IjIwMjYtMDEtMDIgMDM6MDQ6MDUiLCJUZW1wbGF0ZUNvbmZpZyI6Int9IiwiUmVnaW9uIjoiY24tc2hhbmdoYWkifQ==";

/// 2026-01-02 03:04:05 GMT.
const END: u64 = 1_767_323_045;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn tokens() -> ShareTokens {
    ShareTokens::new().clock(at(END - 1))
}

fn share() -> ShareConfig {
    let mut share = ShareConfig::default();
    share.share_id = Some("share1".into());
    share.agent_type = Some(AgentType::Vision);
    share.expire_time = GmtTime::from_unix(END);
    share.template = Some(Template::new());
    share.region = Some("cn-shanghai".into());
    share
}

fn token_of(json: &str) -> String {
    STANDARD.encode(json)
}

#[test]
fn a_share_is_written_as_the_known_token_and_read_from_it() {
    assert_eq!(tokens().write(&share()).unwrap(), VECTOR);
    assert_eq!(tokens().read(VECTOR).unwrap(), share());
}

#[test]
fn a_token_is_read_in_the_form_that_a_url_has() {
    // With umlauts and a template, the Base64 has `+` and `/`.
    let mut share = share();
    share.user_data = Some("öäü>>>???~~~ÿÿÿ".into());
    let token = tokens().write(&share).unwrap();
    assert!(token.contains('+') && token.contains('/'), "{token}");
    let encoded = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for form in [token.clone(), encoded, token.replace('+', " "), format!("  {token}\n")] {
        assert_eq!(tokens().read(&form).unwrap(), share, "{form}");
    }
}

#[test]
fn an_expired_share_is_refused_with_its_expiry() {
    let end = GmtTime::from_unix(END).unwrap();
    for now in [END, END + 1] {
        let read = ShareTokens::new().clock(at(now)).read(VECTOR);
        assert_eq!(read, Err(ShareTokenError::Expired(end.into())));
    }
    let mut endless = share();
    endless.expire_time = None;
    let token = tokens().write(&endless).unwrap();
    assert_eq!(ShareTokens::new().clock(at(u32::MAX.into())).read(&token).unwrap(), endless);
}

#[test]
fn a_text_that_is_not_a_token_is_refused_with_the_place() {
    assert_eq!(tokens().read("%%%"), Err(ShareTokenError::Base64));
    assert_eq!(tokens().read("ü"), Err(ShareTokenError::Base64));
    for (json, says) in [
        ("", "not JSON"),
        ("[]", "expected an object"),
        (
            r#"{"ExpireTime":"tomorrow"}"#,
            "/ExpireTime: expected a time in the form `YYYY-MM-DD HH:MM:SS`",
        ),
        (
            r#"{"TemplateConfig":"{\"VoiceChat\":{\"VadLevel\":\"x\"}}"}"#,
            "/TemplateConfig/VoiceChat/VadLevel: ",
        ),
    ] {
        let error = tokens().read(&token_of(json)).unwrap_err();
        assert!(matches!(error, ShareTokenError::Json(_)), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn unknown_keys_and_types_do_not_break_a_token() {
    let json = json!({"WorkflowType": "HologramChat", "Name": "Ann", "RequestId": 7, "Color": 1});
    let share = tokens().read(&token_of(&json.to_string())).unwrap();
    assert_eq!(share.agent_type.unwrap().as_str(), "HologramChat");
    assert_eq!((share.name.as_deref(), share.request_id.as_deref()), (Some("Ann"), Some("7")));
}

#[test]
fn an_invalid_template_is_not_shared() {
    let json = json!({"TemplateConfig": r#"{"VoiceChat":{"VadLevel":99}}"#});
    let share = tokens().read(&token_of(&json.to_string())).unwrap();
    let error = tokens().write(&share).unwrap_err();
    assert_eq!(error.to_string(), "/TemplateConfig/VoiceChat/VadLevel: 99, allowed: 0 to 11");
}

#[test]
fn times_are_read_and_written_as_in_tokens() {
    for (text, seconds) in [
        ("2026-01-02 03:04:05", END),
        ("2026-01-02T03:04:05Z", END),
        ("1970-01-01 00:00:00", 0),
        ("9999-12-31 23:59:59", 253_402_300_799),
    ] {
        let time: GmtTime = text.parse().unwrap();
        assert_eq!(time.unix(), seconds);
        assert_eq!(time.to_string(), text.replace('T', " ").replace('Z', ""));
        assert_eq!(SystemTime::from(time), at(seconds));
    }
    assert_eq!(GmtTime::try_from(at(END) + Duration::from_millis(999)).unwrap().unix(), END);
    for bad in ["", "soon", "2026-13-01 00:00:00", "2026-01-02", "1969-12-31 23:59:59"] {
        assert!(bad.parse::<GmtTime>().is_err(), "{bad}");
    }
    assert!(GmtTime::try_from(UNIX_EPOCH - Duration::from_secs(1)).is_err());
    assert_eq!(GmtTime::from_unix(253_402_300_800), None);
}
