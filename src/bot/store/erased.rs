//! A store behind a trait object.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};

use super::contract::Store;
use super::error::StoreError;
use super::records::{
    Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Standing, Then,
};
use crate::bot::input::{CallKey, TurnId};

/// A [`Store`] as a trait object, so that the types that bots use have no parameter for it. An operation
/// borrows nothing, so that it can go on in a task of its own. Turns share their lease: a copy would count three
/// more references.
pub(in crate::bot) trait AnyStore: Send + Sync {
    fn shared(&self) -> bool;
    fn may_wait(&self) -> bool;
    fn open(self: Arc<Self>, call: CallKey, opening: Opening) -> Operation<Opened>;
    fn evict(self: Arc<Self>, room_for: CallKey) -> Operation<Vec<(CallKey, Record)>>;
    fn hold(self: Arc<Self>, lease: Arc<Lease>, time: Option<Duration>) -> Operation<()>;
    fn write(self: Arc<Self>, lease: Arc<Lease>, change: Change) -> Operation<()>;
    fn leave(
        self: Arc<Self>,
        call: CallKey,
        lease: Option<Arc<Lease>>,
        note: Bytes,
        then: Then,
    ) -> Operation<bool>;
    fn abort(self: Arc<Self>, call: CallKey, turn: TurnId, note: Bytes) -> Operation<bool>;
    fn read(self: Arc<Self>, call: CallKey) -> Operation<Option<Record>>;
    fn read_aside(self: Arc<Self>, lease: Lease) -> Operation<Option<Record>>;
    fn claim(self: Arc<Self>, claim: Claim) -> Operation<Vec<Claimed>>;
    fn remove(self: Arc<Self>, lease: Lease) -> Operation<()>;
    fn check(self: Arc<Self>, leases: Vec<Lease>) -> Operation<Vec<Standing>>;
    fn signals(&self) -> BoxStream<'static, Signal>;
}

pub(super) type Operation<T> = BoxFuture<'static, Result<T, StoreError>>;

impl<S: Store> AnyStore for S {
    fn shared(&self) -> bool {
        Store::shared(self)
    }

    fn may_wait(&self) -> bool {
        Store::may_wait(self)
    }

    fn open(self: Arc<Self>, call: CallKey, opening: Opening) -> Operation<Opened> {
        async move { Store::open(&*self, &call, &opening).await }.boxed()
    }

    fn evict(self: Arc<Self>, room_for: CallKey) -> Operation<Vec<(CallKey, Record)>> {
        async move { Store::evict(&*self, &room_for).await }.boxed()
    }

    fn hold(self: Arc<Self>, lease: Arc<Lease>, time: Option<Duration>) -> Operation<()> {
        async move { Store::hold(&*self, &lease, time).await }.boxed()
    }

    fn write(self: Arc<Self>, lease: Arc<Lease>, change: Change) -> Operation<()> {
        async move { Store::write(&*self, &lease, change).await }.boxed()
    }

    fn leave(
        self: Arc<Self>,
        call: CallKey,
        lease: Option<Arc<Lease>>,
        note: Bytes,
        then: Then,
    ) -> Operation<bool> {
        async move { Store::leave(&*self, &call, lease.as_deref(), note, then).await }.boxed()
    }

    fn abort(self: Arc<Self>, call: CallKey, turn: TurnId, note: Bytes) -> Operation<bool> {
        async move { Store::abort(&*self, &call, &turn, note).await }.boxed()
    }

    fn read(self: Arc<Self>, call: CallKey) -> Operation<Option<Record>> {
        async move { Store::read(&*self, &call).await }.boxed()
    }

    fn read_aside(self: Arc<Self>, lease: Lease) -> Operation<Option<Record>> {
        async move { Store::read_aside(&*self, &lease).await }.boxed()
    }

    fn claim(self: Arc<Self>, claim: Claim) -> Operation<Vec<Claimed>> {
        async move { Store::claim(&*self, &claim).await }.boxed()
    }

    fn remove(self: Arc<Self>, lease: Lease) -> Operation<()> {
        async move { Store::remove(&*self, &lease).await }.boxed()
    }

    fn check(self: Arc<Self>, leases: Vec<Lease>) -> Operation<Vec<Standing>> {
        async move { Store::check(&*self, &leases).await }.boxed()
    }

    fn signals(&self) -> BoxStream<'static, Signal> {
        Store::signals(self).boxed()
    }
}
