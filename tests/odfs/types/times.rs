//! Times of a call, which have one or two digits of the second.

use super::*;

#[test]
fn times_are_read_with_one_or_two_digits_of_the_second() {
    for (text, iso) in [
        ("2018090407:16:24", "2018-09-04T07:16:24"),
        ("2018090407:16:03", "2018-09-04T07:16:03"),
        ("2018090407:16:3", "2018-09-04T07:16:03"),
        ("2024022923:59:59", "2024-02-29T23:59:59"),
        ("0000010100:00:00", "0000-01-01T00:00:00"),
        ("9999123123:59:59", "9999-12-31T23:59:59"),
    ] {
        assert_eq!(time(text).time().map(|time| time.to_string()).as_deref(), Some(iso));
        let two_digits = text.len() == 16;
        assert_eq!(time(text).validate().is_ok(), two_digits, "{text}");
        assert_eq!(CallTime::from(time(text).time().unwrap()) == time(text), two_digits);
    }
}

#[test]
fn texts_that_are_not_times_are_kept_but_not_written() {
    for text in [
        "",
        "2018",
        "2018-09-04 07:16:24",
        "2018090407:16",
        "2018090407:16:",
        "2018090407:16:240",
        "2018090407:16:024",
        "2018090407:1:24",
        "201809047:16:24",
        "2018093107:16:24",
        "2023022907:16:24",
        "2018130407:16:24",
        "2018090424:00:00",
        "2018090407:60:00",
        "2018090407:16:60",
        "-018090407:16:24",
        "+018090407:16:24",
        "2018 90407:16:24",
        "2018090407:+6:24",
        "2018090407:16:-1",
        " 2018090407:16:24",
        "2018090407:16:24 ",
        "2018090407:16:24Z",
        "２０１８090407:16:24",
        "20180904é7:16:24",
    ] {
        assert_eq!(time(text).time(), None, "{text}");
        let error = time(text).validate().unwrap_err();
        let one = error.iter().next().unwrap();
        assert_eq!(one.value(), Some(format!("{text:?}").as_str()));
        assert_eq!(one.allowed(), "a time as yyyyMMddHH:mm:ss");
    }
}

#[test]
fn times_are_built_from_valid_parts() {
    assert_eq!(CallTime::from_parts(2018, 9, 4, 7, 16, 3), Some(time("2018090407:16:03")));
    assert_eq!(CallTime::from_parts(33, 1, 2, 3, 4, 5), Some(time("0033010203:04:05")));
    for (year, month, day, hour, minute, second) in [
        (2023, 2, 29, 0, 0, 0),
        (2023, 0, 1, 0, 0, 0),
        (2023, 1, 1, 24, 0, 0),
        (2023, 1, 1, 0, 60, 0),
        (2023, 1, 1, 0, 0, 60),
        (-1, 1, 1, 0, 0, 0),
        (10_000, 1, 1, 0, 0, 0),
    ] {
        assert_eq!(CallTime::from_parts(year, month, day, hour, minute, second), None);
    }
    let precise = DateTime::new(2018, 9, 4, 7, 16, 3, 999).unwrap();
    assert_eq!(CallTime::from(precise), time("2018090407:16:03"));
    let before = DateTime::new(-1, 1, 1, 0, 0, 0, 0).unwrap();
    assert!(CallTime::from(before).validate().is_err());
    let params = TransferredInParams::new(TransferredInParamsFields {
        call_id: "c",
        call_dst_id: "10086",
        begin_trans: time("2018090407:16:3"),
        end_trans: time(""),
        trans_result: TransferResult::Success,
        auth_token: "token".into(),
    });
    let violations = params.validate().unwrap_err();
    let found: Vec<_> = violations.iter().map(|one| one.pointer().to_owned()).collect();
    assert_eq!(found, ["/begin_trans", "/end_trans"]);
}
