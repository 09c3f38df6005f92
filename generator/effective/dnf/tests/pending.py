"""What dnf says of security advisories: for each line, a tree, the list of newer packages that they name.

A tree has repositories as folders of `/repo`, without their tables of contents; what dnf keeps of them stays in the
tree, and so does a database of installed packages, which rpm made once."""

import glob
import gzip
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile

import dnf
import hawkey
import rpm

DATABASE = "/var/lib/rpm"
# Name, epoch, version, release, architecture.
INSTALLED = [
    ("alpha", 0, "1.0", "1.el9", "noarch"),
    ("beta", 2, "1.0", "3", "x86_64"),
    ("gamma", 0, "1.0", "1", "x86_64"),
    ("gamma", 0, "1.0", "1", "i686"),
    ("kernel", 0, "5.1", "1", "x86_64"),
    ("kernel", 0, "5.2", "1", "x86_64"),
    ("delta", 1, "3~rc1", "1", "x86_64"),
]
SPEC = """Name: {0}
Epoch: {1}
Version: {2}
Release: {3}
Summary: s
License: l
{5}
%description
d
%files
"""
ENDS = {"primary.xml": "primary", "updateinfo.xml": "updateinfo", "modules.yaml": "modules"}


def quiet(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def database(work):
    root = work + "/root"
    for number, package in enumerate(INSTALLED):
        spec, target = "%s/%d.spec" % (work, number), package[4]
        with open(spec, "w") as file:
            file.write(SPEC.format(*package, "BuildArch: noarch" if target == "noarch" else ""))
        arguments = [] if target == "noarch" else ["--target", target]
        quiet("rpmbuild", "-bb", *arguments, "-D", "_topdir " + work, "-D", "_build_id_links none", spec)
    options = ["--justdb", "--nodeps", "--ignorearch", "--ignoreos", "--oldpackage", "--force", "--nosignature"]
    quiet("rpm", "--root", root, "-D", "_dbpath " + DATABASE, "-i", *options, *glob.glob(work + "/RPMS/*/*.rpm"))
    return root + DATABASE


def contents(folder):
    """Writes a repository's table of contents; some files are packed first."""
    text = '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>\n'
    for name, kind in ENDS.items():
        path = os.path.join(folder, "repodata", name)
        if not os.path.exists(path):
            continue
        with open(path, "rb") as file:
            plain = packed = file.read()
        if kind != "modules" and len(plain) % 2:
            os.remove(path)
            name, packed = name + ".gz", gzip.compress(plain)
            with open(path + ".gz", "wb") as file:
                file.write(packed)
        digest = hashlib.sha256(packed).hexdigest()
        opened = hashlib.sha256(plain).hexdigest()
        text += (
            f'<data type="{kind}"><checksum type="sha256">{digest}</checksum><open-checksum type="sha256">{opened}'
            f'</open-checksum><location href="repodata/{name}"/><timestamp>1</timestamp><size>{len(packed)}</size>'
            f"<open-size>{len(plain)}</open-size></data>\n"
        )
    with open(os.path.join(folder, "repodata", "repomd.xml"), "w") as file:
        file.write(text + "</repomd>\n")


def pending(tree, installed):
    # Where rpm has it, and where Debian's rpm looks.
    for place in {DATABASE, rpm.expandMacro("%_dbpath")}:
        shutil.copytree(installed, tree + place, dirs_exist_ok=True)
    with dnf.Base() as base:
        conf = base.conf
        conf.installroot, conf.cachedir, conf.persistdir = tree, tree + "/var/cache/dnf", tree + "/var/lib/dnf"
        conf.substitutions.update({"arch": "x86_64", "basearch": "x86_64", "releasever": "9", "tree": tree})
        for folder in glob.glob(tree + "/repo/*"):
            contents(folder)
        conf.reposdir = [tree + "/etc/yum.repos.d"]
        base.read_all_repos()
        base.fill_sack()
        # As `dnf updateinfo list --security` asks (`UpdateInfoCommand.available_apkg_adv_insts`).
        named = base.sack.query().installed().latest(1).get_advisory_pkgs(hawkey.GT)
        newest = {}
        for package in named:
            if package.get_advisory(base.sack).type != hawkey.ADVISORY_SECURITY:
                continue
            key = (package.name, package.arch)
            if key not in newest or base.sack.evr_cmp(package.evr, newest[key]) > 0:
                newest[key] = package.evr
        return sorted([name, arch, evr.removeprefix("0:")] for (name, arch), evr in newest.items())


logging.disable()
with tempfile.TemporaryDirectory() as work:
    installed = database(work)
    for line in sys.stdin:
        try:
            answer = pending(line.rstrip("\n"), installed)
        except (dnf.exceptions.Error, hawkey.Exception, RuntimeError) as error:
            answer = "refused: %s" % error
        print(json.dumps(answer), flush=True)
