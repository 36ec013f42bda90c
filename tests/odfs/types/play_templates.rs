//! Play templates (`model_type`): how a prompt is played and what the IVR listens for.

use super::*;

fn template(text: &str) -> ModelType {
    let template: ModelType = text.parse().unwrap();
    assert_eq!(template.to_string(), text);
    template
}

#[test]
fn every_play_template_is_written_back_unchanged() {
    let texts = (0..1000).map(|number| format!("{number:03}"));
    let texts = texts.chain((0..10_000_000).step_by(997).map(|number| format!("{number:07}")));
    let odd = ["", "1", "10", "10a", "1011", "101120", "10112010", "1O11201", " 101", "１０１"];
    for text in texts.chain(odd.map(str::to_owned)) {
        assert_eq!(serde_json::to_value(template(&text)).unwrap(), text);
        let read: ModelType = decode_value(&json!(text)).unwrap();
        assert_eq!(read, template(&text));
    }
    assert_eq!(decode_value::<ModelType>(&json!(1_011_201)), Ok(template("1011201")));
    assert_eq!(format!("{:?}", template("101")), "ModelType(\"101\")");
}

#[test]
fn the_documented_play_templates_are_built_and_read() {
    use InputMode::{BargeIn, NoBargeIn, Off};

    let keys = DtmfKeys::up_to(12).hash_confirms();
    for (made, text, speech, key) in [
        (ModelType::play_only(), "1000000", Off, Off),
        (ModelType::play_only().without_barge_in(), "1000000", Off, Off),
        (ModelType::keys(keys), "1011201", Off, BargeIn),
        (ModelType::keys(keys).without_barge_in(), "1021201", Off, NoBargeIn),
        (ModelType::speech(), "1100000", BargeIn, Off),
        (ModelType::speech().without_barge_in(), "1200000", NoBargeIn, Off),
        (ModelType::speech_and_keys(keys), "1111201", BargeIn, BargeIn),
        (ModelType::speech_and_keys(keys).without_barge_in(), "1221201", NoBargeIn, NoBargeIn),
    ] {
        for read in [made, template(text), template(&text[..3])] {
            assert!(read.is_documented(), "{text}");
            assert_eq!(read.plays(), Some(true), "{text}");
            assert_eq!((read.speech_mode(), read.key_mode()), (Some(speech), Some(key)), "{text}");
            // Three digits are read, but not written.
            let short = read.to_string().len() == 3;
            assert_eq!(read.validate().is_err(), short, "{text}");
            assert!(short || read == template(text), "{text}");
            let limits = (read.max_keys(), read.star_cancels(), read.hash_confirms());
            if key == Off || short {
                assert_eq!(limits, (None, None, None), "{text}");
            } else {
                assert_eq!(limits, (Some(12), Some(false), Some(true)), "{text}");
            }
        }
    }
    let one = ModelType::keys(DtmfKeys::up_to(1).star_cancels());
    assert_eq!((one.to_string().as_str(), one.star_cancels()), ("1010110", Some(true)));
    assert_eq!(ModelType::keys(DtmfKeys::up_to(99)).to_string(), "1019900");
}

#[test]
fn undocumented_play_templates_are_read_as_far_as_possible() {
    // A template that other code of the protocol family sends.
    let family = template("0100000");
    assert_eq!((family.plays(), family.is_documented()), (Some(false), false));
    assert_eq!(family.speech_mode(), Some(InputMode::BargeIn));
    let mixed = template("1121000");
    assert_eq!(mixed.key_mode(), Some(InputMode::NoBargeIn));
    let odd = template("9931299");
    assert_eq!((odd.plays(), odd.speech_mode(), odd.key_mode()), (None, None, None));
    assert_eq!((odd.max_keys(), odd.star_cancels(), odd.hash_confirms()), (Some(12), None, None));
    let text = template("menu");
    assert_eq!((text.plays(), text.speech_mode(), text.key_mode()), (None, None, None));
    assert_eq!((text.max_keys(), text.star_cancels(), text.hash_confirms()), (None, None, None));
    // In the document's own sample, the last four digits have no meaning.
    assert_eq!(template("1101200").max_keys(), None);
    assert_eq!(template("1101200").validate(), Ok(()));
}

#[test]
fn undocumented_play_templates_are_not_written() {
    for (bad, value, allowed) in [
        (template("0100000"), "0100000", "100, 101, 102, 110, 111, 120 or 122"),
        (template("112"), "\"112\"", "seven digits"),
        (template("101"), "\"101\"", "seven digits"),
        (template("1211200"), "1211200", "100, 101, 102"),
        (template(""), "\"\"", "seven digits"),
        (template("10112010"), "\"10112010\"", "seven digits"),
        (template("1010001"), "0 keys", "1 to 99 keys"),
        (ModelType::keys(DtmfKeys::up_to(0)), "0 keys", "1 to 99 keys"),
        (ModelType::speech_and_keys(DtmfKeys::up_to(100)), "100 keys", "1 to 99 keys"),
        (template("1021220"), "1021220", "0 or 1"),
        (template("1221202"), "1221202", "0 or 1"),
    ] {
        let violations = bad.validate().unwrap_err();
        let [one] = violations.iter().collect::<Vec<_>>()[..] else { panic!("{violations}") };
        assert_eq!(one.value(), Some(value));
        assert!(one.allowed().starts_with(allowed), "{one}");
    }
    let params = InteractOutParams::from_prompt("c", Prompt::Tts("hi"), Language::Chinese);
    let bad = params.with_model_type(template("112")).validate().unwrap_err();
    assert_eq!(bad.iter().next().unwrap().pointer(), "/model_type");
}
