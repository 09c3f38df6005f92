//! Each kind of object, by the elements and attributes of its file.

use super::super::super::Family;
use super::super::super::names::Names;
use super::super::super::ranges::{Ranges, parse_address};
use super::super::xml::Element;
use super::{Address, Ports, Read, Rule, Service, Set, Subject, Target, Verdict, Zone};

pub(super) struct Reader<'a> {
    pub(super) names: &'a Names,
}

impl Reader<'_> {
    pub(super) fn zone(&self, element: &Element, policy: bool) -> Read<Zone> {
        let target = element.get("target").unwrap_or_default();
        let target = match (target, policy) {
            ("ACCEPT", _) => Target::Accept,
            ("DROP", _) => Target::Drop,
            ("%%REJECT%%", false) | ("REJECT", true) => Target::Reject,
            ("default" | "{chain}_{zone}" | "", false) if element.get("target") != Some("") => {
                Target::Default
            }
            ("CONTINUE", true) => Target::Continue,
            ("", true) if element.get("target").is_none() => Target::Continue,
            _ => return Err(element.unknown(&format!("firewalld refuses: target {target}"))),
        };
        let expected = if policy { "policy" } else { "zone" };
        if element.name != expected {
            return Err(element.unknown(&format!("{} in the place of a {expected}", element.name)));
        }
        element.only(&["name", "version", "target", "immutable", "priority"])?;
        let priority = element.get("priority").map_or(Some(-1), |p| p.parse().ok());
        let priority = priority.filter(|p| *p != 0 || !policy);
        let mut zone = Zone {
            target,
            at: element.at.clone(),
            interfaces: Vec::new(),
            sources: Vec::new(),
            rules: Vec::new(),
            icmp_inverted: false,
            forward: false,
            priority: priority.ok_or_else(|| element.unknown("firewalld refuses: priority"))?,
            ingress: Vec::new(),
            egress: Vec::new(),
        };
        for child in &element.children {
            self.part(child, &mut zone)?;
        }
        // firewalld sets up one kind after the other.
        let order = |rule: &Rule| match (&rule.subject, rule.plain) {
            (_, false) => 4,
            (Subject::Service(_), _) => 0,
            (Subject::Port(_), _) => 1,
            (Subject::SourcePort(_), _) => 2,
            (Subject::IcmpBlock(_), _) => 3,
            _ => 5,
        };
        zone.rules.sort_by_key(order);
        Ok(zone)
    }

    fn part(&self, child: &Element, zone: &mut Zone) -> Read<()> {
        match child.name.as_str() {
            "short" | "description" | "masquerade" => {}
            "forward" => zone.forward = true,
            "icmp-block-inversion" => zone.icmp_inverted = true,
            "interface" => {
                child.only(&["name"])?;
                let name = child.need("name")?;
                if name.is_empty() || name.len() > 15 || name.contains(['/', ' ', '!', '*']) {
                    return Err(child.unknown("firewalld refuses: the interface's name"));
                }
                if !zone.interfaces.iter().any(|(known, _)| known == name) {
                    zone.interfaces.push((name.to_owned(), child.at.clone()));
                }
            }
            "source" => {
                child.only(&["address", "ipset", "family", "mac"])?;
                let address = address(child, None)?;
                zone.sources.push((address, child.at.clone()));
            }
            "ingress-zone" => zone.ingress.push(child.need("name")?.to_owned()),
            "egress-zone" => zone.egress.push(child.need("name")?.to_owned()),
            "rule" => {
                let rule = self.rule(child)?;
                zone.rules.push(rule);
            }
            _ => {
                let Some(subject) = self.subject(child)? else {
                    return Err(child.unknown(&format!("element {}", child.name)));
                };
                let verdict =
                    if matches!(subject, Subject::IcmpBlock(_)) { Verdict::Deny } else { Verdict::Accept };
                if matches!(subject, Subject::IcmpType(_)) {
                    return Err(child.unknown("icmp-type outside of a rule"));
                }
                zone.rules.push(Rule {
                    family: None,
                    priority: 0,
                    source: None,
                    destination: None,
                    subject,
                    verdict,
                    limited: false,
                    plain: true,
                    at: child.at.clone(),
                });
            }
        }
        Ok(())
    }

    /// What an element of a zone, or of a rule, is about.
    fn subject(&self, element: &Element) -> Read<Option<Subject>> {
        let name = || element.need("name").map(str::to_owned);
        Ok(Some(match element.name.as_str() {
            "service" => Subject::Service(name()?),
            "port" => Subject::Port(self.ports(element)?),
            "source-port" => Subject::SourcePort(self.ports(element)?),
            "forward-port" => Subject::ForwardPort(self.ports(element)?),
            "protocol" => Subject::Protocol(self.protocol(element, element.need("value")?)?),
            "icmp-type" => Subject::IcmpType(name()?),
            "icmp-block" => Subject::IcmpBlock(name()?),
            "masquerade" | "tcp-mss-clamp" => Subject::Other,
            _ => return Ok(None),
        }))
    }

    fn rule(&self, element: &Element) -> Read<Rule> {
        element.only(&["family", "priority"])?;
        let refuse = |why: &str| element.unknown(&format!("a rule that firewalld ignores: {why}"));
        let family = match element.get("family") {
            None => None,
            Some("ipv4") => Some(Family::V4),
            Some("ipv6") => Some(Family::V6),
            Some(_) => return Err(refuse("family")),
        };
        let priority = element.get("priority").map_or(Ok(0), str::parse::<i32>);
        let mut rule = Rule {
            family,
            priority: priority.ok().filter(|p| p.abs() <= 32_767).ok_or_else(|| refuse("priority"))?,
            source: None,
            destination: None,
            subject: Subject::Anything,
            verdict: Verdict::None,
            limited: false,
            plain: false,
            at: element.at.clone(),
        };
        let (mut actions, mut subjects, mut notes) = (0, 0, 0);
        for child in &element.children {
            match child.name.as_str() {
                "source" if rule.source.is_none() => {
                    rule.source = Some((address(child, family)?, child.is_on("invert")));
                }
                "destination" if rule.destination.is_none() => {
                    rule.destination = Some((address(child, family)?, child.is_on("invert")));
                }
                "accept" | "reject" | "drop" | "mark" => {
                    actions += 1;
                    rule.verdict = match child.name.as_str() {
                        "accept" => Verdict::Accept,
                        "mark" => Verdict::Mark,
                        _ => Verdict::Deny,
                    };
                    rule.limited = child.children.iter().any(|c| c.name == "limit");
                }
                "log" | "nflog" | "audit" => notes += 1,
                _ => {
                    subjects += 1;
                    let subject = self.subject(child)?;
                    rule.subject =
                        subject.ok_or_else(|| child.unknown(&format!("element {}", child.name)))?;
                }
            }
        }
        let alone = matches!(rule.subject, Subject::IcmpBlock(_) | Subject::ForwardPort(_) | Subject::Other);
        if actions > 1 || subjects > 1 || (actions + notes == 0 && !alone) {
            return Err(refuse("its elements"));
        }
        let nothing = rule.source.is_none() && rule.destination.is_none() && rule.priority == 0;
        if subjects == 0 && (nothing || (actions == 0 && rule.priority == 0)) {
            return Err(refuse("it is about nothing"));
        }
        if matches!(rule.subject, Subject::IcmpBlock(_)) {
            if actions > 0 {
                return Err(refuse("icmp-block with an action"));
            }
            rule.verdict = Verdict::Deny;
        }
        let is_ip = |a: &Option<(Address, bool)>| matches!(a, Some((Address::Ip(..), _)));
        let to_set = matches!(&rule.destination, Some((Address::Set(_), _)));
        if family.is_none() && (is_ip(&rule.source) || is_ip(&rule.destination) || to_set) {
            return Err(refuse("an address without a family"));
        }
        Ok(rule)
    }

    pub(super) fn service(&self, element: &Element) -> Read<Service> {
        if element.name != "service" {
            return Err(element.unknown(&format!("{} in the place of a service", element.name)));
        }
        let mut service = Service::default();
        for child in &element.children {
            match child.name.as_str() {
                "port" if child.get("port") == Some("") => {
                    service.protocols.push(self.protocol(child, child.need("protocol")?)?);
                }
                "port" => service.ports.push(self.ports(child)?),
                "source-port" => service.source_ports.push(self.ports(child)?),
                "protocol" => service.protocols.push(self.protocol(child, child.need("value")?)?),
                "include" => service.includes.push(child.need("service")?.to_owned()),
                "destination" => {
                    for (name, family) in [("ipv4", Family::V4), ("ipv6", Family::V6)] {
                        if let Some(text) = child.get(name) {
                            let parsed = parse_address(text).filter(|(f, _)| *f == family);
                            let (_, range) = parsed.ok_or_else(|| child.unknown("an address"))?;
                            service.destinations.push((family, Ranges::of(vec![range])));
                        }
                    }
                }
                "short" | "description" | "module" | "helper" => {}
                other => return Err(child.unknown(&format!("element {other}"))),
            }
        }
        Ok(service)
    }

    fn ports(&self, element: &Element) -> Read<Ports> {
        let text = element.need("port")?;
        let protocol = element.need("protocol")?;
        let one = |text: &str| self.names.port(text.trim(), None);
        let range = match text.split_once('-') {
            Some((low, high)) => one(low).zip(one(high)),
            None => one(text).map(|port| (port, port)),
        };
        let known = ["tcp", "udp", "sctp", "dccp"].contains(&protocol);
        let (low, high) =
            range.filter(|_| known).ok_or_else(|| element.unknown("firewalld refuses: port"))?;
        let (low, high) = (u128::from(low.min(high)), u128::from(low.max(high)));
        Ok(Ports { protocol: protocol.to_owned(), ports: Ranges::of(vec![(low, high)]) })
    }

    fn protocol(&self, element: &Element, text: &str) -> Read<u8> {
        self.names
            .protocol(text)
            .ok_or_else(|| element.unknown(&format!("firewalld refuses: protocol {text}")))
    }
}

