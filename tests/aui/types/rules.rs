//! Which values are refused on writing, and what the error says.

use super::*;

/// A limited property: values just inside, and values just outside with the reported value and range.
struct Limit {
    place: &'static str,
    check: fn(&Value) -> Result<Vec<Found>, DecodeError>,
    inside: Vec<Value>,
    outside: Vec<(Value, &'static str, &'static str)>,
}

/// The pointer, the value and the allowed range of a violation.
type Found = (String, String, String);

/// Returns the violations of a document, which is read and written in any case.
fn violations<T>(document: &Value) -> Result<Vec<Found>, DecodeError>
where
    T: DeserializeOwned + Serialize + Validate + PartialEq + Debug,
{
    let value: T = try_read(document)?;
    assert_eq!(plain(written(&value)), plain(document.clone()));
    let found = value.validate().err();
    Ok(found
        .iter()
        .flat_map(|found| found.iter())
        .map(|one| {
            let value = one.value().unwrap_or("missing").to_owned();
            (one.pointer().to_owned(), value, one.allowed().to_owned())
        })
        .collect())
}

/// A text of this many characters, which are two bytes each: limits count characters.
fn letters(number: usize) -> String {
    "é".repeat(number)
}

fn contents(number: usize) -> Vec<Value> {
    vec![json!({"Text": "a", "Probability": 1.0 / number as f64}); number]
}

macro_rules! limits {
    ($($type:ty, $place:literal:
        $($inside:expr),* => $(($outside:expr, $shown:expr, $allowed:expr)),*;)*) => {
        vec![$(Limit {
            place: $place,
            check: violations::<$type>,
            inside: vec![$(json!($inside)),*],
            outside: vec![$((json!($outside), $shown, $allowed)),*],
        }),*]
    };
}

