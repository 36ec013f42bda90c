//! An ODFS flow in the bytes of the wire: both URLs, the kinds of requests, what the server knows of a
//! call, the end of a call, and invalid answers.

use std::time::{Duration, UNIX_EPOCH};

use callbot::odfs::{
    Action, Api, Call, Capture, Captured, CapturedOutParams, ChangeType, FlowReleaseReason,
    InteractOutParams, Interacted, Language, Prompt, PromptType, QueryOutParams, QueryType,
    Recognize, RecognizeType, RecognizedOutParams, Release, ReleaseOutParams,
    ReleaseOutParamsFields, Request, Response, Route, Server, Start, Tone, TransferOutParams,
    TransferOutParamsFields, TransferType, Transferred, operations, router,
};
use callbot::server::Error;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::odfs::*;

/// Reports each request that reaches a handler, and what is known of its call.
#[derive(Debug, Clone)]
struct Witness(UnboundedSender<Value>);

impl Witness {
    fn note(&self, step: &str, call: &Call, request: impl Into<Request>) {
        let told = json!({
            "step": step, "id": call.id(), "tenant_space": call.tenant_space(),
            "caller": call.caller(), "called": call.called(),
            "started": call.started().as_str(), "request": request.into(),
        });
        self.0.send(told).unwrap();
    }
}

impl Api for Witness {
    async fn start(&self, call: &Call, request: Start) -> Result<Action, Error> {
        self.note("start", call, request);
        Ok(call.interact(Prompt::Tts("Welcome."), Language::English).into())
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        let wish = request.inparams.input.clone();
        self.note("interacted", call, request);
        Ok(match wish.as_str() {
            "transfer" => call.transfer(Route::SkillQueueByName("Billing")).into(),
            "query" => call.query(QueryType::CurrentQueue).into(),
            "release" => call.release().into(),
            wish => call.interact(Prompt::Text(wish), Language::Chinese).into(),
        })
    }

    async fn transferred(&self, call: &Call, request: Transferred) -> Result<Action, Error> {
        self.note("transferred", call, request);
        Ok(call.release().into())
    }

    async fn hung_up(&self, call: &Call, request: Request) -> Result<ReleaseOutParams, Error> {
        let fails = call.called() == "fails";
        self.note("hung_up", call, request);
        if fails {
            return Err(Error::public("not yet"));
        }
        Ok(call
            .release()
            .with_release_reason(FlowReleaseReason::Exception)
            .with_region_id("025")
            .with_extra("stars", json!(5)))
    }

    async fn capture(&self, call: &Call, request: Capture) -> Result<CapturedOutParams, Error> {
        self.note("capture", call, request);
        Ok(CapturedOutParams::new().with_extra("recorder", json!("r-1")))
    }

    async fn recognize(
        &self,
        call: &Call,
        request: Recognize,
    ) -> Result<RecognizedOutParams, Error> {
        self.note("recognize", call, request);
        Ok(RecognizedOutParams::new(call.id(), RecognizeType::Available))
    }
}

/// A peer of a flow that reports its requests.
struct Bench {
    peer: Peer,
    heard: UnboundedReceiver<Value>,
}

impl Bench {
    async fn with(settings: impl FnOnce(Server<Witness>) -> Server<Witness>) -> Self {
        let (told, heard) = unbounded_channel();
        let router = settings(Server::new(Witness(told))).router();
        Self { peer: Peer::connect(start_router(router).await).await, heard }
    }

    async fn new() -> Self {
        Self::with(|flow| flow).await
    }

    /// Sends a request that must be served by one handler. Returns what it heard, and the answer.
    async fn ask(&mut self, path: &str, body: &Value) -> (Value, Answer) {
        let answer = self.peer.ask_json(path, body).await;
        let heard = self.heard.try_recv();
        let heard = heard.unwrap_or_else(|_| panic!("no handler was called: {body}: {answer:?}"));
        assert!(self.heard.try_recv().is_err(), "more than one handler was called: {body}");
        (heard, answer)
    }

    async fn hear(&mut self, body: &Value) -> Value {
        self.ask(V1, body).await.0
    }
}