/// `address`, `mac` or `ipset` of a source or destination.
fn address(element: &Element, family: Option<Family>) -> Read<Address> {
    let given: Vec<(&str, &str)> =
        ["address", "mac", "ipset"].iter().filter_map(|name| Some((*name, element.get(name)?))).collect();
    let bad = || element.unknown(&format!("firewalld refuses or ignores: {} ", element.name));
    let [(kind, text)] = given.as_slice() else { return Err(bad()) };
    let is_mac = |text: &str| {
        let parts: Vec<&str> = text.split(':').collect();
        parts.len() == 6 && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    match *kind {
        "ipset" => Ok(Address::Set((*text).to_owned())),
        _ if is_mac(text) => Ok(Address::Mac(text.to_ascii_lowercase())),
        "address" => {
            let parsed = parse_address(text).filter(|(f, _)| family.is_none_or(|wanted| wanted == *f));
            let (family, range) = parsed.filter(|_| !text.contains('-')).ok_or_else(bad)?;
            Ok(Address::Ip(family, Ranges::of(vec![range])))
        }
        _ => Err(bad()),
    }
}

pub(super) fn set(element: &Element) -> Read<Set> {
    let kind = element.need("type")?.to_owned();
    let option = |name: &str| {
        let is = |c: &&Element| c.name == "option" && c.get("name") == Some(name);
        element.children.iter().find(is).and_then(|c| c.get("value"))
    };
    let family = match option("family") {
        None | Some("inet") => Family::V4,
        Some("inet6") => Family::V6,
        Some(_) => return Err(element.unknown("firewalld refuses: family")),
    };
    let times_out = option("timeout").is_some_and(|t| t != "0");
    let plain = ["hash:ip", "hash:net"].contains(&kind.as_str());
    let mut ranges = Vec::new();
    for entry in element.children.iter().filter(|c| c.name == "entry" && plain && !times_out) {
        let parsed = parse_address(entry.text.trim()).filter(|(f, _)| *f == family);
        let (_, range) = parsed.ok_or_else(|| entry.unknown("an entry that firewalld ignores"))?;
        ranges.push(range);
    }
    Ok(Set { kind, family, addresses: Ranges::of(ranges) })
}

pub(super) fn icmp_type(element: &Element) -> Read<Vec<Family>> {
    let mut families = Vec::new();
    for child in element.children.iter().filter(|c| c.name == "destination") {
        for (name, family) in [("ipv4", Family::V4), ("ipv6", Family::V6)] {
            if child.is_on(name) {
                families.push(family);
            }
        }
    }
    Ok(families)
}