fn limits() -> Vec<Limit> {
    const SECONDS: &str = "whole seconds, 0 or more";
    const MILLIS: &str = "whole milliseconds, 0 or more";
    const SILENCE: &str = "whole milliseconds, 200 to 1200";
    const DELAY: &str = "whole milliseconds, 0 to 10000";
    const VAD: &str = "0 to turn it off, or 200 to 2000 milliseconds";
    const OUTPUT: &str = "0 to turn it off, or 1000 to 10000 milliseconds";
    const IDLE: &str = "whole milliseconds, 5000 to 600000";
    const PENDING: &str = "whole milliseconds, 500 to 10000";
    const LONG: &str = "at most 100 characters";

    limits! {
        AgentConfig, "/MaxIdleTime": 0, i32::MAX => (0.5, "500ms", SECONDS);
        AgentConfig, "/UserOnlineTimeout": 0, 1 => (1.5, "1.5s", SECONDS);
        AgentConfig, "/UserOfflineTimeout": 0, 1 => (1.5, "1.5s", SECONDS);
        AgentConfig, "/Volume": 0, 400
            => (401, "401", "0 to 400"), (i32::MAX, "2147483647", "0 to 400");
        AgentConfig, "/Greeting": "", letters(128)
            => (letters(129), "[hidden]", "at most 128 characters");
        AgentConfig, "/AsrConfig/AsrMaxSilence": 200, 1200
            => (0, "0ns", SILENCE), (199, "199ms", SILENCE), (1201, "1.201s", SILENCE),
               (200.5, "200.5ms", SILENCE);
        AgentConfig, "/AsrConfig/AsrHotWords": [""; 0], vec!["a"; 500]
            => (vec!["a"; 501], "501 items", "at most 500 items");
        AgentConfig, "/AsrConfig/AsrHotWords/0": "", letters(10)
            => (letters(11), "\"ééééééééééé\"", "at most 10 characters");
        AgentConfig, "/AsrConfig/VadLevel": 0, 11 => (12, "12", "0 to 11");
        AgentConfig, "/AsrConfig/VadDuration": 200, 2000
            => (1, "1ms", VAD), (199, "199ms", VAD),
               (2001, "2.001s", "whole milliseconds, 0 to 2000");
        AgentConfig, "/TtsConfig/VoiceId": "", letters(64)
            => (letters(65), format!("{:?}", letters(65)).leak(), "at most 64 characters");
        AgentConfig, "/TtsConfig/PronunciationRules": [""; 0], vec![json!({"Word": "a"}); 20]
            => (vec![json!({"Word": "a"}); 21], "21 items", "at most 20 items");
        AgentConfig, "/TtsConfig/SpeechRate": 0.5, 2.0
            => (0.49, "0.49", "0.5 to 2"), (2.01, "2.01", "0.5 to 2");
        AgentConfig, "/LlmConfig/LlmHistoryLimit": 0, i32::MAX =>;
        AgentConfig, "/LlmConfig/OutputMinLength": 0, 100 => (101, "101", "0 to 100");
        AgentConfig, "/LlmConfig/OutputMaxDelay": 0, 1000, 10000
            => (1, "1ms", OUTPUT), (999, "999ms", OUTPUT), (10001, "10.001s", DELAY);
        AgentConfig, "/TurnDetectionConfig/SemanticWaitDuration": 0, 10000
            => (10001, "10.001s", DELAY);
        AgentConfig, "/BackChannelingConfig/0/Probability": 0, 1
            => (-0.01, "-0.01", "0 to 1"), (1.01, "1.01", "0 to 1");
        AgentConfig, "/BackChannelingConfig/0/Words": [""; 0], contents(1), contents(10)
            => (contents(11), "11 items", "at most 10 items");
        AgentConfig, "/BackChannelingConfig/0/Words/0/Text": "", letters(100)
            => (letters(101), "[hidden]", LONG);
        AutoSpeechContent, "/Text": "", letters(100) => (letters(101), "[hidden]", LONG);
        AutoSpeechContent, "/Probability": 0, 1
            => (-0.01, "-0.01", "0 to 1"), (1.01, "1.01", "0 to 1");
        AgentConfig, "/AutoSpeechConfig/LlmPending/WaitTime": 500, 10000
            => (499, "499ms", PENDING), (10001, "10.001s", PENDING);
        AgentConfig, "/AutoSpeechConfig/LlmPending/Messages": [""; 0], contents(1), contents(10)
            => (contents(11), "11 items", "at most 10 items");
        AgentConfig, "/AutoSpeechConfig/LlmPending/Messages/0/Text": "", letters(100)
            => (letters(101), "[hidden]", LONG);
        AgentConfig, "/AutoSpeechConfig/UserIdle/WaitTime": 5000, 600_000
            => (4999, "4.999s", IDLE), (600_001, "600.001s", IDLE);
        AgentConfig, "/AutoSpeechConfig/UserIdle/MaxRepeats": 0, 10
            => (-1, "-1", "0 to 10"), (11, "11", "0 to 10");
        AgentConfig, "/AutoSpeechConfig/UserIdle/Messages": [""; 0], contents(1), contents(10)
            => (contents(11), "11 items", "at most 10 items");
        AgentConfig, "/AutoSpeechConfig/UserIdle/Messages/0/Text": "", letters(100)
            => (letters(101), "[hidden]", LONG);
        AgentConfig, "/VcrConfig/StillFrameMotion/CallbackDelay": 0, i32::MAX
            => (0.5, "500µs", MILLIS);
        VcrConfig, "/InvalidFrameMotion/CallbackDelay": 0, 5001 => (0.5, "500µs", MILLIS);
        Template, "/VoiceChat/UserOnlineTimeout": 0, 1 => (0.5, "500ms", SECONDS);
        Template, "/AvatarChat3D/UserOfflineTimeout": 0, 1 => (0.5, "500ms", SECONDS);
        Template, "/VisionChat/AsrMaxSilence": 200, 1200
            => (199, "199ms", SILENCE), (1201, "1.201s", SILENCE);
        Template, "/VideoChat/VadLevel": 0, 11 => (12, "12", "0 to 11");
        Template, "/VoiceChat/Volume": 0, 400 => (401, "401", "0 to 400");
        Template, "/VoiceChat/MaxIdleTime": 0, 1 => (0.5, "500ms", SECONDS);
        Template, "/VoiceChat/LlmHistoryLimit": 0, i32::MAX =>;
        Template, "/VoiceChat/Greeting": "", letters(128)
            => (letters(129), "[hidden]", "at most 128 characters");
        SendTextToAgentRequest, "/text": "a", letters(10_000)
            => ("", "[hidden]", "1 or more characters");
        VisionCaptureRequest, "/eachDuration": 0, 1 => (0.5, "500ms", SECONDS);
        VisionCaptureRequest, "/num": 0, i32::MAX => (-1, "-1", "0 or more");
        VisionCaptureRequest, "/duration": 0, 1 => (0.5, "500ms", SECONDS);
        SystemPromptData, "/prompt": "a", letters(10_000)
            => ("", "[hidden]", "1 or more characters");
        AsrMaxSilenceData, "/asrMaxSilence": 200, 1200
            => (199, "199ms", SILENCE), (1201, "1.201s", SILENCE);
        SpeechRateData, "/speechRate": 0.5, 2
            => (-1, "-1", "0.5 to 2"), (0, "0", "0.5 to 2"), (0.49, "0.49", "0.5 to 2"),
               (2.01, "2.01", "0.5 to 2");
    }
}

