//! From nftables' own shape to the model: what a selector and its values mean for a new packet.

use std::collections::HashMap;

use super::model::{Action, Chain, Family, Hook, Match, Rule, RuleSet, Table, Unknown};
use super::names::Names;
use super::nft_raw::{
    Element, Operator, RawAction, RawMatch, RawRule, RawRules, RawSet, RawTable, Test, Values,
};
use super::selector::{implied, single};

/// Rules that verdict maps may expand to before the rule set counts as hostile.
const MAX_EXPANDED: usize = 500_000;

/// Makes the model.
pub(super) fn compile(raw: RawRules, origin: &str, names: &Names) -> RuleSet {
    let mut compiler = Compiler { names, unknown: raw.unknown, expanded: 0, sets: HashMap::new() };
    let mut tables = Vec::new();
    for table in &raw.tables {
        if !table.dormant {
            tables.extend(compiler.table(table));
        }
    }
    RuleSet { tables, unknown: compiler.unknown, origin: origin.to_string(), flushes: raw.flushes }
}

/// A chain's priority: a number, a name, or a name with an offset (`filter-10`).
pub(super) fn priority(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
    let (name, offset) = text.split_at(end);
    let base = match name {
        "" => 0,
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "filter" => 0,
        "security" => 50,
        "srcnat" => 100,
        _ => return None,
    };
    let offset = offset.trim_start_matches('+');
    Some(base + if offset.is_empty() { 0 } else { i64::from(offset.parse::<i32>().ok()?) })
}

struct Compiler<'a> {
    names: &'a Names,
    unknown: Vec<Unknown>,
    expanded: usize,
    /// Named sets already read: by table, name and selector.
    sets: HashMap<(String, String, String), Match>,
}

