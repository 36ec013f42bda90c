//! Other versions of the protocol are read, and written back: wire samples with unknown and missing
//! parts at every place, random values, and random damage.

use callbot::digital_employee::{
    AbortDialogueRequest, AbortDialogueRequestFields, AbortType, Acknowledgement,
    BeginSessionRequest, BeginSessionRequestFields, Control, DialogueRequest,
    DialogueRequestFields, EndSessionRequest, EndSessionRequestFields, Extra, GatherDtmf, HangUp,
    Packet, PacketData, PacketFields, ResponseCode, SynthesizerConfig, Terminator, Transfer,
    TransferType, VendorParams, Voice,
};
use callbot::wire::{DecodeError, decode, decode_value};
use fastrand::Rng;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::types::{self, Reader, Sample, each_object, read_as, set};

/// The optional fields of a sample: the pointer of an object, and the names.
type Optional = &'static [(&'static str, &'static [&'static str])];

const ENVELOPE: &[&str] = &["requestId", "message"];
const PACKET: &[&str] = &["requestId", "message", "data"];
const DATA: &[&str] = &["updatedTime", "sessionId", "streamId", "answer", "controlParamsList"];
const CONTROLS: &[(&str, &[&str])] = &[
    ("", PACKET),
    ("/data", DATA),
    (
        "/data/controlParamsList/0",
        &["interruptible", "silenceDetectionTimeout", "synthesizerConfig"],
    ),
    ("/data/controlParamsList/0/synthesizerConfig", &["volume", "pitchRate", "speechRate"]),
    ("/data/controlParamsList/1", &["disableVoiceInput"]),
    ("/data/controlParamsList/2", &["transferor"]),
    ("/data/controlParamsList/3", &["delay", "reason"]),
];

fn samples() -> Vec<Sample<Optional>> {
    types::samples! { "digital-employee";
        "request-begin-session": BeginSessionRequest, &[("/vendorParams", &["vip", "further"])];
        "request-dialogue-keys": DialogueRequest,
            &[("", &["utterance", "extras"]), ("/extras/0", &["dataType", "dtmf"])];
        "request-dialogue-speech": DialogueRequest, &[("", &["utterance", "extras"])];
        "request-abort-dialogue": AbortDialogueRequest, &[("", &["scriptId", "answer"])];
        "request-end-session": EndSessionRequest, &[];
        "packet-controls-as-objects": Strict, CONTROLS;
        "packet-controls-as-strings": Strict, &[("", PACKET), ("/data", DATA)];
        "packet-without-controls": Strict, &[("", PACKET), ("/data", DATA)];
        "packet-null-answer": Strict, &[("", PACKET), ("/data", DATA)];
        "failure-without-data": Strict, &[("", PACKET)];
        "failure-with-data": Strict, &[("", PACKET), ("/data", DATA)];
        "acknowledgement": Acknowledgement, &[("", ENVELOPE)];
        "acknowledgement-null-request-id": Acknowledgement, &[("", ENVELOPE)];
        "acknowledgement-failure": Acknowledgement, &[("", ENVELOPE)];
    }
}

/// A packet without controls that can't be read: the first one is an error, as it is in any other place.
#[derive(Debug, PartialEq, Serialize)]
struct Strict(Packet);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packet = Packet::deserialize(deserializer)?;
        let controls = packet.data.iter().flat_map(|data| &data.controls).enumerate();
        for (index, control) in controls {
            if let Control::Unreadable(control) = control {
                let error = control.error();
                let place = format!("/data/controlParamsList/{index}{}", error.pointer());
                return Err(D::Error::custom(DecodeError::new(place, error.message())));
            }
        }
        Ok(Self(packet))
    }
}

fn sample(name: &str) -> Sample<Optional> {
    types::find(samples(), name)
}

/// Returns the value without nulls and empty lists.
fn plain(mut value: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.retain(|_, value| !value.is_null() && *value != json!([]));
                object.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    types::every_file_is_listed("digital-employee", &samples());
}

#[test]
fn every_sample_is_written_back_unchanged() {
    for sample in samples() {
        let expected = match sample.name {
            "packet-controls-as-strings" => self::sample("packet-controls-as-objects").json(),
            _ => sample.json(),
        };
        assert_eq!(sample.read(&sample.json()), plain(expected), "{}", sample.name);
    }
}