#[test]
fn values_just_inside_their_limits_are_written() {
    for Limit { place, check, inside, .. } in limits() {
        for value in inside {
            let document = document(place, value);
            assert_eq!(check(&document), Ok(vec![]), "{place}");
        }
    }
}

#[test]
fn values_just_outside_their_limits_are_read_but_not_written() {
    for Limit { place, check, outside, .. } in limits() {
        for (value, shown, allowed) in outside {
            let document = document(place, value);
            let expected = (place.to_owned(), shown.to_owned(), allowed.to_owned());
            assert_eq!(check(&document), Ok(vec![expected]), "{place}");
        }
    }
}

#[test]
fn the_volume_of_an_ambient_sound_is_a_percentage() {
    let sound = |volume| AmbientSoundConfig::new().with_resource_id("r").with_volume(volume);
    for inside in [0, 100] {
        assert_eq!(sound(inside).validate(), Ok(()));
    }
    for outside in [-1, 101] {
        let config = AgentConfig::unset().with_ambient_sound(sound(outside));
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, format!("/AmbientSoundConfig/Volume: {outside}, allowed: 0 to 100"));
        assert_eq!(read::<AmbientSoundConfig>(written(&sound(outside))), sound(outside));
    }
}

#[test]
fn negative_numbers_set_explicitly_are_refused() {
    let mut config = AgentConfig::unset().with_volume(-1);
    config.asr.vad_level = Some(-1);
    config.tts.speech_rate = Some(-1.0);
    config.llm.history_limit = Some(-1);
    config.llm.output_min_length = Some(-1);
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "/Volume: -1, allowed: 0 to 400; \
         /AsrConfig/VadLevel: -1, allowed: 0 to 11; \
         /TtsConfig/SpeechRate: -1, allowed: 0.5 to 2; \
         /LlmConfig/LlmHistoryLimit: -1, allowed: 0 or more; \
         /LlmConfig/OutputMinLength: -1, allowed: 0 to 100"
    );
}

#[test]
fn nan_and_infinity_are_refused() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let allowed =
            |error: callbot::wire::Violations| error.iter().next().unwrap().allowed().to_owned();
        let rate = TtsConfig::new().with_speech_rate(odd).validate().unwrap_err();
        assert_eq!(allowed(rate), "a finite number");
        let rate = ClientMessage::from(SpeechRateData::new(odd));
        assert_eq!(allowed(Message::new(rate, 1).to_json().unwrap_err()), "a finite number");
        let motion = FrameMotionResult::new().with_duration(odd).validate().unwrap_err();
        assert_eq!(allowed(motion), "a finite number");
        let away = LookAwayResult::new().with_duration(odd).validate().unwrap_err();
        assert_eq!(allowed(away), "a finite number");
        let content = AutoSpeechContent::new().with_probability(odd).validate().unwrap_err();
        assert_eq!(allowed(content), "a finite number");
    }
}

#[test]
fn durations_too_short_to_have_an_effect_are_refused_except_zero() {
    let asr = |millis| AsrConfig::new().with_vad_duration(Duration::from_millis(millis));
    let llm = |millis| LlmConfig::new().with_output_max_delay(Duration::from_millis(millis));
    for (millis, good) in [(0, true), (1, false), (199, false), (200, true), (2000, true)] {
        assert_eq!(asr(millis).validate().is_ok(), good, "{millis}");
    }
    for (millis, good) in [(0, true), (1, false), (999, false), (1000, true), (10000, true)] {
        assert_eq!(llm(millis).validate().is_ok(), good, "{millis}");
    }
    let error = asr(1).validate().unwrap_err().to_string();
    let allowed = "0 to turn it off, or 200 to 2000 milliseconds";
    assert_eq!(error, format!("/VadDuration: 1ms, allowed: {allowed}"));
    let error = llm(999).validate().unwrap_err().to_string();
    let allowed = "0 to turn it off, or 1000 to 10000 milliseconds";
    assert_eq!(error, format!("/OutputMaxDelay: 999ms, allowed: {allowed}"));
}

