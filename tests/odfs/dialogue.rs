//! A call from the side of the IVR: which request follows which answer, how a call ends, and that a step
//! out of order sends nothing.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::client::{CallOptions, Deadline, InMemoryTransport};
use callbot::odfs::{
    Action, Api, Call, Client, Dialogue, DialogueError, FlowResultType, Input, Interacted,
    InteractedExtParams, Issuer, Language, Next, Prompt, QueryAnswer, QueryType, RecognitionId,
    ReleaseOutParams, Request, Response, Route, Server, Start, TransferResult, Transferred,
};
use callbot::server::Error;
use serde_json::{Value, json};

use crate::support::odfs::*;

/// The time that each answer takes, in seconds of the clock.
const ANSWERED_IN: u64 = 5;

/// A scripted stub, and a call to it.
struct Line {
    stub: Stub,
    says: Arc<Mutex<Say>>,
    clock: Hands,
    client: Client,
    call: Dialogue,
}

impl Line {
    async fn with(
        settings: fn(callbot::odfs::ClientBuilder) -> callbot::odfs::ClientBuilder,
    ) -> Self {
        let (says, clock) = (Arc::new(Mutex::new(Say::Cut)), Hands::at(SAMPLE_TIME));
        let (told, hands) = (says.clone(), clock.clone());
        let stub = Stub::new(move |_, _| {
            hands.forward(ANSWERED_IN);
            told.lock().unwrap().clone()
        })
        .await;
        let builder = Client::builder_with_token(&stub.url, "t-1").clock(clock.clone());
        let options = CallOptions::new().call_deadline(Duration::from_millis(300));
        let client = settings(builder.options(options)).build().unwrap();
        let call = client.dialogue(ID, CALLER, CALLED);
        Self { stub, says, clock, client, call }
    }

    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// Sets how the stub answers from now on.
    fn says(&self, say: Say) {
        *self.says.lock().unwrap() = say;
    }

    fn answers(&self, body: &Value) {
        self.says(say(body));
    }

    /// The last request.
    fn last(&self) -> Value {
        self.stub.seen().pop().unwrap().json()
    }

    fn sent(&self) -> usize {
        self.stub.seen().len()
    }

    /// A call after these answers of the flow.
    async fn after(answers: &[Value]) -> Self {
        let mut line = Self::new().await;
        line.go(answers).await;
        line
    }

    /// Makes the next step for each of these answers, with transfers that succeed.
    async fn go(&mut self, answers: &[Value]) {
        for answer in answers {
            self.answers(answer);
            go(&mut self.call, TransferResult::Success).await.unwrap();
        }
    }

    /// Hangs up. Returns the request.
    async fn hang_up(&mut self) -> Value {
        self.answers(&release());
        self.call.hang_up().await.unwrap();
        assert!(self.call.is_over());
        self.last()
    }
}

/// Makes the next step.
async fn go(call: &mut Dialogue, result: TransferResult) -> Result<Response, DialogueError> {
    match call.next() {
        Next::Start => call.start().await,
        Next::Input => call.input(Input::Keys("1")).await,
        Next::Transferred => call.transferred(result).await,
        Next::Queried => call.queried(InteractedExtParams::new()).await,
        next => panic!("no step: {next:?}"),
    }
}

fn counted(answer: &Value, count: impl Into<Value>) -> Value {
    changed(answer, [("/outparams/inter_idx", Some(count.into()))])
}

#[tokio::test]
async fn a_dialogue_begins_with_a_start() {
    let mut line = Line::new().await;
    assert_eq!((line.call.next(), line.call.is_over()), (Next::Start, false));
    assert_eq!(line.sent(), 0, "nothing is sent by itself");
    line.answers(&interact("Welcome."));
    let answer = line.call.start().await.unwrap();
    assert!(matches!(answer, Response::Interact(_)), "{answer:?}");
    let expected = json!({
        "userid": ID, "inaction": 8,
        "inparams": {
            "call_id": ID, "call_sor_id": CALLER, "call_dst_id": CALLED, "auth_token": "t-1",
        },
    });
    assert_eq!(line.last(), expected);
    assert_eq!(line.stub.seen()[0].path(), V1);

    let mut line = Line::with(|builder| builder.tenant_space("vdn-1")).await;
    line.answers(&interact("Welcome."));
    line.call.start().await.unwrap();
    assert_eq!(line.stub.seen()[0].path(), V2);
}