#[test]
fn unknown_fields_change_nothing_at_any_place() {
    let unknown = [json!("x"), json!(null), json!(7), json!([1, {"a": []}]), json!({"type": "x"})];
    for sample in samples() {
        let mut objects = 0;
        for unknown in &unknown {
            let mut document = sample.json();
            each_object(&mut document, "", &mut |at, object| {
                // Every key there is context of the call, and is kept.
                if at != "/vendorParams" {
                    objects += 1;
                    object.as_object_mut().unwrap().insert("unknownField".into(), unknown.clone());
                }
            });
            assert_eq!(sample.read(&document), sample.read(&sample.json()), "{}", sample.name);
        }
        assert!(objects >= unknown.len(), "{}", sample.name);
    }
}

#[test]
fn null_reads_as_absent_for_every_optional_field() {
    for sample in samples() {
        let mut all = sample.json();
        for (pointer, names) in sample.about.iter().rev() {
            for name in *names {
                let mut null = sample.json();
                set(&mut null, &format!("{pointer}/{name}"), Value::Null);
                let mut absent = null.clone();
                absent.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(*name);
                let place = format!("{} {pointer}/{name}", sample.name);
                assert_eq!(sample.read(&null), sample.read(&absent), "{place}");
                set(&mut all, &format!("{pointer}/{name}"), Value::Null);
                sample.read(&all);
            }
        }
    }
}

#[test]
fn a_missing_required_field_is_named() {
    for (name, pointer) in [
        ("request-begin-session", "/streamId"),
        ("request-dialogue-speech", "/sessionId"),
        ("request-abort-dialogue", "/streamId"),
        ("request-end-session", "/sessionId"),
        ("packet-without-controls", "/code"),
        ("packet-without-controls", "/data/streamEnd"),
        ("packet-controls-as-objects", "/data/controlParamsList/0/synthesizerConfig/voice"),
        ("packet-controls-as-objects", "/data/controlParamsList/1/maxDigits"),
        ("packet-controls-as-objects", "/data/controlParamsList/2/type"),
        ("packet-controls-as-objects", "/data/controlParamsList/2/transferee"),
        ("acknowledgement", "/httpStatusCode"),
    ] {
        let sample = sample(name);
        let mut document = sample.json();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        let error = (sample.read)(&document).unwrap_err();
        assert_eq!((error.pointer(), error.message()), (pointer, "must be there"), "{name}");
    }
}

const ENUMS: [(&str, &str); 7] = [
    ("request-dialogue-keys", "/extras/0/dataType"),
    ("request-abort-dialogue", "/type"),
    ("packet-without-controls", "/code"),
    ("acknowledgement", "/code"),
    ("packet-controls-as-objects", "/data/controlParamsList/1/terminator"),
    ("packet-controls-as-objects", "/data/controlParamsList/2/transferType"),
    ("failure-without-data", "/code"),
];

#[test]
fn unknown_values_of_every_enum_are_written_back_unchanged() {
    for (name, pointer) in ENUMS {
        for value in ["Future", "", "ok", "dtmf", " SkillGroup", "未来", "\"\\\u{0}"] {
            let sample = sample(name);
            let mut document = sample.json();
            *document.pointer_mut(pointer).unwrap() = value.into();
            assert_eq!(sample.read(&document), plain(document), "{name} {pointer}");
        }
        // A number is read as its text.
        let sample = sample(name);
        let mut document = sample.json();
        *document.pointer_mut(pointer).unwrap() = 7.into();
        assert_eq!(sample.read(&document).pointer(pointer).unwrap(), "7", "{name} {pointer}");
        *document.pointer_mut(pointer).unwrap() = json!({"of": "another kind"});
        match (sample.read)(&document) {
            Err(error) => assert_eq!(error.pointer(), pointer, "{name}"),
            // An abort needs no reason.
            Ok(_) => assert_eq!(sample.read(&document).pointer(pointer), None, "{name}"),
        }
    }
}

