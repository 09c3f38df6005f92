//! What the readers' tests share: a tree in memory, seeded chances, and the differential test that
//! holds a reader against the real program.
//!
//! This module owns how such a test runs: where its cases come from, how many there are, how a
//! disagreement is made small and shown, and what is said where the program is missing. It must
//! not know any reader.
//!
//! A reader is only as right as the real program says. Such a test makes cases from a seed, asks
//! both, and compares:
//!
//! ```ignore
//! use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, program};
//!
//! /// A case: the files that the reader and the program both get.
//! fn generate(dice: &mut Dice) -> MemoryTree {
//!     let mut tree = MemoryTree::new();
//!     for name in dice.subset(&["10-a.conf", "20-b.conf"]) {
//!         let lines = (0..dice.range(0..=5)).map(|_| dice.pick(&["a = 1\n", "a=2\n", "# c\n"]));
//!         tree.write(format!("/etc/x.d/{name}"), lines.collect::<String>());
//!     }
//!     if dice.once_in(5) {
//!         tree.link("/etc/x.d/10-a.conf", "/dev/null");
//!     }
//!     tree
//! }
//!
//! fn ask(tree: &MemoryTree) -> Option<Vec<String>> {
//!     let disk = tree.on_disk();
//!     let said = Command::new("x").arg("--root").arg(disk.path()).output().unwrap();
//!     said.status.success().then(|| lines(&said.stdout))
//! }
//!
//! #[test]
//! fn agrees_with_x() {
//!     if program("x").is_none() {
//!         return;
//!     }
//!     let tally = Differential::cases(300)
//!         .run(generate, |tree| Verdict::of(read(tree.root()).ok().map(dump), ask(tree)));
//!     assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
//! }
//! ```
//!
//! The last line matters: a generator whose cases the program nearly always refuses shows nothing.
//!
//! - `IRONSEED_CASES` says how many cases each test runs instead of its default (a test may cap it:
//!   [`Differential::at_most`]); `make differential CASES=20000` is the large run.
//! - `IRONSEED_SEED` says the first case's seed; the next case has the next one. A failure names its
//!   seed, so that `IRONSEED_CASES=1 IRONSEED_SEED=n cargo test --lib …` runs that case alone.
//! - A case is whatever implements [`Case`]: a text (`String`), a [`MemoryTree`], or a struct of
//!   one of these and more. On a disagreement the case is shrunk, line by line and file by file,
//!   while the two still disagree (or the test still panics), and the smallest is shown. So keep
//!   what never changes, such as a distribution's shipped files, out of the case.
//! - A program that is slow to start can answer many cases from one process: [`Dialogue`]. A library that
//!   reads fixed paths is asked from [`python_in_own_root`].
//! - A daemon that prints nothing is started for each case, where it can do no harm: [`Lab`].
//! - Where the program is missing, [`program`] says so, in one way for all; [`skip`] is for every
//!   other reason, such as a kernel without namespaces.

mod dialogue;
mod dice;
mod differential;
mod folders;
mod lab;
mod private_root;
mod program;
mod shrink;
mod tree;

pub use dialogue::Dialogue;
pub use dice::Dice;
pub use differential::{Differential, Tally, Verdict, agree};
pub use folders::Folders;
pub use lab::{Answer, Lab, Probe, Question};
pub use private_root::python_in_own_root;
pub use program::{aside, program, skip};
pub use shrink::Case;
pub use tree::MemoryTree;