impl Compiler<'_> {
    fn table(&mut self, raw: &RawTable) -> Option<Table> {
        let families = match raw.family.as_str() {
            "ip" => vec![Family::V4],
            "ip6" => vec![Family::V6],
            "inet" => vec![Family::V4, Family::V6],
            "netdev" | "bridge" => {
                self.early(raw);
                return None;
            }
            _ => return None,
        };
        let mut chains = HashMap::new();
        for chain in &raw.chains {
            let mut rules = Vec::new();
            for rule in &chain.rules {
                self.rule(raw, rule, &mut rules);
            }
            chains.insert(chain.name.clone(), Chain { base: chain.base.clone(), rules });
        }
        for rule in chains.values().flat_map(|chain| &chain.rules) {
            if let Action::Jump(name) | Action::Goto(name) = &rule.action
                && !chains.contains_key(name)
            {
                self.unknown.push(Unknown { at: rule.at.clone(), text: format!("no chain {name}") });
            }
        }
        self.early(raw);
        Some(Table { families, chains })
    }

    /// Chains before prerouting, or of a bridge, may drop what the model calls open.
    fn early(&mut self, raw: &RawTable) {
        let bridge = raw.family == "bridge";
        for chain in raw.chains.iter().filter(|chain| !chain.rules.is_empty()) {
            let hooked = chain.base.as_ref().filter(|base| bridge && base.hook != Hook::Forward);
            if let Some(at) = chain.ingress.as_ref().or(hooked.map(|base| &base.policy_at)) {
                let text = format!("chain {} sees packets before the input hook", chain.name);
                self.unknown.push(Unknown { at: at.clone(), text });
            }
        }
    }

    fn rule(&mut self, table: &RawTable, raw: &RawRule, rules: &mut Vec<Rule>) {
        let mut matches = Vec::new();
        let mut listed: Option<&Test> = None;
        for condition in &raw.matches {
            match condition {
                RawMatch::Condition(text) => matches.push(Match::Condition(text.clone())),
                RawMatch::Never => matches.push(Match::Never),
                RawMatch::Test(test) if listed.is_none() && self.alternatives(table, test).is_some() => {
                    listed = Some(test);
                }
                RawMatch::Test(test) => match self.test(table, test, &mut matches) {
                    Ok(()) => {}
                    Err(text) => return self.unknown.push(Unknown { at: raw.at.clone(), text }),
                },
            }
        }
        let (selectors, values) = match &raw.action {
            RawAction::Plain(action) => {
                let elements = listed.and_then(|test| Some((test, self.alternatives(table, test)?)));
                match elements {
                    Some((test, elements)) => {
                        let elements = elements.into_iter().map(|key| (key, action.clone()));
                        self.expand(table, raw, &test.selectors, &matches, elements.collect(), rules);
                    }
                    None => rules.push(Rule { matches, action: action.clone(), at: raw.at.clone() }),
                }
                return;
            }
            RawAction::Map { selectors, values } => (selectors, values),
        };
        if listed.is_some() {
            let text = "a set of concatenations before a verdict map".to_owned();
            return self.unknown.push(Unknown { at: raw.at.clone(), text });
        }
        let elements = match values {
            Values::Elements(elements) => elements,
            Values::Named(name) => match table.sets.get(name).filter(|set| !set.dynamic) {
                Some(set) => &set.elements,
                None => {
                    let text = format!("map @{name} is not in the file, or filled at run time");
                    return self.unknown.push(Unknown { at: raw.at.clone(), text });
                }
            },
        };
        // The most specific key wins in a map with overlapping ones; nft refuses those. `*` is the rest.
        let (rest, keyed): (Vec<&Element>, Vec<&Element>) = elements.iter().partition(|e| e.key == ["*"]);
        let elements = keyed.into_iter().chain(rest);
        let elements = elements.map(|e| (e.key.clone(), e.action.clone().unwrap_or(Action::Continue)));
        self.expand(table, raw, selectors, &matches, elements.collect(), rules);
    }

    /// The keys of a set of concatenations that a packet may be in; each becomes a rule of its own.
    fn alternatives(&self, table: &RawTable, test: &Test) -> Option<Vec<Vec<String>>> {
        if test.selectors.len() < 2 || test.operator != Operator::Equal {
            return None;
        }
        let elements = match &test.values {
            Values::Elements(elements) => elements,
            Values::Named(name) => &table.sets.get(name).filter(|set| !set.dynamic)?.elements,
        };
        Some(elements.iter().map(|element| element.key.clone()).collect())
    }

    /// A rule for each key: the conditions that all share, and the key's own.
    fn expand(
        &mut self,
        table: &RawTable,
        raw: &RawRule,
        selectors: &[String],
        shared: &[Match],
        keys: Vec<(Vec<String>, Action)>,
        rules: &mut Vec<Rule>,
    ) {
        for (key, action) in keys {
            self.expanded += 1;
            if self.expanded > MAX_EXPANDED {
                let text = "maps of more elements than any real rule set has".to_string();
                return self.unknown.push(Unknown { at: raw.at.clone(), text });
            }
            let mut matches = shared.to_vec();
            let test = Test {
                selectors: selectors.to_vec(),
                operator: Operator::Equal,
                values: Values::Elements(vec![Element { key, action: None }]),
            };
            match self.test(table, &test, &mut matches) {
                Ok(()) => rules.push(Rule { matches, action, at: raw.at.clone() }),
                Err(text) => return self.unknown.push(Unknown { at: raw.at.clone(), text }),
            }
        }
    }

    fn test(&mut self, table: &RawTable, test: &Test, matches: &mut Vec<Match>) -> Result<(), String> {
        let empty = RawSet::default();
        let (set, name) = match &test.values {
            Values::Elements(_) => (&empty, None),
            Values::Named(name) => {
                (table.sets.get(name).ok_or_else(|| format!("no set @{name}"))?, Some(name))
            }
        };
        let elements = match &test.values {
            Values::Elements(elements) => elements,
            Values::Named(_) => &set.elements,
        };
        let label = |selectors: &[String]| {
            format!("{} in @{}", selectors.join(" . "), name.map_or("", String::as_str))
        };
        if set.dynamic {
            matches.extend(test.selectors.iter().flat_map(|s| implied(s)));
            matches.push(Match::Condition(label(&test.selectors)));
            return Ok(());
        }
        if let [selector] = test.selectors.as_slice() {
            matches.extend(implied(selector));
            let key = name.map(|n| {
                (
                    format!("{} {}", table.family, table.name),
                    n.clone(),
                    format!("{selector} {:?}", test.operator),
                )
            });
            if let Some(known) = key.as_ref().and_then(|key| self.sets.get(key)) {
                matches.push(known.clone());
                return Ok(());
            }
            let values: Vec<&str> = elements.iter().flat_map(|e| e.key.iter().map(String::as_str)).collect();
            if values == ["*"] {
                return Ok(());
            }
            let found = single(self.names, selector, test.operator, &values)?;
            if let (Some(key), Some(found)) = (key, &found) {
                self.sets.insert(key, found.clone());
            }
            matches.extend(found);
            return Ok(());
        }
        if elements.len() == 1
            && test.operator == Operator::Equal
            && elements[0].key.len() == test.selectors.len()
        {
            for (selector, value) in test.selectors.iter().zip(&elements[0].key) {
                matches.extend(implied(selector));
                matches.extend(single(self.names, selector, Operator::Equal, &[value])?);
            }
            return Ok(());
        }
        matches.extend(test.selectors.iter().flat_map(|s| implied(s)));
        matches.push(Match::Unknown(format!("a set of concatenations: {}", test.selectors.join(" . "))));
        Ok(())
    }
}