#[tokio::test]
async fn the_answer_decides_the_next_step() {
    let unknown = json!({"ret": 0, "userid": ID, "outaction": 99, "outparams": {}});
    let captured = json!({"ret": 0, "userid": ID, "outaction": 7, "outparams": {}});
    for (answer, next) in [
        (interact("Hello"), Next::Input),
        (transfer(), Next::Transferred),
        (query(), Next::Queried),
        (release(), Next::HangUp),
        (json!({"outaction": "10"}), Next::HangUp),
        (unknown, Next::HangUp),
        (captured, Next::HangUp),
    ] {
        // After the start, and after each kind of step.
        for before in [vec![], vec![interact("a")], vec![transfer()], vec![query()]] {
            let mut line = Line::after(&before).await;
            line.go(std::slice::from_ref(&answer)).await;
            assert_eq!((line.call.next(), line.call.is_over()), (next, false), "{answer}");
            line.hang_up().await;
            assert_eq!((line.call.next(), line.call.is_over()), (Next::Nothing, true));
        }
    }
}

#[tokio::test]
async fn an_interaction_is_followed_by_its_result() {
    let recognition = RecognitionId::new("asr:4711", "7").unwrap();
    let kind = FlowResultType::VirtualHuman;
    for (input, kind, text) in [
        (Input::Text("My bill, please."), "1", "My bill, please."),
        (Input::Keys("201801"), "2", "201801"),
        (Input::PlayOver, "3", "playover"),
        (Input::RecordEnd, "4", "recordend"),
        (Input::Timeout, "-1", "timeout"),
        (Input::NoMatch, "-1", "nomatch"),
        (Input::SystemError, "-1", "sys_err"),
        (Input::Recognition(recognition), "1", "asr:4711@7"),
        (Input::Other { kind: &kind, input: "x" }, "5", "x"),
    ] {
        let number = (text == "asr:4711@7").then(|| json!("7"));
        let mut line = Line::after(&[interact("Welcome.")]).await;
        line.answers(&interact("And now?"));
        let answer = line.call.input(input).await.unwrap();
        let Response::Interact(answer) = answer else { panic!("{answer:?}") };
        assert_eq!(answer.outparams.prompt_text.as_deref(), Some("And now?"));
        let expected = json!({
            "userid": ID, "inaction": 9,
            "inparams": {
                "call_id": ID, "call_dst_id": CALLED, "flow_result_type": kind, "input": text,
                "auth_token": "t-1", "begin_play": "2018090407:16:29",
                "result_time": "2018090407:16:29",
            },
        });
        let expected = match number {
            Some(number) => changed(&expected, [("/inparams/inter_no", Some(number))]),
            None => expected,
        };
        assert_eq!(line.last(), expected);
    }
}

#[tokio::test]
async fn a_transfer_is_followed_by_its_result() {
    let unknown: TransferResult = "17".parse().unwrap();
    for (result, text) in
        [(TransferResult::Success, "0"), (TransferResult::Failure, "-1"), (unknown, "17")]
    {
        let mut line = Line::after(&[interact("Welcome."), transfer()]).await;
        line.clock.forward(60);
        line.answers(&release());
        line.call.transferred(result).await.unwrap();
        let expected = json!({
            "userid": ID, "inaction": 11,
            "inparams": {
                "call_id": ID, "call_dst_id": CALLED, "begin_trans": "2018090407:16:34",
                "end_trans": "2018090407:17:34", "trans_result": text, "auth_token": "t-1",
            },
        });
        assert_eq!(line.last(), expected);
    }
}

#[tokio::test]
async fn a_query_is_followed_by_what_was_found() {
    let found = || {
        InteractedExtParams::new()
            .with_queue_index("2")
            .with_agent_count("5")
            .with_estimate_time("10")
            .with_idle_agent_count("1")
    };
    let expected = json!({
        "userid": ID, "inaction": 9,
        "inparams": {
            "call_id": ID, "call_dst_id": CALLED, "flow_result_type": "-1", "input": "",
            "auth_token": "t-1", "begin_play": "2018090407:16:29",
            "result_time": "2018090407:16:30",
        },
        "extparams": {
            "queueIndex": "2", "agentCount": "5", "estimateTime": "10", "idleAgentCount": "1",
        },
    });
    let settings: [fn(callbot::odfs::ClientBuilder) -> callbot::odfs::ClientBuilder; 2] =
        [|builder| builder, |builder| builder.query_answer(QueryAnswer::Interacted)];
    for settings in settings {
        let mut line = Line::with(settings).await;
        line.go(&[query()]).await;
        line.clock.forward(1);
        line.answers(&interact("You are number 2."));
        line.call.queried(found()).await.unwrap();
        assert_eq!(line.last(), expected);
        assert_eq!(line.call.next(), Next::Input);
    }
}

