//! Steps of a test that fail at the line that awaits them.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Why a test fails.
pub(super) struct Wrong(String);

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The work of a step. A failure panics at the line of the test.
///
/// An `async fn` can't do that: its panics are at its own lines. An `.await` calls [`Future::poll`],
/// which can be `#[track_caller]`. If a combinator such as `timeout` calls it, the line is one of the
/// combinator's, so the message names the line that has created the step, too.
pub(super) struct Awaited<F> {
    work: Pin<Box<F>>,
    created: &'static Location<'static>,
}

impl<F> Awaited<F> {
    #[track_caller]
    pub(super) fn new(work: F) -> Self {
        Self { work: Box::pin(work), created: Location::caller() }
    }
}

impl<T, F: Future<Output = Result<T, Wrong>>> Future for Awaited<F> {
    type Output = T;

    #[track_caller]
    // A panic is how a test fails.
    #[allow(clippy::panic)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.work.as_mut().poll(cx)) {
            Ok(value) => Poll::Ready(value),
            Err(Wrong(message)) if Location::caller().file() == self.created.file() => {
                panic!("{message}")
            }
            Err(Wrong(message)) => panic!("{message}\nat {}\n", self.created),
        }
    }
}
