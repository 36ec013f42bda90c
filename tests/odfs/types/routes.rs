//! The targets of transfers.

use super::*;

fn transfer(kind: &str, value: &str) -> TransferOutParams {
    TransferOutParams::new(TransferOutParamsFields {
        call_id: "c",
        call_sor_id: "13500000001",
        trans_type: kind.parse().unwrap(),
        route_value: value,
    })
}

#[test]
fn a_route_is_written_and_read_back() {
    let unknown: TransferType = "99".parse().unwrap();
    for (route, kind, value) in [
        (Route::SkillQueueByAccessCode("1001"), "1", "1001"),
        (Route::Ivr("2001"), "2", "2001"),
        (Route::SkillQueueByName("Tariffs"), "3", "Tariffs"),
        (Route::Agent("47"), "4", "47"),
        (Route::ThirdParty("02512345678"), "5", "02512345678"),
        (Route::DigitalAssistance("6001"), "6", "6001"),
        (Route::LastAgent, "7", ""),
        (Route::SkillQueueOfAgent("47"), "8", "47"),
        (Route::MessageToLastAgent, "31", ""),
        (Route::MessageToSkillQueue("Tariffs"), "32", "Tariffs"),
        (Route::MessageToAgent("47"), "33", "47"),
        (Route::Unknown { kind: &unknown, value: "x" }, "99", "x"),
        (Route::Unknown { kind: &unknown, value: "" }, "99", ""),
    ] {
        let params = TransferOutParams::from_route("c", "13500000001", route);
        assert_eq!((params.trans_type.as_str(), params.route_value.as_str()), (kind, value));
        assert_eq!((params.call_id.as_str(), params.call_sor_id.as_str()), ("c", "13500000001"));
        assert_eq!(params.route(), route);
        assert_eq!((route.kind(), route.value()), (params.trans_type.clone(), value));
        assert_eq!(transfer(kind, value).route(), route);
        assert_eq!(params.validate(), Ok(()));
    }
}

#[test]
fn a_route_value_that_does_not_match_its_kind_is_read_but_not_written() {
    for kind in ["1", "2", "3", "4", "5", "6", "8", "32", "33"] {
        let error = transfer(kind, "").validate().unwrap_err().to_string();
        let expected = format!("/route_value: \"\", allowed: a target, as `trans_type` is {kind}");
        assert_eq!(error, expected);
    }
    for (kind, route) in [("7", Route::LastAgent), ("31", Route::MessageToLastAgent)] {
        let params = transfer(kind, "4711");
        assert_eq!(params.route(), route);
        let error = params.validate().unwrap_err().to_string();
        let expected = format!("/route_value: [hidden], allowed: \"\", as `trans_type` is {kind}");
        assert_eq!(error, expected);
        // It is still written back.
        assert_eq!(serde_json::to_value(&params).unwrap()["route_value"], "4711");
    }
    let json = json!({"outaction": 11, "outparams": transfer("2", "")});
    let answer: Response = decode_value(&json).unwrap();
    let error = answer.validate().unwrap_err();
    assert_eq!(error.iter().next().unwrap().pointer(), "/outparams/route_value");
}
