//! Shares of an agent, and their times.

use super::*;

#[test]
fn a_share_is_read_field_by_field() {
    let share: ShareConfig = read(sample("share"));
    let expected = ShareConfig::new()
        .with_share_id("share1")
        .with_agent_type(AgentType::Vision)
        .with_expire_time("2026-01-02 03:04:05".parse().unwrap())
        .with_template(Template::new())
        .with_region("cn-shanghai");
    assert_eq!(share, expected);
    let text = include_str!("../../fixtures/aicall/share.json").trim_end();
    assert_eq!(serde_json::to_string(&share).unwrap(), text);
}

#[test]
fn times_of_shares_are_gmt_seconds_in_the_years_1970_to_9999() {
    for (text, unix) in [
        ("1970-01-01 00:00:00", 0),
        ("2026-01-02 03:04:05", 1_767_323_045),
        ("2024-02-29 23:59:59", 1_709_251_199),
        ("9999-12-31 23:59:59", 253_402_300_799),
    ] {
        let time = GmtTime::from_unix(unix).unwrap();
        assert_eq!((time.to_string().as_str(), time.unix()), (text, unix));
        assert_eq!(text.parse(), Ok(time));
        assert_eq!(read::<GmtTime>(json!(text)), time);
        assert_eq!(written(&time), json!(text));
        assert_eq!(GmtTime::try_from(SystemTime::from(time)), Ok(time));
    }
    assert_eq!(GmtTime::from_unix(253_402_300_800), None);
    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert!(GmtTime::try_from(before).is_err());
    let fraction = SystemTime::UNIX_EPOCH + Duration::from_millis(1999);
    assert_eq!(GmtTime::try_from(fraction).unwrap().unix(), 1);
    assert_eq!("2026-01-02T03:04:05Z".parse::<GmtTime>().unwrap().unix(), 1_767_323_045);
}

#[test]
fn texts_that_are_not_times_are_refused_without_the_text() {
    for text in [
        "",
        "hush",
        "2026-01-02",
        "2026-13-02 03:04:05",
        "2023-02-29 00:00:00",
        "1969-12-31 23:59:59",
    ] {
        let error = try_read::<ShareConfig>(&json!({"ExpireTime": text})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/ExpireTime: expected a time in the form `YYYY-MM-DD HH:MM:SS`, in the years 1970 to 9999"
        );
    }
}