#[tokio::test]
async fn a_query_may_be_followed_by_a_request_of_its_own_number() {
    let mut line = Line::with(|builder| builder.query_answer(QueryAnswer::SameNumber)).await;
    line.go(&[counted(&query(), "3")]).await;
    line.clock.forward(1);
    line.answers(&interact("You are number 2."));
    let found = InteractedExtParams::new().with_queue_index("2");
    line.call.queried(found).await.unwrap();
    let body = line.stub.seen().pop().unwrap().body;
    let number = "\"inaction\":12";
    assert!(String::from_utf8(body).unwrap().contains(number), "{number} as a number");
    assert_eq!(line.call.next(), Next::Input);
    let expected = json!({
        "userid": ID, "inaction": 12,
        "inparams": {
            "call_id": ID, "call_dst_id": CALLED, "flow_result_type": "-1", "input": "",
            "auth_token": "t-1", "inter_idx": "3", "begin_play": "2018090407:16:29",
            "result_time": "2018090407:16:30",
        },
        "extparams": {"queueIndex": "2"},
    });
    assert_eq!(line.last(), expected);
}

#[tokio::test]
async fn the_other_requests_keep_their_numbers_whatever_follows_a_query() {
    let mut line = Line::with(|builder| builder.query_answer(QueryAnswer::SameNumber)).await;
    let mut numbers = Vec::new();
    for answer in [interact("a"), query(), query(), transfer(), interact("b")] {
        line.go(&[answer]).await;
        numbers.push(line.last()["inaction"].clone());
    }
    line.go(&[query()]).await;
    numbers.push(line.last()["inaction"].clone());
    numbers.push(line.hang_up().await["inaction"].clone());
    assert_eq!(json!(numbers), json!([8, 9, 12, 12, 11, 9, 9]));
}

#[tokio::test]
async fn the_counter_of_the_flow_is_echoed() {
    let mut line = Line::new().await;
    for (answer, count) in [
        (counted(&interact("a"), "1"), Some("1")),
        (counted(&interact("b"), 2), Some("2")),
        (counted(&query(), "x"), Some("x")),
        (counted(&transfer(), "00"), Some("00")),
        (interact("c"), None),
        (counted(&interact("d"), ""), Some("")),
        (query(), None),
        (counted(&transfer(), "9"), Some("9")),
    ] {
        line.go(&[answer]).await;
        line.go(&[interact("")]).await;
        let inparams = line.last()["inparams"].clone();
        assert_eq!(inparams.get("inter_idx"), count.map(|count| json!(count)).as_ref());
    }
    for answer in [counted(&interact("a"), "7"), counted(&transfer(), "7")] {
        let mut line = Line::after(&[answer]).await;
        assert_eq!(line.hang_up().await["inparams"]["inter_idx"], "7");
    }
}