#[test]
fn unknown_controls_are_kept_whole_in_both_encodings() {
    let sms = json!({"type": "SendSms", "delay": "soon", "to": null, "body": {"a": [1, null, 2.5, {}]},
        "big": u64::MAX, "empty": []});
    for unknown in [sms, json!({"type": "hangUp"}), json!({"type": ""}), json!({"type": 7})] {
        for wire in [unknown.clone(), unknown.to_string().into()] {
            let sample = sample("packet-without-controls");
            let mut document = sample.json();
            document["data"]["controlParamsList"] = json!([wire, {"type": "HangUp"}, wire]);
            let written = sample.read(&document);
            let expected = json!([unknown, {"type": "HangUp"}, unknown]);
            assert_eq!(written["data"]["controlParamsList"], expected);
        }
    }
}

#[test]
fn the_context_of_a_call_is_written_back_unchanged() {
    let sample = sample("request-begin-session");
    let mut document = sample.json();
    for (key, value) in [
        ("", "empty"),
        ("type", "x"),
        ("a/b~c", ""),
        ("键", "值"),
        ("extra", "y"),
        ("calling_number", "1"),
    ] {
        document["vendorParams"][key] = value.into();
    }
    assert_eq!(sample.read(&document), document);
    set(&mut document, "/vendorParams/age", 42.into());
    assert_eq!(sample.read(&document)["vendorParams"]["age"], "42");
}

#[test]
fn context_of_an_unexpected_type_does_not_break_a_call() {
    let sample = sample("request-begin-session");
    for value in [json!(true), json!(["a"]), json!({"a": 1})] {
        let mut document = sample.json();
        set(&mut document, "/vendorParams/further", value);
        sample.read(&document);
    }
}

#[test]
fn ignored_fields_may_have_any_value() {
    for (key, value) in [("success", json!("true")), ("params", json!([1])), ("params", json!({}))]
    {
        for name in ["packet-without-controls", "acknowledgement"] {
            let sample = sample(name);
            let mut document = sample.json();
            document[key] = value.clone();
            sample.read(&document);
        }
    }
}

#[test]
fn ids_are_read_from_numbers_and_the_tenant_from_a_string() {
    for sample in samples() {
        let mut document = sample.json();
        each_object(&mut document, "", &mut |_, object| {
            for id in [
                "requestId",
                "instanceId",
                "scriptId",
                "sessionId",
                "streamId",
                "callingNumber",
                "calledNumber",
                "dtmf",
            ] {
                if let Some(value) = object.get_mut(id) {
                    *value = json!(13500000001_u64);
                }
            }
            if let Some(tenant) = object.get_mut("tenantId") {
                *tenant = json!("378210");
            }
        });
        let written = sample.read(&document).to_string();
        assert!(!written.contains(":13500000001"), "{written}");
        assert_eq!(
            written.contains("\"13500000001\""),
            document.to_string().contains("13500000001")
        );
        assert!(!written.contains("tenantId\":\""), "{written}");
        assert_eq!(written.contains("\"tenantId\":378210"), sample.name.starts_with("request"));
    }
    let sample = sample("request-end-session");
    for (tenant, expected) in [
        (json!("-9223372036854775808"), Some(i64::MIN)),
        (json!(i64::MAX), Some(i64::MAX)),
        (json!(" 7 "), Some(7)),
        (json!("9223372036854775808"), None),
        (json!("x4711"), None),
        (json!(1.5), None),
        (json!(null), None),
        (json!(true), None),
    ] {
        let mut document = sample.json();
        document["tenantId"] = tenant;
        // One that can't be read counts as missing.
        let read = sample.read(&document);
        assert_eq!(read.get("tenantId"), expected.map(Value::from).as_ref(), "{document}");
    }
}

