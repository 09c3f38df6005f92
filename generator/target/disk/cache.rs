//! A small cache of decoded pieces of an image: bounded, shared by threads.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::target::Result;

/// Keeps the most recently used values, which together weigh at most `capacity`.
pub struct Cache<K, V> {
    capacity: usize,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    values: HashMap<K, Held<V>>,
    weight: usize,
    clock: u64,
}

struct Held<V> {
    value: Arc<V>,
    weight: usize,
    /// Time of its last use.
    used: u64,
}

impl<K: Copy + Eq + Hash, V> Cache<K, V> {
    /// An empty cache for values that together weigh `capacity` (at least one).
    pub fn new(capacity: usize) -> Self {
        let state = State { values: HashMap::new(), weight: 0, clock: 0 };
        Self { capacity: capacity.max(1), state: Mutex::new(state) }
    }

    /// The value under `key`, made by `load` where it is not held. It weighs one.
    ///
    /// `load` runs outside the lock, so two threads that miss the same key at the same moment
    /// both make it: cheaper than making every thread wait for every load.
    pub fn get(&self, key: K, load: impl FnOnce() -> Result<V>) -> Result<Arc<V>> {
        self.get_weighed(key, || Ok((load()?, 1)))
    }

    /// As [`Cache::get`], for values that differ in weight, which `load` says.
    pub fn get_weighed(&self, key: K, load: impl FnOnce() -> Result<(V, usize)>) -> Result<Arc<V>> {
        if let Some(value) = self.held(key) {
            return Ok(value);
        }
        let (value, weight) = load()?;
        let value = Arc::new(value);
        self.keep(key, value.clone(), weight);
        Ok(value)
    }

    fn held(&self, key: K) -> Option<Arc<V>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let now = state.clock;
        let held = state.values.get_mut(&key)?;
        held.used = now;
        Some(held.value.clone())
    }

    fn keep(&self, key: K, value: Arc<V>, weight: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = state.values.remove(&key).map_or(0, |held| held.weight);
        state.weight = state.weight - replaced + weight;
        while state.weight > self.capacity {
            // A scan over some hundred stamps costs far less than decoding what replaces them.
            let Some(oldest) = state.values.iter().min_by_key(|(_, held)| held.used).map(|(k, _)| *k) else {
                break;
            };
            let gone = state.values.remove(&oldest).map_or(0, |held| held.weight);
            state.weight -= gone;
        }
        state.clock += 1;
        let used = state.clock;
        state.values.insert(key, Held { value, weight, used });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_least_recently_used() {
        let cache = Cache::new(2);
        for key in [1, 2, 1, 3] {
            cache.get(key, || Ok(key * 10)).unwrap();
        }
        assert_eq!(*cache.get(1, || Ok(0)).unwrap(), 10, "used after 2, so still held");
        assert_eq!(*cache.get(2, || Ok(0)).unwrap(), 0, "the oldest, so made again");
        assert!(cache.state.lock().unwrap().values.len() <= 2);
    }

    #[test]
    fn heavy_values_push_out_more_than_one() {
        let cache = Cache::new(10);
        for (key, weight) in [(1, 4), (2, 4), (3, 7), (3, 7)] {
            cache.get_weighed(key, || Ok(((), weight))).unwrap();
        }
        let state = cache.state.lock().unwrap();
        assert_eq!(state.values.keys().collect::<Vec<_>>(), [&3]);
        assert_eq!(state.weight, 7);
    }
}
