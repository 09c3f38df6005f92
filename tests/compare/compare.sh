#!/usr/bin/env bash
# Measures a Debian tree with the field's own tools, none of which knows ironseed:
# Lynis, OpenSCAP with the published SCAP content and, where a listening server is named, ssh-audit.
#
#   compare.sh ROOT [HOST:PORT]
#
# Prints a markdown table; writes the same figures to OUT/figures.json and each tool's own output beside it.
# ROOT is never written to. Needs root, mmdebstrap and python3.
#
#   CACHE           where the tools are kept between runs  (~/.cache/ironseed-compare)
#   OUT             where results go                       (./compare-out)
#   CIS_DATASTREAM  a SCAP datastream that has the profile `cis_level2_server`: Debian's package has none
set -euo pipefail

readonly TOOL_SUITE=trixie # its ssg-debian and OpenSCAP 1.4 know ANSSI BP-028 for Debian 12
readonly CONTENT=/usr/share/xml/scap/ssg/content

die() {
    echo "compare.sh: $*" >&2
    exit 2
}

[[ $# -ge 1 && $# -le 2 ]] || die "usage: compare.sh ROOT [HOST:PORT]"
[[ $EUID -eq 0 ]] || die "must be root: it mounts and enters the tree"
root=$(realpath -e -- "$1") || die "no such tree: $1"
server=${2:-}
[[ -f $root/etc/os-release ]] || die "$root has no /etc/os-release"
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ironseed-compare}
mkdir -p "$cache" "${OUT:=compare-out}"
out=$(realpath "$OUT")
tools=$cache/tools

# A small root directory that holds the tools, so that nothing is installed on this machine or in the tree.
install_tools() {
    [[ -e $tools/.complete ]] && return
    local mirror
    # shellcheck disable=SC2016 # a format of apt's own
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1)
    [[ -n $mirror ]] || die "this machine's apt sources name no Debian archive"
    rm -rf "$tools"
    mmdebstrap --quiet --variant=apt --include=openscap-scanner,ssg-debian,lynis "$TOOL_SUITE" "$tools" \
        "deb $mirror $TOOL_SUITE main" || die "cannot set up the tools from $mirror"
    touch "$tools/.complete"
}

# install_ssh_audit: a virtual environment of its own, made once.
install_ssh_audit() {
    [[ -x $cache/venv/bin/ssh-audit ]] && return
    python3 -m venv "$cache/venv"
    "$cache/venv/bin/pip" install --quiet ssh-audit
}

# Lynis runs inside the tree, in namespaces of its own: it sees this machine's kernel but neither its processes nor
# its network. An overlay takes Lynis itself and all that it writes.
run_lynis() {
    ROOT=$root TOOLS=$tools unshare --mount --pid --net --uts --ipc --fork bash -euo pipefail -s >"$out/lynis.txt" 2>&1 <<'INSIDE'
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/{upper,work,tree}
mkdir -p /mnt/upper/{usr/share,usr/sbin,etc}
cp -a "$TOOLS/usr/share/lynis" /mnt/upper/usr/share/
cp -a "$TOOLS/usr/sbin/lynis" /mnt/upper/usr/sbin/
cp -a "$TOOLS/etc/lynis" /mnt/upper/etc/
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/tree
mount -t proc proc /mnt/tree/proc
mount -t sysfs sysfs /mnt/tree/sys
mount --rbind /dev /mnt/tree/dev
hostname "$(cat /mnt/tree/etc/hostname 2>/dev/null || echo tree)"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C chroot /mnt/tree lynis audit system --quick --no-colors
# Last, and beside the console output: the machine-readable report.
echo '=== report'
cat /mnt/tree/var/log/lynis-report.dat
echo '=== log'
cat /mnt/tree/var/log/lynis.log
INSIDE
}

# run_oscap NAME DATASTREAM PROFILE: OpenSCAP reads the tree from outside. Writes one line `rule:result` per rule.
run_oscap() {
    DATASTREAM=$2 PROFILE=$3 ROOT=$root TOOLS=$tools unshare --mount --net bash -euo pipefail -s \
        >"$out/$1.txt" 2>"$out/$1.log" <<'INSIDE'
mount --make-rprivate /
cp "$DATASTREAM" "$TOOLS/var/tmp/datastream.xml"
mkdir -p "$TOOLS/mnt/tree"
mount -t proc proc "$TOOLS/proc"
mount --rbind /dev "$TOOLS/dev"
mount --bind -o ro "$ROOT" "$TOOLS/mnt/tree"
status=0
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C OSCAP_PROBE_ROOT=/mnt/tree OSCAP_EVALUATION_TARGET=chroot:///mnt/tree \
    chroot "$TOOLS" oscap xccdf eval --progress --profile "$PROFILE" /var/tmp/datastream.xml || status=$?
# 2 says that rules failed, which is a finding and not a fault.
[[ $status -eq 0 || $status -eq 2 ]]
INSIDE
}

# ssh-audit's exit status counts findings: 0 good, 2 warnings, 3 failures. Anything else is a fault.
run_ssh_audit() {
    local status=0
    "$cache/venv/bin/ssh-audit" --json "$server" >"$out/ssh-audit.json" || status=$?
    [[ $status -eq 0 || $status -eq 2 || $status -eq 3 ]] || die "ssh-audit could not scan $server"
    echo "$status" >"$out/ssh-audit.status"
    status=0
    "$cache/venv/bin/ssh-audit" --policy "$ssh_policy" "$server" >"$out/ssh-audit-policy.txt" || status=$?
    [[ $status -eq 0 || $status -eq 3 ]] || die "ssh-audit could not compare $server with '$ssh_policy'"
    echo "$status" >"$out/ssh-audit-policy.status"
}

# timed NAME COMMAND…: runs it and keeps its wall time, in seconds, in OUT/NAME.seconds.
timed() {
    local name=$1 begin=$EPOCHREALTIME
    shift
    "$@" || die "$name failed; see $out/"
    awk "BEGIN { printf \"%.1f\n\", $EPOCHREALTIME - $begin }" >"$out/$name.seconds"
}

# shellcheck disable=SC1091 # the tree's file, not this machine's
release=$(. "$root/etc/os-release" && echo "$ID$VERSION_ID")
# ssh-audit's built-in policies go by the same two facts.
ssh_policy="Hardened Debian ${release//[!0-9]/} (version 1)"

install_tools
rm -f "$out"/*.seconds "$out"/*.status
timed lynis run_lynis
[[ -f $tools$CONTENT/ssg-$release-ds.xml ]] || die "no SCAP content for $release"
timed anssi-high run_oscap anssi-high "$tools$CONTENT/ssg-$release-ds.xml" anssi_bp28_high
if [[ -n ${CIS_DATASTREAM:-} ]]; then
    timed cis-level2 run_oscap cis-level2 "$CIS_DATASTREAM" cis_level2_server
fi
if [[ -n $server ]]; then
    install_ssh_audit
    timed ssh-audit run_ssh_audit
fi
python3 "$(dirname "$0")/figures.py" "$out"
