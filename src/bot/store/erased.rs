//! A store behind a trait object.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use tokio::time::timeout;

use super::contract::Store;
use super::error::StoreError;
use super::records::{Cancel, Change, Lease, NoteKind, Opened, Opening, Record};
use crate::bot::capabilities::Platform;
use crate::bot::input::{CallKey, TurnId};

/// A [`Store`] as a trait object, so that the types that bots use have no parameter for it.
pub(in crate::bot) trait AnyStore: Send + Sync {
    fn shared(&self) -> bool;
    fn open<'a>(&'a self, call: &'a CallKey, opening: Opening) -> StoreFuture<'a, Opened>;
    fn hold<'a>(&'a self, lease: &'a Lease, time: Option<Duration>) -> StoreFuture<'a, ()>;
    fn write<'a>(&'a self, lease: &'a Lease, change: Change) -> StoreFuture<'a, ()>;
    fn note<'a>(
        &'a self,
        call: &'a CallKey,
        turn: &'a TurnId,
        note: Vec<u8>,
        kind: NoteKind,
    ) -> StoreFuture<'a, bool>;
    fn read<'a>(&'a self, call: &'a CallKey) -> StoreFuture<'a, Option<Record>>;
    fn end<'a>(&'a self, call: &'a CallKey) -> StoreFuture<'a, Option<Record>>;
    fn evict<'a>(&'a self, room_for: &'a CallKey) -> StoreFuture<'a, Vec<(CallKey, Record)>>;
    fn claim_idle(
        &self,
        platform: Platform,
        idle: Duration,
        max: usize,
    ) -> StoreFuture<'_, Vec<(CallKey, Record)>>;
    fn cancels(&self) -> BoxStream<'static, Cancel>;
}

pub(super) type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// How long a store may take for an operation that does not wait for a hold.
pub(in crate::bot) const PATIENCE: Duration = Duration::from_secs(5);

/// Returns the error of a store that did not answer in time.
pub(in crate::bot) fn no_answer(within: Duration) -> StoreError {
    StoreError::failed(format!("no answer within {within:?}"))
}

/// Limits the time of an operation: a store that hangs must not keep callers in silence.
fn bounded<'a, T>(
    operation: impl Future<Output = Result<T, StoreError>> + Send + 'a,
) -> StoreFuture<'a, T> {
    let late = |_| Err(no_answer(PATIENCE));
    timeout(PATIENCE, operation).map(move |ended| ended.unwrap_or_else(late)).boxed()
}

impl<S: Store> AnyStore for S {
    fn shared(&self) -> bool {
        S::SHARED
    }

    fn open<'a>(&'a self, call: &'a CallKey, opening: Opening) -> StoreFuture<'a, Opened> {
        Store::open(self, call, opening).boxed()
    }

    fn hold<'a>(&'a self, lease: &'a Lease, time: Option<Duration>) -> StoreFuture<'a, ()> {
        bounded(Store::hold(self, lease, time))
    }

    fn write<'a>(&'a self, lease: &'a Lease, change: Change) -> StoreFuture<'a, ()> {
        bounded(Store::write(self, lease, change))
    }

    fn note<'a>(
        &'a self,
        call: &'a CallKey,
        turn: &'a TurnId,
        note: Vec<u8>,
        kind: NoteKind,
    ) -> StoreFuture<'a, bool> {
        bounded(Store::note(self, call, turn, note, kind))
    }

    fn read<'a>(&'a self, call: &'a CallKey) -> StoreFuture<'a, Option<Record>> {
        bounded(Store::read(self, call))
    }

    fn end<'a>(&'a self, call: &'a CallKey) -> StoreFuture<'a, Option<Record>> {
        Store::end(self, call).boxed()
    }

    fn evict<'a>(&'a self, room_for: &'a CallKey) -> StoreFuture<'a, Vec<(CallKey, Record)>> {
        bounded(Store::evict(self, room_for))
    }

    fn claim_idle(
        &self,
        platform: Platform,
        idle: Duration,
        max: usize,
    ) -> StoreFuture<'_, Vec<(CallKey, Record)>> {
        bounded(Store::claim_idle(self, platform, idle, max))
    }

    fn cancels(&self) -> BoxStream<'static, Cancel> {
        Store::cancels(self).boxed()
    }
}
