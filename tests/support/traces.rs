//! Records what this thread traces.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Level;
use tracing::dispatcher::{DefaultGuard, Dispatch, set_default};

// `tracing` caches for each place in the code whether a subscriber wants its events. With fewer than
// two subscribers it asks only that of the current thread, so a test without one would silence the
// place for all other tests.
static LISTENERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [Level::TRACE; 2].map(|level| Traces::default().dispatch(level)));

/// Prevents a test from silencing the traces of another one.
pub(crate) fn listen() {
    LazyLock::force(&LISTENERS);
}

/// Records all that this thread traces while the guard lives.
pub(crate) fn traced() -> (Traces, DefaultGuard) {
    traced_at(Level::TRACE)
}

/// Records what this thread traces at this level and above while the guard lives.
pub(crate) fn traced_at(level: Level) -> (Traces, DefaultGuard) {
    listen();
    let traces = Traces::default();
    let guard = set_default(&traces.dispatch(level));
    (traces, guard)
}

#[derive(Clone, Default)]
pub(crate) struct Traces(Arc<Mutex<Vec<u8>>>);

impl Traces {
    fn dispatch(&self, level: Level) -> Dispatch {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        subscriber.finish().into()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(Into::into).collect()
    }

    /// The lines that contain all of `parts`.
    pub(crate) fn with(&self, parts: &[&str]) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| parts.iter().all(|part| line.contains(part)));
        lines
    }
}

impl Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
