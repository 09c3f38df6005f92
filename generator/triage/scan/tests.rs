use super::*;
use crate::triage::finding::{Kind, Place};
use crate::triage::rating::Rating;

fn scan(text: &str) -> Scan {
    read(text.as_bytes(), "scan", &TimeZone::UTC).unwrap_or_else(|e| panic!("{e}"))
}

fn error(bytes: &[u8]) -> String {
    match read(bytes, "scan", &TimeZone::UTC) {
        Ok(scan) => panic!("read: {scan:?}"),
        Err(error) => error.to_string(),
    }
}

/// A finding in a few words: id, place, leading score, word, rating by hand, and whether there is a fix.
fn brief(finding: &Finding) -> String {
    let score = finding.scores.leading().map(|(v, s)| format!("v{v}:{s}")).unwrap_or_default();
    let by_hand = finding.recast.map(|r| format!(" by hand {r}")).unwrap_or_default();
    let said = finding.said.as_deref().unwrap_or("-");
    let fix = finding.fixable.map(|f| format!(" fix {f}")).unwrap_or_default();
    format!("{} [{}] {score} {said}{by_hand}{fix}", finding.id, finding.place)
}

fn briefs(scan: &Scan) -> Vec<String> {
    scan.hosts.iter().flat_map(|h| &h.findings).map(brief).collect()
}

const NESSUS: &str = r#"<?xml version="1.0" ?>
<NessusClientData_v2>
<Policy><policyName>Credentialed &amp; full</policyName><Preferences/></Policy>
<Report name="weekly" xmlns:cm="http://www.nessus.org/cm">
<ReportHost name="vm-1.example.org"><HostProperties>
<tag name="HOST_START">Thu Feb 29 09:00:00 2024</tag>
<tag name="HOST_END_TIMESTAMP">1709204399</tag>
<tag name="HOST_END">Thu Feb 29 10:59:59 2024</tag>
<tag name="operating-system">Linux Kernel 5.10 on Debian 11.7</tag>
<tag name="Credentialed_Scan">true</tag>
</HostProperties>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="0" pluginID="19506" pluginName="Nessus Scan Information" pluginFamily="Settings">
<risk_factor>None</risk_factor><plugin_output>x &lt; y</plugin_output></ReportItem>
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="3" pluginID="153953" pluginName="SSH Weak Key Exchange" pluginFamily="Misc.">
<cvss3_base_score>3.7</cvss3_base_score><cvss_base_score>2.6</cvss_base_score><risk_factor>Low</risk_factor>
<solution>Contact the vendor &#8211;
   or  disable.</solution><cve>CVE-2024-1</cve><cve>CVE-2024-2</cve></ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="4" pluginID="200000" pluginName="Debian DSA-1" pluginFamily="Debian Local Security Checks">
<cvss3_base_score>9.8</cvss3_base_score><cvss_base_score>7.5</cvss_base_score><risk_factor>High</risk_factor><solution>n/a</solution></ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="3" pluginID="21157" pluginName="Unix Compliance Checks" pluginFamily="Policy Compliance">
<risk_factor>None</risk_factor><cm:compliance-check-name>1.1 A rule</cm:compliance-check-name><cm:compliance-result>FAILED</cm:compliance-result></ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="1" pluginID="21157" pluginName="Unix Compliance Checks" pluginFamily="Policy Compliance">
<cm:compliance-check-name>1.2 Another</cm:compliance-check-name><cm:compliance-result>PASSED</cm:compliance-result></ReportItem>
</ReportHost>
<ReportHost name="192.0.2.7"><HostProperties><tag name="HOST_END">Wed Mar  9 22:48:10 2011</tag></HostProperties></ReportHost>
</Report></NessusClientData_v2>
"#;

#[test]
fn nessus_xml() {
    let scan = scan(NESSUS);
    assert_eq!((scan.scanner, scan.policy.as_deref()), (Scanner::Nessus, Some("Credentialed & full")));
    assert_eq!(
        briefs(&scan),
        [
            "19506 []  None",
            "153953 [tcp/22] v3:3.7 High by hand High",
            "200000 [] v3:9.8 Critical",
            "21157 1.1 A rule []  High",
        ]
    );
    let host = &scan.hosts[0];
    assert_eq!(host.at.unwrap().to_string(), "2024-02-29T10:59:59Z");
    assert_eq!(
        (host.system.as_deref(), host.credentialed),
        (Some("Linux Kernel 5.10 on Debian 11.7"), Some(true))
    );
    assert_eq!(host.findings[1].cves, ["CVE-2024-1", "CVE-2024-2"]);
    assert_eq!(host.findings[1].solution.as_deref(), Some("Contact the vendor – or disable."));
    assert_eq!(host.findings[2].solution, None);
    assert_eq!(host.findings[3].kind, Kind::Misconfiguration);
    let bare = &scan.hosts[1];
    assert_eq!((bare.name.as_str(), bare.findings.len()), ("192.0.2.7", 0));
    assert_eq!(bare.at.unwrap().to_string(), "2011-03-09T22:48:10Z");
}

