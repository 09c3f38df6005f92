//! Laws of the orders: mirrored, transitive, in agreement with what the kinds accept; and no value that a setting has goes unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use super::scale::{NO, YES};
use super::*;
use crate::assets::Assets;
use crate::check::Catalogue;
use crate::effective::sshd::OpenSshVersion;
use crate::plan::Plan;
use crate::profile::{self, Vocabulary};
use crate::settings::sshd::{Accepts, Sshd};
use crate::settings::{ORDERS, Setting};
use crate::{distro, parameter};

fn setting(kind: &str, fields: Value) -> Setting {
    serde_json::from_value(json!({ kind: fields })).unwrap()
}

/// Which ways it goes from one setting to another of the same subject.
fn between(old: &Setting, new: &Setting) -> BTreeSet<Direction> {
    assert_eq!((old.kind(), old.subject()), (new.kind(), new.subject()));
    directions(&differences(&old.aspects(), &new.aspects()))
}

/// Of every kind that has an order, pairs of which the second is tighter.
fn examples() -> Vec<(&'static str, Value, Value)> {
    let service = |port: u16| json!({"name": "web", "port": port, "unit": "web.service"});
    let pam = |kind: &'static str, old: Value, new: Value| (kind, old, new);
    vec![
        pam("accounts", json!({"allowed": ["a", "b"]}), json!({"allowed": ["b"]})),
        (
            "audit-rules",
            json!({"name": "x", "rules": ["-w /a -p wa"]}),
            json!({"name": "x", "rules": ["-w /a -p wa", "-w /b -p wa"]}),
        ),
        ("audit-rules", json!({"name": "x"}), json!({"name": "x", "set_id_programs": true})),
        (
            "authselect",
            json!({"profile": "sssd", "features": []}),
            json!({"profile": "sssd", "features": ["with-faillock"]}),
        ),
        ("ban", ban(5, 600, 3600), ban(4, 600, 3600)),
        ("ban", ban(5, 600, 3600), ban(5, 601, 3600)),
        ("ban", ban(5, 600, 3600), ban(5, 600, 3601)),
        (
            "cloud-config",
            json!({"key": "ssh_pwauth", "value": true}),
            json!({"key": "ssh_pwauth", "value": false}),
        ),
        ("file", file("0664"), file("0644")),
        ("file", file("0777"), file("01777")),
        ("file-mode", json!({"path": "/x", "at_most": "0644"}), json!({"path": "/x", "at_most": "0640"})),
        (
            "file-mode",
            json!({"path": "/x", "at_most": "0644", "optional": true}),
            json!({"path": "/x", "at_most": "0644"}),
        ),
        (
            "firewall",
            json!({"ssh_port": 22022, "services": [service(443)]}),
            json!({"ssh_port": 22022, "services": []}),
        ),
        ("host-key", json!({"rsa_bits": 2048}), json!({"rsa_bits": 4096})),
        (
            "journald",
            json!({"key": "Storage", "value": "volatile"}),
            json!({"key": "Storage", "value": "persistent"}),
        ),
        (
            "kernel-argument",
            json!({"name": "l1tf", "value": "flush,nosmt"}),
            json!({"name": "l1tf", "value": "full,force"}),
        ),
        (
            "key-value",
            key("/etc/security/faillock.conf", "deny", "5"),
            key("/etc/security/faillock.conf", "deny", "3"),
        ),
        ("key-value", key("/etc/login.defs", "UMASK", "022"), key("/etc/login.defs", "UMASK", "027")),
        (
            "mount",
            json!({"tmpfs": "/tmp", "options": ["nodev"]}),
            json!({"tmpfs": "/tmp", "options": ["nodev", "noexec"]}),
        ),
        (
            "ports",
            json!({"ssh_port": 22022, "services": [service(443), service(80)]}),
            json!({"ssh_port": 22022, "services": [service(443)]}),
        ),
        ("privileges", json!({"allowed": ["%wheel"]}), json!({"allowed": []})),
        ("services", json!({"allowed": ["a*"], "services": []}), json!({"allowed": [], "services": []})),
        (
            "ssh-login",
            json!({"method": "password", "allowed": true, "port": 22}),
            json!({"method": "password", "allowed": false, "port": 22}),
        ),
        ("self-verification", json!({"daily": false}), json!({"daily": true})),
        ("ssh-port", json!({"port": 22, "at_least": 1024}), json!({"port": 2222, "at_least": 1024})),
        (
            "sshd",
            json!({"keyword": "MaxAuthTries", "at_most": 6}),
            json!({"keyword": "MaxAuthTries", "at_most": 3}),
        ),
        (
            "sshd",
            json!({"keyword": "Ciphers", "only": ["aes256-ctr", "3des-cbc"]}),
            json!({"keyword": "Ciphers", "only": ["aes256-ctr"]}),
        ),
        (
            "sshd",
            json!({"keyword": "PermitRootLogin", "value": "prohibit-password"}),
            json!({"keyword": "PermitRootLogin", "value": "no"}),
        ),
        (
            "sudo-default",
            json!({"option": "timestamp_timeout", "value": "-1"}),
            json!({"option": "timestamp_timeout", "value": "15"}),
        ),
        (
            "sysctl",
            json!({"key": "net.ipv4.conf.all.accept_redirects", "value": "1"}),
            json!({"key": "net.ipv4.conf.all.accept_redirects", "value": "0"}),
        ),
        (
            "unit",
            json!({"role": "x.service", "state": "disabled"}),
            json!({"role": "x.service", "state": "masked"}),
        ),
        (
            "update-reboot",
            json!({"automatic": false, "time": "03:30"}),
            json!({"automatic": true, "time": "03:30"}),
        ),
        ("updates", json!({"scope": "security"}), json!({"scope": "all"})),
    ]
}

