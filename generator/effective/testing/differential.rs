//! The differential test itself: many cases, one verdict each, and a small case where one is bad.

use std::fmt::{Debug, Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::{Case, Dice};

/// How long a disagreement is made smaller before it is shown as it is by then.
const SHRINKING: Duration = Duration::from_secs(60);

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both accept the case and say the same of it.
    Agree,
    /// Both refuse it: for a reader, it says that the file is broken.
    Refuse,
    /// The program can't be asked this (it crashes, or the kernel has no such feature): the case
    /// doesn't count, and another is made.
    Unanswered,
    /// The two disagree.
    Differ {
        /// What the reader says.
        ours: String,
        /// What the program says.
        theirs: String,
    },
}

impl Verdict {
    /// Agreement of two values; they are shown where they differ.
    pub fn same<T: PartialEq + Debug>(ours: &T, theirs: &T) -> Self {
        match ours == theirs {
            true => Self::Agree,
            false => Self::differ(format!("{ours:#?}"), format!("{theirs:#?}")),
        }
    }

    /// As [`Verdict::same`], where `None` says that the case is refused.
    pub fn of<T: PartialEq + Debug>(ours: Option<T>, theirs: Option<T>) -> Self {
        match (&ours, &theirs) {
            (None, None) => Self::Refuse,
            _ => Self::same(&ours, &theirs),
        }
    }

    /// A disagreement, in words.
    pub fn differ(ours: impl Display, theirs: impl Display) -> Self {
        Self::Differ { ours: ours.to_string(), theirs: theirs.to_string() }
    }
}

/// How many cases ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases that both accept.
    pub agreed: u64,
    /// Cases that both refuse.
    pub refused: u64,
    /// Cases that the program could not be asked; they are none of the number that was wanted.
    pub unanswered: u64,
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { agreed, refused, unanswered } = self;
        write!(f, "{agreed} accepted and agreed, {refused} refused by both, {unanswered} unanswered")
    }
}

/// A run of generated cases.
pub struct Differential {
    cases: u64,
    seed: u64,
}

impl Differential {
    /// A run of `IRONSEED_CASES` cases, or of `default`, from the seed `IRONSEED_SEED`, or 1.
    pub fn cases(default: u64) -> Self {
        Self {
            cases: number("IRONSEED_CASES").unwrap_or(default),
            seed: number("IRONSEED_SEED").unwrap_or(1),
        }
    }

    /// Never more cases than this: where a single one takes a second or more.
    pub fn at_most(self, cases: u64) -> Self {
        Self { cases: self.cases.min(cases), ..self }
    }

    /// Another first seed than 1, for a second test with the same generator.
    pub fn from(self, seed: u64) -> Self {
        Self { seed: number("IRONSEED_SEED").unwrap_or(seed), ..self }
    }

    /// Generates the cases and judges each.
    ///
    /// # Panics
    /// With the first case that the two disagree on, or whose judgement panics, made as small as
    /// it gets; or where the program answers less than a third of the cases.
    pub fn run<C: Case>(
        self,
        mut generate: impl FnMut(&mut Dice) -> C,
        mut judge: impl FnMut(&C) -> Verdict,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut seed = self.seed;
        while tally.agreed + tally.refused < self.cases {
            let case = generate(&mut Dice::new(seed));
            match judged(&case, &mut judge) {
                Ok(Verdict::Agree) => tally.agreed += 1,
                Ok(Verdict::Refuse) => tally.refused += 1,
                Ok(Verdict::Unanswered) => tally.unanswered += 1,
                bad => panic!("seed {seed}: {}", smallest(case, bad, &mut judge)),
            }
            assert!(tally.unanswered <= 10 + 2 * self.cases, "too few answers: {tally}");
            seed += 1;
        }
        println!("{tally}");
        tally
    }
}

