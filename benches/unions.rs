//! Compares reading a tagged union: the compiled open one, and serde's closed ones with the same structs.
#![allow(missing_docs)]

use callbot::digital_employee::{Control, GatherDtmf, HangUp, Transfer, Voice};
use criterion::{Criterion, criterion_group, criterion_main};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "type")]
#[allow(dead_code)]
enum Tagged {
    HangUp(HangUp),
    Transfer(Transfer),
    GatherDtmf(GatherDtmf),
    Voice(Voice),
}

#[derive(Deserialize)]
#[serde(untagged)]
#[allow(dead_code)]
enum Untagged {
    GatherDtmf(GatherDtmf),
    Transfer(Transfer),
    Voice(Voice),
    HangUp(HangUp),
}

fn unions(criterion: &mut Criterion) {
    for (name, json) in [
        ("hang up", r#"{"type":"HangUp","delay":2,"reason":"done"}"#),
        (
            "voice",
            r#"{"type":"Voice","interruptible":true,"silenceDetectionTimeout":5,"synthesizerConfig":{"voice":"voice-1","volume":50,"pitchRate":0,"speechRate":0}}"#,
        ),
    ] {
        let mut group = criterion.benchmark_group(format!("union, {name}"));
        group.bench_function("compiled", |bencher| {
            bencher.iter(|| serde_json::from_str::<Control>(json).unwrap());
        });
        group.bench_function("serde, tagged", |bencher| {
            bencher.iter(|| serde_json::from_str::<Tagged>(json).unwrap());
        });
        group.bench_function("serde, untagged", |bencher| {
            bencher.iter(|| serde_json::from_str::<Untagged>(json).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, unions);
criterion_main!(benches);
