//! libFuzzer's program: fuzzes the target that `IRONSEED_FUZZ` names.

#![no_main]

mod entries;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&entries::Target> = LazyLock::new(|| {
    let name = std::env::var("IRONSEED_FUZZ").expect("IRONSEED_FUZZ names the target");
    entries::target(&name)
});

fuzz_target!(|input: &[u8]| TARGET.run(input));
