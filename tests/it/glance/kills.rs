//! Runs that are killed.

use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::bench::{Bench, PUBLIC, assert_settled, assert_sound};
use super::service::{SIZE, Service};
use crate::proxy::{Fate, Proxy};

/// Kills a run as the `at`-th request that changes something comes by, before, amid or after it; then runs it again.
pub fn kills_at_every_change(service: &Service) {
    let name = "Killed";
    let proxy = Proxy::before(service.port);
    let bench = Bench::new(service, name).through(&proxy);
    bench.image(0);
    bench.good(&PUBLIC);
    let fates: [fn() -> Fate; 3] = [|| Fate::CutAfter(0), || Fate::CutAfter(SIZE / 3), || Fate::LoseAnswer];
    // Create, upload, supersede, settle.
    for at in 0..4 {
        for (number, fate) in fates.into_iter().enumerate() {
            let before = assert_sound(service, name);
            let sha256 = bench.image(u8::try_from(1 + at * 3 + number).unwrap());
            let child = Arc::new(Mutex::new(None::<Child>));
            let (victim, mut seen) = (Arc::clone(&child), 0);
            proxy.decide(move |request| {
                seen += usize::from(request.changes());
                if request.changes() && seen == at + 1 {
                    victim.lock().unwrap().as_mut().unwrap().kill().unwrap();
                    return fate();
                }
                Fate::Pass
            });
            {
                // The neighbour waits for this lock before it kills.
                let mut child = child.lock().unwrap();
                *child = Some(bench.spawn(&PUBLIC));
            }
            wait(&child);
            std::thread::sleep(Duration::from_millis(100));
            let after = assert_sound(service, name);
            assert!(before.keys().all(|id| after.contains_key(id)), "a build is lost: {before:?} {after:?}");
            proxy.decide(|_| Fate::Pass);
            bench.good(&PUBLIC);
            assert_settled(service, name, &sha256);
            assert_eq!(service.images(name).len(), before.len() + 1);
        }
    }
}

/// Waits for a child that somebody else kills.
fn wait(child: &Mutex<Option<Child>>) {
    let end = Instant::now() + Duration::from_secs(30);
    while child.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it was never killed");
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = child.lock().unwrap().as_mut().unwrap().wait().unwrap();
    assert_eq!(status.code(), None, "it ended before it was killed");
}

pub fn kills_at_random_moments(service: &Service) {
    let name = "Random";
    let bench = Bench::new(service, name);
    bench.image(0);
    let start = Instant::now();
    bench.good(&PUBLIC);
    let whole_run = u64::try_from(start.elapsed().as_micros()).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut kills = 0;
    for seed in 1..=10 {
        let before = assert_sound(service, name);
        let sha256 = bench.image(seed);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut child = bench.spawn(&PUBLIC);
        std::thread::sleep(Duration::from_micros(state % whole_run));
        child.kill().unwrap();
        kills += u32::from(child.wait().unwrap().code().is_none());
        let after = assert_sound(service, name);
        assert!(before.keys().all(|id| after.contains_key(id)), "a build is lost: {before:?} {after:?}");
        bench.good(&PUBLIC);
        assert_settled(service, name, &sha256);
        assert_eq!(service.images(name).len(), usize::from(seed) + 1);
    }
    assert!(kills >= 5, "only {kills} runs were hit");
}
