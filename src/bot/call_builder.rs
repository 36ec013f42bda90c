//! Builds calls for unit tests.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::adapter::Adapter;
use super::call::{Call, CallInfo, TurnHandle};
use super::capabilities::Platform;
use super::history::Entry;
use super::input::{CallKey, Cut, TurnId};
use super::limits::Limits;
use super::outbox::{Outbox, ReplyKind};
use super::store::{MemoryStore, StoreHandle};
use crate::lock::Mutex;
use crate::observe::Observers;

/// Builds a [`Call`] for a unit test of your own functions, without a platform, a host or a store.
///
/// Nothing is stored: [`save`](Call::save) and [`hold`](Call::hold) succeed and have no effect. It does not
/// need the feature `client`. To test a whole bot, use `testing::TestCall`, which does.
///
/// ```
/// use callbot::bot::{Call, Entry, Input, Platform, Result, TurnId};
///
/// #[derive(Default, serde::Serialize)]
/// struct Order {
///     pizzas: Vec<String>,
/// }
///
/// /// Adds a pizza, and returns what to say.
/// async fn add(call: &mut Call<Order>, pizza: &str) -> Result<String> {
///     call.memory.pizzas.push(pizza.to_owned());
///     call.save().await?;
///     let again = call.history.iter().any(|turn| turn.said.contains(pizza));
///     let from = call.info.caller.as_deref().unwrap_or("an unknown number");
///     Ok(format!("{}{pizza}, for {from}.", if again { "Another " } else { "" }))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let said = Entry::new(TurnId::new("1"), Some(Input::Silence)).with_said("A Margherita?");
/// let mut call = Call::builder(Order::default())
///     .platform(Platform::Odfs)
///     .caller("13500000001")
///     .history([said])
///     .build();
///
/// assert_eq!(add(&mut call, "Margherita").await?, "Another Margherita, for 13500000001.");
/// assert_eq!(call.memory.pizzas, ["Margherita"]);
/// # Ok::<_, callbot::bot::Error>(())
/// # }).unwrap();
/// ```
#[must_use]
pub struct CallBuilder<M> {
    memory: M,
    info: CallInfo,
    turn: TurnId,
    history: Vec<Entry>,
    cut: Option<Cut>,
}

impl<M> Call<M> {
    /// Returns a builder for a call with this memory, for unit tests.
    pub fn builder(memory: M) -> CallBuilder<M> {
        let info = CallInfo::new(Platform::DigitalEmployee, "test");
        let turn = TurnId::new("test");
        CallBuilder { memory, info, turn, history: Vec::new(), cut: None }
    }
}

impl<M> CallBuilder<M> {
    /// Sets [`CallInfo::platform`]. Default: [`Platform::DigitalEmployee`].
    pub fn platform(mut self, platform: Platform) -> Self {
        self.info.platform = platform;
        self
    }

    /// Sets [`CallInfo::id`]. Default: `test`.
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.info.id = id.as_ref().into();
        self
    }

    /// Sets [`Call::turn`]. Default: `test`.
    pub fn turn(mut self, turn: TurnId) -> Self {
        self.turn = turn;
        self
    }

    /// Sets [`CallInfo::caller`]. Default: `None`.
    pub fn caller(mut self, number: impl Into<String>) -> Self {
        self.info.caller = Some(number.into());
        self
    }

    /// Sets [`CallInfo::called`]. Default: `None`.
    pub fn called(mut self, number: impl Into<String>) -> Self {
        self.info.called = Some(number.into());
        self
    }

    /// Adds an entry to [`CallInfo::extras`]. Default: none.
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.info.extras.insert(key.into(), value.into());
        self
    }

    /// Sets [`Call::history`], the oldest turn first. Default: no turns.
    pub fn history(mut self, turns: impl IntoIterator<Item = Entry>) -> Self {
        self.history = turns.into_iter().collect();
        self
    }

    /// Sets [`Call::cut`]. Default: `None`.
    pub fn cut(mut self, cut: Cut) -> Self {
        self.cut = Some(cut);
        self
    }

    /// Builds the call.
    #[must_use]
    pub fn build(self) -> Call<M> {
        let Self { memory, info, turn, history, cut } = self;
        let limits = Arc::new(Limits::default());
        let key = CallKey::new(info.platform, &info.id);
        let adapter = Arc::new(Adapter::detached(info.platform, |_| {}, Observers::default()));
        let now = Instant::now();
        let outbox = Arc::new(Outbox::new(key, turn, adapter, &limits, now, ReplyKind::Turn));
        let turn = TurnHandle {
            outbox,
            store: StoreHandle::detached(MemoryStore::new()),
            limits,
            version: 0,
            lease: None,
            saved: Mutex::new(None),
        };
        Call { memory, info, history: history.into_iter().collect(), cut, turn }
    }
}

// The memory may be private, and so is the history.
impl<M> fmt::Debug for CallBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallBuilder").field("info", &self.info).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::history::History;
    use crate::bot::input::{Cause, Heard, Input};

    #[tokio::test]
    async fn a_built_call_has_what_was_set_and_is_detached() {
        let cut = Cut::new(TurnId::new("2"), Heard::Nothing, Cause::BargeIn);
        let turns = ["1", "2", "1"].map(|id| Entry::new(TurnId::new(id), None).with_said(id));
        let call = Call::builder(vec![1]).platform(Platform::Odfs).id("c-1").caller("135");
        let call = call.called("400").extra("vdn", 7).history(turns).cut(cut.clone());
        let mut call = call.turn(TurnId::new("7")).build();
        assert_eq!(call.turn().as_str(), "7");
        assert_eq!(call.key(), CallKey::new(Platform::Odfs, "c-1"));
        assert_eq!(
            (call.info.caller.as_deref(), call.info.called.as_deref()),
            (Some("135"), Some("400"))
        );
        assert_eq!(call.info.extras["vdn"], 7);
        assert_eq!((&call.memory, &call.cut), (&vec![1], &Some(cut)));
        let turns: Vec<_> = call.history.iter().map(|entry| entry.turn.as_str()).collect();
        assert_eq!(turns, ["1", "2"]);
        let saved = call.hold(async |call| call.save().await).await;
        assert!(saved.is_ok());
    }

    #[test]
    fn a_call_can_be_built_without_a_runtime() {
        let call = Call::builder(()).build();
        assert_eq!(call.key().to_string(), "digital-employee/test");
        assert!(call.history.is_empty() && call.cut.is_none());
        assert!(!format!("{:?}", Call::builder("secret")).contains("secret"));
    }

    #[test]
    fn a_history_is_collected_from_entries() {
        let entry = Entry::new(TurnId::new("1"), Some(Input::Speech("Hi!".into())));
        let entry = entry.with_said("Hello!").with_filler("Hm. ").with_heard(Heard::Unknown);
        let history: History = [entry].into_iter().collect();
        let input = serde_json::json!({"speech": "Hi!"});
        let entry = serde_json::json!(
            {"turn": "1", "input": input, "said": "Hello!", "filler": "Hm. ", "heard": "unknown"}
        );
        assert_eq!(serde_json::to_value(&history).unwrap(), serde_json::json!([entry]));
    }
}