fn ban(tries: u32, counted: u32, banned: u32) -> Value {
    json!({"port": 22022, "max_retry": tries, "find_time": counted, "ban_time": banned})
}

fn file(mode: &str) -> Value {
    json!({"path": "/x", "content": "", "mode": mode})
}

fn key(file: &str, key: &str, value: &str) -> Value {
    json!({"file": file, "key": key, "value": value, "style": "equals"})
}

#[test]
fn each_kind_with_an_order_has_both_directions() {
    let mut seen = BTreeSet::new();
    for (kind, looser, tighter) in examples() {
        let (looser, tighter) = (setting(kind, looser), setting(kind, tighter));
        assert_eq!(
            between(&looser, &tighter),
            BTreeSet::from([Direction::Tighter]),
            "{looser:?} {tighter:?}"
        );
        assert_eq!(between(&tighter, &looser), BTreeSet::from([Direction::Looser]), "{looser:?} {tighter:?}");
        seen.insert(kind);
    }
    let ordered: BTreeSet<&str> = ORDERS.iter().filter(|(_, o)| o.is_some()).map(|(kind, _)| *kind).collect();
    assert_eq!(seen, ordered);
}

/// Every setting of every profile and distribution, each once.
static BUILT_IN: LazyLock<Vec<Setting>> = LazyLock::new(built_in);

fn built_in() -> Vec<Setting> {
    let assets = Assets::embedded();
    let (catalogue, declarations) = (Catalogue::load(&assets).unwrap(), parameter::load(&assets).unwrap());
    let vocabulary = Vocabulary { assets: &assets, catalogue: &catalogue, declarations: &declarations };
    let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
    for name in profile::names(&assets).unwrap() {
        let profile = profile::load(&name, &vocabulary).unwrap();
        for distro in distro::all(&assets).unwrap() {
            let plan = Plan::resolve(&profile, distro, &catalogue, &declarations).unwrap();
            settings.extend(plan.settings().map(|(_, s)| (serde_json::to_string(s).unwrap(), s.clone())));
        }
    }
    assert!(settings.len() > 300, "{}", settings.len());
    settings.into_values().collect()
}

