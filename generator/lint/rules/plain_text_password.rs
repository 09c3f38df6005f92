//! A password stands in user-data.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Content;
use crate::lint::unit::Snippet;
use crate::lint::{Context, Example, Rule, config, template};

/// The rule.
pub const RULE: Rule = Rule {
    id: "plain-text-password",
    title: "A password stands in user-data",
    severity: Severity::High,
    rationale: "Everybody on the machine can read user-data, from the metadata service or from the disk, and so can everybody who may look at the cloud's API, the pipeline and the repository that it comes from.",
    remedy: "Log in with keys. Where there must be a password, set it on the machine after its first boot.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              chpasswd:\n\
              \x20 users:\n\
              \x20   - {name: mira, password: Winter2026, type: text}\n",
        line: 4,
        good: "#cloud-config\n\
              chpasswd:\n\
              \x20 users:\n\
              \x20   - {name: mira, type: RANDOM}\n",
        fixed: false,
    },
    check,
};

use crate::effective::cloud_init::pyyaml::Node;

static HASH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\$(1|2a|2b|2y|5|6|y|gy|argon2\w*)\$.").ok());

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        let mut found: Vec<(Range<usize>, String)> = Vec::new();
        for user in config::users(root) {
            let name = user.name.unwrap_or("without a name");
            if let Some(value) = user.get("plain_text_passwd").filter(|value| is_password(value)) {
                found.push((value.at.clone(), format!("the password of user `{name}`, as it is typed")));
            }
            let passwd = ["passwd", "hashed_passwd"].iter().find_map(|key| user.get(key));
            if let Some(value) = passwd.filter(|value| is_password(value) && !is_locking(value)) {
                found.push((
                    value.at.clone(),
                    format!("a hash belongs here: this is no password of user `{name}`, and can be read"),
                ));
            }
        }
        found.extend(root.get("password").filter(|v| is_password(v)).map(|value| {
            (value.at.clone(), "the password of the image's own user, as it is typed".to_owned())
        }));
        for item in root
            .get("chpasswd")
            .and_then(|chpasswd| chpasswd.get("users"))
            .into_iter()
            .flat_map(|u| u.items())
        {
            let random = item.get("type").is_some_and(|kind| kind.text() == Some("RANDOM"));
            let value = item.get("password").filter(|value| is_password(value) && !random);
            found.extend(value.map(|value| (value.at.clone(), "a password, as it is typed".to_owned())));
        }
        for (at, message) in found {
            context.report(part.unit, at, message);
        }
        listed(context, part.unit, root);
    }
    given_to_chpasswd(context);
}

/// Whether a value is a password that people could type: no hash, and nothing that is filled in later.
fn is_password(value: &Node) -> bool {
    value.text().map_or_else(|| matches!(value.content, Content::Number(_)), |text| is_word(text.trim()))
}

fn is_word(text: &str) -> bool {
    let hash = HASH.as_ref().is_some_and(|hash| hash.is_match(text));
    !text.is_empty() && !hash && !template::has_hole(text) && !text.starts_with(['$', '<'])
}

/// `!`, `*` and the like lock a password.
fn is_locking(value: &Node) -> bool {
    value.text().is_some_and(|text| text.starts_with(['!', '*']))
}

/// `chpasswd: list`: lines or items of `user:password`.
fn listed(context: &mut Context<'_>, unit: usize, root: &Node) {
    let Some(list) = root.get("chpasswd").and_then(|chpasswd| chpasswd.get("list")) else { return };
    let text = &context.unit(unit).text;
    let snippets = list.items().iter().chain([list]).filter_map(|node| Snippet::of_node(text, node));
    for snippet in snippets.collect::<Vec<_>>() {
        let mut start = 0;
        for line in snippet.text.split_inclusive('\n') {
            let password = line.trim().split_once(':').map(|(_, password)| password.trim());
            if password.is_some_and(|p| is_word(p) && !matches!(p, "R" | "RANDOM")) {
                let at = snippet.place(&(start..start + line.trim_end().len()));
                context.report(unit, at, "a password, as it is typed");
            }
            start += line.len();
        }
    }
}

/// `echo user:password | chpasswd`.
fn given_to_chpasswd(context: &mut Context<'_>) {
    for piece in context.pieces {
        for pair in piece.commands().windows(2) {
            let [first, second] = pair else { continue };
            let said = first.arguments();
            let to_chpasswd =
                second.program() == "chpasswd" && said.contains(':') && !second.arguments().contains("-e");
            let to_passwd = second.program() == "passwd" && second.arguments().contains("--stdin");
            let speaks = matches!(first.program(), "echo" | "printf") && first.pipes;
            let password = said.rsplit(':').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            if speaks && (to_chpasswd || to_passwd) && is_word(password) && !password.contains(['$', '`']) {
                context.report_in(piece, &first.at(), "a password, as it is typed");
            }
        }
    }
}
