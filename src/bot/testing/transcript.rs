//! The transcript of a call, written while the call goes on.

use std::borrow::Cow;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::awaited::Wrong;
use crate::bot::capabilities::Platform;
use crate::bot::controls::{Gather, HangUp, Native, SpeechSettings, Transfer};
use crate::bot::history::{Ending, hidden};
use crate::bot::input::CallKey;
use crate::lock::Mutex;
use crate::server::watch::{Part, Watch};

/// The transcript of a call.
pub(super) struct Transcript {
    pub platform: Platform,
    key: CallKey,
    steps: Mutex<Vec<Arc<Step>>>,
    /// Whether it has been printed with a failure.
    pub shown: AtomicBool,
}

/// A step of the caller or the platform, with the answer to it.
pub(super) struct Step {
    /// The number in the transcript, starting at 1.
    pub number: usize,
    start: Instant,
    record: Mutex<Record>,
    news: Notify,
}

/// A step and the answer so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// The step, as text.
    pub caller: String,
    /// What the caller says or presses, if it is secret: the transcript must not show it.
    pub secret: Option<String>,
    pub text: String,
    pub packets: usize,
    pub speech: Option<SpeechSettings>,
    pub gather: Option<Gather>,
    pub transfer: Option<Transfer>,
    pub hang_up: Option<HangUp>,
    pub native: Option<Native>,
    /// The failure that the platform sees.
    pub failure: Option<String>,
    /// Why the bot failed, which the platform does not see.
    pub causes: Vec<String>,
    /// The cause that the handler gave, which counts unless that of its turn is known.
    handler_cause: Option<String>,
    turn_failed: bool,
    /// Why this platform has no such event.
    pub unsupported: Option<String>,
    /// Why the step is not possible now.
    pub misuse: Option<String>,
    /// The barge-in of the caller, with what the platform reported as heard.
    pub barged_in: Option<Option<String>>,
    pub first: Option<Duration>,
    pub took: Duration,
    pub ended: bool,
}

impl Transcript {
    pub(super) fn new(platform: Platform, key: CallKey) -> Self {
        Self { platform, key, steps: Mutex::default(), shown: AtomicBool::new(false) }
    }

    pub(super) fn step(&self, caller: impl Into<String>) -> Arc<Step> {
        let mut steps = self.steps.lock();
        let record = Record { caller: caller.into(), ..Record::default() };
        let step = Arc::new(Step {
            number: steps.len() + 1,
            start: Instant::now(),
            record: Mutex::new(record),
            news: Notify::new(),
        });
        steps.push(step.clone());
        step
    }

    /// Returns why the test fails, with the transcript.
    pub(super) fn wrong(&self, step: Option<usize>, what: impl fmt::Display) -> Wrong {
        self.shown.store(true, Ordering::Relaxed);
        let steps = self.steps.lock().clone();
        let hide = |what: String, step: &Arc<Step>| match &step.record().secret {
            Some(secret) => hidden(&what, secret, Ending::Whole).unwrap_or(what),
            None => what,
        };
        let what = steps.iter().fold(what.to_string(), hide);
        let place = step.map(|number| format!("step {number}: ")).unwrap_or_default();
        Wrong::new(format!("{self}\nWRONG: {place}{what}\n"))
    }
}

impl Step {
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock()
    }

    /// Adds a packet or an answer. An empty one is not counted.
    pub(super) fn packet(&self, text: &str, controls: impl FnOnce(&mut Record) -> bool) {
        let mut record = self.record();
        let controls = controls(&mut record);
        if controls || !text.is_empty() {
            record.text.push_str(text);
            record.packets += 1;
            record.first.get_or_insert_with(|| self.start.elapsed());
        }
        drop(record);
        self.news.notify_waiters();
    }

    pub(super) fn fail(&self, failure: impl fmt::Display) {
        self.record().failure = Some(failure.to_string());
    }

    pub(super) fn end(&self) {
        let mut record = self.record();
        if !record.ended {
            record.ended = true;
            record.took = self.start.elapsed();
        }
        drop(record);
        self.news.notify_waiters();
    }

    /// Waits until `holds` returns true or the step ends. Returns the last value of `holds`.
    pub(super) async fn until(&self, holds: impl Fn(&Record) -> bool) -> bool {
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            {
                let record = self.record();
                let holds = holds(&record);
                if holds || record.ended {
                    return holds;
                }
            }
            news.await;
        }
    }
}