#[test]
fn depth_is_limited_in_kept_json_and_ignored_elsewhere() {
    for (depth, readable) in [(60, true), (100_000, false)] {
        let nested = "[".repeat(depth) + &"]".repeat(depth);
        let unknown = format!(r#"{{"httpStatusCode":200,"code":"OK","unknown":{nested}}}"#);
        assert!(decode::<Packet>(unknown.as_bytes()).is_ok());
        let control = format!(r#"{{"type":"New","deep":{nested}}}"#);
        match decode::<Control>(control.as_bytes()) {
            Ok(_) => assert!(readable),
            Err(error) => {
                assert!(!readable, "{error}");
                assert!(error.message().contains("recursion limit"), "{error}");
            }
        }
    }
}

/// Random valid values.
struct Values(Rng);

impl Values {
    fn text(&mut self) -> String {
        const PIECES: [&str; 16] = [
            "",
            " ",
            "a",
            "\"",
            "\\",
            "\n",
            "\r\n",
            "\u{0}",
            "\u{7f}",
            "余额",
            "🙂",
            "é",
            "{\"type\":",
            "data:",
            "13500000001",
            "\u{FEFF}",
        ];
        (0..self.0.usize(..6)).map(|_| PIECES[self.0.usize(..PIECES.len())]).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.0.bool() { Some(make(self)) } else { None }
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.0.usize(..4)).map(|_| make(self)).collect()
    }

    /// A known value or any other text.
    fn word<T: std::str::FromStr<Err: std::fmt::Debug>>(&mut self, known: &[&str]) -> T {
        let index = self.0.usize(..=known.len());
        let text = self.text();
        known.get(index).copied().unwrap_or(&text).parse().unwrap()
    }

    // Sixteenths, which every decimal parser reads exactly.
    fn number(&mut self) -> f64 {
        f64::from(self.0.i32(-100_000..100_000)) / 16.0
    }

    fn json(&mut self, depth: u32) -> Value {
        match self.0.u8(..if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => self.0.bool().into(),
            2 => self.0.i64(..).into(),
            3 => self.0.u64(..).into(),
            4 => self.number().into(),
            5 => self.text().into(),
            6 => self.list(|values| values.json(depth - 1)).into(),
            _ => Value::Object(
                self.list(|values| (values.text(), values.json(depth - 1))).into_iter().collect(),
            ),
        }
    }

    fn numbers(&mut self) -> VendorParams {
        let mut params = VendorParams::new(self.text(), self.text());
        for key in self.list(Self::text) {
            params = params.with_extra(key, self.text());
        }
        params
    }

    fn begin(&mut self) -> BeginSessionRequest {
        let tenant = self.0.i64(..);
        BeginSessionRequest::new(BeginSessionRequestFields {
            request_id: &self.text(),
            tenant_id: tenant,
            instance_id: &self.text(),
            script_id: &self.text(),
            session_id: &self.text(),
            stream_id: &self.text(),
            vendor_params: self.numbers(),
        })
    }

    fn dialogue(&mut self) -> DialogueRequest {
        let tenant = self.0.i64(..);
        let extras = self.list(|values| {
            let mut extra = Extra::new();
            extra.data_type = values.maybe(|values| values.word(&["DTMF", "Silence"]));
            extra.dtmf = values.maybe(Self::text);
            extra
        });
        DialogueRequest::new(DialogueRequestFields {
            request_id: &self.text(),
            tenant_id: tenant,
            instance_id: &self.text(),
            script_id: &self.text(),
            session_id: &self.text(),
            stream_id: &self.text(),
            utterance: &self.text(),
        })
        .with_extras(extras)
    }

    fn abort(&mut self) -> AbortDialogueRequest {
        let (tenant, kind) = (self.0.i64(..), self.word::<AbortType>(&["Canceled", "Interrupted"]));
        let mut request = AbortDialogueRequest::new(AbortDialogueRequestFields {
            request_id: &self.text(),
            tenant_id: tenant,
            instance_id: &self.text(),
            session_id: &self.text(),
            stream_id: &self.text(),
            type_: kind,
        });
        request.script_id = self.maybe(Self::text);
        request.answer = self.maybe(Self::text);
        request
    }

    fn end(&mut self) -> EndSessionRequest {
        let tenant = self.0.i64(..);
        EndSessionRequest::new(EndSessionRequestFields {
            request_id: &self.text(),
            tenant_id: tenant,
            instance_id: &self.text(),
            script_id: &self.text(),
            session_id: &self.text(),
        })
    }

    fn control(&mut self) -> Control {
        match self.0.u8(..5) {
            0 => {
                let mut hang_up = HangUp::new();
                hang_up.delay = self.maybe(|values| values.0.i32(0..=10));
                hang_up.reason = self.maybe(Self::text);
                hang_up.into()
            }
            1 => {
                let kind = self.word(&["SkillGroup", "Agent", "External"]);
                let mut transfer = Transfer::new(kind, format!("x{}", self.text()));
                transfer.transferor = self.maybe(Self::text);
                if transfer.transfer_type == TransferType::External {
                    transfer.transferor = Some(self.text());
                }
                transfer.into()
            }
            2 => {
                let (digits, timeout) = (self.0.i32(1..=100), self.0.i32(1..=10));
                let mut gather = GatherDtmf::new(Terminator::Hash, digits, timeout);
                gather.disable_voice_input = self.maybe(|values| values.0.bool());
                gather.into()
            }
            3 => {
                let mut voice = Voice::new();
                voice.interruptible = self.maybe(|values| values.0.bool());
                voice.silence_detection_timeout = self.maybe(|values| values.0.i32(1..=10));
                voice.synthesizer_config = self.maybe(|values| {
                    let mut config = SynthesizerConfig::new(values.text());
                    config.volume = values.maybe(Self::number);
                    config.pitch_rate = values.maybe(Self::number);
                    config.speech_rate = values.maybe(Self::number);
                    config
                });
                voice.into()
            }
            // An unknown control can only be read.
            _ => {
                let mut object: serde_json::Map<_, _> =
                    self.list(|values| (values.text(), values.json(3))).into_iter().collect();
                object.insert("type".into(), format!("Unknown {}", self.text()).into());
                serde_json::from_value(object.into()).unwrap()
            }
        }
    }

    fn code(&mut self) -> ResponseCode {
        self.word(&["OK", "Exception", "Error"])
    }

    fn packet(&mut self) -> Packet {
        let mut data = PacketData::new(self.0.bool(), self.0.i64(..));
        data.session_id = self.maybe(Self::text);
        data.stream_id = self.maybe(Self::text);
        data.answer = self.maybe(Self::text);
        data.controls = self.list(Self::control);
        let (status, code) = (self.0.i32(..), self.code());
        let mut packet = Packet::new(PacketFields {
            request_id: &self.text(),
            http_status_code: status,
            code,
            data,
        });
        packet.message = self.maybe(Self::text);
        packet
    }

    fn acknowledgement(&mut self) -> Acknowledgement {
        let (status, code) = (self.0.i32(..), self.code());
        let mut ack = Acknowledgement::new(self.text(), status, code);
        ack.message = self.maybe(Self::text);
        ack
    }

    /// A random document, and the reader of its type.
    fn document(&mut self) -> (Value, Reader) {
        fn of<T: Serialize>(value: T) -> Value {
            serde_json::to_value(value).unwrap()
        }
        match self.0.u8(..16) {
            0 => (of(self.begin()), read_as::<BeginSessionRequest>),
            1 => (of(self.dialogue()), read_as::<DialogueRequest>),
            2 => (of(self.abort()), read_as::<AbortDialogueRequest>),
            3 => (of(self.end()), read_as::<EndSessionRequest>),
            4 => (of(self.acknowledgement()), read_as::<Acknowledgement>),
            5 => (of(self.control()), read_as::<Control>),
            _ => (of(self.packet()), read_as::<Strict>),
        }
    }

    /// A random value within a document.
    fn place<'v>(&mut self, value: &'v mut Value) -> &'v mut Value {
        let size = match value {
            Value::Array(items) => items.len(),
            Value::Object(object) => object.len(),
            _ => 0,
        };
        if size == 0 || self.0.u8(..8) == 0 {
            return value;
        }
        let index = self.0.usize(..size);
        let inner = match value {
            Value::Array(items) => items.get_mut(index),
            Value::Object(object) => object.values_mut().nth(index),
            _ => None,
        };
        self.place(inner.unwrap())
    }

    fn damage(&mut self, document: &mut Value) {
        let kind = self.0.u8(..4);
        let garbage = self.json(3);
        let text = self.text();
        let at = self.0.usize(..8);
        match (kind, self.place(document)) {
            (0, Value::Object(object)) => {
                let key = object.keys().nth(at).cloned();
                key.map(|key| object.remove(&key));
            }
            (1, Value::Object(object)) => {
                object.insert(text, garbage);
            }
            (2, value) => *value = value.to_string().into(),
            (_, value) => *value = garbage,
        }
    }
}