#[test]
fn nessus_csv() {
    let text = "\u{feff}Plugin ID,CVE,CVSS v2.0 Base Score,Risk,Host,Protocol,Port,Name,Solution,Plugin Output,CVSS v3.0 Base Score,Host End\r\n\
        \"100\",\"CVE-1\",\"7.5\",\"Critical\",\"vm\",\"tcp\",\"443\",\"A, with \"\"quotes\"\"\",\"Up\ndate\",\"a\nb\",\"9.8\",\"2026-01-01T10:00:00Z\"\r\n\
        \"100\",\"CVE-2\",\"7.5\",\"Critical\",\"vm\",\"tcp\",\"443\",\"A, with quotes\",\"Update\",\"\",\"9.8\",\"\"\r\n\
        \"101\",\"\",\"2.6\",\"High\",\"vm\",\"tcp\",\"0\",\"B\",\"\",\"\",\"\",\"\"\r\n\
        \"102\",\"\",\"\",\"None\",\"vm-2\",\"udp\",\"53\",\"C\",\"\",\"\",\"\",\"\"\r\n";
    let found = scan(text);
    assert_eq!(
        briefs(&found),
        ["100 [tcp/443] v3:9.8 Critical", "101 [] v2:2.6 High by hand High", "102 [udp/53]  None"]
    );
    assert_eq!(found.hosts[0].findings[0].cves, ["CVE-1", "CVE-2"]);
    assert_eq!(found.hosts[0].at.unwrap().to_string(), "2026-01-01T10:00:00Z");
    assert_eq!(found.hosts[1].at, None);
    // The short form of old exports has one score, which alone does not tell a lower rating from another scale's.
    let old = "Plugin ID,CVE,CVSS,Risk,Host,Protocol,Port,Name\n1,,7.1,Medium,vm,tcp,0,A\n";
    assert_eq!(briefs(&scan(old)), ["1 [] v2:7.1 Medium"]);
}

const TRIVY: &str = r#"{"SchemaVersion": 2, "CreatedAt": "2026-11-20T10:00:00.123456789+13:00", "ArtifactName": "vm",
 "Metadata": {"OS": {"Family": "debian", "Name": "12.5", "EOSL": false}, "ImageConfig": {"deep": [[[1]]]}},
 "Results": [
  {"Target": "vm (debian 12.5)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [
   {"VulnerabilityID": "CVE-2026-1", "PkgName": "openssl", "InstalledVersion": "3.0.1", "FixedVersion": "3.0.2", "Severity": "LOW",
    "SeveritySource": "debian", "Title": "t", "CVSS": {"nvd": {"V2Score": 5, "V3Score": 9.8}, "redhat": {"V3Score": 7.5}}},
   {"VulnerabilityID": "CVE-2026-2", "PkgName": "zlib1g", "InstalledVersion": "1", "Status": "will_not_fix", "Severity": "UNKNOWN",
    "CVSS": {"ghsa": {"V40Score": 5.5}}}]},
  {"Target": "app/package-lock.json", "Class": "lang-pkgs", "Vulnerabilities": [
   {"VulnerabilityID": "GHSA-x", "PkgName": "lodash", "InstalledVersion": "4", "Severity": "HIGH"}]},
  {"Target": "/root/.env", "Class": "secret", "Secrets": [
   {"RuleID": "aws-access-key-id", "Severity": "CRITICAL", "Title": "AWS", "StartLine": 3, "Match": "AKIA-THE-SECRET"}],
   "ExperimentalModifiedFindings": [{"Status": "ignored"}]},
  {"Target": "Dockerfile", "Misconfigurations": [
   {"ID": "DS002", "Title": "root", "Severity": "HIGH", "Status": "FAIL", "Resolution": "Add USER"},
   {"ID": "DS003", "Title": "fine", "Severity": "HIGH", "Status": "PASS"}]},
  {"Target": "empty"}]}"#;