#[tokio::test]
async fn times_come_from_the_clock_in_the_utc_offset_that_is_set() {
    let mut line = Line::with(|builder| builder.utc_offset(480)).await;
    // The answer to the start takes 5 s, and the caller's input 10 s.
    line.go(&[interact("Welcome.")]).await;
    line.clock.forward(10);
    line.go(&[query()]).await;
    let times = |line: &Line, begin: &str, end: &str| {
        let inparams = &line.last()["inparams"];
        let [begin, end] = [begin, end].map(|key| inparams[key].as_str().unwrap().to_owned());
        (begin, end)
    };
    let at = |begin: &str, end: &str| (begin.to_owned(), end.to_owned());
    let played = ("begin_play", "result_time");
    assert_eq!(times(&line, played.0, played.1), at("2018090415:16:29", "2018090415:16:39"));
    line.clock.forward(7);
    line.go(&[transfer()]).await;
    assert_eq!(times(&line, played.0, played.1), at("2018090415:16:44", "2018090415:16:51"));
    line.clock.forward(20);
    line.go(&[release()]).await;
    let moved = ("begin_trans", "end_trans");
    assert_eq!(times(&line, moved.0, moved.1), at("2018090415:16:56", "2018090415:17:16"));

    // At most a day in either direction.
    for (offset, time) in [(i32::MAX, "2018090507:16:29"), (i32::MIN, "2018090307:16:29")] {
        let clock = Hands::at(SAMPLE_TIME + ANSWERED_IN);
        let line = Line::new().await;
        line.answers(&interact("Welcome."));
        let builder =
            Client::builder_with_token(&line.stub.url, "t").clock(clock).utc_offset(offset);
        let mut call = builder.build().unwrap().dialogue(ID, CALLER, CALLED);
        call.start().await.unwrap();
        call.input(Input::Timeout).await.unwrap();
        assert_eq!(line.last()["inparams"]["result_time"], time);
    }
}

/// The request that reports the end of a call, by a result of an interaction.
fn hung_up(reason: &str, time: &str) -> Value {
    json!({
        "userid": ID, "inaction": 9,
        "inparams": {
            "call_id": ID, "call_dst_id": CALLED, "flow_result_type": "-1", "input": "hangup",
            "auth_token": "t-1", "begin_play": time, "result_time": time,
        },
        "extparams": {"release_reason": reason},
    })
}

/// The request that reports the end of a call, by the result of a transfer.
fn hung_up_after_transfer(result: &str, time: &str) -> Value {
    json!({
        "userid": ID, "inaction": 11,
        "inparams": {
            "call_id": ID, "call_dst_id": CALLED, "begin_trans": time, "end_trans": time,
            "trans_result": result, "auth_token": "t-1", "input": "hangup",
        },
    })
}

#[tokio::test]
async fn a_caller_can_hang_up_at_any_step() {
    for (answers, expected) in [
        (vec![interact("a")], hung_up("2", "2018090407:16:29")),
        (vec![interact("a"), interact("b")], hung_up("2", "2018090407:16:34")),
        (vec![query()], hung_up("2", "2018090407:16:29")),
        (vec![interact("a"), query()], hung_up("2", "2018090407:16:34")),
        // The transfer that the flow asks for has not happened.
        (vec![transfer()], hung_up_after_transfer("-1", "2018090407:16:29")),
        (vec![interact("a"), transfer()], hung_up_after_transfer("-1", "2018090407:16:34")),
        // An earlier transfer does not matter.
        (vec![transfer(), interact("a"), interact("b")], hung_up("2", "2018090407:16:39")),
    ] {
        let mut line = Line::after(&answers).await;
        assert_eq!(line.hang_up().await, expected);
    }
}

#[tokio::test]
async fn a_release_by_the_flow_is_answered_with_a_hang_up() {
    for (answers, expected) in [
        (vec![release()], hung_up("0", "2018090407:16:29")),
        (vec![interact("a"), release()], hung_up("0", "2018090407:16:34")),
        (vec![query(), release()], hung_up("0", "2018090407:16:34")),
        (vec![transfer(), interact("a"), release()], hung_up("0", "2018090407:16:39")),
        // After a transfer, with the number of a transfer.
        (vec![transfer(), release()], hung_up_after_transfer("0", "2018090407:16:34")),
        (
            vec![interact("a"), transfer(), release()],
            hung_up_after_transfer("0", "2018090407:16:39"),
        ),
    ] {
        let mut line = Line::after(&answers).await;
        assert_eq!(line.call.next(), Next::HangUp);
        assert_eq!(line.hang_up().await, expected);
    }
}

#[tokio::test]
async fn a_hang_up_after_a_transfer_has_the_number_of_the_last_answer() {
    for (answer, expected) in [
        (interact("Nobody is free."), hung_up("2", "2018090407:16:34")),
        (query(), hung_up("2", "2018090407:16:34")),
    ] {
        let mut line = Line::after(&[transfer()]).await;
        line.answers(&answer);
        line.call.transferred(TransferResult::Failure).await.unwrap();
        assert_eq!(line.hang_up().await, expected);
    }
}

