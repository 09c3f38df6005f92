//! `moduli`: the groups that sshd may use for Diffie-Hellman group exchange are large enough.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::Phase;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// No group below [`LEAST`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moduli {}

const PATH: &str = "/etc/ssh/moduli";

/// Smallest modulus in bits, less one, as the file counts it (3072-bit groups are 3071 there).
const LEAST: u32 = 3071;

/// Matches lines of `moduli(5)` whose fifth field is below [`LEAST`].
const SMALLER: &str = r"/^([0-9]+ ){4}([0-9]{1,3}|[12][0-9]{3}|30[0-6][0-9]|3070) /d";

impl Kind for Moduli {
    const SUMMARY: &'static str = "sshd's groups for Diffie-Hellman have 3072 bits or more";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        "groups of 3072 bits or more only".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        let argv = ["sed", "-i", "-E", SMALLER, PATH];
        bundle.run(Phase::Configure, &argv, "take small Diffie-Hellman groups out", &checks_of(all));
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let text = match look.root.read_text(PATH) {
            Ok(Some(text)) => text,
            Ok(None) => {
                let reason = "sshd falls back to built-in groups, the smallest of 2048 bits";
                let seen = Observation::fail(plane, "no such file", self.wanted(), reason);
                return vec![seen.at(Location::file(PATH))];
            }
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        let sizes =
            text.lines().enumerate().filter(|(_, l)| !l.starts_with('#')).filter_map(|(index, line)| {
                let size = line.split_whitespace().nth(4)?;
                Some((index + 1, size.parse::<u32>().unwrap_or(0)))
            });
        let smallest = sizes.min_by_key(|(_, size)| *size);
        vec![match smallest {
            Some((line, size)) => {
                let found = format!("the smallest has {} bits", size.saturating_add(1));
                let reason = "what is agreed with it can be broken with enough computing";
                Observation::judge(plane, size >= LEAST, found, self.wanted(), reason)
                    .at(Location::line(PATH, line))
            }
            None => {
                let reason = "sshd falls back to built-in groups, the smallest of 2048 bits";
                Observation::fail(plane, "no group", self.wanted(), reason).at(Location::file(PATH))
            }
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn small_groups_go_and_large_ones_stay() {
        let machine = Machine::of(&[Setting::Moduli(Moduli {})]);
        let line = |size: u32| format!("20230123 2 6 100 {size} 2 ABCDEF\n");
        let all = [1023, 2047, 3070, 3071, 4095, 8191].map(line).join("");
        machine.put("/etc/ssh/moduli", &format!("# Time Type\n{all}"));
        assert_eq!(machine.configured(), [Fail]);
        machine.configure();
        assert_eq!(machine.configured(), [Pass]);
        assert_eq!(machine.get("/etc/ssh/moduli").lines().count(), 4);
        machine.put("/etc/ssh/moduli", "# none\n");
        assert_eq!(machine.configured(), [Fail], "an empty file is no pass");
    }
}
