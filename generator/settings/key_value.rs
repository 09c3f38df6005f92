//! `key-value`: a key of a plain configuration file that a package owns.
//!
//! For files of programs that read no drop-ins and let the last line win: shadow-utils
//! (`login.defs`, `useradd`), pam_faillock, libpwquality, auditd, AIDE. The rendered command takes
//! every line of the key away and puts one at the top, so a second run changes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, options};
use super::overruled::overruled;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::effective::keyvalue::{self, Chosen, Syntax, Wins};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::Phase;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct KeyValue(Fields);

/// The form in YAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyValue")]
pub struct Fields {
    /// Absolute path.
    pub file: String,
    /// Key: letters, digits and `_.-`.
    pub key: String,
    /// Its value; empty for a switch that is on by its mere name.
    pub value: String,
    /// How the file writes it.
    pub style: Style,
}

/// How a file parts key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// `KEY value`
    Blank,
    /// `key = value`
    Equals,
    /// `KEY=value`
    Assignment,
}

impl TryFrom<Fields> for KeyValue {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        // Both become part of a program for sed.
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if fields.key.is_empty() || !fields.key.chars().all(plain) {
            return Err(format!("`{}` is no key", fields.key));
        }
        if fields.value.contains(['\\', '\n', '\r', '\0']) {
            return Err(format!("the value of `{}` holds a backslash or a line break", fields.key));
        }
        Ok(Self(fields))
    }
}

impl From<KeyValue> for Fields {
    fn from(setting: KeyValue) -> Self {
        setting.0
    }
}

impl Style {
    fn word(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Equals => "equals",
            Self::Assignment => "assignment",
        }
    }

    fn syntax(self) -> Syntax {
        match self {
            Self::Blank => Syntax::Blank,
            Self::Equals | Self::Assignment => Syntax::Equals,
        }
    }
}

impl KeyValue {
    fn line(&self) -> String {
        let Fields { key, value, style, .. } = &self.0;
        match style {
            _ if value.is_empty() => key.clone(),
            Style::Blank => format!("{key} {value}"),
            Style::Equals => format!("{key} = {value}"),
            Style::Assignment => format!("{key}={value}"),
        }
    }
}

impl Kind for KeyValue {
    const SUMMARY: &'static str = "a key of a plain configuration file whose last line wins";
    const ORDER: Option<&'static str> = Some("each key has its own scale; one without a scale has no order");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("{} in {}", self.line(), self.0.file)
    }

    fn subject(&self) -> String {
        format!("{} in {}", self.0.key, self.0.file)
    }

    fn aspects(&self) -> Vec<Aspect> {
        let Fields { file, key, value, style } = &self.0;
        vec![Aspect::on("value", options::key_value(file, key), value), Aspect::plain("style", style.word())]
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        let mut files: Vec<&str> = all.iter().map(|w| w.setting.0.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        for file in files {
            let here: Vec<&Wanted<'_, Self>> = all.iter().filter(|w| w.setting.0.file == file).collect();
            let mut program: Vec<String> = here.iter().map(|w| format!("1i {}", w.setting.line())).collect();
            for wanted in &here {
                let key = wanted.setting.0.key.replace('.', "\\.");
                program.push(format!("/^[[:space:]]*{key}([[:space:]=]|$)/d"));
            }
            let mut argv = vec!["sed", "-i", "-E"];
            program.iter().for_each(|step| argv.extend(["-e", step]));
            argv.push(file);
            let checks: Vec<&str> = here.iter().map(|w| w.check).collect();
            bundle.run(Phase::Configure, &argv, &format!("set keys in {file}"), &checks);
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let Fields { file, key, value, style } = &self.0;
        let wanted = self.wanted();
        vec![match keyvalue::read(&look.root, file, style.syntax()) {
            Err(error) => Observation::error(plane, wanted, error.to_string()),
            Ok(None) => Observation::fail(plane, "no such file", wanted, "the file is missing")
                .at(Location::file(file)),
            Ok(Some(keys)) => match keys.get(key, Wins::Last) {
                Some(found) if found.value.value == *value => self.holds(look, plane, found),
                Some(found) => {
                    let shown = format!("{key} {}", found.value.value);
                    Observation::fail(plane, shown, wanted, "this line comes last, and the last one wins")
                        .at(found.value.at)
                        .over(found.overridden.into_iter().map(|l| l.at).collect())
                }
                None => Observation::fail(plane, "not set", wanted, "no line sets it, so the default counts")
                    .at(Location::file(file)),
            },
        }]
    }
}

impl KeyValue {
    /// The file says it; whether other files of the program say otherwise.
    fn holds(&self, look: &Look<'_>, plane: Plane, found: Chosen) -> Observation {
        let (shown, wanted) = (format!("{} {}", self.0.key, found.value.value), self.wanted());
        let mut losing: Vec<Location> = found.overridden.into_iter().map(|line| line.at).collect();
        match overruled(look, &self.0.file, &self.line()) {
            Ok(None) => Observation::pass(plane, shown, wanted).at(found.value.at).over(losing),
            Ok(Some(why)) => {
                losing.insert(0, found.value.at);
                let found = format!("{shown}, without effect");
                Observation::fail(plane, found, wanted, why.value).at(why.at).over(losing)
            }
            Err(why) => Observation::error(plane, wanted, why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    fn setting(file: &str, key: &str, value: &str, style: Style) -> Setting {
        let fields = Fields { file: file.into(), key: key.into(), value: value.into(), style };
        Setting::KeyValue(KeyValue::try_from(fields).unwrap())
    }

    #[test]
    fn a_second_run_changes_nothing_and_the_last_line_wins() {
        let machine = Machine::of(&[
            setting("/etc/login.defs", "UMASK", "077", Style::Blank),
            setting("/etc/login.defs", "PASS_MIN_DAYS", "1", Style::Blank),
            setting("/etc/faillock.conf", "deny", "4", Style::Equals),
            setting("/etc/faillock.conf", "audit", "", Style::Equals),
            setting("/etc/default/useradd", "INACTIVE", "45", Style::Assignment),
        ]);
        machine.put("/etc/login.defs", "# UMASK 022\nUMASK\t022\nMAIL_DIR /var\n\tUMASK 027\n");
        machine.put("/etc/faillock.conf", "#deny = 3\ndeny=3\n");
        machine.put("/etc/default/useradd", "SHELL=/bin/sh\n");
        assert_eq!(machine.configured(), [Fail; 5]);
        machine.configure();
        assert_eq!(machine.configured(), [Pass; 5]);
        let once = machine.get("/etc/login.defs");
        assert_eq!(once, "UMASK 077\nPASS_MIN_DAYS 1\n# UMASK 022\nMAIL_DIR /var\n");
        machine.configure();
        assert_eq!(machine.get("/etc/login.defs"), once);
        machine.put("/etc/login.defs", &format!("UMASK 000\n{once}"));
        assert_eq!(machine.configured()[0], Pass, "an earlier line loses");
        machine.put("/etc/login.defs", &format!("{once}UMASK 000\n"));
        assert_eq!(machine.configured()[0], Fail, "a later line wins");
    }

    #[test]
    fn what_sed_could_misread_is_refused() {
        for (key, value) in [("a/b", "1"), ("", "1"), ("a", "x\\n"), ("a", "x\ny")] {
            let fields =
                Fields { file: "/x".into(), key: key.into(), value: value.into(), style: Style::Blank };
            assert!(KeyValue::try_from(fields).is_err(), "{key} {value}");
        }
    }
}
