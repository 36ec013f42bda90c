//! The summary of a call, as an event at its end, and the spans of models and tools.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::bot::testing::TestCall;
use callbot::bot::{Ended, Platform};
use callbot::llm::testing::{Script, ScriptedModel};
use callbot::llm::{Assistant, Model, Tool, ToolContext};
use callbot::observe::{Event, FirstPackets, Observer};

use crate::support::spans::{Seen, spanned};

/// Keeps the summaries, without the ids, and the names of the events after them.
#[derive(Default)]
struct Summaries(Mutex<Vec<String>>);

impl Observer for Summaries {
    fn observe(&self, event: &Event<'_>) {
        let mut kept = self.0.lock().unwrap();
        match event {
            Event::CallSummary(summary) => {
                assert_eq!(summary.platform, Platform::DigitalEmployee);
                assert!(summary.call.to_string().starts_with("digital-employee/"));
                let FirstPackets { min, median, max, .. } = summary.first_packets.unwrap();
                kept.push(format!(
                    "{}: {} turns, {} cut, {} apologies; {} requests, {} fallbacks, {} tools; \
                     {}+{} tokens; {min:?} {median:?} {max:?}",
                    summary.why,
                    summary.turns,
                    summary.cuts,
                    summary.apologies,
                    summary.requests,
                    summary.fallbacks,
                    summary.tool_calls,
                    summary.prompt_tokens,
                    summary.completion_tokens,
                ));
            }
            Event::CallEnded(ended) => kept.push(ended.why.as_str().into()),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_summary() {
    let ms = Duration::from_millis;
    let first = ScriptedModel::new([
        Script::new().pause(ms(100)).call("look", "{}").usage(10, 1),
        Script::new().pause(ms(100)).say("It is nine.").usage(20, 2),
        Script::new().pause(ms(300)).say("It is ten."),
        Script::new().fail(500, "broken"),
        Script::new().fail(500, "broken"),
        Script::new().pause(ms(400)).say("Goodbye.").usage(30, 3),
    ]);
    let second = ScriptedModel::new([
        Script::new().fail(500, "broken, too"),
        Script::new().pause(ms(50)).say("It is eleven.").usage(100, 10),
    ]);
    let model = |scripted: &ScriptedModel| Model::new(scripted.client(), "large");
    let look = async |_: ToolContext<()>, ()| Ok("a clock");
    let assistant = Assistant::new(model(&first))
        .fallback(model(&second))
        .tool(Tool::new("look", "Looks at the clock.", look).read_only());
    let summaries = Arc::new(Summaries::default());
    let host = assistant.host().observer(summaries.clone()).build();
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    call.say("What time is it?").await.expect_text("It is nine.");
    call.say("And now?").await.expect_text("It is ten.");
    call.barge_in("It is").await;
    call.say("And now?").await.expect_speech("I'm sorry").expect_end();
    call.say("And now?").await.expect_text("It is eleven.");
    call.say("Bye.").await.expect_speech("Goodbye.");
    call.end().await;
    tokio::time::sleep(ms(1)).await;
    let summary = format!(
        "{}: 4 turns, 1 cut, 1 apologies; 6 requests, 1 fallbacks, 1 tools; \
         160+16 tokens; 50ms 200ms 385ms",
        Ended::ByCaller
    );
    assert_eq!(*summaries.0.lock().unwrap(), [summary, "by_caller".into()]);
}

#[tokio::test(start_paused = true)]
async fn requests_to_models_and_tool_calls_have_spans_in_that_of_their_turn() {
    let (spans, _guard) = spanned();
    let model = ScriptedModel::new([
        Script::new().call("look", "{}").usage(10, 1),
        Script::new().say("It is nine."),
    ]);
    let look = async |_: ToolContext<()>, ()| {
        tracing::info!("looked at the clock");
        Ok("a clock")
    };
    let assistant = Assistant::new(Model::new(model.client(), "large")).tool(Tool::new(
        "look",
        "Looks at the clock.",
        look,
    ));
    let mut call = TestCall::on(Platform::DigitalEmployee, assistant);
    call.say("What time is it?").await.expect_text("It is nine.").expect_end();

    let all = spans.all();
    let parent = |span: &Seen| &all[span.parent.unwrap()];
    let field = |span: &Seen, name: &str| span.fields.get(name).cloned();
    let models = spans.named("model");
    let tokens = [(Some("10"), Some("1")), (None, None)];
    assert_eq!(models.len(), tokens.len());
    for ((_, span), (input, output)) in models.iter().zip(tokens) {
        assert_eq!((&*span.target, &*parent(span).name), ("callbot::model", "turn"));
        assert_eq!(field(span, "otel.name").as_deref(), Some("chat large"));
        assert_eq!(field(span, "otel.kind").as_deref(), Some("client"));
        assert_eq!(field(span, "gen_ai.operation.name").as_deref(), Some("chat"));
        assert_eq!(field(span, "gen_ai.request.model").as_deref(), Some("large"));
        assert_eq!(field(span, "gen_ai.usage.input_tokens").as_deref(), input);
        assert_eq!(field(span, "gen_ai.usage.output_tokens").as_deref(), output);
        assert!(span.closed);
    }
    // The platform's client has attempts, too.
    let mut attempts = spans.named("attempt");
    attempts
        .retain(|(_, span)| field(span, "operation").as_deref() == Some("createChatCompletion"));
    let parents: Vec<_> = attempts.iter().map(|(_, span)| span.parent).collect();
    assert_eq!(parents, [Some(models[0].0), Some(models[1].0)]);

    let tools = spans.named("tool");
    let [(_, tool)] = &tools[..] else { panic!("{tools:?}") };
    assert_eq!((&*tool.target, &*parent(tool).name), ("callbot::model", "turn"));
    assert_eq!(field(tool, "otel.name").as_deref(), Some("execute_tool look"));
    assert_eq!(field(tool, "gen_ai.operation.name").as_deref(), Some("execute_tool"));
    assert_eq!(field(tool, "gen_ai.tool.name").as_deref(), Some("look"));
    assert_eq!((&tool.events[..], tool.closed), (&["looked at the clock".to_owned()][..], true));
}
