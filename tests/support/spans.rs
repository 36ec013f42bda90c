//! Records the spans of this thread: their fields, their parents, and what stands in them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::dispatcher::{DefaultGuard, set_default};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::traces::listen;

/// Records all spans of this thread while the guard lives.
pub(crate) fn spanned() -> (Spans, DefaultGuard) {
    listen();
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(Recorder(spans.clone()));
    (spans, set_default(&subscriber.into()))
}

#[derive(Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<Vec<Seen>>>);

/// A span. Other spans are named by their place among all spans.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) parent: Option<usize>,
    pub(crate) follows: Vec<usize>,
    /// The messages of the events that stand directly in it.
    pub(crate) events: Vec<String>,
    pub(crate) closed: bool,
}

impl Spans {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// The spans of this name, each with its place.
    pub(crate) fn named(&self, name: &str) -> Vec<(usize, Seen)> {
        let all = self.all().into_iter().enumerate();
        all.filter(|(_, span)| span.name == name).collect()
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap()[index]);
    }
}

struct Recorder(Spans);

/// The place of a span, in its extensions.
#[derive(Clone, Copy)]
struct Place(usize);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut seen = Seen {
            name: span.name().into(),
            target: span.metadata().target().into(),
            parent: span.parent().and_then(|parent| place(&context, &parent.id())),
            ..Seen::default()
        };
        attributes.record(&mut Fields(&mut seen.fields));
        let mut all = self.0.0.lock().unwrap();
        span.extensions_mut().insert(Place(all.len()));
        all.push(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let place = place(&context, id).unwrap();
        self.0.change(place, |seen| values.record(&mut Fields(&mut seen.fields)));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        let follows = place(&context, follows).expect("a span follows from one that is closed");
        self.0.change(place(&context, id).unwrap(), |seen| seen.follows.push(follows));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let message = fields.remove("message").unwrap_or_default();
        let place = place(&context, &span.id()).unwrap();
        self.0.change(place, |seen| seen.events.push(message));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.change(place(&context, &id).unwrap(), |seen| seen.closed = true);
    }
}

fn place<S: Subscriber + for<'a> LookupSpan<'a>>(
    context: &Context<'_, S>,
    id: &Id,
) -> Option<usize> {
    context.span(id)?.extensions().get::<Place>().map(|place| place.0)
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }
}
