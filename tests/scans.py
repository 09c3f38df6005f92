#!/usr/bin/env python3
"""Writes a made scan of COUNT findings, as `ironseed triage` reads them.

    scans.py nessus|csv|trivy|grype|oval COUNT > scan

Each finding has the texts that a real one has (a description, references, output), so that the size is realistic.
The same arguments give the same bytes.
"""
import sys

WORDS = "remote attacker may overflow buffer parser service version denial code package update kernel library".split()
HOST_FINDINGS = 200


def text(seed, words):
    return " ".join(WORDS[(seed * 7 + i * (i + 3)) % len(WORDS)] for i in range(words))


def score(number):
    return (number * 37 % 101) / 10


def cve(number):
    return f"CVE-{2015 + number % 12}-{10000 + number}"


def nessus(count, out):
    out('<?xml version="1.0" ?>\n<NessusClientData_v2>\n<Policy><policyName>Advanced Scan</policyName></Policy>\n')
    out('<Report name="synthetic" xmlns:cm="http://www.nessus.org/cm">\n')
    for number in range(count):
        host, place = divmod(number, HOST_FINDINGS)
        if place == 0:
            if host:
                out("</ReportHost>\n")
            name = f"192.0.{host // 250}.{host % 250}"
            out(f'<ReportHost name="{name}"><HostProperties>\n<tag name="HOST_END_TIMESTAMP">1795000000</tag>\n')
            out('<tag name="operating-system">Linux Kernel 6.1 on Debian 12.5</tag>\n')
            out(f'<tag name="Credentialed_Scan">true</tag><tag name="host-ip">{name}</tag></HostProperties>\n')
        value = score(number)
        severity = 0 if value == 0 else 1 if value < 4 else 2 if value < 7 else 3 if value < 9 else 4
        out(f'<ReportItem port="{number % 7 * 22}" svc_name="general" protocol="tcp" severity="{severity}" '
            f'pluginID="{100000 + number}" pluginName="Debian DSA-{number} : {text(number, 3)} - security update" '
            'pluginFamily="Debian Local Security Checks">\n')
        out(f"<agent>unix</agent>\n<cve>{cve(number)}</cve>\n<cvss3_base_score>{value}</cvss3_base_score>\n")
        out("<cvss3_vector>CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H</cvss3_vector>\n")
        out(f"<description>{text(number, 60)}</description>\n<fname>debian_{number}.nasl</fname>\n")
        out("<plugin_publication_date>2026/01/02</plugin_publication_date>\n<risk_factor>High</risk_factor>\n")
        out(f"<see_also>https://security.example.org/{number}</see_also>\n<solution>Upgrade the packages.</solution>\n")
        out(f"<synopsis>{text(number, 8)}</synopsis>\n<plugin_output>{text(number + 1, 40)}</plugin_output>\n</ReportItem>\n")
    out("</ReportHost>\n</Report>\n</NessusClientData_v2>\n")


def csv(count, out):
    out("Plugin ID,CVE,CVSS v2.0 Base Score,Risk,Host,Protocol,Port,Name,Synopsis,Description,Solution,See Also,"
        "Plugin Output,CVSS v3.0 Base Score,Host End\r\n")
    for number in range(count):
        host, value = number // HOST_FINDINGS, score(number)
        risk = "None" if value == 0 else "Low" if value < 4 else "Medium" if value < 7 else "High" if value < 9 else "Critical"
        out(f'"{100000 + number}","{cve(number)}","{value}","{risk}","192.0.{host // 250}.{host % 250}","tcp",'
            f'"{number % 7 * 22}","Debian DSA-{number} : {text(number, 3)}","{text(number, 8)}","{text(number, 60)}",'
            f'"Upgrade the packages.","https://security.example.org/{number}","{text(number + 1, 40)}","{value}",'
            '"2026-11-18T10:00:00Z"\r\n')


