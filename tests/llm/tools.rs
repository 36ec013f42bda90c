//! Tools: their arguments and results, what a barge-in does to them, and the tools of the platforms.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callbot::bot::testing::TestCall;
use callbot::bot::{
    Error, Gather, HangUp, Host, Input, Limits, Platform, Result, Transfer, TransferKind,
};
use callbot::llm::testing::{Script, ScriptedModel};
use callbot::llm::{Assistant, Memory, Model, Tool, ToolContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

const MS: Duration = Duration::from_millis(1);

type Order = Vec<String>;

#[derive(Deserialize, JsonSchema)]
struct Pizza {
    name: String,
    count: u32,
}

/// Counts how often a tool runs.
#[derive(Clone, Default)]
struct Ran(Arc<AtomicU32>);

impl Ran {
    fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// A tool that takes 300 ms and adds to the order.
    fn order(&self) -> Tool<Order> {
        let ran = self.clone();
        Tool::new(
            "order",
            "Orders pizzas.",
            move |mut context: ToolContext<Order>, pizza: Pizza| {
                let ran = ran.clone();
                async move {
                    sleep(300 * MS).await;
                    ran.0.fetch_add(1, Ordering::SeqCst);
                    context.memory.push(format!("{} {}", pizza.count, pizza.name));
                    Ok(format!("{} in the order", context.memory.len()))
                }
            },
        )
    }
}

fn assistant<M>(model: &ScriptedModel) -> Assistant<M> {
    Assistant::with_memory(Model::new(model.client(), "large"))
}

/// The messages of the newest request, without the instructions.
fn conversation(model: &ScriptedModel) -> Vec<String> {
    model.conversation().split_off(1)
}

fn margherita() -> Script {
    Script::new().say("I am ordering. ").call("order", json!({"name": "Margherita", "count": 2}))
}

const ORDERED: &str = r#"assistant calls order({"name":"Margherita","count":2})"#;

#[tokio::test(start_paused = true)]
async fn a_tool_runs_with_its_arguments_and_the_model_gets_the_result() {
    for platform in Platform::ALL {
        let ran = Ran::default();
        let model = ScriptedModel::new([margherita(), "Done.".into(), "Two.".into()]);
        let mut call = TestCall::on(platform, assistant(&model).tool(ran.order()));
        call.say("A pizza!").await.expect_text("I am ordering. Done.").expect_end();
        let expected =
            ["user: A pizza!", "assistant: I am ordering.", ORDERED, "tool: 1 in the order"];
        assert_eq!(conversation(&model), expected);
        let tools = &model.requests()[0].tools;
        assert_eq!(tools[0].function.description.as_deref(), Some("Orders pizzas."));
        assert_eq!(tools[0].function.parameters["required"], json!(["name", "count"]));

        call.say("How many?").await.expect_text("Two.");
        let expected = [
            "user: A pizza!",
            ORDERED,
            "tool: 1 in the order",
            "assistant: I am ordering. Done.",
            "user: How many?",
        ];
        assert_eq!(conversation(&model), expected);
        assert_eq!((call.memory().await.own, ran.count()), (vec!["2 Margherita".to_owned()], 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_barge_in_during_a_tool_lets_it_end_once_and_the_next_turn_knows() {
    let ran = Ran::default();
    let model = ScriptedModel::new([
        margherita().call("order", json!({"name": "Marinara", "count": 1})),
        "It is ordered.".into(),
    ]);
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant(&model).tool(ran.order()));
    let mut turn = call.start("Two pizzas!").await;
    turn.until_speech("I am ordering").await;
    turn.barge_in("I am").await.expect_end();
    call.say("Well?").await.expect_text("It is ordered.");
    let expected = [
        "user: Two pizzas!",
        ORDERED,
        r#"assistant calls order({"name":"Marinara","count":1})"#,
        "tool: 1 in the order",
        "tool: The tool did not run: the caller interrupted before it.",
        "assistant: I am",
        "user: [The caller interrupted you here.] Well?",
    ];
    assert_eq!(conversation(&model), expected);
    assert_eq!((call.memory().await.own, ran.count()), (vec!["2 Margherita".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn no_tool_runs_twice_in_a_turn() {
    let ran = Ran::default();
    let again = || Script::new().call("order", json!({"count": 2, "name": "Margherita"}));
    let model = ScriptedModel::new([
        again().call("order", r#"{"name":"Margherita","count":2}"#),
        again(),
        "Done.".into(),
    ]);
    let mut call = TestCall::on(Platform::Odfs, assistant(&model).tool(ran.order()));
    call.say("A pizza!").await.expect_text("Done.");
    let results = conversation(&model).into_iter().filter(|line| line.starts_with("tool"));
    assert_eq!(results.collect::<Vec<_>>(), ["tool: 1 in the order"; 3]);
    assert_eq!(ran.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_repeated_after_a_failure_goes_on_with_the_results() {
    let ran = Ran::default();
    let model = ScriptedModel::new([
        margherita(),
        Script::new().fail(500, "broken"),
        "It is ordered.".into(),
    ]);
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant(&model).tool(ran.order()));
    call.say("A pizza!").await.expect_failure();
    call.repeat().await.expect_text("It is ordered.");
    assert_eq!(conversation(&model), ["user: A pizza!", ORDERED, "tool: 1 in the order"]);
    assert_eq!((call.memory().await.own.len(), ran.count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_goes_on_with_the_results() {
    let ran = Ran::default();
    let first = ScriptedModel::new([margherita(), Script::new().fail(500, "broken")]);
    let second = ScriptedModel::new(["It is ordered."]);
    let assistant = assistant(&first).tool(ran.order());
    let assistant = assistant.fallback(Model::new(second.client(), "small"));
    let mut call = TestCall::on(Platform::Odfs, assistant);
    call.say("A pizza!").await.expect_text("I am ordering. It is ordered.").expect_end();
    let expected = ["user: A pizza!", "assistant: I am ordering.", ORDERED, "tool: 1 in the order"];
    assert_eq!((conversation(&second), ran.count()), (expected.map(Into::into).into(), 1));
}

#[tokio::test(start_paused = true)]
async fn wrong_tool_calls_are_told_to_the_model() {
    let ran = Ran::default();
    let model = ScriptedModel::new([
        Script::new().call("order", json!({"name": "Margherita", "count": "two"})),
        Script::new().call("order", "{").call("bake", "{}"),
        "Sorry.".into(),
    ]);
    let mut call = TestCall::on(Platform::Odfs, assistant(&model).tool(ran.order()));
    call.say("A pizza!").await.expect_text("Sorry.");
    let results = conversation(&model).into_iter().filter(|line| line.starts_with("tool"));
    let expected = [
        "tool: The arguments are invalid, at $.count: invalid type: string \"two\", expected u32",
        "tool: The arguments are not JSON: EOF while parsing an object at line 1 column 1",
        "tool: There is no such tool, allowed: order",
    ];
    assert_eq!(results.collect::<Vec<_>>(), expected);
    assert_eq!(ran.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_fails_changes_nothing_and_tells_only_what_is_public() {
    #[derive(Deserialize, JsonSchema)]
    struct How {
        public: bool,
    }
    let fail = async |mut context: ToolContext<Order>, how: How| -> Result<()> {
        context.memory.push("half an order".into());
        sleep(MS).await;
        match how.public {
            true => Err(Error::public("the oven is off")),
            false => Err("password wrong at db-7".into()),
        }
    };
    let model = ScriptedModel::new([
        Script::new().call("fail", json!({"public": true})).call("fail", json!({"public": false})),
        "Sorry.".into(),
    ]);
    let tool = Tool::new("fail", "Fails.", fail);
    let mut call = TestCall::on(Platform::Odfs, assistant(&model).tool(tool));
    call.say("A pizza!").await.expect_text("Sorry.");
    let results = conversation(&model).split_off(3);
    assert_eq!(results, ["tool: The tool failed: the oven is off", "tool: The tool failed."]);
    assert!(call.memory().await.own.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_tool_that_takes_too_long_is_unknown() {
    let slow = |name: &str| {
        Tool::new(name, "Takes its time.", async |mut context: ToolContext<Order>, ()| {
            context.memory.push("never".into());
            sleep(Duration::from_secs(60)).await;
            Ok(())
        })
    };
    let model = ScriptedModel::new([
        Script::new().call("slow", "{}").call("look", ""),
        Script::new().call("slow", "{}"),
        "Sorry.".into(),
    ]);
    let tools = [slow("slow").timeout(3000 * MS), slow("look").read_only().timeout(2000 * MS)];
    let assistant = tools.into_iter().fold(assistant(&model), Assistant::tool);
    let mut call = TestCall::on(Platform::Odfs, assistant);
    let answer = call.say("A pizza!").await;
    answer.expect_text("Sorry.");
    assert!((5000 * MS..5100 * MS).contains(&answer.took()), "{:?}", answer.took());
    let results = conversation(&model).into_iter().filter(|line| line.starts_with("tool"));
    let unknown = "tool: The outcome is unknown: the work was interrupted. Do not call the tool again \
                   without asking the caller.";
    assert_eq!(results.collect::<Vec<_>>(), [unknown, "tool: The tool failed.", unknown]);
    assert!(call.memory().await.own.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_tool_may_run_for_as_long_as_a_hold_and_no_longer() {
    let ran = Ran::default();
    let model = ScriptedModel::new([margherita(), "Sorry.".into()]);
    let limits = Limits::default().with_max_hold(200 * MS).with_hold_timeout(200 * MS);
    let host = Host::builder(assistant(&model).tool(ran.order())).limits(limits).build();
    let mut call = TestCall::on(Platform::Odfs, host);
    call.say("A pizza!").await.expect_text("I am ordering. Sorry.").expect_end();
    assert_eq!(ran.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_only_calls_tools_must_answer_in_the_end() {
    let look = || Tool::new("look", "Looks.", async |_: ToolContext<()>, ()| Ok(json!({"at": 9})));
    let model = ScriptedModel::answering(|request| match request.tools.is_empty() {
        false => Script::new().call("look", "{}"),
        true => "It is nine.".into(),
    });
    let mut call = TestCall::on(Platform::Odfs, assistant(&model).tool(look().read_only()));
    call.say("The time?").await.expect_text("It is nine.");
    assert_eq!(model.requests().len(), 5);
    assert_eq!(conversation(&model)[2], r#"tool: {"at":9}"#);

    let model = ScriptedModel::answering(|_| Script::new().call("look", "{}"));
    let assistant = assistant(&model).tool(look()).max_rounds(1);
    let mut call = TestCall::on(Platform::Odfs, assistant);
    let cause = "the model has not answered in words after 1 rounds of tool calls";
    call.say("The time?").await.expect_failure().expect_cause(cause);
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_offered_only_where_it_fits() {
    #[derive(Default, Serialize, Deserialize)]
    struct Known(bool);

    let learn = async |mut context: ToolContext<Known>, ()| {
        context.memory.0 = true;
        Ok("known")
    };
    let tools = || {
        let known = |call: &callbot::bot::Call<Memory<Known>>| call.memory.own.0;
        [
            Tool::new("learn", "Learns.", learn).only_if(move |call| !known(call)),
            Tool::new("tell", "Tells.", async |_: ToolContext<Known>, ()| Ok(())).only_if(known),
            Tool::hang_up(),
            Tool::gather(Gather::up_to(4)),
            Tool::transfer([
                ("sales", Transfer::to_queue("skg-1")),
                ("the boss", Transfer::to_number("135")),
            ]),
        ]
    };
    for (platform, expected, targets) in [
        (Platform::DigitalEmployee, &["hang_up", "gather_digits", "transfer"][..], &["sales"][..]),
        (Platform::Odfs, &["hang_up", "gather_digits", "transfer"], &["sales", "the boss"]),
        (Platform::AiCall, &["hang_up", "transfer"], &["the boss"]),
        (Platform::Duix, &[], &[]),
        (Platform::DuixStream, &[], &[]),
    ] {
        let model =
            ScriptedModel::new([Script::new().call("learn", "{}"), "So.".into(), "Yes.".into()]);
        let assistant = tools().into_iter().fold(assistant(&model), Assistant::tool);
        let mut call = TestCall::on(platform, assistant);
        call.say("Hello?").await.expect_text("So.").expect_end();
        call.say("Hello?").await.expect_text("Yes.").expect_end();
        let requests = model.requests();
        let names = |number: usize| {
            let tools = requests[number].tools.iter();
            tools.map(|tool| tool.function.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(0), [&["learn"], expected].concat(), "{platform}");
        // Also for the rest of that turn.
        assert_eq!(names(1), [&["tell"], expected].concat(), "{platform}");
        assert_eq!(names(2), names(1), "{platform}");
        let transfer = requests[0].tools.iter().find(|tool| tool.function.name == "transfer");
        let names =
            transfer.map(|tool| tool.function.parameters["properties"]["to"]["enum"].clone());
        assert_eq!(names.unwrap_or(json!([])), json!(targets), "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_words_are_spoken_before_the_line_drops() {
    let say = "Thank you for your call, and have a nice evening! Goodbye.";
    for (script, text) in [
        (Script::new().say(say).call("hang_up", json!({"goodbye": "Bye."})), say),
        (Script::new().call("hang_up", json!({"goodbye": say})), say),
        (Script::new().call("hang_up", json!({"goodbye": ""})), "Goodbye!"),
        (Script::new().call("hang_up", ""), "Goodbye!"),
    ] {
        for platform in [Platform::DigitalEmployee, Platform::Odfs, Platform::AiCall] {
            let model = ScriptedModel::new([script.clone()]);
            let mut call = TestCall::on(platform, assistant::<()>(&model).tool(Tool::hang_up()));
            let answer = call.say("That's all.").await;
            answer.expect_text(text).expect_hang_up().expect_end();
            let delay = answer.hang_up().unwrap().delay.as_secs();
            let expected = match platform {
                Platform::DigitalEmployee => text.len() as u64 / 12 + 1,
                _ => 0,
            };
            assert_eq!(delay, expected, "{platform}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_is_announced_and_a_failed_one_is_told_to_the_model() {
    let transfer = || Tool::transfer([("sales", Transfer::to_queue("skg-1"))]);
    let sales = json!({"to": "sales", "announcement": "I'll put you through."});
    let model = ScriptedModel::new([
        Script::new().call("transfer", json!({"to": "the moon", "announcement": ""})),
        Script::new().call("transfer", sales),
        "They are busy.".into(),
    ]);
    let mut call = TestCall::on(Platform::Odfs, assistant::<()>(&model).tool(transfer()));
    let answer = call.say("Sales, please.").await;
    answer.expect_text("I'll put you through.").expect_transfer(TransferKind::Queue, "skg-1");
    let error = "tool: The arguments are invalid, at $.to: allowed: sales";
    assert_eq!(conversation(&model)[2], error);
    call.transfer_failed().await.expect_text("They are busy.").expect_end();
    assert!(conversation(&model).last().unwrap().starts_with("user: [The transfer failed"));

    let model = ScriptedModel::new([Script::new().call("transfer", json!({"to": "sales"}))]);
    let mut call = TestCall::on(Platform::Odfs, assistant::<()>(&model).tool(transfer()));
    let answer = call.say("Sales, please.").await;
    answer.expect_text("I'm putting you through.").expect_transfer(TransferKind::Queue, "skg-1");
    call.transferred().await.expect_no_speech().expect_end();
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn digits_are_gathered_with_the_first_packet() {
    let arguments = json!({"digits": 9, "prompt": "Please enter your PIN."});
    for (script, text) in [
        (Script::new().call("gather_digits", arguments.clone()), "Please enter your PIN."),
        (
            Script::new()
                .say("Enter ")
                .say("it. ")
                .pause(100 * MS)
                .say("Please.")
                .call("gather_digits", arguments.clone()),
            "Enter it. Please.",
        ),
    ] {
        for platform in [Platform::DigitalEmployee, Platform::Odfs] {
            let model = ScriptedModel::new([script.clone(), "Thank you.".into()]);
            let gather = Tool::gather(Gather::up_to(4).secret());
            let host = assistant::<()>(&model).tool(gather).host().build();
            let mut call = TestCall::on(platform, host);
            call.say("My balance?").await.expect_text(text).expect_gather(4).expect_end();
            call.keys("4711").await.expect_text("Thank you.").expect_end();
            let messages = conversation(&model);
            assert_eq!(messages[2], "tool: done");
            assert_eq!(messages[3], format!("assistant: {text}"));
            let secret = "user: [The caller entered a secret, which only tools can read.]";
            assert_eq!(messages[4], secret);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn text_waits_for_digits_only_until_the_first_packet_is_due() {
    let model = ScriptedModel::new([
        Script::new()
            .say("Let me see. ")
            .pause(800 * MS)
            .say("Enter it.")
            .call("gather_digits", json!({"digits": 4, "prompt": ""})),
        "Please say your number.".into(),
    ]);
    let assistant = assistant::<()>(&model).tool(Tool::gather(Gather::up_to(4)));
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant);
    let answer = call.say("My balance?").await;
    answer.expect_text("Let me see. Enter it. Please say your number.").expect_end();
    assert_eq!(answer.first_packet(), Some(550 * MS));
    let refused = conversation(&model).pop().unwrap();
    assert!(refused.starts_with("tool: The tool failed: gathering DTMF digits is allowed in"));
}

#[tokio::test(start_paused = true)]
async fn a_tool_reads_a_secret_and_ends_the_call() {
    let check = async |context: ToolContext<()>, ()| match &context.input {
        Input::Dtmf(pin) if pin == "4711" => Ok("the PIN is right"),
        _ => {
            context.hang_up_with(HangUp::new().with_delay(Duration::from_secs(3)));
            Ok("the PIN is wrong, and the line drops after your next words")
        }
    };
    let model = ScriptedModel::new([
        Script::new().call("gather_digits", json!({"digits": 4, "prompt": "Your PIN?"})),
        Script::new().call("check_pin", "{}"),
        "That is wrong. Goodbye.".into(),
    ]);
    let assistant = assistant::<()>(&model)
        .tool(Tool::gather(Gather::up_to(4).secret()))
        .tool(Tool::new("check_pin", "Checks the PIN that the caller has entered.", check));
    let mut call = TestCall::on(Platform::Odfs, assistant);
    call.say("My balance?").await.expect_gather(4);
    call.keys("0815").await.expect_text("That is wrong. Goodbye.").expect_hang_up().expect_end();
    assert!(!format!("{:?}", model.conversation()).contains("0815"));
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_tool_call_is_the_same_if_the_turn_is_repeated() {
    let keys = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = keys.clone();
    let tool = Tool::new("order", "Orders.", move |context: ToolContext<()>, ()| {
        seen.lock().unwrap().push(context.key().to_owned());
        async { Err::<(), _>("the line is dead".into()) }
    });
    let order = || Script::new().call("order", "{}");
    let model = ScriptedModel::new([
        Script::new().fail(500, "broken"),
        order(),
        "Sorry.".into(),
        order(),
        "Sorry.".into(),
    ]);
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant::<()>(&model).tool(tool));
    call.say("A pizza!").await.expect_failure();
    call.repeat().await.expect_text("Sorry.");
    call.say("A pizza!").await.expect_text("Sorry.");
    let keys = keys.lock().unwrap();
    let [first, second] = &keys[..] else { panic!("{keys:?}") };
    assert!(first.starts_with(&call.key().to_string()) && first.ends_with("/0.0"), "{first}");
    assert_ne!(first, second);
}