/// The same with one thing changed, in every place and several ways.
fn mutants(value: &Value) -> Vec<Value> {
    let inside =
        |found: Vec<Value>, place: &dyn Fn(Value) -> Value| found.into_iter().map(place).collect::<Vec<_>>();
    match value {
        Value::Bool(b) => vec![json!(!b)],
        Value::Number(n) => n.as_i64().map_or_else(Vec::new, |n| vec![json!(n + 1), json!(n - 1)]),
        Value::String(s) => {
            let words = [
                "", "x", "/x", "0", "1", "yes", "no", "0600", "0777", "tcp", "udp", "enabled", "masked",
                "all",
            ];
            words.iter().map(|w| json!(w)).chain([json!(format!("{s}x"))]).collect()
        }
        Value::Array(items) => {
            let mut all: Vec<Value> = (0..items.len())
                .flat_map(|at| {
                    let place = |item: Value| {
                        let mut items = items.clone();
                        items[at] = item;
                        json!(items)
                    };
                    let mut without = items.clone();
                    without.remove(at);
                    inside(mutants(&items[at]), &place)
                        .into_iter()
                        .chain([json!(without)])
                        .collect::<Vec<_>>()
                })
                .collect();
            all.push(json!([items.clone(), vec![json!("another")]].concat()));
            all
        }
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| {
                inside(mutants(value), &|value| {
                    let mut map = map.clone();
                    map.insert(key.clone(), value);
                    json!(map)
                })
            })
            .collect(),
        Value::Null => Vec::new(),
    }
}

#[test]
fn nothing_that_differs_goes_unseen_and_kinds_without_an_order_have_none() {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for setting in BUILT_IN.iter() {
        let unordered = ORDERS.iter().any(|(kind, order)| *kind == setting.kind() && order.is_none());
        for mutant in mutants(&serde_json::to_value(setting).unwrap()) {
            let Ok(mutant) = serde_json::from_value::<Setting>(mutant) else { continue };
            if mutant == *setting || mutant.kind() != setting.kind() || mutant.subject() != setting.subject()
            {
                continue;
            }
            *tried.entry(setting.kind()).or_default() += 1;
            let there = differences(&setting.aspects(), &mutant.aspects());
            let uncounted = setting.kind() == "file-mode" && there.is_empty();
            assert!(!there.is_empty() || uncounted, "{setting:?} {mutant:?}");
            let ways = directions(&there);
            assert!(!unordered || ways == BTreeSet::from([Direction::Unordered]), "{setting:?} {mutant:?}");
            let back: BTreeSet<Direction> = directions(&differences(&mutant.aspects(), &setting.aspects()));
            assert_eq!(back, ways.iter().map(|d| d.mirrored()).collect(), "{setting:?} {mutant:?}");
        }
    }
    assert!(tried.len() > 20 && tried.values().sum::<usize>() > 2000, "{tried:?}");
}

#[test]
fn tables_name_an_option_once_and_their_words_once() {
    for table in options::tables() {
        let names: BTreeSet<&str> = table.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), table.len(), "{table:?}");
        for (name, scale) in table {
            let Scale::Words(groups) = scale else { continue };
            let words: Vec<&str> = groups.iter().flat_map(|g| g.iter().copied()).collect();
            assert!(groups.len() > 1, "{name} has no order");
            assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "{name}: {words:?}");
            for pair in groups.windows(2) {
                let way = between_values(scale, pair[0][0], pair[1][0]);
                assert_eq!(way, BTreeSet::from([Direction::Tighter]), "{name}");
            }
        }
    }
}

/// Options of the built-in checks that have no scale, because neither value of them is stricter or nobody knows: a new one is
/// put on a scale or into this list.
#[test]
fn every_option_of_the_checks_has_a_scale_or_is_known_to_have_none() {
    let known: BTreeSet<&str> = include_str!("without_a_scale.txt").lines().collect();
    let mut found = BTreeSet::new();
    for setting in BUILT_IN.iter() {
        let fields = serde_json::to_value(setting).unwrap()[setting.kind()].clone();
        let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
        let scale = match setting.kind() {
            "sshd" if fields.get("value").is_none() => continue,
            "sshd" => options::sshd(&text("keyword")),
            "sysctl" => options::sysctl(&text("key")),
            "kernel-argument" => options::kernel_argument(&text("name")),
            "sudo-default" => options::sudo(&text("option")),
            "journald" => options::journald(&text("key")),
            "key-value" => options::key_value(&text("file"), &text("key")),
            _ => continue,
        };
        let on_scale = scale.is_some_and(|s| {
            let shown = fields["value"].as_str().unwrap_or_default();
            !matches!(s.measure(shown), Measure::Value { rank: None, .. })
        });
        if !on_scale {
            found.insert(format!("{} {}", setting.kind(), setting.subject()));
        }
    }
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, known);
}

