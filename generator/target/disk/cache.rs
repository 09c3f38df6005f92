//! A small cache of decoded pieces of an image: bounded, shared by threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::target::Result;

/// Keeps the most recently used values, at most `capacity` of them.
pub struct Cache<V> {
    capacity: usize,
    state: Mutex<State<V>>,
}

struct State<V> {
    /// Value and the time of its last use.
    values: HashMap<u64, (Arc<V>, u64)>,
    clock: u64,
}

impl<V> Cache<V> {
    /// An empty cache for at most `capacity` values (at least one).
    pub fn new(capacity: usize) -> Self {
        let state = State { values: HashMap::new(), clock: 0 };
        Self { capacity: capacity.max(1), state: Mutex::new(state) }
    }

    /// The value under `key`, made by `load` where it is not held.
    ///
    /// `load` runs outside the lock, so two threads that miss the same key at the same moment
    /// both make it: cheaper than making every thread wait for every load.
    pub fn get(&self, key: u64, load: impl FnOnce() -> Result<V>) -> Result<Arc<V>> {
        if let Some(value) = self.held(key) {
            return Ok(value);
        }
        let value = Arc::new(load()?);
        self.keep(key, value.clone());
        Ok(value)
    }

    fn held(&self, key: u64) -> Option<Arc<V>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let now = state.clock;
        let (value, used) = state.values.get_mut(&key)?;
        *used = now;
        Some(value.clone())
    }

    fn keep(&self, key: u64, value: Arc<V>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.values.len() >= self.capacity && !state.values.contains_key(&key) {
            // A scan over some hundred stamps costs far less than decoding what replaces them.
            let oldest = state.values.iter().min_by_key(|(_, (_, used))| *used).map(|(k, _)| *k);
            if let Some(oldest) = oldest {
                state.values.remove(&oldest);
            }
        }
        state.clock += 1;
        let now = state.clock;
        state.values.insert(key, (value, now));
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
}
