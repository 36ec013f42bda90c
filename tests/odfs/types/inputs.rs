//! What the IVR reports: speech, digits, the keywords of the protocol, and transfers.

use super::*;

fn result(kind: &str, input: &str, inter_no: Option<&str>) -> InteractedInParams {
    let mut params = InteractedInParams::new(InteractedInParamsFields {
        call_id: "c",
        call_dst_id: "10086",
        flow_result_type: kind.parse().unwrap(),
        input,
        auth_token: "token".into(),
    });
    params.inter_no = inter_no.map(str::to_owned);
    params
}

#[test]
fn the_keywords_of_the_protocol_are_known_with_any_kind() {
    for (word, meaning, kind) in [
        ("playover", Input::PlayOver, "3"),
        ("timeout", Input::Timeout, "-1"),
        ("nomatch", Input::NoMatch, "-1"),
        ("sys_err", Input::SystemError, "-1"),
        ("hangup", Input::HangUp, "-1"),
        ("recordend", Input::RecordEnd, "4"),
    ] {
        for kind in ["1", "2", "3", "4", "-1", "5", "–1", ""] {
            assert_eq!(result(kind, word, Some("0")).meaning(), meaning, "{kind} {word}");
            let upper = word.to_uppercase();
            let params = result(kind, &upper, None);
            if kind == "1" {
                assert_eq!(params.meaning(), Input::Text(&upper));
            } else {
                assert_eq!(params.meaning(), meaning, "{kind} {upper}");
            }
            let spaced = format!("{word} ");
            assert_ne!(result(kind, &spaced, None).meaning(), meaning);
        }
        let params = InteractedInParams::from_input("c", "10086", meaning.clone(), "token");
        assert_eq!((params.input.as_str(), params.flow_result_type.as_str()), (word, kind));
        assert_eq!(params.meaning(), meaning);
    }
}

#[test]
fn the_kind_decides_what_an_input_means() {
    assert_eq!(result("1", "my bill", None).meaning(), Input::Text("my bill"));
    // Nothing was said, typed or pressed. A query is answered without an input, too.
    for blank in ["", " ", "\u{3000}\n"] {
        for kind in ["1", "2", "3"] {
            assert_eq!(
                result(kind, blank, Some("0")).meaning(),
                Input::Timeout,
                "{kind} {blank:?}"
            );
        }
        let other = FlowResultType::Other;
        assert_eq!(
            result("-1", blank, None).meaning(),
            Input::Other { kind: &other, input: blank }
        );
    }
    assert_eq!(result("2", "201801", Some("0")).meaning(), Input::Keys("201801"));
    assert_eq!(result("2", "*#", None).meaning(), Input::Keys("*#"));
    // A recognition id is looked for only if the kind means text.
    for kind in ["3", "4", "-1", "5", "future"] {
        let params = result(kind, "k@0", Some("0"));
        let expected = kind.parse().unwrap();
        assert_eq!(params.meaning(), Input::Other { kind: &expected, input: "k@0" });
    }
}

#[test]
fn the_recognition_number_distinguishes_speech_from_text() {
    for (input, inter_no, parts) in [
        ("asr:4711@0", Some("0"), Some(("asr:4711", "0"))),
        ("asr:4711+@+0", Some("0"), Some(("asr:4711", "0"))),
        ("a+@0", Some("0"), Some(("a+", "0"))),
        ("a@+0", Some("0"), None),
        ("host@node@12", Some("12"), Some(("host@node", "12"))),
        ("键@12", Some("12"), Some(("键", "12"))),
        ("asr:4711@0", None, None),
        ("asr:4711@0", Some(""), None),
        ("asr:4711@", Some(""), None),
        ("asr:4711@0", Some("1"), None),
        ("asr:4711@10", Some("0"), None),
        ("asr:4711@0", Some("00"), None),
        ("@0", Some("0"), None),
        ("+@+0", Some("0"), None),
        ("0", Some("0"), None),
        ("asr:47110", Some("0"), None),
        ("asr:4711@0 ", Some("0"), None),
        ("ann@example.com", Some("0"), None),
        ("write to ann@0", Some("0"), None),
        ("ann@\u{3000}b@0", Some("0"), None),
        ("Help me query the call fee.", Some("0"), None),
    ] {
        let params = result("1", input, inter_no);
        match (params.meaning(), parts) {
            (Input::Recognition(id), Some((key, number))) => {
                assert_eq!((id.key(), id.inter_no(), id.as_str()), (key, number, input));
            }
            (Input::Text(text), None) => assert_eq!(text, input),
            (meaning, _) => panic!("{input} {inter_no:?}: {meaning:?}"),
        }
    }
    let id = RecognitionId::new("asr:4711", "3").unwrap();
    assert_eq!((id.as_str(), id.key(), id.inter_no()), ("asr:4711@3", "asr:4711", "3"));
    for (key, number) in [("", "3"), ("k", ""), ("a key", "3")] {
        assert_eq!(RecognitionId::new(key, number), None);
    }
}