fn between_values(scale: &Scale, old: &str, new: &str) -> BTreeSet<Direction> {
    let aspect = |value: &str| [Aspect::on("value", Some(scale), value)];
    directions(&differences(&aspect(old), &aspect(new)))
}

/// What a limit lets through at most; none for no limit.
fn limit(scale: &Scale, number: i64) -> Option<i64> {
    match scale {
        Scale::FewerZeroIsNone if number == 0 => None,
        Scale::FewerNegativeIsNone if number < 0 => None,
        _ => Some(number),
    }
}

fn expected(is_tighter: bool, is_looser: bool) -> BTreeSet<Direction> {
    let ways = [(is_tighter, Direction::Tighter), (is_looser, Direction::Looser)];
    ways.into_iter().filter(|(is, _)| *is).map(|(_, way)| way).collect()
}

fn measure() -> impl Strategy<Value = Measure> {
    let items = || subsequence(vec!["a", "b", "c", "d"], 0..=4);
    let labelled = || {
        (items(), prop::collection::vec("[xy]?", 4)).prop_map(|(items, labels)| {
            items.into_iter().map(str::to_owned).zip(labels).collect::<BTreeMap<_, _>>()
        })
    };
    prop_oneof![
        ("[a-c]", prop::option::of(-2_i64..3)).prop_map(|(shown, rank)| Measure::Value { shown, rank }),
        labelled().prop_map(Measure::Allowed),
        labelled().prop_map(Measure::Demanded),
        items().prop_shuffle().prop_map(|i| Measure::Sequence(i.into_iter().map(str::to_owned).collect())),
    ]
}

fn aspects() -> impl Strategy<Value = Vec<Aspect>> {
    prop::collection::vec(measure(), 0..4).prop_map(|measures| {
        let names = ["one", "two", "three", "four"];
        names.into_iter().zip(measures).map(|(name, measure)| Aspect { name, measure }).collect()
    })
}