#[tokio::test]
async fn a_transfer_that_failed_is_not_reported_as_a_success_by_the_hang_up() {
    for (result, text) in [
        (TransferResult::Failure, "-1"),
        ("17".parse().unwrap(), "17"),
        (TransferResult::Success, "0"),
    ] {
        let mut line = Line::after(&[transfer()]).await;
        line.answers(&release());
        line.call.transferred(result).await.unwrap();
        let sent = line.hang_up().await;
        assert_eq!(sent, hung_up_after_transfer(text, "2018090407:16:34"));
    }
}

#[tokio::test]
async fn a_second_transfer_that_is_cut_off_is_not_reported_as_a_success() {
    let mut line = Line::after(&[transfer()]).await;
    line.answers(&transfer());
    line.call.transferred(TransferResult::Failure).await.unwrap();
    assert_eq!(line.call.next(), Next::Transferred);
    let sent = line.hang_up().await;
    assert_eq!(sent, hung_up_after_transfer("-1", "2018090407:16:34"));
}

#[tokio::test]
async fn a_step_out_of_order_is_an_error_and_sends_nothing() {
    for (answers, next) in [
        (vec![], Next::Start),
        (vec![interact("a")], Next::Input),
        (vec![transfer()], Next::Transferred),
        (vec![query()], Next::Queried),
        (vec![release()], Next::HangUp),
        (vec![transfer(), release()], Next::HangUp),
    ] {
        let mut line = Line::after(&answers).await;
        let sent = line.sent();
        only(&mut line, next).await;
        assert_eq!(line.sent(), sent, "nothing was sent");
        if next == Next::Start {
            continue;
        }
        line.hang_up().await;
        only(&mut line, Next::Nothing).await;
        assert_eq!(line.sent(), sent + 1);
    }
}

/// Checks that every step but the next one is an error that changes nothing.
async fn only(line: &mut Line, next: Next) {
    let call = &mut line.call;
    let mut errors = Vec::new();
    if next != Next::Start {
        errors.push(call.start().await.unwrap_err());
    }
    if next != Next::Input {
        errors.push(call.input(Input::HangUp).await.unwrap_err());
        errors.push(call.input(Input::Keys("1")).await.unwrap_err());
    }
    if next != Next::Transferred {
        errors.push(call.transferred(TransferResult::Success).await.unwrap_err());
    }
    if next != Next::Queried {
        errors.push(call.queried(InteractedExtParams::new()).await.unwrap_err());
    }
    if matches!(next, Next::Start | Next::Nothing) {
        errors.push(call.hang_up().await.unwrap_err());
    }
    for error in errors {
        assert!(matches!(error, DialogueError::OutOfOrder(found) if found == next), "{error:?}");
        let text = format!("the step is out of order: the next one is {next:?}");
        assert_eq!((error.to_string(), error.source().is_none()), (text, true));
        assert_eq!((call.next(), call.is_over()), (next, next == Next::Nothing));
    }
}

#[tokio::test]
async fn a_failed_step_leaves_the_dialogue_unchanged() {
    let fault = changed(&release(), [("/ret", Some((-1).into()))]);
    for (what, text) in [
        (say(&fault), "failure -1"),
        (say(&json!({"ret": -1})), "failure -1"),
        (say_with(500, &fault.to_string()), "failure -1"),
        (say_with(500, ""), "HTTP 500"),
        (say_with(401, ""), "HTTP 401"),
        (say_with(200, "not JSON"), "can't be read"),
        (Say::Cut, ""),
        (Say::Nothing, "no complete response"),
    ] {
        for answers in [
            vec![],
            vec![counted(&interact("a"), "1")],
            vec![counted(&transfer(), "1")],
            vec![counted(&query(), "1")],
        ] {
            let mut line = Line::after(&answers).await;
            let (next, sent) = (line.call.next(), line.sent());
            line.says(what.clone());
            let error = go(&mut line.call, TransferResult::Success).await.unwrap_err();
            assert!(matches!(&error, DialogueError::Call(_)), "{error:?}");
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!((line.call.next(), line.call.is_over()), (next, false));
            assert_eq!(line.sent(), sent + 1, "it is not made again by itself");
            let first = line.last();
            // The step can be repeated with the same parameters.
            line.answers(&interact("b"));
            go(&mut line.call, TransferResult::Success).await.unwrap();
            let mut second = line.last();
            for key in ["result_time", "end_trans"] {
                if second["inparams"].get(key).is_some() {
                    second["inparams"][key] = first["inparams"][key].clone();
                }
            }
            assert_eq!(second, first);
            assert_eq!(line.call.next(), Next::Input);
        }
    }
}