#[track_caller]
fn comes_back<T: DeserializeOwned + Serialize + PartialEq + Clone + callbot::wire::Validate>(
    value: T,
) {
    let text = serde_json::to_string(&value).unwrap();
    assert_eq!(value.validate(), Ok(()), "{text}");
    let json = serde_json::to_value(&value).unwrap();
    assert!(decode::<T>(text.as_bytes()).as_ref() == Ok(&value), "{text}");
    assert!(decode_value::<T>(&json).as_ref() == Ok(&value), "{text}");
    assert_eq!(text.parse::<Value>().unwrap(), json);
}

#[test]
fn random_values_are_read_as_they_were_written() {
    let mut values = Values(Rng::with_seed(0x4445_0001));
    for _ in 0..5_000 {
        comes_back(values.begin());
        comes_back(values.dialogue());
        comes_back(values.abort());
        comes_back(values.end());
        comes_back(values.packet());
        comes_back(values.control());
        comes_back(values.acknowledgement());
    }
}

#[test]
fn random_numbers_of_a_voice_are_read_as_they_were_written() {
    let mut rng = Rng::with_seed(0x4445_0002);
    for _ in 0..10_000 {
        let config = SynthesizerConfig::new("voice-1").with_volume(rng.f64() * 100.0);
        comes_back(Control::from(Voice::new().with_synthesizer_config(config)));
    }
}