proptest! {
    #[test]
    fn the_way_back_is_the_mirror(old in aspects(), new in aspects()) {
        let mirrored: Vec<Difference> = differences(&old, &new)
            .into_iter()
            .map(|d| Difference {
                old: d.new,
                new: d.old,
                lost: d.gained,
                gained: d.lost,
                directions: d.directions.iter().map(|d| d.mirrored()).collect(),
                aspect: d.aspect,
            })
            .collect();
        prop_assert_eq!(mirrored, differences(&new, &old));
        prop_assert!(differences(&old, &old).is_empty());
    }

    #[test]
    fn what_is_tighter_than_the_tighter_is_tighter(a in measure(), b in measure(), c in measure()) {
        let way = |old: &Measure, new: &Measure| {
            let aspect = |m: &Measure| [Aspect { name: "x", measure: m.clone() }];
            directions(&differences(&aspect(old), &aspect(new)))
        };
        let tighter = BTreeSet::from([Direction::Tighter]);
        if way(&a, &b) == tighter && way(&b, &c) == tighter {
            prop_assert_eq!(way(&a, &c), tighter);
        }
    }

    #[test]
    fn numbers_are_ordered_as_their_scale_says(old in -3_i64..40, new in -3_i64..40) {
        for scale in [Scale::Fewer, Scale::FewerNegativeIsNone] {
            let [before, after] = [old, new].map(|n| limit(&scale, n).unwrap_or(i64::MAX));
            let unlimited = before == i64::MAX && after == i64::MAX;
            let found = between_values(&scale, &old.to_string(), &new.to_string());
            if !unlimited {
                prop_assert_eq!(found, expected(after < before, after > before), "{:?}", scale);
            }
        }
        let found = between_values(&Scale::More, &old.to_string(), &new.to_string());
        prop_assert_eq!(found, expected(new > old, new < old));
        if old >= 0 && new >= 0 {
            let scale = Scale::FewerZeroIsNone;
            let [before, after] = [old, new].map(|n| limit(&scale, n).unwrap_or(i64::MAX));
            let found = between_values(&scale, &old.to_string(), &new.to_string());
            prop_assert_eq!(found, expected(after < before, after > before));
            let [before, after] = [old, new].map(|n| if n == 0 { i64::MAX } else { n });
            let found = between_values(&Scale::MoreZeroIsEver, &old.to_string(), &new.to_string());
            prop_assert_eq!(found, expected(after > before, after < before));
        }
    }

    #[test]
    fn a_umask_is_tighter_where_files_get_fewer_permissions(old in 0_u32..0o1000, new in 0_u32..0o1000) {
        let found = between_values(&Scale::Umask, &format!("{old:03o}"), &format!("{new:03o}"));
        let [before, after] = [old, new].map(|mask| 0o777 & !mask);
        prop_assert_eq!(found, expected(before & !after != 0, after & !before != 0));
    }

    /// Tighter exactly where less is accepted.
    #[test]
    fn an_sshd_option_is_tighter_where_its_kind_accepts_less(
        old in accepts(),
        new in accepts(),
        values in prop::collection::vec(subsequence(vec!["a", "b", "c", "d"], 1..=4), 30),
    ) {
        let option = |accepts: &Accepts| Sshd { keyword: "Example".into(), accepts: accepts.clone() };
        let numbers = (0..12).map(|n: i32| n.to_string());
        let all: Vec<String> = values.iter().map(|v| v.join(",")).chain(numbers).collect();
        let accepted = |accepts: &Accepts| -> BTreeSet<&String> {
            all.iter().filter(|v| option(accepts).objection(v, OpenSshVersion::new(9, 2)).is_none()).collect()
        };
        let ways = between(&Setting::Sshd(option(&old)), &Setting::Sshd(option(&new)));
        let (before, after) = (accepted(&old), accepted(&new));
        if ways == BTreeSet::from([Direction::Tighter]) {
            prop_assert!(after.is_subset(&before), "{:?} {:?}", old, new);
        }
        if ways == BTreeSet::from([Direction::Looser]) {
            prop_assert!(before.is_subset(&after), "{:?} {:?}", old, new);
        }
        if let (Accepts::AtMost(old), Accepts::AtMost(new)) = (&old, &new) {
            prop_assert_eq!(ways, expected(new < old, new > old));
        }
    }

    /// The same of permissions: what may be there at most.
    #[test]
    fn permissions_are_tighter_where_fewer_bits_are_allowed(old in 0_u32..0o10000, new in 0_u32..0o10000) {
        let mode = |bits: u32| {
            setting("file-mode", json!({"path": "/x", "at_most": format!("{bits:05o}")}))
        };
        let [before, after] = [old, new].map(|bits| bits & 0o6777);
        let wanted = expected(before & !after != 0, after & !before != 0);
        prop_assert_eq!(between(&mode(old), &mode(new)), wanted);
    }
}

fn accepts() -> impl Strategy<Value = Accepts> {
    let lists = subsequence(vec!["a", "b", "c", "d"], 1..=4).prop_shuffle();
    prop_oneof![
        (1_u64..10).prop_map(Accepts::AtMost),
        lists.prop_map(|list| Accepts::Only(list.into_iter().map(str::to_owned).collect())),
    ]
}

#[test]
fn words_that_are_not_on_a_scale_have_no_order() {
    let unordered = BTreeSet::from([Direction::Unordered]);
    assert_eq!(between_values(&YES, "no", "perhaps"), unordered);
    assert_eq!(between_values(&NO, "YES", "no"), BTreeSet::from([Direction::Tighter]));
    assert_eq!(between_values(&Scale::Fewer, "10", "1m"), unordered);
    assert_eq!(between_values(&Scale::Umask, "022", "u=rwx"), unordered);
    assert_eq!(between_values(&Scale::Umask, "0022", "022"), BTreeSet::new());
}
