//! The state of a call, which the runtime makes and a store keeps.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// The state of the runtime in a call. Only the runtime interprets it.
///
/// A store in the memory of this process keeps the value: then it is neither written nor parsed, and clones
/// share it. A store elsewhere keeps its [JSON](Self::to_json), and makes a state of that again:
///
/// ```
/// use callbot::bot::store::CallState;
///
/// let state = CallState::from(r#"{"v":1}"#);
/// assert_eq!(state.to_json(), r#"{"v":1}"#);
/// ```
///
/// Two states are equal if their JSON is. `Debug` shows only the size, since the state contains what callers
/// say.
#[derive(Clone)]
pub struct CallState(Arc<dyn Keep>);

/// What a state is made of.
pub(in crate::bot) trait Keep: Any + Send + Sync {
    /// Returns the state as JSON.
    fn to_json(&self) -> Bytes;

    /// Returns about how much memory the state takes, in bytes.
    fn size(&self) -> usize;
}

impl CallState {
    pub(in crate::bot) fn new(state: impl Keep) -> Self {
        Self(Arc::new(state))
    }

    /// Returns the state as JSON.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        self.0.to_json()
    }

    /// Returns what this state was made of, unless it was made of its JSON.
    pub(in crate::bot) fn kept<T: Keep>(&self) -> Option<&T> {
        let kept: &dyn Any = &*self.0;
        kept.downcast_ref()
    }

    /// Returns about how much memory the state takes, in bytes.
    pub(super) fn size(&self) -> usize {
        self.0.size()
    }
}

/// JSON that a store has kept. Not `Bytes`, which may be a small part of a large buffer.
struct Json(Box<[u8]>);

impl Keep for Json {
    fn to_json(&self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    fn size(&self) -> usize {
        self.0.len()
    }
}

impl<T: AsRef<[u8]>> From<T> for CallState {
    fn from(json: T) -> Self {
        Self::new(Json(json.as_ref().into()))
    }
}

impl Default for CallState {
    fn default() -> Self {
        Self::from(b"")
    }
}

impl PartialEq for CallState {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.to_json() == other.to_json()
    }
}

impl Eq for CallState {}

impl fmt::Debug for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallState").field("size", &self.size()).finish_non_exhaustive()
    }
}

/// The state of a call that a turn creates. It is made when the store asks for it: most turns open a call that
/// exists.
#[derive(Clone)]
pub struct FreshState(Arc<Lazy<dyn Fn() -> CallState + Send + Sync>>);

struct Lazy<F: ?Sized> {
    made: OnceLock<CallState>,
    make: F,
}

impl FreshState {
    /// Creates a state that `make` returns. It is called once at most.
    #[must_use]
    pub fn new(make: impl Fn() -> CallState + Send + Sync + 'static) -> Self {
        Self(Arc::new(Lazy { made: OnceLock::new(), make }))
    }

    /// Returns the state.
    #[must_use]
    pub fn get(&self) -> &CallState {
        self.0.made.get_or_init(|| (self.0.make)())
    }
}

impl<T: Into<CallState>> From<T> for FreshState {
    fn from(state: T) -> Self {
        let state = state.into();
        Self::new(move || state.clone())
    }
}

impl PartialEq for FreshState {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for FreshState {}

impl fmt::Debug for FreshState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FreshState").field(&self.0.made.get()).finish()
    }
}
