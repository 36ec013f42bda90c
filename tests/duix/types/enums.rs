//! Open enums: every known value, and what happens to others.

use super::*;

#[test]
fn enums_of_numbers_have_names_and_numbers() {
    types::numbers! {
        ScriptType: WakeUpWord = 0, OpeningLine = 1, WaitingPhrase = 2, UnknownQuestion = 3,
            Farewell = 4, InterruptionPhrase = 5, InterruptionSentence = 6, GuidingPhrase = 7;
        ModelIdType: Cloud = 0, Local = 1;
        Flag: No = 0, Yes = 1;
    }
}

#[test]
fn a_flag_is_on_if_it_is_one() {
    for (code, on) in [(0, false), (1, true), (2, false), (-1, false)] {
        assert_eq!(Flag::from_code(code).is_on(), on, "{code}");
    }
    assert_eq!((Flag::from(true), Flag::from(false)), (Flag::Yes, Flag::No));
}

#[test]
fn response_codes_have_names_and_texts() {
    use ResponseCode::*;
    for (text, code) in [
        ("200", Ok),
        ("0", OkNewer),
        ("-1", SystemException),
        ("1005", TokenEmpty),
        ("1006", TokenInvalid),
        ("1007", DialogueNotFound),
        ("1009", QuotaUsedUp),
        ("2002", SessionNotFound),
        ("40001", BadAppIdOrSecret),
        ("40002", InternalError),
    ] {
        assert_eq!((code.as_str(), code.to_string().as_str()), (text, text));
        assert_eq!(text.parse::<ResponseCode>(), Result::Ok(code.clone()));
        assert_eq!(serde_json::to_value(&code).unwrap(), text);
    }
    for text in ["", "1008", "200 ", "+1", "00"] {
        let code: ResponseCode = text.parse().unwrap();
        assert!(matches!(code, Unknown(_)), "{text}");
        assert_eq!(code.as_str(), text);
    }
}
