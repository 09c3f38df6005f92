//! cloud-config as cloud-init's modules take it.

use std::sync::Arc;

use super::open::Part;
use crate::effective::cloud_init::pyyaml::{Content, Node};

/// A part's top-level mapping.
pub fn root(part: &Part) -> Option<&Node> {
    let root = part.document.as_ref().ok()?.root.as_deref()?;
    matches!(root.content, Content::Map(_)).then_some(root)
}

/// What cloud-init's options take for true.
pub fn is_true(node: &Node) -> bool {
    matches!(word(node).as_str(), "true" | "1" | "on" | "yes")
}

/// What cloud-init's options take for false.
pub fn is_false(node: &Node) -> bool {
    matches!(word(node).as_str(), "false" | "0" | "off" | "no")
}

fn word(node: &Node) -> String {
    match &node.content {
        Content::Bool(truth) => truth.to_string(),
        Content::Number(number) => number.to_string(),
        Content::Text(text) => text.trim().to_lowercase(),
        _ => String::new(),
    }
}

/// What Python takes for true.
pub fn is_truthy(node: &Node) -> bool {
    match &node.content {
        Content::Null => false,
        Content::Bool(truth) => *truth,
        Content::Number(number) => number.as_f64() != Some(0.0),
        Content::Text(text) => !text.is_empty(),
        Content::List(items) => !items.is_empty(),
        Content::Map(entries) => !entries.is_empty(),
    }
}

/// A user that cloud-init is asked for.
pub struct User<'a> {
    /// The name; `None` where it is missing.
    pub name: Option<&'a str>,
    /// All of it.
    pub node: &'a Arc<Node>,
}

impl<'a> User<'a> {
    /// A value, by its name with `_`; `-` is taken in its place.
    pub fn get(&self, key: &str) -> Option<&'a Arc<Node>> {
        self.node.get(key).or_else(|| self.node.get(&key.replace('_', "-")))
    }

    /// Whether its password is not locked.
    pub fn is_unlocked(&self) -> bool {
        self.get("lock_passwd").is_some_and(|lock| !is_truthy(lock))
    }

    /// Its password, plain or hashed.
    pub fn password(&self) -> Option<&'a Arc<Node>> {
        let found = ["plain_text_passwd", "hashed_passwd", "passwd"].iter().find_map(|key| self.get(key));
        found.filter(|password| is_truthy(password))
    }

    /// Whether it can log in: by a key, or by a password that is not locked.
    pub fn may_log_in(&self) -> bool {
        let has = |key| self.get(key).is_some_and(|value| is_truthy(value));
        let keys = ["ssh_authorized_keys", "ssh_import_id", "snapuser", "ssh_redirect_user"];
        keys.into_iter().any(has) || (self.is_unlocked() && self.password().is_some())
    }
}

/// The users of a document, in whichever form they are.
pub fn users(root: &Node) -> Vec<User<'_>> {
    let mut users = Vec::new();
    if let Some(list) = root.get("users") {
        for item in list.items() {
            let name = item.text().or_else(|| item.get("name").and_then(|name| name.text()));
            users.push(User { name, node: item });
        }
        let named = list.entries().iter();
        users.extend(named.map(|entry| User { name: entry.key.text(), node: &entry.value }));
    }
    let single = root.get("user").filter(|user| matches!(user.content, Content::Map(_)));
    users.extend(single.map(|node| User { name: node.get("name").and_then(|name| name.text()), node }));
    users
}

/// Everything that a path leads to: keys with dots in between, `[]` for every item.
pub fn find<'a>(root: &'a Node, path: &str) -> Vec<(&'a Arc<Node>, &'a Arc<Node>)> {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let (key, each) = step.strip_suffix("[]").map_or((step, false), |key| (key, true));
    let Some(entry) = root.entry(key) else { return Vec::new() };
    match (rest, each) {
        (None, _) => vec![(&entry.key, &entry.value)],
        (Some(rest), false) => find(&entry.value, rest),
        (Some(rest), true) => {
            let values = entry.value.entries().iter().map(|entry| &entry.value);
            entry.value.items().iter().chain(values).flat_map(|item| find(item, rest)).collect()
        }
    }
}
