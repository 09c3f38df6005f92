//! Scans of vulnerability scanners, judged and shown in every form.

use std::hint::black_box;
use std::sync::LazyLock;

use ironseed::assets::Assets;
use ironseed::release::{self, Release};
use ironseed::triage::ledger::Ledger;
use ironseed::triage::policy::Policy;
use ironseed::triage::prevention::Prevention;
use ironseed::triage::{self, Judge, scan};
use jiff::Timestamp;

use super::{Takes, Target};

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::load(None, &Assets::embedded()).expect("the built-in policy is whole"));
static PREVENTION: LazyLock<Prevention> =
    LazyLock::new(|| Prevention::load(&Assets::embedded()).expect("the built-in rules are whole"));
static RELEASES: LazyLock<Vec<Release>> =
    LazyLock::new(|| release::all(&Assets::embedded()).expect("the built-in releases are whole"));

/// A scan in any format.
pub const SCANS: Target = Target {
    name: "scans",
    takes: Takes::Bytes(|input| {
        let scan = match scan::read(input, "fuzz", &POLICY.zone) {
            Ok(scan) => scan,
            Err(error) => return drop(black_box(error.to_string())),
        };
        let now = Timestamp::UNIX_EPOCH;
        let mut ledger = Ledger::default();
        let run = triage::take(&mut ledger, vec![scan], &POLICY, now);
        let judge = Judge { policy: &POLICY, prevention: &PREVENTION, releases: &RELEASES, image: None, now };
        let triage = judge.triage(&ledger, run);
        let mut text = Vec::new();
        triage::human(&triage, &POLICY.zone, &mut text).expect("memory takes everything");
        black_box((text, triage::markdown(&triage, &POLICY.zone)));
        black_box(serde_json::to_string(&triage).expect("it is JSON"));
    }),
};
