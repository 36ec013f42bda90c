//! Holds a store against its contract.

// A panic is how a test fails.
#![allow(clippy::panic)]

mod across;
mod case;
mod claims;
mod ends;
mod full;
mod holds;
mod model;
mod notes;
mod openings;
mod random;
mod signals;
mod stops;
mod writes;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use case::Case;

use crate::bot::store::Store;

/// Checks that a store does what the trait [`Store`] says. `make` returns an empty store each time.
///
/// Await the result. It panics with the rule that the store breaks. A store that passes can serve any bot.
/// The checks use every operation, two subscribers, many openings side by side, and random operations that
/// are compared with those of a simple model.
///
/// The checks wait for holds and idle times, so they take some seconds in real time. With tokio's paused
/// clock they take none, but that suits only a store without I/O: the clock runs ahead while no task runs.
///
/// ```
/// use callbot::bot::store::MemoryStore;
/// use callbot::bot::testing::store_conformance;
///
/// #[tokio::test(start_paused = true)]
/// # async fn unused() {}
/// async fn the_store_keeps_its_contract() {
///     store_conformance(async || MemoryStore::new()).await;
/// }
/// # let mut runtime = tokio::runtime::Builder::new_current_thread();
/// # let runtime = runtime.enable_time().start_paused(true).build().unwrap();
/// # runtime.block_on(the_store_keeps_its_contract());
/// ```
///
/// Checks for a store with limits and for one that several processes share are off unless you say how to make
/// such stores:
///
/// ```
/// # async fn check() {
/// use std::sync::Arc;
///
/// use callbot::bot::store::MemoryStore;
/// use callbot::bot::testing::store_conformance;
///
/// store_conformance(async || Arc::new(MemoryStore::new()))
///     .full(3, async || Arc::new(MemoryStore::new().max_calls(3)))
///     .shared(async || {
///         let store = Arc::new(MemoryStore::new());
///         (store.clone(), store)
///     })
///     .await;
/// # }
/// ```
pub fn store_conformance<S, M>(make: M) -> StoreConformance<S>
where
    S: Store,
    M: AsyncFn() -> S + 'static,
{
    StoreConformance {
        make: boxed(make),
        full: None,
        shared: None,
        unit: Duration::from_millis(50),
        seed: 0,
        sequences: 20,
    }
}

/// Checks of a store, from [`store_conformance`]. They run when you await them.
#[must_use = "checks run when they are awaited"]
pub struct StoreConformance<S> {
    make: Make<S>,
    full: Option<(usize, Make<S>)>,
    shared: Option<Make<(S, S)>>,
    unit: Duration,
    seed: u64,
    sequences: u64,
}

type Checks = Pin<Box<dyn Future<Output = ()>>>;
type Make<T> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = T>>>>;

fn boxed<T: 'static>(make: impl AsyncFn() -> T + 'static) -> Make<T> {
    let make = std::rc::Rc::new(make);
    Box::new(move || {
        let make = make.clone();
        Box::pin(async move { make().await })
    })
}

impl<S: Store> StoreConformance<S> {
    /// Also checks a store that has room for `max_calls` calls, at least 2. `make` returns an empty one each
    /// time.
    pub fn full(mut self, max_calls: usize, make: impl AsyncFn() -> S + 'static) -> Self {
        self.full = Some((max_calls.max(2), boxed(make)));
        self
    }

    /// Also checks two values of the store that have the same calls, as in two processes. `make` returns two
    /// values of an empty store each time.
    pub fn shared(mut self, make: impl AsyncFn() -> (S, S) + 'static) -> Self {
        self.shared = Some(boxed(make));
        self
    }

    /// Sets the unit of time. Holds last for some units, and calls are idle after some units. A longer one
    /// helps where the store is slow to answer: a check that comes too late checks less. Default: 50 ms.
    pub fn unit(mut self, unit: Duration) -> Self {
        self.unit = unit;
        self
    }

    /// Sets the number of sequences of 100 random operations. Default: 20.
    pub fn sequences(mut self, sequences: u64) -> Self {
        self.sequences = sequences;
        self
    }

    /// Sets the seed of the first sequence; the next ones count up. A failure shows that of its sequence.
    /// Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl<S> fmt::Debug for StoreConformance<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { full, shared, unit, seed, sequences, .. } = self;
        f.debug_struct("StoreConformance")
            .field("full", &full.as_ref().map(|(max_calls, _)| max_calls))
            .field("shared", &shared.is_some())
            .field("unit", unit)
            .field("seed", seed)
            .field("sequences", sequences)
            .finish_non_exhaustive()
    }
}

impl<S: Store> IntoFuture for StoreConformance<S> {
    type Output = ();
    type IntoFuture = Checks;

    fn into_future(self) -> Checks {
        Box::pin(async move {
            // Each check has a store of its own.
            macro_rules! check {
                ($($check:path),* $(,)?) => {
                    $($check(&mut Case::new((self.make)().await, self.unit)).await;)*
                };
            }
            check![
                openings::a_new_call_has_a_fresh_record,
                openings::a_store_that_never_waits_answers_at_once,
                openings::keys_and_data_may_be_any,
                openings::an_answered_turn_does_not_get_the_call,
                openings::the_last_to_open_a_call_has_it,
                openings::a_turn_that_is_opened_again_starts_over,
                openings::a_turn_may_wait_for_its_turn,
                openings::if_free_opens_only_a_free_call,
                openings::restore_opens_only_an_unknown_call,
                openings::of_many_at_a_time_one_has_the_call,
                writes::only_the_set_fields_are_written,
                writes::a_lease_fits_one_call_and_one_epoch,
                writes::the_lease_ends_as_the_write_says,
                writes::a_history_is_changed_by_edits,
                notes::notes_are_kept_until_they_are_read,
                notes::many_notes_drop_only_the_oldest,
                holds::the_next_turn_has_to_wait_for_a_hold,
                holds::a_lease_without_a_turn_can_hold,
                holds::a_hold_ends_early,
                holds::a_hold_runs_out,
                holds::a_hold_can_be_changed,
                stops::an_abort_ends_a_turn,
                stops::an_abort_of_another_turn_ends_none,
                stops::an_abort_spares_a_hold,
                stops::a_turn_leaves_a_call,
                stops::a_turn_is_unsettled_until_it_leaves,
                ends::the_end_sets_a_call_aside,
                ends::the_end_waits_for_a_hold,
                ends::the_last_words_reach_a_call_that_has_ended,
                ends::epochs_are_never_used_twice,
                claims::a_call_that_has_ended_is_claimed_again,
                claims::idle_calls_are_claimed,
                claims::every_use_keeps_a_call_from_being_idle,
                claims::newer_memories_are_not_claimed,
                claims::each_call_is_claimed_once,
                signals::check_tells_which_leases_have_ended,
                signals::every_subscriber_is_told,
            ];
            if let Some((max_calls, make)) = &self.full {
                full::a_full_store_refuses_new_calls(
                    &Case::new(make().await, self.unit),
                    *max_calls,
                )
                .await;
                full::eviction_makes_room(&Case::new(make().await, self.unit), *max_calls).await;
            }
            if let Some(make) = &self.shared {
                let (one, other) = make().await;
                across::two_values_have_the_same_calls(
                    &mut Case::new(one, self.unit),
                    &mut Case::new(other, self.unit),
                )
                .await;
            }
            for seed in self.seed..self.seed.saturating_add(self.sequences) {
                random::operations_do_what_the_model_does((self.make)().await, seed).await;
            }
        })
    }
}
