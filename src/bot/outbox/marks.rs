//! What is measured of a turn while it runs.

use tokio::time::Instant;

use crate::observe::{FirstBy, TurnFailure};

/// What is measured of a turn.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Whether the times are wanted. If not, no clock is read for them.
    pub timed: bool,
    pub first: Option<(Option<Instant>, FirstBy)>,
    /// When the reply ended or was cut.
    pub ended: Option<Instant>,
    pub failure: Option<TurnFailure>,
    pub repeated: bool,
    /// How many requests read the reply.
    pub requests: usize,
}

impl Marks {
    pub(super) fn new(timed: bool) -> Self {
        Self { timed, ..Self::default() }
    }

    pub(super) fn now(&self) -> Option<Instant> {
        self.timed.then(Instant::now)
    }

    /// Marks the end of the reply.
    pub(super) fn end(&mut self, failure: Option<TurnFailure>) {
        self.ended = self.now();
        self.failure = failure;
    }
}
