//! What the compiled types read, write, check and show: one test for each construct.

use callbot::wire::{JsonKind, Validate, decode, decode_value};
use serde_json::{Value, json};

use crate::compiled::fixture::{
    Content, Drink, Farewell, Greeting, Guest, GuestFields, GuestList, Meal, Mood, Motto, Order,
    Place, Question, Rank, Request, Settings, TooLate, Visit,
};
use crate::compiled::shared::Address;

use super::{Hour, fields, guest};

fn json_of(guest: &Guest) -> Value {
    serde_json::to_value(guest).unwrap()
}

/// Returns the JSON of `guest()` with one field changed.
fn with(key: &str, value: Value) -> Vec<u8> {
    let mut json = json_of(&guest());
    json[key] = value;
    json.to_string().into_bytes()
}

fn read(key: &str, value: Value) -> Guest {
    decode(&with(key, value)).unwrap()
}

/// Returns the error of reading `guest()` with this field.
fn complaint(key: &str, value: Value) -> String {
    decode::<Guest>(&with(key, value)).unwrap_err().to_string()
}

#[test]
fn fields_are_written_in_the_order_of_the_spec_and_absent_ones_are_not() {
    let text = serde_json::to_string(&guest()).unwrap();
    assert_eq!(
        text,
        r#"{"id":"g-1","name":"Ann","age":30,"mood":"calm","secret":"sesame","wire":"w"}"#
    );
}