#[tokio::test]
async fn a_dialogue_can_be_hung_up_after_a_failed_step() {
    for (answers, expected) in [
        (vec![interact("a")], hung_up("2", "2018090407:16:29")),
        (vec![query()], hung_up("2", "2018090407:16:29")),
        (vec![transfer()], hung_up_after_transfer("-1", "2018090407:16:29")),
    ] {
        let mut line = Line::after(&answers).await;
        line.says(say_with(500, ""));
        go(&mut line.call, TransferResult::Success).await.unwrap_err();
        // The call ends one answer later.
        let mut sent = line.hang_up().await;
        for key in ["result_time", "end_trans"] {
            if sent["inparams"].get(key).is_some() {
                assert_eq!(sent["inparams"][key], "2018090407:16:34");
                sent["inparams"][key] = "2018090407:16:29".into();
            }
        }
        assert_eq!(sent, expected);
    }
}

#[tokio::test]
async fn a_hang_up_ends_only_with_the_release_that_answers_it() {
    let fault = changed(&release(), [("/ret", Some(5.into()))]);
    for answers in [vec![interact("a")], vec![release()], vec![transfer()], vec![query()]] {
        let mut line = Line::after(&answers).await;
        let next = line.call.next();
        for what in [say(&fault), say_with(500, ""), Say::Cut, Say::Nothing] {
            line.says(what);
            line.call.hang_up().await.unwrap_err();
            assert_eq!((line.call.next(), line.call.is_over()), (next, false));
        }
        // Other answers do not end the call.
        for answer in [interact("b"), transfer(), query()] {
            line.answers(&answer);
            line.call.hang_up().await.unwrap();
            assert!(!line.call.is_over());
        }
        let answer = line.hang_up().await;
        assert_eq!(answer["inparams"]["input"], "hangup");
        assert_eq!(line.call.next(), Next::Nothing);
    }
    // The release may be empty.
    let mut line = Line::after(&[interact("a")]).await;
    line.answers(&json!({"outaction": 10}));
    line.call.hang_up().await.unwrap();
    assert!(line.call.is_over());
}

#[tokio::test]
async fn an_input_that_is_a_hang_up_does_not_lead_to_a_second_one() {
    let other = Input::Other { kind: &FlowResultType::Keys, input: "hangup" };
    for input in [Input::HangUp, Input::Text("hangup"), other] {
        let mut line = Line::after(&[interact("a")]).await;
        let sent = line.sent();
        line.answers(&release());
        let answer = line.call.input(input.clone()).await;
        if line.sent() == sent {
            // Refusing it is fine, too.
            assert!(answer.is_err());
            continue;
        }
        assert_eq!(line.last()["inparams"]["input"], "hangup");
        assert_eq!((line.call.next(), line.call.is_over()), (Next::Nothing, true), "{input:?}");
    }
}

#[tokio::test]
async fn an_invalid_step_is_not_sent() {
    let mut line = Line::after(&[interact("a")]).await;
    let (sent, long) = (line.sent(), "x".repeat(1025));
    let error = line.call.input(Input::Text(&long)).await.unwrap_err();
    let DialogueError::Call(error) = error else { panic!("{error:?}") };
    assert_eq!(error.violations().unwrap().iter().next().unwrap().pointer(), "/inparams/input");
    assert_eq!((line.sent(), line.call.next()), (sent, Next::Input));

    let mut call = line.client.dialogue("x".repeat(65), CALLER, CALLED);
    let error = call.start().await.unwrap_err();
    assert!(error.to_string().contains("/userid"), "{error}");
    assert_eq!((line.sent(), call.next()), (sent, Next::Start));
}

#[tokio::test]
async fn a_dialogue_returns_the_error_of_the_client() {
    let mut line = Line::after(&[interact("a")]).await;
    line.says(Say::Nothing);
    let error = line.call.input(Input::Timeout).await.unwrap_err();
    assert_eq!(error.to_string(), "process: no complete response within 300ms");
    let DialogueError::Call(error) = error else { panic!("{error:?}") };
    assert_eq!(error.deadline(), Some(Deadline::Call));
}

