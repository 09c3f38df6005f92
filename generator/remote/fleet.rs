//! Many machines at once, a bounded number at a time.

use std::sync::Mutex;
use std::thread;

/// Does some work for each of many, `jobs` at a time, and returns the results in their order.
/// `done` hears of each result as it comes.
pub fn each<I: Sync, T: Send>(
    items: &[I],
    jobs: usize,
    work: impl Fn(&I) -> T + Sync,
    done: impl Fn(&I, &T) + Sync,
) -> Vec<T> {
    let queue = Mutex::new(items.iter().enumerate());
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let locked = |poisoned: std::sync::PoisonError<_>| poisoned.into_inner();
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                    let Some((index, item)) = next else { break };
                    let result = work(item);
                    done(item, &result);
                    results.lock().unwrap_or_else(locked).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