#[test]
fn a_request_built_from_an_input_means_that_input() {
    let id = RecognitionId::new("asr:4711", "3").unwrap();
    let kind = "9".parse().unwrap();
    for (input, kind, text, inter_no) in [
        (Input::Keys("12#"), "2", "12#", None),
        (Input::Text("my bill"), "1", "my bill", None),
        (Input::Recognition(id), "1", "asr:4711@3", Some("3")),
        (Input::Other { kind: &kind, input: "x" }, "9", "x", None),
    ] {
        let request = Interacted::from_input("c-1", "10086", input.clone(), "token");
        let params = &request.inparams;
        assert_eq!((request.user_id.as_str(), params.call_id.as_str()), ("c-1", "c-1"));
        assert_eq!((params.flow_result_type.as_str(), params.input.as_str()), (kind, text));
        assert_eq!(params.inter_no.as_deref(), inter_no);
        assert_eq!(params.auth_token.as_ref().unwrap().expose(), "token");
        assert_eq!(params.meaning(), input);
        assert_eq!(Request::from(request).validate(), Ok(()));
    }
}

#[test]
fn a_transfer_that_ends_with_a_hang_up_is_reported_as_such() {
    let at = || time("2018090407:20:00");
    let params = TransferredInParams::new(TransferredInParamsFields {
        call_id: "c",
        call_dst_id: "10086",
        begin_trans: at(),
        end_trans: at(),
        trans_result: TransferResult::Success,
        auth_token: "token".into(),
    });
    assert!(!params.is_hang_up());
    for (input, hung_up) in
        [("hangup", true), ("Hangup", true), ("", false), ("timeout", false), ("hangup ", false)]
    {
        assert_eq!(params.clone().with_input(input).is_hang_up(), hung_up, "{input}");
    }
    let last = params.with_hang_up();
    assert_eq!((last.input.as_deref(), last.is_hang_up()), (Some("hangup"), true));
}

#[tokio::test]
async fn a_map_returns_the_texts_of_recognition_ids() {
    async fn look_up(
        texts: &impl Recognitions,
        key: &str,
    ) -> Result<Option<String>, RecognitionError> {
        texts.text(&RecognitionId::new(key, "0").unwrap()).await
    }
    let texts = HashMap::from([("asr:1".to_owned(), "my bill".to_owned())]);
    assert_eq!(look_up(&texts, "asr:1").await.unwrap().as_deref(), Some("my bill"));
    assert_eq!(look_up(&texts, "asr:2").await.unwrap(), None);
    assert_eq!(RecognitionError::new("out of order").to_string(), "out of order");
}

#[test]
fn an_error_of_a_store_keeps_its_source() {
    use std::error::Error;

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the store failed")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    let error = RecognitionError::new(Outer(std::io::Error::other("the disk is full")));
    assert_eq!(error.to_string(), "the store failed");
    assert_eq!(error.source().unwrap().to_string(), "the disk is full");
    assert!(error.downcast_ref::<Outer>().is_some());
    assert!(error.downcast_ref::<std::fmt::Error>().is_none());
}
