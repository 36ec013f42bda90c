//! How far a connection is with its request, and until when it may stay so.
//!
//! The connection's task drives hyper, which reads and writes through [`Watched`](super::watched::Watched)
//! and calls the router. All of these report here, and the task asks for the [deadline](Progress::deadline)
//! each time hyper has done what it can. So no timer is touched for a request that arrives whole.
//!
//! ```text
//!            first byte               head complete            body complete
//!   Idle ──────────────────▶ Head ──────────────────▶ Body ──────────────────▶ Running
//!    ▲                                                                            │
//!    └──────────────────────────── end of the response ───────────────────────────┘
//! ```
//!
//! What a client sends behind a running request is in hyper's buffer when the request ends. If that is
//! half a head, the connection counts as idle: it is closed later than it could be, but it is closed.

use std::sync::Arc;
use std::task::Waker;

use http::Version;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::Limits;
use super::room::Room;
use super::running::{Running, RunningRequest};
use super::unread::Unread;
use crate::lock::Mutex;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Progress {
    pub limits: Arc<Limits>,
    /// Tells the connection's task to close the connection, to make room.
    pub close: Arc<Notify>,
    room: Arc<Room>,
    running: Running,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    /// Where the connection is in the room, unless it must not be closed.
    place: Option<u64>,
    /// Until when the peer must have read something of what has been written.
    write_until: Option<Instant>,
    /// Whether the client has sent its last byte: it has closed the connection, or its half of it.
    is_half_closed: bool,
    /// Reads on when the response has ended, if the end of the stream was hidden.
    reader: Option<Waker>,
    /// Whether the handler waits for more of the body, and has looked since the client sent its last byte.
    is_body_awaited: bool,
    /// Whether an interim response may be sent: the client knows them, and has nothing of the response yet.
    takes_interim: bool,
    /// What is missing of the body of the request, if it was dropped before its end.
    unread: Option<Unread>,
}

#[derive(Debug)]
enum Stage {
    /// Nothing of a request has arrived.
    Idle {
        until: Instant,
    },
    Head {
        until: Instant,
    },
    Body,
    /// The request has arrived whole.
    Running {
        _counted: RunningRequest,
    },
}

/// What hyper may know when a client has sent its last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HalfClosed {
    /// That the stream has ended.
    Tell,
    /// Nothing: it would drop a request that runs.
    Hide,
    /// Nothing yet.
    AskAgain,
}

impl State {
    /// Whether no request runs and the last response has been written.
    fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Idle { .. } | Stage::Head { .. }) && self.write_until.is_none()
    }
}

impl Progress {
    /// Starts with a connection that has been accepted. A client connects because it has a request, so its
    /// first head is waited for, and not an idle connection kept.
    pub(super) fn new(limits: Arc<Limits>, room: Arc<Room>, running: Running) -> Self {
        let state = State {
            stage: Stage::Head { until: Instant::now() + limits.head },
            place: None,
            write_until: None,
            is_half_closed: false,
            reader: None,
            is_body_awaited: false,
            takes_interim: false,
            unread: None,
        };
        let progress =
            Self { limits, close: Arc::default(), room, running, state: Mutex::new(state) };
        progress.change(|_| ());
        progress
    }