#[test]
fn every_set_field_round_trips() {
    let full = guest()
        .with_reason("none")
        .with_type(Rank::Owner)
        .with_weight(80.25)
        .with_vip(true)
        .with_patience(9)
        .with_home(Address::new("Bonn").with_tags(["a".to_owned()]))
        .with_settings(Settings::new().with_lights(true).with_extra("dim", json!([1, null])))
        .with_orders([Drink::new(3).into(), Meal::new().with_courses(["soup".to_owned()]).into()])
        .with_prices([("soup".to_owned(), 4)].into())
        .with_notes(json!({"b": null}).as_object().unwrap().clone())
        .with_anything(json!({"a": [1]}));
    full.validate().unwrap();
    let json = serde_json::to_string(&full).unwrap();
    assert_eq!(decode::<Guest>(json.as_bytes()).unwrap(), full);
    let json = json_of(&full);
    assert_eq!(json["settings"], r#"{"lights":true,"dim":[1,null]}"#);
    assert_eq!(json["home"]["tags"], r#"["a"]"#);
    assert_eq!(json["orders"][0], json!({"kind": "Drink", "size": 3}));
}

#[test]
fn null_reads_as_absent() {
    for key in [
        "reason", "wire", "type", "weight", "vip", "patience", "home", "settings", "orders",
        "prices", "notes", "anything",
    ] {
        assert_eq!(read(key, Value::Null).with_no_wire(key), guest().with_no_wire(key), "{key}");
    }
    assert_eq!(read("name", Value::Null).name, "");
}

impl Guest {
    /// `wire` is set in `guest()`, and null must unset it.
    fn with_no_wire(mut self, key: &str) -> Self {
        if key == "wire" {
            self.wire = None;
        }
        self
    }
}

#[test]
fn what_may_be_unreadable_reads_as_missing() {
    let visit = |key: &str, value: Option<Value>| {
        let mut json = json!({"guest": "Ann", "number": 7, "host": "Bo", "place": {"floor": "2"},
            "mood": "calm", "note": "x", "tags": ["a"]});
        match value {
            Some(value) => json[key] = value,
            None => drop(json.as_object_mut().unwrap().remove(key)),
        }
        let value: Visit = decode_value(&json).unwrap();
        assert_eq!(decode::<Visit>(json.to_string().as_bytes()).unwrap(), value);
        value
    };
    let good = visit("x", None);
    assert_eq!((good.number, &*good.host, good.mood.clone()), (Some(7), "Bo", Some(Mood::Calm)));
    let odd = [json!(null), json!(true), json!(1.5), json!([1, [2]]), json!({"a": {"b": [1]}})];
    let odd = || odd.iter().cloned().map(Some).chain([None]);
    for value in odd() {
        let number = visit("number", value.clone());
        assert_eq!(number, Visit { number: None, ..good.clone() }, "{value:?}");
        assert!(number.validate().unwrap_err().to_string().contains("/number: missing"));
        // A number is a text here.
        let host = if value == Some(json!(1.5)) { "1.5" } else { "" };
        assert_eq!(visit("host", value.clone()), Visit { host: host.into(), ..good.clone() });
        assert_eq!(visit("note", value.clone()), Visit { note: None, ..good.clone() });
        assert_eq!(visit("tags", value.clone()), Visit { tags: Vec::new(), ..good.clone() });
        let place = visit("place", value.clone());
        assert_eq!(place, Visit { place: decode(b"{}").unwrap(), ..good.clone() });
        assert_eq!(place.place.floor, None);
    }
    assert_eq!(visit("mood", Some(json!({"a": 1}))), Visit { mood: None, ..good.clone() });
    assert_eq!(visit("number", Some(json!(" 8 "))).number, Some(8));
    assert_eq!(visit("tags", Some(json!(["a", 1]))).tags, [""; 0]);
    assert_eq!(visit("place", Some(json!({"floor": [1]}))).place.floor, None);
    assert_eq!(visit("Note", Some(json!("y"))).note.as_deref(), Some("x"));
    // The guest is needed.
    let error = decode::<Visit>(br#"{"guest":[1]}"#).unwrap_err();
    assert_eq!(error.pointer(), "/guest");
}

#[test]
fn a_list_is_read_from_one_item_and_from_json_in_a_string() {
    let read = |companions: Value| -> Result<Vec<Option<String>>, String> {
        let json = json!({"guest": "Ann", "companions": companions});
        let visit: Visit =
            decode(json.to_string().as_bytes()).map_err(|error| error.to_string())?;
        assert_eq!(decode_value::<Visit>(&json).unwrap(), visit);
        Ok(visit.companions.into_iter().map(|place| place.floor).collect())
    };
    let item = |floor: &str| json!({ "floor": floor });
    let one = Ok(vec![Some("1".to_owned())]);
    for sent in [json!([item("1")]), item("1"), json!([null, item("1")])] {
        assert_eq!(read(sent.clone()), one);
        assert_eq!(read(sent.to_string().into()), one);
    }
    for nothing in [json!(null), json!([]), json!(""), json!(" \n"), json!("null"), json!([null])] {
        assert_eq!(read(nothing), Ok(vec![]));
    }
    let wrong = "/companions: invalid type: integer, expected an array, an object, or a string that \
                 contains the JSON of one";
    assert_eq!(read(json!(7)), Err(wrong.into()));
    assert!(read(json!([7])).unwrap_err().starts_with("/companions/0: invalid type: integer"));
    assert!(
        read(json!("[{}, 7]")).unwrap_err().starts_with("/companions/1: invalid type: integer")
    );
    assert!(read(json!("one")).unwrap_err().starts_with("/companions: not JSON: "));
}

#[test]
fn an_array_is_not_an_object() {
    let error = decode::<GuestList>(br#"[true, []]"#).unwrap_err();
    assert_eq!(error.to_string(), "invalid type: sequence, expected an object");
    assert_eq!(
        complaint("orders", json!([[2]])),
        "/orders/0: invalid type: sequence, expected an object"
    );
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let list: GuestList = decode(br#"{"success":true,"guests":[],"success":false}"#).unwrap();
    assert!(!list.success);
}

#[test]
fn unknown_fields_are_ignored() {
    assert_eq!(read("new", json!({"a": 1})), guest());
}

#[test]
fn a_missing_required_field_is_named() {
    let mut json = json_of(&guest());
    json.as_object_mut().unwrap().remove("age");
    let error = decode::<Guest>(json.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "/age: must be there");
    json.as_object_mut().unwrap().remove("name");
    json["age"] = 3.into();
    assert_eq!(decode::<Guest>(json.to_string().as_bytes()).unwrap().name, "");
}

#[test]
fn a_text_is_read_from_a_number() {
    assert_eq!(read("id", json!(12_345_678_901_234_567_890_u64)).id, "12345678901234567890");
    assert_eq!(json_of(&read("id", json!(7)))["id"], "7");
    assert_eq!(
        complaint("id", json!([])),
        "/id: invalid type: sequence, expected a string or a number"
    );
}

#[test]
fn a_number_is_read_in_any_form() {
    for age in [json!(41), json!(41.0), json!(4.1e1), json!("41.0"), json!(" 41 ")] {
        assert_eq!(read("age", age).age, 41);
    }
    assert_eq!(read("weight", json!("70.5")).weight, Some(70.5));
    assert_eq!(read("prices", json!({"tea": 3.0, "cake": "4"})).prices["tea"], 3);
    assert_eq!(read("age", json!("41")).age, 41);
    assert_eq!(json_of(&read("age", json!("41")))["age"], 41);
    assert!(complaint("age", json!("old")).starts_with("/age: invalid value: string"));
    for large in [json!(3_000_000_000_u64), json!(3e9), json!("3e9")] {
        let range = "expected an integer from -2147483648 to 2147483647";
        assert_eq!(complaint("age", large), format!("/age: the number is out of range, {range}"));
    }
    let fraction = "/age: the number has a fraction, expected an integer";
    assert_eq!(complaint("age", json!(41.5)), fraction);
}

#[test]
fn json_in_a_string_is_read_and_its_errors_have_the_whole_path() {
    let settings = read("settings", json!(r#"{"lights": true}"#)).settings.unwrap();
    assert_eq!(settings.lights, Some(true));
    assert_eq!(read("settings", json!({"lights": true})).settings.unwrap(), settings);
    let error = complaint("settings", json!(r#"{"lights": 3}"#));
    assert_eq!(error, "/settings/lights: invalid type: integer, expected a boolean");
    assert!(complaint("settings", json!("{")).starts_with("/settings: not JSON"));
}

#[test]
fn unions_are_read_from_objects_or_texts_and_their_errors_have_the_path() {
    let orders = json!([{"size": 2, "kind": "Drink"}, r#"{"kind": "Meal"}"#]);
    assert_eq!(read("orders", orders).orders, [Drink::new(2).into(), Meal::new().into()]);
    for (orders, says) in [
        (
            json!([{"kind": "Meal"}, {"kind": "Drink", "size": "x"}]),
            "/orders/1/size: invalid value",
        ),
        (json!([r#"{"kind": "Drink", "size": []}"#]), "/orders/0/size: invalid type"),
        (json!([{"kind": "Drink"}]), "/orders/0/size: must be there"),
        (json!([{"size": 2}]), "/orders/0/kind: must be there"),
        (json!([{"kind": true}]), "/orders/0/kind: expected a string or a number"),
        (json!([7]), "/orders/0: invalid type"),
    ] {
        let error = complaint("orders", orders);
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn an_object_with_one_text_is_read_from_its_json_or_its_text() {
    for (json, text, loud) in [
        (json!({"words": "be kind", "loud": true}), "be kind", Some(true)),
        (json!(r#"{"words": "be kind", "loud": false}"#), "be kind", Some(false)),
        (json!("be kind"), "be kind", None),
        (json!("[1]"), "[1]", None),
        (json!("{be kind}"), "{be kind}", None),
        (json!(""), "", None),
    ] {
        let motto = read("motto", json).motto.unwrap();
        assert_eq!((motto.text.as_str(), motto.loud), (text, loud));
    }
    assert!(complaint("motto", json!("{\"loud\": true}")).starts_with("/motto/words: "));
    assert!(complaint("motto", json!("{\"words\": 1}")).starts_with("/motto/words: "));
    assert!(complaint("motto", json!(1)).starts_with("/motto: "));
}

#[test]
fn a_text_with_a_custom_type_reads_writes_and_validates_itself() {
    let guest = read("wakes", json!("7"));
    assert_eq!(guest.wakes, Some(Hour("7".into())));
    assert_eq!(json_of(&guest)["wakes"], "7");
    let error = guest.with_wakes(Hour("25".into())).validate().unwrap_err();
    assert!(error.to_string().contains("/wakes: 25, allowed: 0 to 23"), "{error}");
}

#[test]
fn an_object_is_also_checked_by_hand_if_the_spec_says_so() {
    let guest = |motto: Motto| guest().with_motto(motto).validate();
    assert_eq!(guest(Motto::new("be kind")), Ok(()));
    assert_eq!(guest(Motto::new("BE KIND!").with_loud(true)), Ok(()));
    let error = guest(Motto::new("be kind").with_loud(true)).unwrap_err();
    assert_eq!(error.to_string(), "/motto/words: be kind, allowed: capitals, as `loud` is true");
}

#[test]
fn an_unknown_kind_is_kept_whole_and_written_back() {
    let json = json!({"kind": "Song", "length": 3, "notes": [null]});
    let order: Order = decode(json.to_string().as_bytes()).unwrap();
    assert_eq!(order.kind(), "Song");
    let Order::Unknown(unknown) = &order else { panic!("{order:?}") };
    assert_eq!(unknown.json()["length"], 3);
    assert_eq!(serde_json::to_value(&order).unwrap(), json);
    assert!(!format!("{order:?}").contains('3'), "{order:?}");
}

#[test]
fn the_tag_of_a_union_may_be_a_number_or_its_text() {
    let silence: Question = decode(br#"{"action": 10, "more": 1}"#).unwrap();
    assert_eq!(serde_json::to_string(&silence).unwrap(), r#"{"action":10}"#);
    for tag in [json!(8), json!("8")] {
        let json = json!({"text": "hi", "action": tag}).to_string();
        let question: Question = decode(json.as_bytes()).unwrap();
        assert_eq!(question, Greeting::new("hi").into());
        assert_eq!(serde_json::to_string(&question).unwrap(), r#"{"action":8,"text":"hi"}"#);
    }
}

#[test]
fn enums_of_texts_are_open() {
    let mood: Mood = "weary".parse().unwrap();
    assert_eq!((mood.as_str(), mood.to_string().as_str()), ("weary", "weary"));
    assert_eq!("angry".parse(), Ok(Mood::Angry));
    assert_eq!(json_of(&read("mood", json!("weary")))["mood"], "weary");
    assert_eq!(read("mood", json!(3)).mood.as_str(), "3");
    assert!(complaint("mood", json!({})).starts_with("/mood: invalid type: map"));
}

#[test]
fn enums_of_integers_are_open() {
    assert_eq!((Rank::Owner.code(), Rank::from_code(-1)), (10, Rank::Guest));
    assert_eq!((Rank::Owner.to_string(), "10".parse()), ("Owner".into(), Ok(Rank::Owner)));
    assert_eq!(Rank::from_code(99).to_string(), "99");
    assert_eq!(read("type", json!("0")).type_, Some(Rank::Regular));
    assert_eq!(json_of(&read("type", json!(99)))["type"], 99);
}

#[test]
fn the_first_spelling_with_a_value_wins_whatever_the_order() {
    for (json, message, total) in [
        (json!({"msg": "b", "message": "a"}), Some("a"), None),
        (json!({"message": "", "msg": "b"}), Some("b"), None),
        (json!({"message": null, "msg": "b", "sum": 3}), Some("b"), Some(3)),
        (json!({"msg": "", "sum": 3, "count": 2}), Some(""), Some(2)),
        (json!({}), None, None),
    ] {
        let mut json = json;
        json["success"] = true.into();
        json["guests"] = json!([]);
        let list: GuestList = decode(json.to_string().as_bytes()).unwrap();
        assert_eq!((list.message.as_deref(), list.total), (message, total), "{json}");
    }
    let error = decode::<GuestList>(br#"{"success": true, "guests": [], "msg": 3}"#).unwrap_err();
    assert_eq!(error.pointer(), "/msg");
}

#[test]
fn unnamed_keys_are_kept_and_their_errors_have_the_path() {
    let farewell: Question = decode(br#"{"action": 9, "a": "x", "b": null}"#).unwrap();
    assert_eq!(farewell, Farewell::new().with_extra("a", "x").into());
    let twice = Question::from(Farewell::new().with_extra("action", "8"));
    assert!(twice.validate().unwrap_err().to_string().starts_with("/action: a second value"));
    let json: Question = decode(br#"{"a": [1], "action": 9, "b": true}"#).unwrap();
    assert_eq!(json, Farewell::new().with_extra("a", "[1]").with_extra("b", "true").into());
    let error = decode::<Settings>(br#"{"x": 1, "lights": "on"}"#).unwrap_err();
    assert_eq!(error.pointer(), "/lights");
}

#[test]
fn maps_read_their_values_in_all_forms() {
    assert_eq!(read("prices", json!({"a": 1, "b": "2"})).prices["b"], 2);
    assert!(complaint("prices", json!({"a/b": []})).starts_with("/prices/a~1b: "));
}

#[test]
fn validate_lists_every_violation_with_pointer_value_and_range() {
    let bad = Guest::new(GuestFields {
        id: "",
        name: "much too long a name",
        age: 151,
        mood: Mood::Angry,
        ..fields()
    })
    .with_weight(f64::NAN)
    .with_patience(0)
    .with_home(Address::new(""))
    .with_settings(Settings::new().with_extra("lights", true))
    .with_orders([Drink::new(11).into(), Meal::new().into()])
    .with_prices([("tea".to_owned(), -1)].into());
    let mut bad = bad.with_type(Rank::from_code(99));
    bad.wire = None;
    let violations = bad.validate().unwrap_err();
    let found: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            r#"/id: "", allowed: 1 to 8 characters"#,
            "/name: [hidden], allowed: at most 10 characters",
            "/age: 151, allowed: 0 to 150",
            "/wire: missing, required",
            "/type: 99, allowed: a documented value",
            "/weight: NaN, allowed: a finite number",
            "/patience: 0, allowed: 1 or more",
            r#"/home/city: "", allowed: 1 or more characters"#,
            "/settings/lights: a second value, allowed: extra keys other than those of named fields",
            "/orders/0/size: 11, allowed: 1 to 10",
            "/prices/tea: -1, allowed: 0 or more",
            "/reason: missing, required when `mood` is angry",
        ]
    );
    let many = GuestList::new(true, vec![guest(); 4]).validate().unwrap_err();
    assert_eq!(many.to_string(), "/guests: 4 items, allowed: at most 3 items");
}

#[test]
fn out_of_range_values_are_read() {
    assert_eq!(read("age", json!(999)).age, 999);
    assert_eq!(read("weight", json!(0.1)).weight, Some(0.1));
}

#[test]
fn secrets_and_personal_values_do_not_show() {
    let question: Question = Farewell::new().with_extra("who", "Bob").into();
    for shown in [format!("{:?} {question:?}", guest()), format!("{:?}", fields())] {
        for hidden in ["sesame", "Ann", "Bob"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(shown.contains("[hidden]") && shown.contains("g-1"), "{shown}");
    }
    assert_eq!(guest().secret.expose(), "sesame");
    assert!(!complaint("secret", json!({"sesame": 1})).contains("sesame"));
}

#[test]
fn the_default_of_an_absent_field_is_available() {
    assert_eq!((guest().weight_or_default(), guest().vip_or_default()), (70.5, false));
    assert_eq!(guest().with_patience(9).patience_or_default(), 9);
}

#[test]
#[cfg(feature = "schemars")]
fn a_type_has_the_schema_of_the_spec() {
    let schema = serde_json::to_value(schemars::schema_for!(Guest)).unwrap();
    assert_eq!(schema["properties"]["age"]["maximum"], 150);
    assert_eq!(schema["properties"]["weight"]["type"], json!(["number", "null"]));
    assert_eq!(schema["$defs"]["Drink"]["properties"]["size"]["maximum"], 10);
    assert_eq!(schema["$defs"]["Mood"]["enum"], json!(["calm", "angry"]));
    let mood = &schema["properties"]["mood"];
    assert_eq!(mood["allOf"][0]["$ref"], "#/$defs/Mood");
    assert_eq!(mood["description"], "How the guest feels now.");
}

#[test]
fn the_type_of_the_json_decides_about_the_variant() {
    let read = |json: &str| {
        let value: TooLate = decode(json.as_bytes()).unwrap();
        assert_eq!(
            serde_json::to_value(&value).unwrap(),
            serde_json::from_str::<Value>(json).unwrap()
        );
        // A copy of the text in memory is read as the text is.
        assert_eq!(decode_value::<TooLate>(&serde_json::from_str(json).unwrap()).unwrap(), value);
        value
    };
    assert_eq!(read("true"), TooLate::Never(true));
    assert_eq!(read("7"), 7.into());
    assert_eq!(read("\"angry\""), TooLate::Mood(Mood::Angry));
    assert_eq!(read("{\"floor\": \"2\"}").kind(), JsonKind::Object);
    let all = read("[{\"lights\": true}]");
    assert_eq!(all, vec![Settings::new().with_lights(true)].into());
    let text: TooLate = decode(br#"["{\"lights\": true}"]"#).unwrap();
    assert_eq!(text, all);
    assert_eq!(decode::<Content>(br#""a\n""#).unwrap(), "a\n".into());
    assert_eq!(decode::<Content>(b"[]").unwrap(), Content::Orders(Vec::new()));
}

#[test]
fn a_value_of_an_unknown_json_type_is_kept_and_hidden() {
    for (json, shown) in [
        ("3", "Unknown(number([hidden]))"),
        ("true", "Unknown(boolean([hidden]))"),
        (r#"{"a":[null]}"#, "Unknown(object([hidden]))"),
        ("null", "Unknown(null([hidden]))"),
    ] {
        let content: Content = decode(json.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&content).unwrap(), json);
        assert_eq!(format!("{content:?}"), shown);
        let Content::Unknown(value) = &content else { panic!("{content:?}") };
        assert_eq!(value.json().to_string(), json);
        content.validate().unwrap();
    }
}

#[test]
fn the_values_of_a_union_by_json_type_have_limits_and_places() {
    let request = |content: &str| {
        let json = format!(r#"{{"content":{content},"until":{{}}}}"#);
        decode::<Request>(json.as_bytes())
    };
    for (content, says) in [
        (r#"[{"kind":"Drink"}]"#, "/content/0/size: must be there"),
        (r#"[7]"#, "/content/0: invalid type: integer, expected an object"),
    ] {
        assert_eq!(request(content).unwrap_err().to_string(), says);
    }
    let long = request(&format!("{:?}", "a".repeat(21))).unwrap();
    let long = long.with_until((-1).into());
    assert_eq!(
        long.validate().unwrap_err().to_string(),
        "/content: [hidden], allowed: at most 20 characters; /until: -1, allowed: 0 or more"
    );
    assert!(!format!("{long:?}").contains("aaa"));
    let drinks = Request::new(vec![Drink::new(0).into()].into());
    assert_eq!(
        drinks.validate().unwrap_err().to_string(),
        "/content/0/size: [hidden], allowed: 1 to 10"
    );
    let nowhere = TooLate::Place(decode::<Place>(b"{}").unwrap());
    assert_eq!(nowhere.validate().unwrap_err().to_string(), "/floor: missing, required");
}

#[test]
fn a_property_whose_null_counts_is_always_written() {
    let nothing = r#"{"content":"a","also":null,"mood":null,"note":null}"#;
    let request = Request::new("a".into());
    assert_eq!(serde_json::to_string(&request).unwrap(), nothing);
    request.validate().unwrap();
    for json in [nothing, r#"{"content":"a"}"#, r#"{"content":"a","note":[1]}"#] {
        assert_eq!(decode::<Request>(json.as_bytes()).unwrap(), request, "{json}");
    }
    let full = request.with_also("b".into()).with_mood(Mood::Calm).with_note("long note");
    assert_eq!(
        serde_json::to_string(&full).unwrap(),
        r#"{"content":"a","also":"b","mood":"calm","note":"long note"}"#
    );
    assert_eq!(
        full.validate().unwrap_err().to_string(),
        r#"/note: "long note", allowed: at most 4 characters"#
    );
}