def trivy(count, out):
    out('{"SchemaVersion":2,"CreatedAt":"2026-11-18T10:00:00.123456789Z","ArtifactName":"image","ArtifactType":"vm",'
        '"Metadata":{"OS":{"Family":"debian","Name":"12.5"}},"Results":[{"Target":"image (debian 12.5)",'
        '"Class":"os-pkgs","Type":"debian","Vulnerabilities":[\n')
    for number in range(count):
        out(",\n" if number else "")
        out(f'{{"VulnerabilityID":"{cve(number)}","PkgID":"lib{number}@1.{number}","PkgName":"lib{number}",'
            f'"InstalledVersion":"1.{number}","FixedVersion":"1.{number}+deb12u1","Status":"fixed","Layer":{{}},'
            f'"SeveritySource":"nvd","PrimaryURL":"https://avd.example.org/{number}","Title":"{text(number, 8)}",'
            f'"Description":"{text(number, 60)}","Severity":"HIGH","CweIDs":["CWE-787"],"VendorSeverity":{{"nvd":3}},'
            f'"CVSS":{{"nvd":{{"V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","V3Score":{score(number)}}}}},'
            f'"References":["https://security.example.org/{number}","https://lists.example.org/{number}"],'
            '"PublishedDate":"2026-01-02T10:00:00Z","LastModifiedDate":"2026-02-02T10:00:00Z"}')
    out("\n]}]}\n")


def grype(count, out):
    out('{"matches":[\n')
    for number in range(count):
        out(",\n" if number else "")
        out(f'{{"vulnerability":{{"id":"{cve(number)}","dataSource":"https://security.example.org/{number}",'
            f'"severity":"High","description":"{text(number, 60)}","cvss":[{{"source":"nvd","type":"Primary",'
            f'"version":"3.1","metrics":{{"baseScore":{score(number)}}}}}],"fix":{{"versions":["1.{number}+deb12u1"],'
            '"state":"fixed"}},"relatedVulnerabilities":[],"matchDetails":[{"type":"exact-direct-match"}],'
            f'"artifact":{{"name":"lib{number}","version":"1.{number}","type":"deb","locations":['
            '{"path":"/var/lib/dpkg/status"}]}}')
    out('\n],"source":{"type":"directory","target":"/"},"distro":{"name":"debian","version":"12"},'
        '"descriptor":{"name":"grype","timestamp":"2026-11-18T10:00:00Z"}}\n')


def oval(count, out):
    out('<?xml version="1.0" encoding="UTF-8"?>\n<oval_results '
        'xmlns="http://oval.mitre.org/XMLSchema/oval-results-5" xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5">\n'
        '<generator><oval:timestamp>2026-11-18T10:00:00</oval:timestamp></generator>\n<oval_definitions '
        'xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"><definitions>\n')
    for number in range(count):
        out(f'<definition id="oval:org.example:def:{number}" version="1" class="patch"><metadata>'
            f'<title>DSA-{number} {text(number, 4)}</title><affected family="unix"/>'
            f'<reference source="CVE" ref_id="{cve(number)}"/><description>{text(number, 60)}</description>'
            f'<advisory><severity>Important</severity><cve cvss3="{score(number)}/CVSS:3.1/AV:N">{cve(number)}</cve>'
            f'</advisory></metadata><criteria operator="AND"><criterion test_ref="oval:org.example:tst:{number}" '
            f'comment="lib{number} is earlier than 1.{number}"/></criteria></definition>\n')
    out('</definitions></oval_definitions>\n<results><system><definitions>\n')
    for number in range(count):
        out(f'<definition definition_id="oval:org.example:def:{number}" version="1" result="true"><criteria '
            f'operator="AND" result="true"><criterion test_ref="oval:org.example:tst:{number}" result="true"/>'
            '</criteria></definition>\n')
    out('</definitions><oval_system_characteristics xmlns="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5">'
        '<system_info><os_name>Debian GNU/Linux</os_name><os_version>12</os_version>'
        '<primary_host_name>vm</primary_host_name></system_info></oval_system_characteristics></system></results>'
        '\n</oval_results>\n')


if __name__ == "__main__":
    kinds = {"nessus": nessus, "csv": csv, "trivy": trivy, "grype": grype, "oval": oval}
    if len(sys.argv) != 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    kinds[sys.argv[1]](int(sys.argv[2]), sys.stdout.write)
