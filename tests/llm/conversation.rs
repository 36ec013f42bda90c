//! What the model gets, and what the caller hears of its answers.

use std::time::Duration;

use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Call, Ended, Gather, Host, Input, Platform, Reply, Result};
use callbot::chat::Message;
use callbot::llm::testing::{Script, ScriptedModel};
use callbot::llm::{Assistant, Memory, Model, Phrases, Silence};

const MS: Duration = Duration::from_millis(1);

fn assistant(model: &ScriptedModel) -> Assistant {
    Assistant::new(Model::new(model.client(), "large")).system("You sell pizza.")
}

/// The messages of the newest request, without the instructions.
fn conversation(model: &ScriptedModel) -> Vec<String> {
    model.conversation().split_off(1)
}

#[tokio::test(start_paused = true)]
async fn the_model_gets_the_instructions_and_the_history() {
    let check = async |call: &mut TestCall<Assistant>, model: &ScriptedModel| {
        call.say("Hello?").await.expect_text("Which pizza?").expect_end();
        call.say("Margherita.").await.expect_text("It is ready at nine.").expect_end();
        let texts = conversation(model);
        let greeted = call.can().greets.then_some("assistant: Pizzeria!");
        let expected = ["user: Hello?", "assistant: Which pizza?", "user: Margherita."];
        assert_eq!(texts, greeted.into_iter().chain(expected).collect::<Vec<_>>());
    };
    for platform in Platform::ALL {
        let model = ScriptedModel::new(["Which pizza?", "It is ready at nine."]);
        let mut call = TestCall::on(platform, assistant(&model).greeting("Pizzeria!"));
        check(&mut call, &model).await;
        let requests = model.requests();
        let request = &requests[0];
        assert_eq!(request.model.as_deref(), Some("large"));
        let instructions = request.messages[0].text();
        assert!(instructions.starts_with("You sell pizza.\n\nYou are on a phone call."));
        assert!(request.tools.is_empty() && request.stream_options.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_was_cut_is_in_the_conversation_as_far_as_it_was_heard() {
    let model = ScriptedModel::new(["Today the sun shines. Tomorrow it rains.", "And it snows."]);
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant(&model));
    call.say("The weather?").await.expect_end();
    call.barge_in("Today the sun shines").await;
    call.say("And then?").await.expect_text("And it snows.");
    let expected = [
        "user: The weather?",
        "assistant: Today the sun shines",
        "user: [The caller interrupted you here.] And then?",
    ];
    assert_eq!(conversation(&model), expected);
}

#[tokio::test(start_paused = true)]
async fn a_barge_in_drops_the_request_and_what_was_not_heard_is_not_in_the_conversation() {
    let slow = Script::new().say("One. ").say("Two. ").pause(100 * MS).say("Three. ").stall();
    let model = ScriptedModel::new([slow, "Yes?".into(), "Bye.".into()]);
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant(&model));
    let mut turn = call.start("Count!").await;
    turn.until_speech("Two.").await;
    turn.barge_in("").await.expect_end();
    model.until_abandoned(1).await;
    call.say("Stop!").await.expect_text("Yes?");
    let expected = ["user: Count!\n[The caller interrupted before you said anything.] Stop!"];
    assert_eq!(conversation(&model), expected);
}

#[tokio::test(start_paused = true)]
async fn fillers_and_apologies_are_not_the_words_of_the_model() {
    let model = ScriptedModel::new([
        Script::new().pause(500 * MS).say("Hello."),
        Script::new().fail(500, "overloaded"),
        "Yes.".into(),
    ]);
    let host = assistant(&model).host().build();
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    call.say("One?").await.expect_text("One moment. Hello.");
    let sorry = "I'm sorry, something went wrong. Please say that again.";
    call.say("Two?").await.expect_text(sorry).expect_cause("overloaded");
    call.say("Three?").await.expect_text("Yes.");
    let expected = ["user: One?", "assistant: Hello.", "user: Two?\nThree?"];
    assert_eq!(conversation(&model), expected);
}

#[tokio::test(start_paused = true)]
async fn inputs_without_speech_are_notes_in_brackets() {
    let model = ScriptedModel::answering(|_| "Yes.".into());
    let mut call = TestCall::on(Platform::Odfs, assistant(&model).silence(Silence::Model));
    for (input, text) in [
        (Input::Dtmf("42".into()), "user: [pressed the keys 42]"),
        (Input::Silence, "user: [silence]"),
        (Input::NoMatch, "user: [not understood]"),
    ] {
        let answer = match input {
            Input::Dtmf(keys) => call.keys(keys).await,
            Input::Silence => call.silence().await,
            _ => call.no_match().await,
        };
        answer.expect_text("Yes.").expect_end();
        assert_eq!(conversation(&model).last().unwrap(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_input_never_reaches_the_model() {
    /// Asks for a PIN in its first turn. The model has the rest.
    struct Bank(Assistant);

    impl Bot for Bank {
        type Memory = Memory<()>;

        async fn turn(
            &self,
            call: &mut Call<Memory<()>>,
            input: Input,
            reply: &mut Reply,
        ) -> Result {
            if call.history.iter().any(|entry| entry.input.is_some()) {
                return self.0.answer(call, input, reply).await;
            }
            reply.say("Your PIN?").await?;
            reply.gather(Gather::up_to(4).secret()).await
        }
    }

    let model = ScriptedModel::answering(|_| "Thank you.".into());
    let mut call = TestCall::on(Platform::Odfs, Bank(assistant(&model)));
    call.say("Hello?").await.expect_gather(4);
    call.keys("4711").await.expect_text("Thank you.");
    call.say("And now?").await.expect_text("Thank you.");
    let secret = "user: [The caller entered a secret, which only tools can read.]";
    let expected = ["user: Hello?", "assistant: Your PIN?", secret, "assistant: Thank you."];
    assert_eq!(conversation(&model)[..4], expected);
    assert!(!format!("{:?}", model.requests()).contains("4711"));
}

#[tokio::test(start_paused = true)]
async fn the_oldest_turns_are_left_out() {
    let model =
        ScriptedModel::answering(|request| format!("Answer {}.", request.messages.len()).into());
    let few = assistant(&model).max_entries(2);
    let mut call = TestCall::on(Platform::Odfs, few);
    for number in 0..6 {
        call.say(format!("Question {number}?")).await.expect_end();
    }
    let expected = [
        "user: Question 3?",
        "assistant: Answer 6.",
        "user: Question 4?",
        "assistant: Answer 6.",
        "user: Question 5?",
    ];
    assert_eq!(conversation(&model), expected);

    // The note for the phone alone has more tokens than that: only the turn that runs is left.
    let short = assistant(&model).max_tokens(10);
    let mut call = TestCall::on(Platform::Odfs, short);
    call.say("一二三").await.expect_end();
    call.say("四五六").await.expect_end();
    assert_eq!(conversation(&model), ["user: 四五六"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_model_thinks_is_not_spoken() {
    let model = ScriptedModel::new([
        Script::new().think("She wants pizza.").say("Which pizza?"),
        Script::new()
            .say("<thi")
            .say("nk>She wants")
            .say(" Margherita.</think>\n\nIn ten minutes."),
    ]);
    let mut call = TestCall::on(Platform::DuixStream, assistant(&model));
    call.say("Hello?").await.expect_text("Which pizza?");
    call.say("Margherita.").await.expect_text("In ten minutes.");
}

#[tokio::test(start_paused = true)]
async fn marks_are_not_spoken_unless_they_are_asked_for() {
    let text = "**Two** pizzas: [the menu](https://example.com/menu). 😊";
    for (speakable, expected) in [(true, "Two pizzas: the menu."), (false, text)] {
        let model = ScriptedModel::new([Script::new().say_slowly(text, MS), "Yes.".into()]);
        let mut call = TestCall::on(Platform::Odfs, assistant(&model).speakable(speakable));
        let answer = call.say("Hello?").await;
        assert_eq!(answer.text().trim(), expected);
        // The model gets what was spoken.
        call.say("Really?").await.expect_text("Yes.");
        assert_eq!(conversation(&model)[1], format!("assistant: {expected}"));
    }
}

#[tokio::test(start_paused = true)]
async fn sentences_go_out_as_they_end_and_an_endless_one_by_the_budget() {
    let words = "It is ten euros. Anything else for you? ";
    let model = ScriptedModel::new([
        Script::new().say_slowly(words, 40 * MS),
        Script::new().say_slowly("and so on and on and on and on and on and on and on", 100 * MS),
    ]);
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant(&model));
    let answer = call.say("How much?").await;
    // The word after the sentence shows that it is over. That word itself ends with the next one.
    answer.expect_text(words).expect_within(240 * MS);
    assert_eq!(answer.packets(), 2);
    let answer = call.say("Why?").await;
    answer.expect_within(550 * MS).expect_speech("and so on and on and on").expect_end();
}

#[tokio::test(start_paused = true)]
async fn a_silent_caller_is_asked_twice_and_then_the_assistant_hangs_up() {
    for platform in [Platform::DigitalEmployee, Platform::Odfs] {
        let model = ScriptedModel::answering(|_| "Yes.".into());
        let mut call = TestCall::on(platform, assistant(&model).phrases(Phrases::chinese()));
        for _ in 0..2 {
            let answer = call.silence().await;
            answer.expect_text("请问您还在吗？").expect_end();
            assert!(answer.hang_up().is_none());
            call.silence().await.expect_text("我听不到您的声音，请问您还在吗？").expect_end();
            call.say("Hello?").await.expect_text("Yes.").expect_end();
        }
        for _ in 0..2 {
            assert!(call.silence().await.hang_up().is_none());
        }
        call.silence().await.expect_text("再见！").expect_hang_up().expect_end();
        assert_eq!(model.requests().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bot_of_its_own_lets_the_assistant_answer() {
    struct Shop(Assistant<u32>);

    impl Bot for Shop {
        type Memory = Memory<u32>;

        async fn turn(
            &self,
            call: &mut Call<Memory<u32>>,
            input: Input,
            reply: &mut Reply,
        ) -> Result {
            call.memory.own += 1;
            match input {
                Input::Speech(text) if text == "closed?" => reply.say("At nine.").await,
                input => self.0.answer(call, input, reply).await,
            }
        }

        async fn ended(&self, call: &mut Call<Memory<u32>>, why: Ended) -> Result {
            self.0.ended(call, why).await
        }
    }

    let model = ScriptedModel::answering(|_| "Hello.".into());
    let shop = || Host::new(Shop(Assistant::with_memory(Model::new(model.client(), "large"))));
    TestCall::everywhere(shop, async |call| {
        call.say("closed?").await.expect_text("At nine.");
        call.say("Hello?").await.expect_text("Hello.");
        assert_eq!(call.memory().await.own, 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn instructions_can_be_made_for_each_call() {
    let model = ScriptedModel::answering(|_| "Hello.".into());
    let bot = Assistant::new(Model::new(model.client(), "large").request(|mut request| {
        request.messages.push(Message::system("At the end."));
        request.with_temperature(0.2)
    }));
    let bot = bot.system_with(|call| format!("The caller is {:?}.", call.info.platform));
    let mut call = TestCall::on(Platform::Odfs, bot);
    call.say("Hello?").await.expect_text("Hello.");
    let conversation = model.conversation();
    assert!(conversation[0].starts_with("system: The caller is Odfs.\n"));
    assert_eq!(conversation.last().unwrap(), "system: At the end.");
    assert_eq!(model.requests()[0].temperature, Some(0.2));
}