#[test]
fn controls_as_json_strings_are_read_as_the_objects() {
    let mut values = Values(Rng::with_seed(0x4445_0003));
    for _ in 0..5_000 {
        let packet = values.packet();
        let mut wire = serde_json::to_value(&packet).unwrap();
        if let Some(Value::Array(controls)) = wire.pointer_mut("/data/controlParamsList") {
            controls.iter_mut().for_each(|control| *control = control.to_string().into());
        }
        assert!(decode_value(&wire).as_ref() == Ok(&packet), "{wire}");
    }
}

/// Returns whether the place of an error is in the document, or its parent if the place is missing.
fn leads_to(document: &Value, pointer: &str) -> bool {
    let mut keys: Vec<_> = pointer.split('/').skip(1).collect();
    if keys.pop().is_none() {
        return true;
    }
    let mut place = document.clone();
    for key in keys {
        if let Value::String(text) = &place {
            let Ok(inner) = text.parse() else { return false };
            place = inner;
        }
        match place.pointer(&format!("/{key}")) {
            Some(inner) => place = inner.clone(),
            None => return false,
        }
    }
    true
}

#[test]
fn damaged_documents_are_read_or_refused_at_one_of_their_places() {
    let mut values = Values(Rng::with_seed(0x4445_0004));
    let (mut read, mut refused, mut nested) = (0, 0, 0);
    for _ in 0..20_000 {
        let (mut document, reader) = values.document();
        for _ in 0..values.0.u8(1..4) {
            values.damage(&mut document);
        }
        match reader(&document) {
            Ok(first) => {
                assert_eq!(reader(&first.0).as_ref(), Ok(&first), "{document}");
                read += 1;
            }
            Err(error) => {
                assert!(leads_to(&document, error.pointer()), "{error}: {document}");
                nested += usize::from(error.pointer().matches('/').count() > 3);
                refused += 1;
            }
        }
    }
    assert!(read > 2_000 && refused > 2_000 && nested > 25, "{read} {refused} {nested}");
}

#[test]
fn damaged_bytes_are_read_or_refused() {
    let mut values = Values(Rng::with_seed(0x4445_0005));
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = serde_json::to_vec(&values.packet()).unwrap();
        for _ in 0..values.0.u8(1..4) {
            let at = values.0.usize(..bytes.len());
            match values.0.u8(..4) {
                0 => bytes[at] = values.0.u8(..),
                1 => bytes.truncate(at + 1),
                2 => bytes.insert(at, b"{}[],:\"\\0-e n\xFF\xE4"[values.0.usize(..15)]),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                bytes.push(b'0');
            }
        }
        match decode::<Packet>(&bytes) {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(error.pointer().is_empty() || error.pointer().starts_with('/'), "{error}");
                refused += 1;
            }
        }
    }
    assert!(read > 500 && refused > 2_000, "{read} {refused}");
}

#[test]
fn odd_forms_of_json_are_read_at_every_place() {
    for sample in samples() {
        sample.odd_forms_are_read(&[]);
    }
}
