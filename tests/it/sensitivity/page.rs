//! `docs/sensitivity.md`: what was tried and what came of it, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Verdict;
use super::format::FORMATS;
use super::mutant::Operator;
use crate::pages;

/// Numbers of one cell.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Pairs of a change and a check that it breaks.
    winning: usize,
    killed: usize,
    /// Changes that break nothing.
    losing: usize,
    alarms: usize,
}

impl Count {
    fn survived(self) -> usize {
        self.winning - self.killed
    }

    fn cell(self) -> String {
        let mut parts = Vec::new();
        if self.winning > 0 {
            parts.push(format!("{}/{}", self.killed, self.winning));
        }
        if self.losing > 0 {
            parts.push(format!("+{}", self.losing));
        }
        if self.alarms > 0 {
            parts.push(format!("**{}!**", self.alarms));
        }
        parts.join(" ")
    }
}

/// Holds the page against the verdicts.
pub fn hold(verdicts: &[Verdict]) {
    pages::hold("sensitivity", &page(verdicts));
}

fn page(verdicts: &[Verdict]) -> String {
    let mut counts: BTreeMap<(String, Operator), Count> = BTreeMap::new();
    for verdict in verdicts {
        for check in &verdict.killed {
            let count = counts.entry((check.clone(), verdict.operator)).or_default();
            count.winning += 1;
            count.killed += 1;
        }
        for check in &verdict.survived {
            counts.entry((check.clone(), verdict.operator)).or_default().winning += 1;
        }
        for check in &verdict.alarms {
            counts.entry((check.clone(), verdict.operator)).or_default().alarms += 1;
        }
        if verdict.killed.is_empty() && verdict.survived.is_empty() {
            counts.entry((verdict.subject.clone(), verdict.operator)).or_default().losing += 1;
        }
    }
    let sum = |keep: &dyn Fn(&(String, Operator)) -> bool| {
        counts.iter().filter(|(key, _)| keep(key)).fold(Count::default(), |sum, (_, c)| Count {
            winning: sum.winning + c.winning,
            killed: sum.killed + c.killed,
            losing: sum.losing + c.losing,
            alarms: sum.alarms + c.alarms,
        })
    };
    let all = sum(&|_| true);
    let mut page = format!(
        "# Sensitivity\n\n\
         {}\n\n\
         Is any check blind, and does any cry wolf? {} changes were made to trees that pass every check: the rendered tree \
         of each built-in profile on each release, and a built image. They are made from the plan: every line that a \
         profile put somewhere, and every file, package, unit, account and port that a setting is about. Whether a change \
         wins is what the real program makes of it; the last table says how that is known.\n\n\
         A change that wins has to turn every check red that wants what it takes away: {} of {} did. No other check may \
         turn red, and after the {} changes that lose none at all: {} did.\n\n",
        pages::generated("sensitivity"),
        verdicts.len(),
        all.killed,
        all.winning,
        all.losing,
        all.alarms,
    );
    page.push_str("## By operator\n\n| operator | what is done | wins: made | killed | survived | loses: made | false alarms |\n|---|---|---:|---:|---:|---:|---:|\n");
    for (operator, name, what) in Operator::ALL {
        let c = sum(&|(_, o)| *o == operator);
        writeln!(
            page,
            "| {name} | {what} | {} | {} | {} | {} | {} |",
            c.winning,
            c.killed,
            c.survived(),
            c.losing,
            c.alarms
        )
        .unwrap();
    }
    page.push_str("\n## By check\n\nA cell reads killed/made of those that win, and +made of those that lose; false alarms would be bold.\n\n| check |");
    let operators: Vec<(Operator, &str)> = Operator::ALL.iter().map(|(o, name, _)| (*o, *name)).collect();
    operators.iter().for_each(|(_, name)| write!(page, " {name} |").unwrap());
    page.push_str(" all |\n|---|");
    page.push_str(&"---:|".repeat(operators.len() + 1));
    page.push('\n');
    let checks: BTreeSet<&String> = counts.keys().map(|(check, _)| check).collect();
    for check in checks {
        write!(page, "| {check} |").unwrap();
        for (operator, _) in &operators {
            write!(page, " {} |", sum(&|(c, o)| c == check && o == operator).cell()).unwrap();
        }
        writeln!(page, " {} |", sum(&|(c, _)| c == check).cell()).unwrap();
    }
    page.push_str(
        "\n## How it is known what wins\n\nWhat a program makes of a line, or of the file around it, after a change that a \
         reader could stumble over. `?`: nobody could be asked, so no such change is made.\n\n\
         | file | CR LF | blanks at the end | case | BOM | tabs | indented | asked |\n|---|---|---|---|---|---|---|---|\n",
    );
    for format in FORMATS {
        let cells = [format.crlf, format.trailing, format.case, format.bom, format.tabs, format.indent]
            .map(|a| a.words());
        writeln!(page, "| `{}` | {} | {} |", format.paths.join("`, `"), cells.join(" | "), format.source)
            .unwrap();
    }
    page
}