    /// Changes the state, and takes the connection into the room or out of it accordingly.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let result = change(&mut state);
        match (state.is_waiting(), state.place) {
            (true, None) => state.place = Some(self.room.add(&self.close)),
            (false, Some(place)) => {
                self.room.remove(place);
                state.place = None;
            }
            _ => {}
        }
        result
    }

    /// Bytes have been read.
    pub(super) fn has_read(&self) {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Idle { .. }) {
            state.stage = Stage::Head { until: Instant::now() + self.limits.head };
        }
    }

    /// The client has sent its last byte. Returns what hyper may know of it.
    ///
    /// hyper reads on before the handler has taken the body from it, so at first nobody knows whether the
    /// body is complete. The handler tells: either it has all of it, or it waits for more.
    pub(super) fn half_closed(&self, reader: &Waker) -> HalfClosed {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.is_half_closed, true) && matches!(state.stage, Stage::Body)
        {
            state.is_body_awaited = false;
            return HalfClosed::AskAgain;
        }
        match state.stage {
            Stage::Body if state.is_body_awaited => HalfClosed::Tell,
            Stage::Body | Stage::Running { .. } => {
                state.reader = Some(reader.clone());
                HalfClosed::Hide
            }
            Stage::Idle { .. } | Stage::Head { .. } => HalfClosed::Tell,
        }
    }

    /// The handler waits for more of the body. Returns whether hyper has to learn that there is none.
    pub(super) fn body_is_awaited(&self) -> bool {
        let mut state = self.state.lock();
        state.is_half_closed && !std::mem::replace(&mut state.is_body_awaited, true)
    }

    /// Returns whether the client has sent its last byte.
    pub(super) fn is_half_closed(&self) -> bool {
        self.state.lock().is_half_closed
    }

    /// Returns whether an interim response may be sent.
    pub(super) fn takes_interim(&self) -> bool {
        self.state.lock().takes_interim
    }

    /// The head of a request is complete.
    pub(super) fn request(&self, version: Version) {
        self.change(|state| {
            state.stage = Stage::Body;
            state.is_body_awaited = false;
            state.takes_interim = version >= Version::HTTP_11;
            state.unread = None;
        });
    }

    /// The body of the request is complete.
    pub(super) fn request_is_whole(&self) {
        self.change(|state| {
            if matches!(state.stage, Stage::Body) {
                state.stage = Stage::Running { _counted: self.running.request() };
            }
        });
    }

    /// The body of the request was dropped. The handler goes on without what it has not read.
    pub(super) fn body_is_dropped(&self, rest: Unread) {
        self.change(|state| {
            if matches!(state.stage, Stage::Body) {
                state.stage = Stage::Running { _counted: self.running.request() };
                state.unread = Some(rest);
            }
        });
    }

    /// Takes what is missing of the body of the request, if it was dropped before its end.
    pub(super) fn take_unread(&self) -> Option<Unread> {
        self.state.lock().unread.take()
    }

    /// The response has ended.
    pub(super) fn response_ended(&self) {
        let until = Instant::now() + self.limits.idle;
        let reader = self.change(|state| {
            state.stage = Stage::Idle { until };
            state.reader.take()
        });
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Something has been written. The connection is idle from the last byte of a response on.
    pub(super) fn has_written(&self) {
        self.change(|state| {
            state.write_until = None;
            state.takes_interim = false;
            if let Stage::Idle { until } = &mut state.stage {
                *until = Instant::now() + self.limits.idle;
            }
        });
    }

    /// Nothing can be written, since the peer does not read.
    pub(super) fn write_blocked(&self) {
        self.change(|state| {
            state.write_until.get_or_insert_with(|| Instant::now() + self.limits.write);
        });
    }

    /// Returns until when the connection may stay as it is.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.state.lock();
        match state.stage {
            // A response is still on its way.
            Stage::Idle { .. } if state.write_until.is_some() => state.write_until,
            Stage::Idle { until } => Some(until),
            Stage::Head { until } => {
                Some(state.write_until.map_or(until, |write| write.min(until)))
            }
            // The body has timers of its own, which let the handler answer.
            Stage::Body | Stage::Running { .. } => state.write_until,
        }
    }

    /// Returns whether the connection can be closed to make room.
    pub(super) fn is_waiting(&self) -> bool {
        self.state.lock().is_waiting()
    }

    /// Returns whether a request has begun to arrive that is not whole.
    pub(super) fn is_incomplete(&self) -> bool {
        let state = self.state.lock();
        matches!(state.stage, Stage::Body)
            || (matches!(state.stage, Stage::Head { .. }) && state.is_waiting())
    }

    /// The connection has ended.
    pub(super) fn ended(&self) {
        if let Some(place) = self.state.lock().place.take() {
            self.room.remove(place);
        }
    }
}
