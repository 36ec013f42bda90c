//! How keys of calls and turns are hashed.

/// Hashes keys of calls and turns. SipHash, the default, would take about a twentieth of a turn, which looks its
/// call up many times. The seed is random in each process and never leaves it, so ids can't be chosen in advance
/// to collide.
pub(in crate::bot) type RandomState = foldhash::quality::RandomState;

pub(in crate::bot) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
