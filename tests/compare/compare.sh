#!/usr/bin/env bash
# Measures a Debian tree or disk image with the field's own tools, none of which knows ironseed:
# Lynis, OpenSCAP with the published SCAP content and, where a listening server is named, ssh-audit.
#
#   compare.sh ROOT|IMAGE [HOST:PORT]
#
# Prints a markdown table; writes the same figures to OUT/figures.json and each tool's own output beside it.
# What is measured is never written to. Needs root, mmdebstrap and python3; for an image also qemu-img, sfdisk and a loop device.
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

[[ $# -ge 1 && $# -le 2 ]] || die "usage: compare.sh ROOT|IMAGE [HOST:PORT]"
[[ $EUID -eq 0 ]] || die "must be root: it mounts and enters the tree"
root=$(realpath -e -- "$1") || die "no such tree or image: $1"
server=${2:-}

# mount_image IMAGE DIR: mounts the largest partition of the image read-only at DIR/root. Files copied out of an image
# (`debugfs rdump`) would do no justice to it: they have lost their set-id and sticky bits.
mount_image() {
    local offset
    qemu-img convert -O raw "$1" "$2/disk"
    offset=$(sfdisk --json "$2/disk" | python3 -c '
import json, sys
table = json.load(sys.stdin)["partitiontable"]
print(max(table["partitions"], key=lambda partition: partition["size"])["start"] * table["sectorsize"])')
    mkdir "$2/root"
    mount -o "ro,loop,offset=$offset" "$2/disk" "$2/root"
}

# Mounted in a namespace of this script's own, where nobody else sees it.
if [[ -f $root ]]; then
    [[ -n ${COMPARE_NAMESPACE:-} ]] || COMPARE_NAMESPACE=1 exec unshare --mount "$0" "$@"
    scratch=$(mktemp -d)
    trap 'umount -q "$scratch/root" || true; rm -rf --one-file-system "$scratch"' EXIT
    mount_image "$root" "$scratch"
    root=$scratch/root
fi
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

# A virtual environment of its own, made once.
install_ssh_audit() {
    [[ -x $cache/venv/bin/ssh-audit ]] && return
    python3 -m venv "$cache/venv"
    "$cache/venv/bin/pip" install --quiet ssh-audit
}

# mount_tree DIR: an overlay of the tree at DIR, which takes everything that a tool writes.
# This machine's kernel knows nothing of the tree's sysctl.d, so DIR/proc/sys is made of plain files: the tree's own
# systemd-sysctl writes what it would write at boot, and a key that it leaves alone has this kernel's value. Keys that only
# the tree names are taken to exist in its kernel: this machine's may be built without them.
mount_tree() {
    local scratch
    mount --make-rprivate /
    scratch=$(mktemp -d)
    mount -t tmpfs tmpfs "$scratch"
    mkdir -p "$scratch"/{upper,work} "$1"
    mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$scratch/upper,workdir=$scratch/work" "$1"
    mkdir -p "$1/proc/sys"
    (cd /proc/sys && find . -type f -readable -print0) >"$scratch/keys"
    find "$1"/{etc,usr/lib}/sysctl.d "$1/etc/sysctl.conf" -type f -exec sed -nE 's/^-?([a-z][a-z0-9_.-]*) *=.*/\1/p' {} + |
        tr . / | tr '\n' '\0' >>"$scratch/keys"
    (cd "$1/proc/sys" && xargs -0 dirname -z <"$scratch/keys" | sort -zu | xargs -0 mkdir -p && xargs -0 touch <"$scratch/keys")
    chroot "$1" /usr/lib/systemd/systemd-sysctl >&2 || true # it complains of keys that this kernel lacks
    # A shell of its own: a few keys can be read by nobody, which is no reason to stop.
    (cd "$1/proc/sys" && find . -type f -empty -exec sh -c 'cat "/proc/sys/$1" >"$1"' - {} \; 2>/dev/null)
}

# in_namespaces FUNCTION: runs one of the functions below where it sees neither this machine's processes nor its network.
in_namespaces() {
    LOWER=$root TOOLBOX=$tools unshare --mount --pid --net --uts --ipc --fork \
        bash -euo pipefail -c "$(declare -f mount_tree "$1"); $1"
}

lynis_inside() {
    local tree
    tree=$(mktemp -d)
    mount_tree "$tree"
    cp -a "$TOOLBOX/usr/share/lynis" "$tree/usr/share/"
    cp -a "$TOOLBOX/usr/sbin/lynis" "$tree/usr/sbin/"
    cp -a "$TOOLBOX/etc/lynis" "$tree/etc/"
    # The real /proc, with the tree's sysctls in it.
    mkdir "$tree/run/sysctls"
    mount --bind "$tree/proc/sys" "$tree/run/sysctls"
    mount -t proc proc "$tree/proc"
    mount --move "$tree/run/sysctls" "$tree/proc/sys"
    mount -t sysfs sysfs "$tree/sys"
    mount --rbind /dev "$tree/dev"
    hostname tree
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
        chroot "$tree" lynis audit system --quick --no-colors
    echo '=== report'
    cat "$tree/var/log/lynis-report.dat"
    echo '=== log'
    cat "$tree/var/log/lynis.log"
}

# OpenSCAP reads the tree from outside: it stays in the directory of tools.
oscap_inside() {
    cp "$DATASTREAM" "$TOOLBOX/var/tmp/datastream.xml"
    mount_tree "$TOOLBOX/mnt/tree"
    mount -t proc proc "$TOOLBOX/proc"
    mount --rbind /dev "$TOOLBOX/dev"
    local status=0
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
        OSCAP_PROBE_ROOT=/mnt/tree OSCAP_EVALUATION_TARGET=chroot:///mnt/tree \
        chroot "$TOOLBOX" oscap xccdf eval --progress --profile "$PROFILE" /var/tmp/datastream.xml || status=$?
    # 2 says that rules failed, which is a finding and not a fault.
    [[ $status -eq 0 || $status -eq 2 ]]
}

run_lynis() {
    in_namespaces lynis_inside >"$out/lynis.txt" 2>&1
}

# run_oscap NAME DATASTREAM PROFILE: writes one line `rule:result` per rule.
run_oscap() {
    DATASTREAM=$2 PROFILE=$3 in_namespaces oscap_inside >"$out/$1.txt" 2>"$out/$1.log"
}

# ssh-audit's exit status counts findings: 0 good, 2 warnings, 3 failures. Anything else is a fault.
run_ssh_audit() {
    local status=0 policy
    # The newest of its built-in policies for this release.
    policy=$("$cache/venv/bin/ssh-audit" --list-policies | grep -o "Hardened Debian ${release//[!0-9]/} (version [0-9]*)" | sort -V | tail -n 1)
    "$cache/venv/bin/ssh-audit" --json "$server" >"$out/ssh-audit.json" || status=$?
    [[ $status -eq 0 || $status -eq 2 || $status -eq 3 ]] || die "ssh-audit could not scan $server"
    echo "$status" >"$out/ssh-audit.status"
    status=0
    "$cache/venv/bin/ssh-audit" --policy "$policy" "$server" >"$out/ssh-audit-policy.txt" || status=$?
    [[ $status -eq 0 || $status -eq 3 ]] || die "ssh-audit could not compare $server with '$policy'"
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