impl Watch for Step {
    fn failed(&self, part: Part, cause: &str) {
        let mut record = self.record();
        // A failed turn also fails its handler, before or after it, and the handler knows less.
        match part {
            Part::Handler if record.turn_failed => return,
            Part::Handler => record.handler_cause = Some(cause.to_owned()),
            Part::Turn => {
                record.turn_failed = true;
                if let Some(less) = record.handler_cause.take() {
                    record.causes.retain(|known| *known != less);
                }
            }
            Part::Hook => {}
        }
        if !record.causes.iter().any(|known| known == cause) {
            record.causes.push(cause.to_owned());
        }
    }
}

/// Returns whether `text` contains `part`, ignoring case.
pub(super) fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\na call on {} ({})\n", self.platform, self.key)?;
        let steps = self.steps.lock().clone();
        for step in steps {
            write!(f, "{:>2}. ", step.number)?;
            step.record().fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<8}{}", "caller", self.caller)?;
        let mut line = |who: &str, text: &dyn fmt::Display| writeln!(f, "    {who:<8}{text}");
        if !self.text.is_empty() {
            line("bot", &format_args!("“{}”", self.shown(self.text.trim_end())))?;
        }
        match &self.barged_in {
            Some(Some(heard)) => {
                line("caller", &format_args!("(barges in, heard “{}”)", self.shown(heard)))?;
            }
            Some(None) => line("caller", &"(barges in, what was heard is not reported)")?,
            None => {}
        }
        for control in self.controls() {
            line("control", &control)?;
        }
        if let Some(failure) = &self.failure {
            line("failure", failure)?;
        }
        for cause in &self.causes {
            line("cause", &cause.replace('\n', "\n            "))?;
        }
        if let Some(reason) = &self.unsupported {
            line("skipped", reason)?;
        }
        let first = self.first.map(|first| format!(", first after {} ms", first.as_millis()));
        let first = first.unwrap_or_default();
        let whole = match self.ended {
            true => format!(", all after {} ms", self.took.as_millis()),
            false => ", not ended yet".into(),
        };
        let packets = match self.packets {
            1 => "1 packet".into(),
            packets => format!("{packets} packets"),
        };
        line("time", &format_args!("{packets}{first}{whole}"))
    }
}

impl Record {
    /// Returns a text without this step's secret.
    fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let secret = self.secret.as_deref().and_then(|secret| hidden(text, secret, Ending::Cut));
        secret.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Describes the controls.
    pub(super) fn controls(&self) -> Vec<String> {
        let speech = self.speech.as_ref().map(describe_speech);
        let gather = self.gather.as_ref().map(|gather| {
            let Gather { digits, timeout, speech, .. } = gather;
            let or = if *speech { ", or speech" } else { "" };
            let time = timeout.map(|time| format!(", within {time:?}")).unwrap_or_default();
            format!("gathers up to {digits} digits{or}{time}")
        });
        let transfer = self.transfer.as_ref().map(|transfer| {
            let Transfer { kind, to, shown_number, data } = transfer;
            let number = shown_number.as_ref().map(|number| format!(", shown as {number}"));
            let data = data.as_ref().map(|data| format!(", with {data}"));
            let (number, data) = (number.unwrap_or_default(), data.unwrap_or_default());
            format!("a transfer {kind}: {to}{number}{data}")
        });
        let hang_up = self.hang_up.as_ref().map(|HangUp { delay, reason }| {
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let delay = if delay.is_zero() { String::new() } else { format!(" after {delay:?}") };
            format!("hangs up{delay}{reason}")
        });
        let native = self.native.as_ref().map(|_| "a native control".to_owned());
        [speech, gather, transfer, hang_up, native].into_iter().flatten().collect()
    }
}

fn describe_speech(speech: &SpeechSettings) -> String {
    let barge_in = speech.barge_in.map(|yes| if yes { " barge-in" } else { " no barge-in" });
    let silence = speech.silence_timeout.map(|time| format!(" silence after {time:?}"));
    let name = speech.synthesis.as_ref().map(|synthesis| format!(" spoken by {}", synthesis.name));
    let (silence, name) = (silence.unwrap_or_default(), name.unwrap_or_default());
    format!("speech:{}{silence}{name}", barge_in.unwrap_or_default())
}