#[tokio::test]
async fn debug_does_not_show_the_number_of_the_caller() {
    let line = Line::after(&[interact("a")]).await;
    let shown = format!("{:?} {:#?}", line.call, line.call);
    assert!(!shown.contains(CALLER), "{shown}");
}

/// A flow that transfers, asks about a queue, and releases the call.
struct Busy;

impl Api for Busy {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        Ok(call.interact(Prompt::Tts("Welcome."), Language::English).with_inter_idx("1").into())
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        let queue = request.extparams.and_then(|found| found.queue_index);
        Ok(match (queue.as_deref(), request.inparams.input.as_str()) {
            (Some("1"), _) => call.transfer(Route::SkillQueueByName("Billing")).into(),
            (Some(_), _) => call.release().into(),
            (None, "queue") => {
                assert_eq!(request.inparams.inter_idx.as_deref(), Some("1"));
                call.query(QueryType::CurrentQueue).into()
            }
            (None, said) => {
                let again = call.interact(Prompt::Tts(said), Language::English);
                again.with_inter_idx("1").into()
            }
        })
    }

    async fn transferred(&self, call: &Call, request: Transferred) -> Result<Action, Error> {
        Ok(match request.inparams.trans_result {
            TransferResult::Success => call.release().into(),
            _ => call.interact(Prompt::Tts("Nobody is free."), Language::English).into(),
        })
    }

    async fn hung_up(&self, call: &Call, request: Request) -> Result<ReleaseOutParams, Error> {
        Ok(call.release().with_exit_id(match request {
            Request::Transferred(_) => callbot::odfs::EntranceId::Agent,
            _ => callbot::odfs::EntranceId::MainMenu,
        }))
    }
}

#[tokio::test]
async fn client_and_server_of_this_crate_lead_a_call_to_its_end() {
    let issuer = Issuer::new().account("tenant-1", "secret-1");
    let server = || Server::new(Busy).issuer(issuer.clone()).router();
    let near = Client::builder("http://odfs", "tenant-1", "secret-1")
        .transport(InMemoryTransport::new(server()))
        .build()
        .unwrap();
    let url = format!("http://{}", start_router(server()).await);
    let far = Client::builder(&url, "tenant-1", "secret-1").tenant_space("vdn 1").build().unwrap();
    for client in [near, far] {
        let found = |index: &str| InteractedExtParams::new().with_queue_index(index);
        let mut call = client.dialogue(ID, CALLER, CALLED);
        call.start().await.unwrap();
        call.input(Input::Text("Hello!")).await.unwrap();
        call.input(Input::Text("queue")).await.unwrap();
        call.queried(found("1")).await.unwrap();
        call.transferred(TransferResult::Failure).await.unwrap();
        assert_eq!(call.next(), Next::Input);
        call.input(Input::Timeout).await.unwrap();
        let inputs = [Input::Keys("1"), Input::NoMatch];
        for input in inputs {
            let answer = call.input(input).await.unwrap();
            assert!(matches!(answer, Response::Interact(_)));
        }
        call.input(Input::Text("queue")).await.unwrap();
        call.queried(found("1")).await.unwrap();
        call.transferred(TransferResult::Success).await.unwrap();
        assert_eq!(call.next(), Next::HangUp);
        let answer = call.hang_up().await.unwrap();
        let Response::Release(release) = answer else { panic!("{answer:?}") };
        let outparams = release.outparams.unwrap();
        assert_eq!(outparams.call_sor_id, CALLER);
        assert_eq!(outparams.exit_id, Some(callbot::odfs::EntranceId::Agent));
        assert!(call.is_over());

        let mut call = client.dialogue("c-2", CALLER, CALLED);
        call.start().await.unwrap();
        let answer = call.hang_up().await.unwrap();
        let Response::Release(release) = answer else { panic!("{answer:?}") };
        let exit = release.outparams.unwrap().exit_id;
        assert_eq!(exit, Some(callbot::odfs::EntranceId::MainMenu));
    }
}

#[tokio::test]
async fn an_unanswered_start_can_be_hung_up() {
    let mut line = Line::new().await;
    line.says(Say::Nothing);
    assert!(line.call.start().await.is_err());
    assert_eq!(line.call.next(), Next::Start);
    line.answers(&release());
    line.call.hang_up().await.unwrap();
    assert!(line.call.is_over());
}
