//! Error codes: the numbers of the document and of the SDK, and their texts.

use super::*;

/// Variant, number in the document, number in the current SDK, text.
type ErrorRow = (ErrorCode, Option<i64>, Option<i64>, &'static str);

macro_rules! errors {
    ($($variant:ident $documented:expr, $current:expr, $text:expr;)*) => {
        [$((ErrorCode::$variant, $documented, $current, $text)),*]
    };
    (both: $($variant:ident $number:literal $text:literal;)*) => {
        errors! { $($variant Some($number), Some($number), $text;)* }
    };
}

fn errors() -> Vec<ErrorRow> {
    let both = errors! { both:
        InvalidAction -1 "Invalid operation";
        InvalidParameters -2 "Invalid parameters";
        NetworkError -3 "Network error";
        InternalError -4 "Internal error";
        BeginCallFailed -10000 "Failed to start the call.";
        ConnectionFailed -10001 "A connection problem occurred.";
        PublishFailed -10002 "Stream ingest failed.";
        SubscribeFailed -10003 "Stream pulling failed.";
        TokenExpired -10004 "Call authentication expired.";
        KickedByUserReplace -10005
            "The call cannot proceed because another user logged on with the same name.";
        KickedBySystem -10006 "The call cannot proceed because the user was kicked by the system.";
        KickedByChannelTerminated -10007
            "The call cannot proceed because the channel was destroyed.";
        LocalDeviceException -10008 "The call cannot proceed due to an on-premises device issue.";
        AgentLeaveChannel -10101 "The agent left the channel (the agent ended the call).";
        AgentPullFailed -10102 "The agent failed to pull the stream.";
        AgentAsrFailed -10103 "The agent's ASR failed.";
        AvatarServiceFailed -10201 "Failed to start the digital agent service.";
        AvatarRoutesExhausted -10202
            "The number of concurrent digital agent ingest endpoints was exceeded.";
        AgentSubscriptionRequired -10203
            "The call could not be initiated because the daily free trial quota was exceeded.";
        AgentNotFound -10204 "The agent was not found (the agent ID does not exist).";
        ChatTextMessageSendFailed -10301 "Failed to send the text message.";
        ChatTextMessageReceiveFailed -10302 "Failed to receive the text message.";
        ChatAttachmentUploading -10332
            "The attachment is still uploading. The message can be sent only after the upload is \
             complete.";
        UnknownError -40000 "Unknown error";
    };
    let other = errors! {
        ChatVoiceRecordFailed Some(-10310), Some(-10305), "Failed to record the voice message.";
        ChatVoiceMessageSendFailed Some(-10311), Some(-10303), "Failed to send the voice message.";
        ChatVoiceMessageReceiveFailed Some(-10312), Some(-10304),
            "Failed to receive the voice message.";
        ChatPlayMessageReceiveFailed Some(-10321), None, "Failed to receive the playback message.";
        ChatLogNotFound Some(-10331), Some(-10306), "The chat history was not found.";
        // Without a text in the document.
        ChatAttachmentSenderSending None, Some(-10333),
            "The sender of the attachment is still sending.";
        ChatAttachmentSenderDestroyed None, Some(-10334),
            "The sender of the attachment was released, so the message can no longer be sent.";
    };
    both.into_iter().chain(other).collect()
}

#[test]
fn every_error_is_read_from_both_numbers_and_written_as_the_documented_one() {
    for (error, documented, current, message) in errors() {
        for number in [documented, current].into_iter().flatten() {
            assert_eq!(ErrorCode::from_code(number), Some(error), "{number}");
            assert_eq!(read::<ErrorCode>(json!(number)), error);
            assert_eq!(read::<ErrorCode>(json!(number.to_string())), error);
        }
        let number = documented.or(current).unwrap();
        assert_eq!((error.code(), written(&error)), (number, json!(number)));
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn no_two_errors_share_a_number() {
    let mut seen = BTreeMap::new();
    for (error, documented, current, _) in errors() {
        for number in [documented, current].into_iter().flatten() {
            let other = seen.insert(number, error);
            assert!(other.is_none_or(|other| other == error), "{number}");
        }
    }
    assert_eq!(seen.len(), 31 + 4);
}

#[test]
fn zero_is_success_and_not_an_error() {
    assert_eq!(ErrorCode::from_code(0), None);
    for zero in [json!(0), json!("0")] {
        let error = decode_value::<ErrorCode>(&zero).unwrap_err();
        assert_eq!(error.to_string(), "expected the code of an error, but 0 means success");
    }
}

#[test]
fn undocumented_errors_are_kept() {
    for number in [1, -5, -10009, -10335, -40001, i64::MIN, i64::MAX] {
        let error = ErrorCode::from_code(number).unwrap();
        assert!(matches!(error, ErrorCode::Unknown(_)), "{number}");
        assert_eq!((error.code(), written(&error)), (number, json!(number)));
        assert_eq!(read::<ErrorCode>(json!(number)), error);
        assert_eq!(error.to_string(), format!("Error code {number}."));
    }
    assert_ne!(ErrorCode::from_code(-40001), Some(ErrorCode::UnknownError));
}

#[test]
fn an_error_code_is_a_rust_error() {
    fn is_error<E: std::error::Error + Send + Sync + Copy + 'static>(_: E) {}
    is_error(ErrorCode::TokenExpired);
    let error: Box<dyn std::error::Error + Send + Sync> = ErrorCode::TokenExpired.into();
    assert_eq!(error.downcast_ref(), Some(&ErrorCode::TokenExpired));
    assert_eq!(format!("{:>30}", ErrorCode::TokenExpired), "  Call authentication expired.");
}

#[test]
fn an_error_notice_of_an_agent_has_an_error_code() {
    for (number, error) in [
        (4001, Some(ErrorCode::AvatarRoutesExhausted)),
        (4004, Some(ErrorCode::AgentPullFailed)),
        (4005, Some(ErrorCode::AgentAsrFailed)),
        (4006, Some(ErrorCode::AvatarServiceFailed)),
        (4000, None),
        (4002, None),
        (0, None),
    ] {
        assert_eq!(AgentErrorNotice::from_code(number).error(), error, "{number}");
    }
}

#[test]
fn misspelled_names_of_the_platform_are_corrected_in_rust() {
    let mut names: String = errors().iter().map(|row| format!("{:?} ", row.0)).collect();
    for number in 0..6 {
        names += &format!("{:?} ", SpeakingInterruptedReason::from_code(number));
        names += &format!("{:?} ", VoiceprintResult::from_code(number));
    }
    names += &format!("{:?} ", RtcTokenData::new("t"));
    names += &format!("{:?} ", AgentMessage::VoiceprintCleared(None));
    names += &format!("{:?} ", ClientMessage::from(RtcTokenRequestData::new("u")));
    assert!(names.contains("InvalidParameters") && names.contains("SpeechBroadcast"), "{names}");
    for odd in [
        "Parames",
        "UnknowError",
        "BroadCast",
        "Responsed",
        "ClearSucceed",
        "SenderDestroy ",
        "Unregister ",
        "ASR",
        "AIVad",
    ] {
        assert!(!names.contains(odd), "{odd}");
    }
}