#[tokio::test]
async fn both_urls_lead_to_the_same_flow_and_only_one_has_a_tenant_space() {
    let mut bench = Bench::new().await;
    for (path, tenant_space) in [
        (V1, Value::Null),
        ("/oifde/rest/v2/crs/process/vdn-1", json!("vdn-1")),
        ("/oifde/rest/v2/crs/process/1", json!("1")),
        ("/oifde/rest/v2/crs/process/process", json!("process")),
        ("/oifde/rest/v2/crs/process/a+b", json!("a+b")),
        ("/oifde/rest/v2/crs/process/a%20b", json!("a b")),
        ("/oifde/rest/v2/crs/process/a%2Fb%3Fc%23d%25", json!("a/b?c#d%")),
        ("/oifde/rest/v2/crs/process/%E4%B8%AD", json!("\u{4e2d}")),
        ("/oifde/rest/v2/crs/process/vdn-1?x=y", json!("vdn-1")),
    ] {
        for body in all_kinds(ID) {
            let (heard, answer) = bench.ask(path, &body).await;
            assert_eq!(heard["tenant_space"], tenant_space, "{path}");
            assert_eq!(heard["request"], body);
            assert_eq!((answer.status, &answer.json()["ret"]), (200, &json!(0)));
        }
    }
}

