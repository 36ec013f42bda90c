//! The names, labels and descriptions of the metrics are those of the table.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    with_local_recorder,
};

use super::*;
use crate::bot::{Budget, CallKey, Cause, Ended, Platform, TurnId};
use crate::observe::{
    AgentStarted, AgentStopped, InputKind, RefusalReason, Refused, StoreOperationKind,
    StoreOutcome, TurnFailure, TurnOutcome, UpstreamOutcome, UpstreamRequest,
};

/// Keeps the kind, the name and the labels of each metric, and what the gauges were set to.
#[derive(Default)]
struct Seen {
    described: Mutex<BTreeSet<(&'static str, String)>>,
    used: Mutex<BTreeSet<(&'static str, String, Vec<String>)>>,
    gauges: Arc<Mutex<Vec<f64>>>,
}

impl Seen {
    fn describe(&self, kind: &'static str, name: &KeyName, unit: Option<Unit>, text: &str) {
        assert!(unit.is_some() && text.ends_with('.'), "{}", name.as_str());
        self.described.lock().insert((kind, name.as_str().to_owned()));
    }

    fn register(&self, kind: &'static str, key: &Key) {
        let labels = key.labels().map(|label| label.key().to_owned()).collect();
        self.used.lock().insert((kind, key.name().to_owned(), labels));
    }
}

struct Set(Arc<Mutex<Vec<f64>>>);

impl GaugeFn for Set {
    fn increment(&self, _: f64) {
        panic!("a gauge is set, not changed");
    }

    fn decrement(&self, _: f64) {
        panic!("a gauge is set, not changed");
    }

    fn set(&self, value: f64) {
        self.0.lock().push(value);
    }
}

impl Recorder for Seen {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe("counter", &key, unit, &text);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe("gauge", &key, unit, &text);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe("histogram", &key, unit, &text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.register("counter", key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.register("gauge", key);
        Gauge::from_arc(Arc::new(Set(self.gauges.clone())))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.register("histogram", key);
        Histogram::noop()
    }
}

/// Returns the kind, the name and the labels of each line of the table.
fn table() -> BTreeSet<(&'static str, String, Vec<String>)> {
    let lines = include_str!("../metrics.rs").lines();
    let lines = lines.filter_map(|line| line.strip_prefix("/// | `callbot_"));
    let rows = lines.map(|line| {
        let mut cells = line.split('|');
        let name = cells.next().unwrap().trim().trim_end_matches('`');
        let kinds = ["counter", "gauge", "histogram"];
        let kind = cells.next().unwrap().trim();
        let kind = kinds.into_iter().find(|known| *known == kind).unwrap();
        let labels = cells.next().unwrap().split(',').map(|label| label.trim().trim_matches('`'));
        let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned).collect();
        (kind, format!("callbot_{name}"), labels)
    });
    rows.collect()
}

const MS: Duration = Duration::from_millis(1);

/// Observes one event of each kind.
fn observe_all(metrics: &Metrics) {
    let call = &CallKey::new(Platform::DuixStream, "c-1");
    let turn = &TurnId::new("t-1");
    let (platform, input) = (Platform::DuixStream, InputKind::Speech);
    let ended = TurnEnded {
        platform,
        call,
        turn,
        input,
        outcome: TurnOutcome::Apology,
        cause: Some(Cause::Deadline),
        failure: Some(TurnFailure::Deadline),
        first_packet: Some(MS),
        first_by: Some(FirstBy::Filler),
        duration: MS,
        packets: 2,
        bytes: 9,
        budget: Budget::DUIX,
        store_time: MS,
        hold_wait: MS,
        repeated: false,
        requests: 2,
    };
    let store = StoreOperation {
        operation: StoreOperationKind::Open,
        duration: MS,
        outcome: StoreOutcome::Ok,
    };
    let request = UpstreamRequest {
        operation: "getToken",
        status: Some(200),
        outcome: UpstreamOutcome::Ok,
        attempts: 2,
        duration: MS,
    };
    let refused =
        Refused { platform: "duix", operation: None, status: 401, reason: RefusalReason::Token };
    let why = Ended::ByCaller;
    for event in [
        Event::CallBegun(&CallBegun { platform, call }),
        Event::TurnStarted(&TurnStarted { platform, call, turn, input }),
        Event::TurnEnded(&ended),
        Event::TurnCut(&TurnCut { platform, call, turn, cause: Cause::Deadline, latency: MS }),
        Event::HoldBroken(&HoldBroken { platform, call, turn, after: None, dropped: true }),
        Event::StoreOperation(&store),
        Event::CallEnded(&CallEnded { platform, call, why, turns: 1, duration: Some(MS) }),
        #[cfg(feature = "llm")]
        Event::CallSummary(&summary(call)),
        Event::Refused(&refused),
        Event::AgentStarted(&AgentStarted { instance: "i-1", operation: "start" }),
        Event::AgentStopped(&AgentStopped { instance: "i-1", operation: "stop" }),
        Event::UpstreamRequest(&request),
    ] {
        metrics.observe(&event);
    }
}

#[cfg(feature = "llm")]
fn summary(call: &CallKey) -> crate::observe::CallSummary<'_> {
    crate::observe::CallSummary {
        platform: Platform::DuixStream,
        call,
        why: Ended::ByCaller,
        turns: 1,
        cuts: 0,
        apologies: 0,
        first_packets: None,
        requests: 2,
        fallbacks: 1,
        tool_calls: 1,
        prompt_tokens: 10,
        completion_tokens: 5,
    }
}

#[cfg(feature = "llm")]
#[test]
fn the_table_has_all_metrics_with_their_kinds_and_labels() {
    let seen = Seen::default();
    with_local_recorder(&seen, || observe_all(&Metrics::new()));
    assert_eq!(*seen.used.lock(), table());
}

#[test]
fn each_metric_has_a_description_and_a_unit() {
    let seen = Seen::default();
    with_local_recorder(&seen, Metrics::describe);
    let described = seen.described.lock().clone();
    assert_eq!(described, table().into_iter().map(|(kind, name, _)| (kind, name)).collect());
}

#[test]
fn a_gauge_is_right_even_if_the_exporter_is_installed_late_and_is_shared_by_clones() {
    let metrics = Metrics::new();
    let call = &CallKey::new(Platform::Odfs, "c-1");
    let begun = CallBegun { platform: Platform::Odfs, call };
    let begun = Event::CallBegun(&begun);
    metrics.observe(&begun);
    let seen = Seen::default();
    with_local_recorder(&seen, || metrics.clone().observe(&begun));
    assert_eq!(*seen.gauges.lock(), [2.0]);
}

#[test]
fn a_call_that_begins_as_one_kind_of_duix_and_ends_as_the_other_leaves_the_gauge_at_zero() {
    let seen = Seen::default();
    let metrics = Metrics::new();
    let call = &CallKey::new(Platform::DuixStream, "c-1");
    let begun = CallBegun { platform: Platform::DuixStream, call };
    let (platform, why) = (Platform::Duix, Ended::Expired);
    let ended = CallEnded { platform, call, why, turns: 1, duration: None };
    with_local_recorder(&seen, || {
        metrics.observe(&Event::CallBegun(&begun));
        metrics.observe(&Event::CallEnded(&ended));
    });
    assert_eq!(*seen.gauges.lock(), [1.0, 0.0]);
}

#[test]
fn the_limits_of_the_platforms_are_bounds_of_buckets() {
    assert!(BUCKETS_SECONDS.is_sorted());
    for budget in Platform::ALL.map(Platform::budget) {
        for limit in [budget.begin, budget.first_packet, budget.whole].into_iter().flatten() {
            assert!(BUCKETS_SECONDS.contains(&limit.as_secs_f64()), "{limit:?}");
        }
    }
}
