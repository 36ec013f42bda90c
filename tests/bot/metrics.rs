//! What `Metrics` counts of the turns and calls of a host, as Prometheus reads it.
#![cfg(feature = "metrics")]

use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Call, Host, Input, MemoryStore, Platform, Reply, Result};
use callbot::observe::{BUCKETS_SECONDS, Metrics};
use metrics::{LocalRecorderGuard, set_default_local_recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use tokio::time::sleep;

use crate::support::bots::*;

/// The recorder of a test. It records what happens in the test's thread.
struct Recorded {
    handle: PrometheusHandle,
    _guard: LocalRecorderGuard<'static>,
}

impl Recorded {
    fn new() -> Self {
        let seconds = Matcher::Suffix("_seconds".into());
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(seconds, &BUCKETS_SECONDS).unwrap();
        // The guard borrows it. A test has one, and ends with its process.
        let recorder: &'static PrometheusRecorder = Box::leak(Box::new(builder.build_recorder()));
        Self { handle: recorder.handle(), _guard: set_default_local_recorder(recorder) }
    }

    /// Returns the value of a sample, by its name with its labels; `None` if it was never set.
    fn value(&self, sample: &str) -> Option<f64> {
        value(&self.handle, sample)
    }

    #[track_caller]
    fn expect(&self, samples: &[(&str, f64)]) {
        for (sample, expected) in samples {
            assert_eq!(self.value(sample), Some(*expected), "{sample}\n{}", self.handle.render());
        }
    }
}

fn value(handle: &PrometheusHandle, sample: &str) -> Option<f64> {
    let samples = handle.render();
    let value = samples.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    Some(value.parse().unwrap())
}

/// Does what it is told, and reports how many turns ran in the middle of each one.
struct Told {
    handle: PrometheusHandle,
}

impl Bot for Told {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> Result {
        reply.say("Hello!").await
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        let sample = format!("callbot_turns_running{{platform=\"{}\"}}", reply.platform());
        assert_eq!(value(&self.handle, &sample), Some(1.0));
        let Input::Speech(text) = input else { return Ok(()) };
        match text.as_str() {
            "crash" => panic!("as it was told to"),
            "think" => sleep(3600 * SECOND).await,
            "hesitate" => sleep(500 * MS).await,
            _ => {}
        }
        reply.say("Good.").await?;
        reply.flush().await?;
        if text == "talk" {
            sleep(3600 * SECOND).await;
        }
        reply.say(" Day.").await
    }
}

fn told(recorded: &Recorded) -> Told {
    Told { handle: recorded.handle.clone() }
}

#[tokio::test(start_paused = true)]
async fn on_every_platform_turns_count_by_outcome_and_no_gauge_drifts() {
    for platform in Platform::ALL {
        let recorded = Recorded::new();
        let host = Host::builder(told(&recorded)).observer(Metrics::new()).build();
        let mut call = TestCall::on(platform, host);
        let greets = platform.capabilities().greets;
        if greets {
            call.begin().await;
        }
        call.say("good day").await.expect_text("Good. Day.");
        call.say("crash").await;
        call.say("think").await;
        let sample =
            |name: &str, labels: &str| format!("{name}{{platform=\"{platform}\"{labels}}}");
        let answered = 1.0 + f64::from(u8::from(greets));
        // `duix` stands for both kinds in the metrics of calls.
        let calls = format!("callbot_calls{{platform=\"{}\"}}", platform.name());
        recorded.expect(&[
            (&sample("callbot_turns_total", ",outcome=\"answered\""), answered),
            (&sample("callbot_turns_total", ",outcome=\"failed\""), 2.0),
            (&sample("callbot_turn_failures_total", ",failure=\"panic\""), 1.0),
            (&sample("callbot_turn_failures_total", ",failure=\"deadline\""), 1.0),
            (&sample("callbot_turn_inputs_total", ",input=\"speech\""), 3.0),
            (&sample("callbot_turn_seconds_count", ""), answered + 2.0),
            (&sample("callbot_cuts_total", ",cause=\"deadline\""), 1.0),
            (&sample("callbot_turns_running", ""), 0.0),
            (&calls, 1.0),
            ("callbot_cancel_seconds_count", 1.0),
        ]);
        call.host().shutdown(SECOND).await;
        let ended = format!(
            "callbot_calls_ended_total{{platform=\"{}\",why=\"shutdown\"}}",
            platform.name()
        );
        recorded.expect(&[(&calls, 0.0), (&ended, 1.0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_barge_in_is_a_cut_and_its_turn_no_longer_runs() {
    let recorded = Recorded::new();
    let host = Host::builder(told(&recorded)).observer(Metrics::new()).build();
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    call.begin().await;
    let mut turn = call.start("talk").await;
    turn.until_speech("Good.").await;
    turn.barge_in("Good.").await;
    let platform = "platform=\"digital-employee\"";
    recorded.expect(&[
        (&format!("callbot_turns_total{{{platform},outcome=\"cut\"}}"), 1.0),
        (&format!("callbot_cuts_total{{{platform},cause=\"barge_in\"}}"), 1.0),
        (&format!("callbot_turns_running{{{platform}}}"), 0.0),
        ("callbot_cancel_seconds_count", 1.0),
    ]);
    call.end().await;
    recorded.expect(&[
        (&format!("callbot_calls{{{platform}}}"), 0.0),
        (&format!("callbot_calls_ended_total{{{platform},why=\"by_caller\"}}"), 1.0),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_makes_room_for_another_leaves_the_gauge() {
    let recorded = Recorded::new();
    let store = MemoryStore::new().max_calls(1);
    let host = Host::builder(told(&recorded)).store(store).observer(Metrics::new()).build();
    for _ in 0..3 {
        TestCall::on(Platform::Duix, host.clone()).say("good day").await;
    }
    recorded.expect(&[
        ("callbot_calls{platform=\"duix\"}", 1.0),
        ("callbot_calls_ended_total{platform=\"duix\",why=\"evicted\"}", 2.0),
        ("callbot_store_seconds_count{operation=\"evict\",outcome=\"ok\"}", 2.0),
        ("callbot_store_seconds_count{operation=\"open\",outcome=\"full\"}", 2.0),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_first_packet_on_time_is_below_the_bound_of_its_limit() {
    let recorded = Recorded::new();
    let host = Host::builder(told(&recorded)).observer(Metrics::new()).build();
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    call.begin().await;
    call.say("good day").await;
    call.say("hesitate").await.expect_text("Good. Day.");
    // The failure answer of a late turn is not a packet.
    call.say("think").await.expect_failure();
    let bucket = |bound: &str| {
        format!(
            "callbot_first_packet_seconds_bucket{{platform=\"digital-employee\",le=\"{bound}\"}}"
        )
    };
    recorded.expect(&[
        (&bucket("0.4"), 2.0),
        (&bucket("0.6"), 3.0),
        ("callbot_first_packet_seconds_count{platform=\"digital-employee\"}", 3.0),
    ]);
}