#[test]
fn using_a_voiceprint_requires_one() {
    let using = VoiceprintConfig::new().with_use_voiceprint(true);
    let error = AgentConfig::new().with_voiceprint(using.clone()).validate().unwrap_err();
    assert_eq!(
        error.to_string(),
        "/VoiceprintConfig/VoiceprintId: missing, required when `UseVoiceprint` is true"
    );
    assert_eq!(using.with_voiceprint_id("vp").validate(), Ok(()));
    assert_eq!(VoiceprintConfig::new().with_use_voiceprint(false).validate(), Ok(()));
}

#[test]
fn the_probabilities_of_random_texts_add_up_to_one() {
    let contents = |probabilities: &[f64]| -> Vec<AutoSpeechContent> {
        let one = |p: &f64| AutoSpeechContent::new().with_text("a").with_probability(*p);
        probabilities.iter().map(one).collect()
    };
    for (probabilities, sum) in [
        (&[][..], None),
        (&[1.0], None),
        (&[0.5, 0.5], None),
        (&[0.0, 1.0], None),
        (&[0.1, 0.2, 0.3, 0.4], None),
        (&[0.333_333_3, 0.333_333_3, 0.333_333_3], None),
        (&[0.0], Some("0")),
        (&[0.5], Some("0.5")),
        (&[0.5, 0.499], Some("0.999")),
        (&[1.0, 0.25], Some("1.25")),
    ] {
        let words = BackChannelingConfig::new().with_words(contents(probabilities));
        let pending = AutoSpeechLlmPending::new().with_messages(contents(probabilities));
        let idle = AutoSpeechUserIdle::new().with_messages(contents(probabilities));
        let config = AgentConfig::new().with_back_channeling([words]).with_auto_speech(
            AutoSpeechConfig::new().with_llm_pending(pending).with_user_idle(idle),
        );
        let Some(sum) = sum else {
            assert_eq!(config.validate(), Ok(()), "{probabilities:?}");
            continue;
        };
        let found = config.validate().unwrap_err().to_string();
        let at =
            |place| format!("{place}: probabilities that add up to {sum}, allowed: a sum of 1");
        let expected = [
            at("/BackChannelingConfig/0/Words"),
            at("/AutoSpeechConfig/LlmPending/Messages"),
            at("/AutoSpeechConfig/UserIdle/Messages"),
        ];
        assert_eq!(found, expected.join("; "));
    }
    // A missing probability counts as 1, as in the SDK.
    let unset = AutoSpeechContent::unset().with_text("a");
    let one = BackChannelingConfig::new().with_words([unset.clone()]);
    assert_eq!(one.validate(), Ok(()));
    assert!(BackChannelingConfig::new().with_words([unset.clone(), unset]).validate().is_err());
}

#[test]
fn an_agent_without_ids_is_read_but_not_written() {
    let info: AgentInfo = read(json!({}));
    assert_eq!(
        info.validate().unwrap_err().to_string(),
        "/ai_agent_instance_id: missing, required; /channel_id: missing, required; \
         /ai_agent_user_id: missing, required"
    );
}

#[test]
fn limits_apply_wherever_a_configuration_is_nested() {
    let loud = AgentConfig::unset().with_volume(401);
    let call = CallConfig::new("a", AgentType::Voice, "u")
        .with_agent_config(loud)
        .with_template_config(TemplateConfig::unset().with_volume(402));
    assert_eq!(
        call.validate().unwrap_err().to_string(),
        "/agentConfig/Volume: 401, allowed: 0 to 400; \
         /templateConfig/Volume: 402, allowed: 0 to 400"
    );
    let template = Template::new().with_video(TemplateConfig::unset().with_vad_level(12));
    let share = ShareConfig::new().with_template(template);
    assert_eq!(
        share.validate().unwrap_err().to_string(),
        "/TemplateConfig/VideoChat/VadLevel: 12, allowed: 0 to 11"
    );
}