#[test]
fn trivy_json() {
    let found = scan(TRIVY);
    assert_eq!(
        briefs(&found),
        [
            "CVE-2026-1 [openssl 3.0.1] v3:9.8 LOW fix true",
            "CVE-2026-2 [zlib1g 1] v4:5.5 UNKNOWN fix false",
            "GHSA-x [lodash 4 in app/package-lock.json]  HIGH fix false",
            "aws-access-key-id [/root/.env:3]  CRITICAL",
            "DS002 [Dockerfile]  HIGH",
        ]
    );
    let host = &found.hosts[0];
    assert_eq!((host.name.as_str(), host.system.as_deref()), ("vm", Some("debian 12.5")));
    assert_eq!(host.at.unwrap().to_string(), "2026-11-19T21:00:00.123456789Z");
    assert!(matches!(&host.findings[0].place, Place::Package { of_system: true, .. }));
    assert!(matches!(&host.findings[2].place, Place::Package { of_system: false, .. }));
    assert_eq!(host.findings[1].solution.as_deref(), Some("no fixed version: will not fix"));
    assert_eq!(found.notes, ["Trivy was told to leave 1 findings out"]);
    assert!(!format!("{found:?}").contains("THE-SECRET"));
    assert_eq!(briefs(&scan(r#"{"SchemaVersion":2,"ArtifactName":"x"}"#)), [""; 0]);
}

#[test]
fn grype_json() {
    let text = r#"{"matches": [
      {"vulnerability": {"id": "CVE-2026-1", "severity": "Negligible", "description": "d", "fix": {"versions": [], "state": "wont-fix"}, "cvss": []},
       "relatedVulnerabilities": [{"id": "CVE-2026-1", "cvss": [
          {"version": "2.0", "metrics": {"baseScore": 5}}, {"version": "3.1", "metrics": {"baseScore": 7.5}}, {"version": "3.0", "metrics": {"baseScore": 7.4}}]}],
       "matchDetails": [], "artifact": {"name": "bash", "version": "5", "type": "deb", "locations": [{"path": "/var/lib/dpkg/status"}]}},
      {"vulnerability": {"id": "GHSA-y", "severity": "High", "fix": {"versions": ["2.1"], "state": "fixed"}},
       "relatedVulnerabilities": [{"id": "CVE-2026-9"}], "artifact": {"name": "jinja2", "version": "2.0", "type": "python", "locations": [{"path": "/opt/app"}]}}],
     "ignoredMatches": [{}, {}],
     "source": {"type": "image", "target": {"userInput": "debian:12"}}, "distro": {"name": "debian", "version": "12", "idLike": []},
     "descriptor": {"name": "grype", "version": "0.80", "timestamp": "2026-11-20T10:00:00Z"}}"#;
    let found = scan(text);
    assert_eq!(
        briefs(&found),
        ["CVE-2026-1 [bash 5] v3:7.5 Negligible fix false", "GHSA-y [jinja2 2.0 in /opt/app]  High fix true"]
    );
    let host = &found.hosts[0];
    assert_eq!((host.name.as_str(), host.system.as_deref()), ("debian:12", Some("debian 12")));
    assert_eq!(host.findings[1].cves, ["CVE-2026-9"]);
    assert_eq!(host.findings[1].solution.as_deref(), Some("update jinja2 to 2.1"));
    assert_eq!(found.notes, ["Grype was told to leave 2 findings out"]);
}

const OVAL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oval_results xmlns="http://oval.mitre.org/XMLSchema/oval-results-5" xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5" xmlns:d="http://oval.mitre.org/XMLSchema/oval-definitions-5">
<generator><oval:product_name>cpe:/a:open-scap:oscap</oval:product_name><oval:timestamp>2026-11-20T10:00:00</oval:timestamp></generator>
<d:oval_definitions><generator><oval:timestamp>1999-01-01T00:00:00</oval:timestamp></generator><d:definitions>
<d:definition id="oval:a:def:1" version="1" class="patch"><d:metadata><d:title>RHSA-1: openssl (Important)</d:title><d:affected family="unix"/>
<d:reference source="RHSA" ref_id="RHSA-1"/><d:reference source="CVE" ref_id="CVE-2026-1"/>
<d:advisory><d:severity>Important</d:severity><d:cve cvss3="5.3/CVSS:3.1/AV:N" href="x">CVE-2026-1</d:cve><d:cve cvss3="7.5/CVSS:3.1/AV:N">CVE-2026-2</d:cve></d:advisory></d:metadata>
<d:criteria><d:criterion comment="c" test_ref="t"/></d:criteria></d:definition>
<d:definition id="oval:a:def:2" class="patch"><d:metadata><d:title>gone</d:title></d:metadata></d:definition>
<d:definition id="oval:a:def:3" class="vulnerability"><d:metadata><d:title>nobody knows</d:title></d:metadata></d:definition>
<d:definition id="oval:a:def:4" class="inventory"><d:metadata><d:title>it is installed</d:title></d:metadata></d:definition>
</d:definitions></d:oval_definitions>
<results><system><definitions>
<definition definition_id="oval:a:def:1" result="true"><criteria result="true"/></definition>
<definition definition_id="oval:a:def:2" result="false"/>
<definition definition_id="oval:a:def:3" result="error"/>
<definition definition_id="oval:a:def:4" result="true"/>
</definitions><oval_system_characteristics><system_info><os_name>Rocky Linux</os_name><os_version>9.3</os_version>
<primary_host_name>vm-9</primary_host_name></system_info></oval_system_characteristics></system></results></oval_results>"#;

#[test]
fn oval_results() {
    let found = scan(OVAL);
    assert_eq!(briefs(&found), ["oval:a:def:1 [] v3:7.5 Important fix true"]);
    let host = &found.hosts[0];
    assert_eq!((host.name.as_str(), host.system.as_deref()), ("vm-9", Some("Rocky Linux 9.3")));
    assert_eq!(host.at.unwrap().to_string(), "2026-11-20T10:00:00Z");
    assert_eq!(host.findings[0].cves, ["CVE-2026-1", "CVE-2026-2"]);
    assert_eq!(host.undecided, ["oval:a:def:3"]);
    assert_eq!(found.notes.len(), 1);
    let without = OVAL.replace("oval:a:def:2\" class", "oval:a:def:7\" class");
    assert!(error(without.as_bytes()).contains("1 results are of definitions that are not in it"));
}

#[test]
fn what_is_no_scan_says_what_it_is() {
    let cases: [(&[u8], &str); 17] = [
        (b"", "it is empty"),
        (b"  \n ", "it is empty"),
        (b"\xff\xfe<\0?\0", "UTF-16"),
        (b"\0<?xml", "UTF-16, or no text"),
        (b"hello", "its format is not known"),
        (b"a,b,c\n1,2,3\n", "its format is not known"),
        (b"<a/>", "it begins with the element `a`"),
        (b"<!-- nothing -->", "there is no element"),
        (b"<oval_definitions/>", "these are OVAL definitions"),
        (b"<Benchmark/>", "this is XCCDF"),
        (b"[{}]", "a list of JSON"),
        (b"{\"a\":1,\"b\":2}", "JSON of another kind, with `a`, `b`"),
        (b"{}", "JSON of another kind"),
        (b"{\"SchemaVersion\":2,\"Results\":3}", "scan:1:"),
        (b"{\"matches\":[{\"vulnerability\":{}}]}", "missing field `id`"),
        (b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><NessusClientData_v2/>", "it is in ISO-8859-1"),
        (b"<!DOCTYPE NessusClientData_v2><NessusClientData_v2/>", "document type"),
    ];
    for (bytes, words) in cases {
        let said = error(bytes);
        assert!(
            said.contains(words) && said.starts_with("scan"),
            "{}: {said}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn errors_name_the_place() {
    let cases = [
        (NESSUS.replace("9.8", "98"), "scan:19:21: `98` is no"),
        (NESSUS.replace("severity=\"4\"", "severity=\"7\""), "`7` is no severity"),
        (NESSUS.replace("port=\"22\"", "port=\"99999\""), "`99999` is no port"),
        (NESSUS.replace("pluginID=\"153953\" ", ""), "has no attribute `pluginID`"),
        (NESSUS.replace("&amp;", "&boom;"), "`&boom;` is no entity"),
        (NESSUS.replace("&#8211;", "&#xFFFFFFFF;"), "scan:16:"),
        (NESSUS.replace("</Report>", ""), "no XML"),
        (TRIVY.replace("\"V3Score\": 9.8", "\"V3Score\": 98"), "scan:6:"),
        (TRIVY.replace("\"PkgName\": \"zlib1g\", ", ""), "missing field `PkgName`"),
        (TRIVY.replace("\"Results\"", "Results"), "scan:3:2: key must be a string"),
        (OVAL.replace("7.5/CVSS", "x/CVSS"), "`x` is no CVSS score"),
        (
            "Plugin ID,Risk,Host\n1,High,vm\n2,High\n".into(),
            "scan:3: the row has 2 fields, and there are 3 columns",
        ),
        ("Plugin ID,Risk,Host,Port\n1,High,vm,x\n".into(), "scan:2: `x` is no port"),
        ("Plugin ID,Risk,Host\n1,High,\n".into(), "the row names no host"),
    ];
    for (text, words) in cases {
        let said = error(text.as_bytes());
        assert!(said.contains(words), "{words}: {said}");
    }
    // Latin-1, in what is kept and in what is not.
    for format in [NESSUS, TRIVY, OVAL, "Plugin ID,Risk,Host\n1,High,vm\n"] {
        let text = format.replace("High", "H\u{fffd}gh").replace("Important", "\u{fffd}");
        let mut bytes = Vec::new();
        text.chars().for_each(|c| match c {
            '\u{fffd}' => bytes.push(0xe9),
            c => bytes.extend(c.to_string().bytes()),
        });
        if bytes.contains(&0xe9) {
            let said = error(&bytes);
            assert!(said.contains("UTF-8") || said.contains("unicode"), "{said}");
        }
    }
}

#[test]
fn a_cut_off_scan_is_an_error_wherever_it_is_cut() {
    for (format, end) in [(NESSUS.trim_end(), 1), (TRIVY, 1), (OVAL, 1)] {
        for at in (0..format.len() - end).filter(|at| format.is_char_boundary(*at)).step_by(7) {
            let said = error(&format.as_bytes()[..at]);
            assert!(said.starts_with("scan"), "{said}");
        }
    }
}

#[test]
fn hostile_scans_end_in_an_error() {
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><NessusClientData_v2>&b;</NessusClientData_v2>";
    assert!(error(laughs.as_bytes()).contains("document type"));
    let deep = format!("<NessusClientData_v2>{}", "<a>".repeat(100_000));
    assert!(error(deep.as_bytes()).contains("nested deeper than 200"));
    let deep = format!("{{\"SchemaVersion\":2,\"Results\":{}", "[".repeat(100_000));
    assert!(error(deep.as_bytes()).starts_with("scan:1:"));
    let deep = format!("{{\"SchemaVersion\":2,\"Metadata\":{}", "{\"OS\":".repeat(100_000));
    assert!(error(deep.as_bytes()).starts_with("scan:1:"));
    // One field of a gigabyte, made while it is read: it must not be held.
    let field = |start: &'static [u8]| start.chain(std::io::repeat(b'a').take(1 << 30));
    for start in [
        b"<NessusClientData_v2><Policy><policyName>".as_slice(),
        b"<NessusClientData_v2><Policy a=\"",
        b"<NessusClientData_v2><!--",
        b"<NessusClientData_v2><![CDATA[",
        b"<oval_results><",
        b"{\"SchemaVersion\":2,\"ArtifactName\":\"",
        b"{\"matches\":[],\"x\":\"",
        b"Plugin ID,Risk,Host\n1,High,\"",
        b"Plugin ID,Risk,Host\n1,High,",
    ] {
        let said = match read(field(start), "scan", &TimeZone::UTC) {
            Ok(_) => panic!("read: {}", String::from_utf8_lossy(start)),
            Err(error) => error.to_string(),
        };
        assert!(said.contains("longer than 8388608 bytes"), "{}: {said}", String::from_utf8_lossy(start));
    }
    // Many attributes, and many of one name.
    let attributes = format!("<NessusClientData_v2><Report {}", "a=\"\" ".repeat(200_000));
    assert!(error(attributes.as_bytes()).starts_with("scan:1:"));
}

#[test]
fn one_finding_told_twice_is_one() {
    let twice = NESSUS.replace("pluginID=\"200000\"", "pluginID=\"153953\"").replace(
        "port=\"0\" svc_name=\"general\" protocol=\"tcp\" severity=\"4\"",
        "port=\"22\" svc_name=\"ssh\" protocol=\"tcp\" severity=\"4\"",
    );
    let found = scan(&twice);
    let merged = &found.hosts[0].findings[1];
    assert_eq!(brief(merged), "153953 [tcp/22] v3:9.8 Critical by hand High");
    assert_eq!(merged.recast, Some(Rating::High));
}