#[tokio::test]
async fn other_paths_and_methods_do_not_reach_the_flow() {
    let mut bench = Bench::new().await;
    let body = start(ID).to_string();
    for (line, status) in [
        ("POST /oifde/rest/v2/crs/process/", 404),
        ("POST /oifde/rest/v2/crs/process", 404),
        ("POST /oifde/rest/v2/crs/process/a/b", 404),
        ("POST /oifde/rest/crs/process/", 404),
        ("POST /oifde/rest/crs/process/vdn-1", 404),
        ("POST /", 404),
        ("GET /oifde/rest/crs/process", 405),
        ("PUT /oifde/rest/v2/crs/process/vdn-1", 405),
        ("GET /oifde/rest/api/gettoken", 405),
        // Not UTF-8 after decoding.
        ("POST /oifde/rest/v2/crs/process/%FF", 400),
    ] {
        let length = body.len();
        let bytes = format!(
            "{line} HTTP/1.1\r\nHost: odfs\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let answer = bench.peer.ask_bytes(bytes.as_bytes()).await;
        assert_eq!(answer.status, status, "{line}");
        assert!(bench.heard.try_recv().is_err(), "a handler was called: {line}");
        if status == 400 {
            assert!(answer.fault(400, -1, Some(ID)).starts_with("/vdnId: "), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn each_kind_of_request_has_its_handler() {
    let mut bench = Bench::new().await;
    let typed = |input: &str| said(ID, input);
    for (body, step, outaction) in [
        (start(ID), "start", 9),
        (typed("Hello!"), "interacted", 9),
        (interacted(ID, "2", "201801"), "interacted", 9),
        (interacted(ID, "3", "playover"), "interacted", 9),
        (interacted(ID, "-1", "timeout"), "interacted", 9),
        (interacted(ID, "77", ""), "interacted", 9),
        (typed("transfer"), "interacted", 11),
        (typed("query"), "interacted", 12),
        (typed("release"), "interacted", 10),
        (transferred(ID, "0"), "transferred", 10),
        (transferred(ID, "-1"), "transferred", 10),
        (capture(ID), "capture", 7),
        (recognize(ID), "recognize", 13),
        (hangup(ID), "hung_up", 10),
        (transferred_hangup(ID), "hung_up", 10),
    ] {
        for path in DIALOGUE {
            let (heard, answer) = bench.ask(path, &body).await;
            assert_eq!(heard["step"], step, "{body}");
            assert_eq!(heard["request"], body);
            answer.outparams(ID, outaction);
        }
    }
}

#[tokio::test]
async fn handlers_that_a_flow_omits_have_the_documented_answer() {
    let address = start_router(router(Parrot)).await;
    for path in DIALOGUE {
        ask(address, path, &start(ID)).await.outparams(ID, 9);
        let captured = ask(address, path, &capture(ID)).await.outparams(ID, 7);
        assert_eq!(captured, json!({}));
        let recognized = ask(address, path, &recognize(ID)).await.outparams(ID, 13);
        assert_eq!(recognized, json!({"call_id": ID, "recognize_type": "0"}));
        for body in [transferred(ID, "0"), transferred(ID, "1"), hangup(ID)] {
            let release = ask(address, path, &body).await.outparams(ID, 10);
            assert_eq!(
                (&release["call_id"], &release["call_sor_id"], &release["call_dst_id"]),
                (&json!(ID), &json!(CALLER), &json!(CALLED))
            );
            assert_eq!(release["release_reason"], "0");
        }
        let release = ask(address, path, &transferred_hangup(ID)).await.outparams(ID, 10);
        assert_eq!(release["call_sor_id"], "", "the call was over");
        // No tokens are issued.
        let answer = ask(address, TOKEN, &token_request("tenant-1", "secret-1")).await;
        answer.token_fault(404, 10_000_003);
    }
}

#[tokio::test]
async fn requests_that_differ_from_the_document_are_read() {
    let mut bench = Bench::new().await;
    // Numbers as texts, texts as numbers.
    for (number, step) in
        [("8", "start"), ("9", "interacted"), ("11", "transferred"), ("7", "capture")]
    {
        let body = all_kinds(ID).into_iter().find(|body| {
            let inaction = body["inaction"].to_string();
            inaction == number
        });
        let body = body.unwrap();
        let sent = changed(&body, [("/inaction", Some(number.into()))]);
        let heard = bench.hear(&sent).await;
        assert_eq!((&heard["step"], &heard["request"]), (&json!(step), &body));
    }
    let sent = changed(
        &said("4711", "x"),
        [
            ("/userid", Some(4711.into())),
            ("/inparams/call_id", Some(4711.into())),
            ("/inparams/call_dst_id", Some(10086.into())),
            ("/inparams/flow_result_type", Some(2.into())),
            ("/inparams/input", Some(201801.into())),
            ("/inparams/auth_token", Some(1234.into())),
            ("/inparams/feedback", Some("1".into())),
            ("/inparams/inter_idx", Some(3.into())),
        ],
    );
    let (heard, answer) = bench.ask(V1, &sent).await;
    let read = &heard["request"];
    assert_eq!((&read["userid"], &heard["id"]), (&json!("4711"), &json!("4711")));
    let expected = json!({
        "call_id": "4711", "call_dst_id": "10086", "flow_result_type": "2", "input": "201801",
        "auth_token": "1234", "feedback": 1, "inter_idx": "3",
    });
    assert_eq!(read["inparams"], expected);
    assert_eq!(answer.outparams("4711", 9)["prompt_text"], "201801");

    // The spelling of the document's heading, and unknown keys.
    for name in ["extparams", "ExtParams"] {
        let mut sent = changed(&said(ID, "x"), [("/unknown", Some(json!({"deep": [null, 1.5]})))]);
        sent["inparams"]["unknown"] = json!([1, "x"]);
        sent[name] = json!({"queueIndex": "2", "agentCount": 5, "unknown": true});
        let heard = bench.hear(&sent).await;
        let read = &heard["request"];
        let expected = json!({"queueIndex": "2", "agentCount": "5", "unknown": true});
        assert_eq!((&read["extparams"], read.get("ExtParams")), (&expected, None));
        assert_eq!(read["unknown"], sent["unknown"]);
        assert_eq!(read["inparams"]["unknown"], sent["inparams"]["unknown"]);
    }
    // The token may be missing, as in the document's own sample, and optional fields may be null.
    let sent = changed(
        &said(ID, "x"),
        [
            ("/inparams/auth_token", None),
            ("/inparams/inter_no", Some(Value::Null)),
            ("/extparams", Some(Value::Null)),
        ],
    );
    let heard = bench.hear(&sent).await;
    assert_eq!(heard["request"], changed(&said(ID, "x"), [("/inparams/auth_token", None)]));
    // The order of the keys does not matter.
    let body = format!(
        "{{\"inparams\":{},\"inaction\":\"9\",\"userid\":\"{ID}\"}}",
        said(ID, "x")["inparams"]
    );
    let post = Post::new(V1, body).content_type(Some("application/json; charset=UTF-8"));
    bench.peer.ask(&post).await.outparams(ID, 9);
    assert_eq!(bench.heard.try_recv().unwrap()["request"], said(ID, "x"));
}

#[tokio::test]
async fn an_answer_has_the_whole_envelope_with_its_numbers_as_numbers() {
    let mut bench = Bench::with(|flow| flow.clock(Hands::at(SAMPLE_TIME))).await;
    bench.hear(&start(ID)).await;
    let releases = |reason: &str| {
        json!({
            "call_id": ID, "call_sor_id": CALLER, "call_dst_id": CALLED,
            "start_time": "2018090407:16:24", "end_time": "2018090407:16:24",
            "release_reason": reason,
        })
    };
    let mut closes = releases("1");
    closes["region_id"] = "025".into();
    closes["stars"] = 5.into();
    for (body, outaction, outparams) in [
        (
            said(ID, "Hello!"),
            9,
            json!({
                "call_id": ID, "prompt_type": "3", "prompt_text": "Hello!", "language": "0",
            }),
        ),
        (said(ID, "release"), 10, releases("0")),
        (
            said(ID, "transfer"),
            11,
            json!({
                "call_id": ID, "call_sor_id": CALLER, "trans_type": "3",
                "route_value": "Billing",
            }),
        ),
        (said(ID, "query"), 12, json!({"call_id": ID, "prompt_type": "1"})),
        (capture(ID), 7, json!({"recorder": "r-1"})),
        (recognize(ID), 13, json!({"call_id": ID, "recognize_type": "1"})),
        (hangup(ID), 10, closes),
    ] {
        let (_, answer) = bench.ask(V1, &body).await;
        let whole = json!({"ret": 0, "userid": ID, "outaction": outaction, "outparams": outparams});
        assert_eq!(answer.json(), whole);
        assert_eq!(answer.status, 200);
        // They are numbers in the bytes, too.
        for part in ["\"ret\":0", &format!("\"outaction\":{outaction}")] {
            assert!(answer.body.contains(part), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_handler_knows_the_caller_from_the_first_request_on() {
    let hands = Hands::at(SAMPLE_TIME);
    let mut bench = Bench::with(|flow| flow.clock(hands.clone())).await;
    let began = "2018090407:16:24";
    for (body, number) in [
        (start(ID), CALLED),
        (said(ID, "Hello!"), CALLED),
        // The called number is that of the current request.
        (changed(&said(ID, "x"), [("/inparams/call_dst_id", Some("10010".into()))]), "10010"),
        (transferred(ID, "0"), CALLED),
        (capture(ID), CALLED),
        (recognize(ID), CALLED),
        (hangup(ID), CALLED),
    ] {
        let heard = bench.hear(&body).await;
        assert_eq!((&heard["id"], &heard["caller"]), (&json!(ID), &json!(CALLER)), "{body}");
        assert_eq!((&heard["called"], &heard["started"]), (&json!(number), &json!(began)));
        hands.forward(10);
    }
}

#[tokio::test]
async fn without_its_start_the_caller_of_a_call_is_not_known() {
    let hands = Hands::at(SAMPLE_TIME);
    let mut bench = Bench::with(|flow| flow.clock(hands.clone())).await;
    for (id, first) in [("c-1", said("c-1", "Hello!")), ("c-2", transferred("c-2", "0"))] {
        hands.set(SAMPLE_TIME);
        for body in [first, said(id, "Hello?"), said(id, "release")] {
            let (heard, answer) = bench.ask(V1, &body).await;
            assert_eq!((&heard["caller"], &heard["called"]), (&json!(""), &json!(CALLED)));
            assert_eq!(heard["started"], "2018090407:16:24", "when it was first heard of");
            if answer.json()["outaction"] == 10 {
                assert_eq!(answer.outparams(id, 10)["call_sor_id"], "");
            }
            hands.forward(60);
        }
        // The recorder may send the caller's number.
        let heard = bench.hear(&capture(id)).await;
        assert_eq!(
            (&heard["caller"], &heard["started"]),
            (&json!(CALLER), &json!("2018090407:16:24"))
        );
        let without = changed(&recognize(id), [("/inparams/call_sor_id", None)]);
        assert_eq!(bench.hear(&without).await["caller"], CALLER);
        assert_eq!(bench.hear(&said(id, "Hello?")).await["caller"], CALLER);
    }
    // A hang-up alone is answered, too.
    let (heard, answer) = bench.ask(V1, &hangup("c-3")).await;
    assert_eq!((&heard["step"], &heard["caller"]), (&json!("hung_up"), &json!("")));
    answer.outparams("c-3", 10);
}

#[tokio::test]
async fn a_new_start_with_the_same_id_forgets_the_former_call() {
    let hands = Hands::at(SAMPLE_TIME);
    let mut bench = Bench::with(|flow| flow.clock(hands.clone())).await;
    bench.hear(&start(ID)).await;
    hands.forward(60);
    let other = changed(
        &start(ID),
        [
            ("/inparams/call_sor_id", Some("13500000002".into())),
            ("/inparams/call_dst_id", Some("10010".into())),
        ],
    );
    for body in [other, changed(&said(ID, "x"), [("/inparams/call_dst_id", Some("10010".into()))])]
    {
        let heard = bench.hear(&body).await;
        assert_eq!(
            (&heard["caller"], &heard["called"], &heard["started"]),
            (&json!("13500000002"), &json!("10010"), &json!("2018090407:17:24"))
        );
        hands.forward(60);
    }
}

#[tokio::test]
async fn calls_are_separate() {
    let hands = Hands::at(SAMPLE_TIME);
    let mut bench = Bench::with(|flow| flow.clock(hands.clone())).await;
    let ids = ["c-1", "c-2", "C-1", "c-1 ", ""];
    for id in ids {
        let body =
            changed(&start(id), [("/inparams/call_sor_id", Some(format!("by {id}").into()))]);
        bench.hear(&body).await;
        hands.forward(1);
    }
    bench.hear(&hangup("c-2")).await;
    for (id, second) in ids.into_iter().zip(24..) {
        let heard = bench.hear(&said(id, "Hello!")).await;
        let (caller, began) = match id {
            "c-2" => (String::new(), "2018090407:16:29".into()),
            id => (format!("by {id}"), format!("2018090407:16:{second}")),
        };
        assert_eq!(
            (&heard["caller"], &heard["started"]),
            (&json!(caller), &json!(began)),
            "{id:?}"
        );
    }
}

#[tokio::test]
async fn times_have_the_documented_layout_and_the_utc_offset_that_is_set() {
    for (seconds, offset, began, ended) in [
        (SAMPLE_TIME, 0, "2018090407:16:24", "2018090407:16:25"),
        (SAMPLE_TIME, 480, "2018090415:16:24", "2018090415:16:25"),
        (SAMPLE_TIME, -437, "2018090323:59:24", "2018090323:59:25"),
        (SAMPLE_TIME, 1003, "2018090423:59:24", "2018090423:59:25"),
        (SAMPLE_TIME, 330, "2018090412:46:24", "2018090412:46:25"),
        // At most a day in either direction.
        (SAMPLE_TIME, 24 * 60 + 1, "2018090507:16:24", "2018090507:16:25"),
        (SAMPLE_TIME, i32::MAX, "2018090507:16:24", "2018090507:16:25"),
        (SAMPLE_TIME, i32::MIN, "2018090307:16:24", "2018090307:16:25"),
        // One-digit numbers, leap days, ends of years.
        (1_583_020_799, 0, "2020022923:59:59", "2020030100:00:00"),
        (1_609_459_199, 0, "2020123123:59:59", "2021010100:00:00"),
        (1_609_459_199, -60, "2020123122:59:59", "2020123123:00:00"),
        (0, 0, "1970010100:00:00", "1970010100:00:01"),
        (0, -1, "1969123123:59:00", "1969123123:59:01"),
        (253_402_300_799, 0, "9999123123:59:59", "9999123123:59:59"),
    ] {
        let hands = Hands::at(seconds);
        let mut bench = Bench::with(|flow| flow.clock(hands.clone()).utc_offset(offset)).await;
        assert_eq!(bench.hear(&start(ID)).await["started"], began, "{seconds} and {offset}");
        hands.forward(1);
        for body in [said(ID, "release"), hangup(ID)] {
            let release = bench.ask(V1, &body).await.1.outparams(ID, 10);
            assert_eq!(
                (&release["start_time"], &release["end_time"]),
                (&json!(began), &json!(ended)),
                "{seconds} and {offset}"
            );
        }
    }
    // Fractions of a second are dropped.
    let clock = UNIX_EPOCH + Duration::from_millis(SAMPLE_TIME * 1000 + 999);
    let mut bench = Bench::with(|flow| flow.clock(clock)).await;
    assert_eq!(bench.hear(&start(ID)).await["started"], "2018090407:16:24");
}

#[tokio::test]
async fn a_release_is_answered_by_a_hang_up_that_closes_the_call() {
    let hands = Hands::at(SAMPLE_TIME);
    let mut bench = Bench::with(|flow| flow.clock(hands.clone())).await;
    for (last, closes) in [
        (said(ID, "release"), hangup(ID)),
        (transferred(ID, "0"), transferred_hangup(ID)),
        (transferred(ID, "-1"), transferred_hangup(ID)),
        // The caller hangs up while something is played, or during a transfer.
        (said(ID, "Hello!"), hangup(ID)),
        (said(ID, "transfer"), transferred_hangup(ID)),
    ] {
        hands.set(SAMPLE_TIME);
        bench.hear(&start(ID)).await;
        hands.forward(60);
        bench.hear(&last).await;
        let (heard, answer) = bench.ask(V1, &closes).await;
        assert_eq!(heard["step"], "hung_up");
        assert_eq!(heard["request"], closes);
        let knows = (&heard["caller"], &heard["called"], &heard["started"]);
        assert_eq!(knows, (&json!(CALLER), &json!(CALLED), &json!("2018090407:16:24")));
        // The handler's answer closes the session.
        let outparams = answer.outparams(ID, 10);
        assert_eq!(
            (&outparams["release_reason"], &outparams["region_id"], &outparams["stars"]),
            (&json!("1"), &json!("025"), &json!(5))
        );
        assert_eq!(outparams["end_time"], "2018090407:17:24");
        // The call is forgotten: a late request is the first of another call.
        hands.forward(60);
        let heard = bench.hear(&said(ID, "Still there?")).await;
        let knows = (&heard["caller"], &heard["started"]);
        assert_eq!(knows, (&json!(""), &json!("2018090407:18:24")));
        bench.hear(&hangup(ID)).await;
    }
}

#[tokio::test]
async fn a_hang_up_has_any_letter_case_unless_the_caller_may_have_typed_it() {
    let mut bench = Bench::new().await;
    let over = "hung_up";
    for (kind, input, step) in [
        ("-1", "hangup", over),
        ("-1", "Hangup", over),
        ("-1", "HangUp", over),
        ("-1", "HANGUP", over),
        ("2", "hangup", over),
        ("2", "Hangup", over),
        ("3", "hangUp", over),
        ("4", "HANGUP", over),
        ("5", "Hangup", over),
        ("\u{2013}1", "Hangup", over),
        ("77", "Hangup", over),
        ("1", "hangup", over),
        ("1", "Hangup", "interacted"),
        ("1", "HANGUP", "interacted"),
        ("1", "hangup!", "interacted"),
        ("1", "Please hangup", "interacted"),
        ("-1", "hangup ", "interacted"),
        ("-1", "hang up", "interacted"),
        ("-1", "", "interacted"),
        ("-1", "timeout", "interacted"),
    ] {
        let heard = bench.hear(&interacted(ID, kind, input)).await;
        assert_eq!(heard["step"], step, "{kind} and {input:?}");
    }
    for (input, step) in [
        ("hangup", over),
        ("Hangup", over),
        ("HANGUP", over),
        ("", "transferred"),
        ("hangup ", "transferred"),
        ("timeout", "transferred"),
    ] {
        let body = changed(&transferred(ID, "0"), [("/inparams/input", Some(input.into()))]);
        assert_eq!(bench.hear(&body).await["step"], step, "{input:?}");
    }
    for nothing in [None, Some(Value::Null)] {
        let body = changed(&transferred(ID, "0"), [("/inparams/input", nothing)]);
        assert_eq!(bench.hear(&body).await["step"], "transferred");
    }
}

#[tokio::test]
async fn a_hang_up_whose_handler_fails_does_not_end_the_call() {
    let mut bench = Bench::new().await;
    bench.hear(&start(ID)).await;
    let failing = changed(&hangup(ID), [("/inparams/call_dst_id", Some("fails".into()))]);
    let (heard, answer) = bench.ask(V1, &failing).await;
    assert_eq!(heard["step"], "hung_up");
    assert_eq!(answer.fault(500, -1, Some(ID)), "not yet");
    let (heard, answer) = bench.ask(V1, &hangup(ID)).await;
    assert_eq!((&heard["step"], &heard["caller"]), (&json!("hung_up"), &json!(CALLER)));
    answer.outparams(ID, 10);
}

/// A flow whose answers are invalid, except one.
struct Careless;

/// A text that no answer may hold.
const PRIVATE: &str = "PRIVATE-4711";

impl Careless {
    fn action(call: &Call, which: &str) -> Action {
        let tts = || call.interact(Prompt::Tts("Welcome."), Language::English);
        let bare = |kind| InteractOutParams::new(call.id(), kind, Language::English);
        let never: callbot::odfs::CallTime = "2018-09-04 07:16:24".parse().unwrap();
        match which {
            "no target" => call.transfer(Route::SkillQueueByName("")).into(),
            "no number" => call.transfer(Route::ThirdParty("")).into(),
            "a target too many" => TransferOutParams::new(TransferOutParamsFields {
                call_id: call.id(),
                call_sor_id: call.caller(),
                trans_type: TransferType::LastAgent,
                route_value: PRIVATE,
            })
            .into(),
            "no text to speak" => bare(PromptType::Tts).into(),
            "no text to show" => bare(PromptType::Card).into(),
            "no file" => bare(PromptType::FileByPath).into(),
            "no name of a file" => call.interact(Prompt::FileByName(""), Language::English).into(),
            "no tone" => bare(PromptType::Record).with_prompt_wav("/r/1.wav").into(),
            "a long vendor" => tts().with_tts_mrcp_vendor("x".repeat(41)).into(),
            "a second key" => tts().with_extra("language", json!(PRIVATE)).into(),
            "no queue" => call.query(QueryType::QueueById).into(),
            "no media" => call.query(QueryType::SwitchMedia).into(),
            "a time of its own" => ReleaseOutParams::new(ReleaseOutParamsFields {
                call_id: call.id(),
                call_sor_id: "",
                call_dst_id: "",
                start_time: never.clone(),
                end_time: never,
            })
            .into(),
            _ => tts().with_tts_mrcp_vendor("x".repeat(40)).into(),
        }
    }
}

impl Api for Careless {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        Ok(Self::action(call, ""))
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        Ok(Self::action(call, &request.inparams.input))
    }

    async fn transferred(&self, call: &Call, _: Transferred) -> Result<Action, Error> {
        Ok(Self::action(call, "no target"))
    }

    async fn hung_up(&self, call: &Call, _: Request) -> Result<ReleaseOutParams, Error> {
        match Self::action(call, "a time of its own") {
            Action::Release(release) => Ok(*release),
            other => panic!("no release: {other:?}"),
        }
    }

    async fn capture(&self, _: &Call, _: Capture) -> Result<CapturedOutParams, Error> {
        Ok(CapturedOutParams::new().with_extra("x", json!(1)))
    }

    async fn recognize(&self, call: &Call, _: Recognize) -> Result<RecognizedOutParams, Error> {
        let none = RecognizedOutParams::new(call.id(), RecognizeType::NotYet);
        Ok(none.with_extra("recognize_type", json!(PRIVATE)))
    }
}

#[tokio::test]
async fn an_invalid_answer_is_not_sent() {
    let (traces, _guard) = traced();
    let mut peer = Peer::connect(start_router(router(Careless)).await).await;
    for (body, place) in [
        (said(ID, "no target"), "/outparams/route_value"),
        (said(ID, "no number"), "/outparams/route_value"),
        (said(ID, "a target too many"), "/outparams/route_value"),
        (said(ID, "no text to speak"), "/outparams/prompt_text"),
        (said(ID, "no text to show"), "/outparams/prompt_text"),
        (said(ID, "no file"), "/outparams/prompt_wav"),
        (said(ID, "no name of a file"), "/outparams/prompt_wav"),
        (said(ID, "no tone"), "/outparams/tone"),
        (said(ID, "a long vendor"), "/outparams/ttsMRCPVendor"),
        (said(ID, "a second key"), "/outparams/language"),
        (said(ID, "no queue"), "/outparams/skill_id"),
        (said(ID, "no media"), "/outparams/changeType"),
        (said(ID, "a time of its own"), "/outparams/start_time"),
        (transferred(ID, "0"), "/outparams/route_value"),
        (hangup(ID), "/outparams/end_time"),
        (recognize(ID), "/outparams/recognize_type"),
    ] {
        for path in DIALOGUE {
            let before = traces.with(&["ERROR", "invalid response", place]).len();
            let answer = peer.ask_json(path, &body).await;
            assert_eq!(answer.fault(500, -1, Some(ID)), "internal error", "{body}");
            assert!(!answer.body.contains(PRIVATE));
            // The place is traced for the author.
            let after = traces.with(&["ERROR", "invalid response", place]).len();
            assert_eq!(after, before + 1, "{place} in {}", traces.text());
            // The same call goes on.
            peer.ask_json(path, &said(ID, "fine")).await.outparams(ID, 9);
        }
    }
    assert!(!traces.text().contains(PRIVATE), "{}", traces.text());
}

#[tokio::test]
async fn answers_made_from_a_call_have_its_id() {
    /// Answers with what the methods of the call return.
    struct Maker;

    impl Api for Maker {
        async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
            let record = Prompt::Record { path: "/r/1.wav", beep: true };
            Ok(call.interact(record, Language::Chinese).into())
        }

        async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
            Ok(match request.inparams.input.as_str() {
                "1" => call.transfer(Route::LastAgent).into(),
                "2" => call.query(QueryType::QueueById).with_skill_id("q-1").into(),
                "3" => call
                    .query(QueryType::SwitchMedia)
                    .with_change_type(ChangeType::AudioAndVideo)
                    .into(),
                // An answer that is built by hand is sent unchanged.
                "4" => QueryOutParams::new("c-other", QueryType::QueueOfAgent).into(),
                _ => call.release().into(),
            })
        }
    }

    let mut peer = Peer::connect(start_router(router(Maker)).await).await;
    let record = json!({
        "call_id": ID, "prompt_type": "4", "prompt_wav": "/r/1.wav", "tone": Tone::Beep.as_str(),
        "language": "0",
    });
    assert_eq!(peer.ask_json(V1, &start(ID)).await.outparams(ID, 9), record);
    for (keys, outaction, outparams) in [
        (
            "1",
            11,
            json!({
                "call_id": ID, "call_sor_id": CALLER, "trans_type": "7", "route_value": "",
            }),
        ),
        ("2", 12, json!({"call_id": ID, "prompt_type": "2", "skill_id": "q-1"})),
        ("3", 12, json!({"call_id": ID, "prompt_type": "5", "changeType": "3"})),
        ("4", 12, json!({"call_id": "c-other", "prompt_type": "3"})),
    ] {
        let answer = peer.ask_json(V1, &interacted(ID, "2", keys)).await;
        assert_eq!(answer.outparams(ID, outaction), outparams);
    }
}

#[tokio::test]
async fn an_operation_without_parameters_can_be_served_at_another_path() {
    let server = || Server::new(Parrot);
    let moved = server()
        .path(&operations::PROCESS, "/ivr")
        .and_then(|server| server.path(&operations::GET_TOKEN, "/token"));
    let address = start_router(moved.unwrap().router()).await;
    ask(address, "/ivr", &start(ID)).await.outparams(ID, 9);
    ask(address, V2, &start(ID)).await.outparams(ID, 9);
    assert_eq!(ask(address, V1, &start(ID)).await.status, 404);
    ask(address, "/token", &token_request("a", "b")).await.token_fault(404, 10_000_003);
    assert!(server().path(&operations::PROCESS_V2, "/ivr").is_err());
}

#[tokio::test]
async fn a_wire_api_answers_exactly_as_its_code_says() {
    use callbot::odfs::{ProcessV2Parameters, TokenRequest, TokenResponse, WireApi, wire_router};

    /// Its answers are sent without additions.
    struct Bare;

    impl WireApi for Bare {
        async fn process(&self, request: Request) -> Result<Response, Error> {
            Ok(match request {
                Request::Capture(_) => Captured::new(CapturedOutParams::new()).into(),
                _ => {
                    let time: callbot::odfs::CallTime = "2018090407:16:24".parse()?;
                    let params = ReleaseOutParams::new(ReleaseOutParamsFields {
                        call_id: "c-1",
                        call_sor_id: "",
                        call_dst_id: "",
                        start_time: time.clone(),
                        end_time: time,
                    });
                    Release::new(params).with_ret(7).into()
                }
            })
        }

        async fn process_v2(
            &self,
            parameters: ProcessV2Parameters,
            request: Request,
        ) -> Result<Response, Error> {
            assert_eq!(parameters.vdn_id, "vdn-1");
            self.process(request).await
        }

        async fn get_token(&self, _: TokenRequest) -> Result<TokenResponse, Error> {
            Ok(TokenResponse::new(0).with_auth_token("t-1"))
        }
    }

    let address = start_router(wire_router(Bare)).await;
    for path in DIALOGUE {
        let answer = ask(address, path, &capture(ID)).await;
        assert_eq!(answer.json(), json!({"outaction": 7, "outparams": {}}));
        assert_eq!(ask(address, path, &start(ID)).await.json()["ret"], 7);
        // No request has this number in the document, but it can be served.
        let unknown = changed(&start(ID), [("/inaction", Some(12.into()))]);
        assert_eq!(ask(address, path, &unknown).await.json()["ret"], 7);
    }
    let answer = ask(address, TOKEN, &token_request("a", "b")).await;
    assert_eq!(answer.json(), json!({"errorCode": 0, "authToken": "t-1"}));
}

#[tokio::test]
async fn debug_does_not_show_the_number_of_the_caller() {
    /// Shows what it gets.
    struct Shown(UnboundedSender<String>);

    impl Api for Shown {
        async fn start(&self, call: &Call, request: Start) -> Result<Action, Error> {
            let action = call.transfer(Route::ThirdParty("13500000002")).into();
            self.0.send(format!("{call:?} {request:?} {action:?}"))?;
            Ok(action)
        }

        async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
            Ok(call.release().into())
        }
    }

    let (told, mut heard) = unbounded_channel();
    ask(start_router(router(Shown(told))).await, V1, &start(ID)).await.outparams(ID, 11);
    let shown = heard.recv().await.unwrap();
    assert!(shown.contains(ID), "{shown}");
    assert!(!shown.contains("1350000000"), "{shown}");
}

#[tokio::test]
async fn debug_of_a_flow_does_not_show_the_numbers_of_callers() {
    use callbot::odfs::WireApi;

    let (told, _heard) = unbounded_channel();
    let flow = Server::new(Witness(told)).into_wire_api();
    flow.process(request(&start(ID))).await.unwrap();
    let shown = format!("{flow:?} {flow:#?}");
    assert!(!shown.contains(CALLER), "{shown}");
}

#[tokio::test]
async fn overlong_ids_and_numbers_are_refused_by_name() {
    let address = start_router(callbot::odfs::router(Quiet)).await;
    for pointer in ["/userid", "/inparams/call_sor_id"] {
        let long = changed(&start(ID), [(pointer, Some("x".repeat(257).into()))]);
        let answer = ask(address, V1, &long).await;
        assert_eq!(answer.status, 400, "{pointer}");
        let text = format!("{pointer}: longer than 256 bytes");
        assert_eq!(answer.json()["errorMsg"], text.as_str());
    }
}

/// Releases every call.
struct Quiet;

impl Api for Quiet {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        Ok(call.release().into())
    }

    async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
        Ok(call.release().into())
    }
}