/// Judges one given case, such as a shipped file; a bad one is made smaller as in
/// [`Differential::run`].
///
/// # Panics
/// Unless both accept the case and say the same.
pub fn agree<C: Case>(case: C, mut judge: impl FnMut(&C) -> Verdict) {
    let verdict = judged(&case, &mut judge);
    if verdict != Ok(Verdict::Agree) {
        panic!("{}", smallest(case, verdict, &mut judge));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A verdict, or the message of a panic on the way to it.
type Judged = Result<Verdict, String>;

fn judged<C: Case>(case: &C, judge: &mut impl FnMut(&C) -> Verdict) -> Judged {
    catch_unwind(AssertUnwindSafe(|| judge(case))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
    })
}

/// The report of a bad case, made smaller while it stays bad in the same way.
fn smallest<C: Case>(mut case: C, mut bad: Judged, judge: &mut impl FnMut(&C) -> Verdict) -> String {
    let kind = |judged: &Judged| judged.as_ref().map(std::mem::discriminant).map_err(|_| ());
    let started = Instant::now();
    'smaller: loop {
        for candidate in case.smaller() {
            if started.elapsed() > SHRINKING {
                break 'smaller;
            }
            let verdict = judged(&candidate, judge);
            if kind(&verdict) == kind(&bad) {
                (case, bad) = (candidate, verdict);
                continue 'smaller;
            }
        }
        break;
    }
    let shown = case.shown();
    match bad {
        Ok(Verdict::Differ { ours, theirs }) => {
            let (ours, theirs) = where_they_part(&ours, &theirs);
            format!("the two disagree\n=== case\n{shown}\n=== ours\n{ours}\n=== theirs\n{theirs}")
        }
        Ok(other) => format!("the two should agree, but: {other:?}\n=== case\n{shown}"),
        Err(panic) => format!("a panic\n=== case\n{shown}\n=== panic\n{panic}"),
    }
}

/// Two texts without the lines that they have in common at their start and end, but for a few.
fn where_they_part(ours: &str, theirs: &str) -> (String, String) {
    const CONTEXT: usize = 2;
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.lines().collect(), theirs.lines().collect());
    let shorter = ours.len().min(theirs.len());
    let head = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let tail = ours.iter().rev().zip(theirs.iter().rev()).take_while(|(a, b)| a == b).count();
    let (start, tail) = (head.saturating_sub(CONTEXT), tail.min(shorter - head).saturating_sub(CONTEXT));
    let part = |lines: &[&str]| lines[start..lines.len() - tail].join("\n");
    (part(&ours), part(&theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that is wrong about a line `b` after a line `a`.
    fn wrong(text: &str) -> Verdict {
        match text.lines().collect::<Vec<_>>().join(" ") {
            text if text.contains("panic") => panic!("no such line"),
            text if text.contains("a b") => Verdict::differ("x\ny\n1\nz", "x\ny\n2\nz"),
            _ => Verdict::Agree,
        }
    }

    fn report(text: &str) -> String {
        let mut judge = |text: &String| wrong(text);
        let case = text.to_owned();
        let verdict = judged(&case, &mut judge);
        smallest(case, verdict, &mut judge)
    }

    #[test]
    fn a_disagreement_and_a_panic_are_made_small() {
        let expected = "the two disagree\n=== case\na\nb\n\n=== ours\nx\ny\n1\nz\n=== theirs\nx\ny\n2\nz";
        assert_eq!(report("c\nd\na\nb\na\nc\n"), expected);
        assert_eq!(report("c\na\npanic\nb\n"), "a panic\n=== case\npanic\n\n=== panic\nno such line");
    }

    #[test]
    fn a_run_counts_and_stops_at_what_is_bad() {
        let generate = |dice: &mut Dice| dice.pick(&["a\n", "b\n"]).to_owned();
        let judge =
            |text: &String| if text == "a\n" { Verdict::Agree } else { Verdict::of::<()>(None, None) };
        let run = Differential { cases: 50, seed: 1 };
        let tally = run.run(generate, judge);
        assert!(tally.agreed > 10 && tally.refused > 10 && tally.agreed + tally.refused == 50, "{tally}");
        let bad = |_: &String| Verdict::of(Some(1), None);
        assert!(catch_unwind(|| Differential { cases: 1, seed: 1 }.run(generate, bad)).is_err());
        let mute = |_: &String| Verdict::Unanswered;
        assert!(catch_unwind(|| Differential { cases: 1, seed: 1 }.run(generate, mute)).is_err());
    }

    #[test]
    fn only_where_the_two_part_is_shown() {
        assert_eq!(
            where_they_part("1\n2\n3\n4\n5", "1\n2\n3\nx\n5"),
            ("2\n3\n4\n5".into(), "2\n3\nx\n5".into())
        );
        assert_eq!(where_they_part("a\na\na\na", "a\na\na"), ("a\na\na".into(), "a\na".into()));
    }
}
