//! User-data of strangers, linted, shown in every form and mended.

use std::hint::black_box;

use ironseed::effective::secrets::Scanner;
use ironseed::lint::{self, Options, output};

use super::{Takes, Target};

/// How often an input is mended: each round may bring up what more can be.
const ROUNDS: usize = 3;

/// User-data as bytes.
pub const LINT: Target = Target {
    name: "lint",
    takes: Takes::Bytes(|input| {
        thread_local! {
            static SCANNER: std::cell::RefCell<Scanner> = std::cell::RefCell::default();
        }
        let options = Options { limit: 4096, ..Options::default() };
        let mut bytes = input.to_vec();
        for _ in 0..ROUNDS {
            let linted = SCANNER.with_borrow_mut(|scanner| lint::lint("fuzz", &bytes, &options, scanner));
            let linted = linted.expect("the built-in facts are whole");
            let text = linted.text.as_deref().and_then(|text| lint::mended(&linted, text));
            let files = [linted];
            black_box((
                output::human(&files[0], true),
                output::github(&files),
                output::json(&files, &options),
            ));
            black_box(output::sarif(&files));
            match text {
                Some(text) => bytes = text.into_bytes(),
                None => break,
            }
        }
    }),
};
