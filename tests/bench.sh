#!/usr/bin/env bash
# Measures ironseed against what the machine needs anyway for the same bytes, and against OpenSCAP.
#
#   bench.sh BINARY [IMAGE.qcow2]
#
# Without IMAGE an image is built first, and the build is measured too. Prints a markdown table. The comparison with
# OpenSCAP needs root. Method: docs/benchmarks.md.
#
#   PROFILE, DISTRO   what is built and verified (nectar-base, debian-12)
#   RUNS              repetitions of each measurement (5)
set -euo pipefail

die() {
    echo "bench.sh: $*" >&2
    exit 2
}

[[ $# -ge 1 && $# -le 2 ]] || die "usage: bench.sh BINARY [IMAGE.qcow2]"
binary=$(realpath -e -- "$1")
profile=${PROFILE:-nectar-base}
distro=${DISTRO:-debian-12}
runs=${RUNS:-5}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# row WHAT FIGURE [COMPARED-WITH FIGURE]
row() {
    printf '| %s | %s | %s | %s |\n' "$1" "$2" "${3:-}" "${4:-}" | tee -a "$work/table" >&2
}

# Findings are a result; anything worse is a fault of the measurement.
cat >"$work/verify" <<EOF
#!/bin/sh
"$binary" verify --profile "$profile" --distro "$distro" "\$@" >/dev/null
[ \$? -le 1 ]
EOF
chmod +x "$work/verify"

# median COMMAND: seconds, after a run that fills the caches.
median() {
    hyperfine --style none --warmup 1 --runs "$runs" --export-csv "$work/csv" "$1" >&2
    # The command itself may hold commas: count from the end of the line.
    awk -F, 'END { printf "%.2f s", $(NF - 4) }' "$work/csv"
}

# once COMMAND…: seconds of a single run.
once() {
    local begin=$EPOCHREALTIME
    "$@" >&2
    awk "BEGIN { printf \"%.0f s\", $EPOCHREALTIME - $begin }"
}

# peak COMMAND…: most memory that was resident at once.
peak() {
    /usr/bin/time -f %M -o "$work/peak" "$@" >&2
    awk '{ printf "%.0f MiB", $1 / 1024 }' "$work/peak"
}

packages() {
    "$binary" render --profile "$profile" --distro "$distro" --output "$work/rendered" >/dev/null
    python3 -c 'import json, sys
manifest = json.load(open(sys.argv[1]))
print(manifest["base"]["variant"], ",".join(sorted(manifest["base"]["packages"] + manifest["packages"])), manifest["base"]["release"])' \
        "$work/rendered/manifest.json"
}

read -r variant include suite < <(packages)
plain=$(once mmdebstrap --quiet --mode=unshare --variant="$variant" --include="$include" "$suite" "$work/tree.tar")
if [[ $# -eq 2 ]]; then
    image=$(realpath -e -- "$2")
else
    built=$(once "$binary" build --profile "$profile" --distro "$distro" --output "$work/built")
    image=$work/built/$profile-$distro.qcow2
    row "build an image" "$built" "mmdebstrap alone, the same packages into a tar" "$plain"
fi
mkdir "$work/tree"
tar -C "$work/tree" --exclude='./dev/*' -xf "$work/tree.tar"

all=$(median "$work/verify $work/tree")
cat=$(median "find $work/tree -type f -exec cat {} + >/dev/null")
row "all checks, directory of $(du -sm "$work/tree" | cut -f1) MiB" "$all" "\`cat\` of the same files" "$cat"

some=$(median "$work/verify --skip keys-in-image $work/tree")
oscap="not measured: needs root"
if [[ $EUID -eq 0 ]]; then
    OUT=$work/compare "$here/compare/compare.sh" "$work/tree" >&2
    oscap="$(cat "$work/compare/anssi-high.seconds") s"
fi
row "all checks but the scan of every byte, the same directory" "$some" "OpenSCAP, ANSSI BP-028 high" "$oscap"

disk=$(median "$work/verify $image")
convert=$(median "qemu-img convert -O raw $image $work/raw")
rm -f "$work/raw"
row "all checks, qcow2 of $(du -sm "$image" | cut -f1) MiB" "$disk" "\`qemu-img convert -O raw\`" "$convert"
row "memory, all checks, qcow2" "$(peak "$work/verify" "$image")"
row "memory, all checks, directory" "$(peak "$work/verify" "$work/tree")"

user_data=("$binary" user-data --profile "$profile" --distro "$distro")
warm=$(median "${user_data[*]} >/dev/null")
hyperfine --style none --runs "$runs" --export-csv "$work/csv" --prepare "dd of=$binary oflag=nocache conv=notrunc count=0" \
    "${user_data[*]} >/dev/null" >&2
cold=$(awk -F, 'END { printf "%.3f s", $(NF - 4) }' "$work/csv")
row "\`user-data\`, the program not in memory" "$cold" "in memory" "$warm"

row "two profiles over every supported release, \`diff\`" "$(median "$binary diff nectar-base strict >/dev/null")"
row "every profile for every supported release, \`render --all\`" "$(median "$binary render --all --output $work/every >/dev/null")"

# lint: a thousand files of 200 lines, each with users, files, packages and commands.
mkdir "$work/user-data"
python3 - "$work/user-data" <<'EOF'
import sys
for number in range(1000):
    lines = ["#cloud-config", f"hostname: vm-{number}", "package_upgrade: true", "users:", "  - default"]
    for user in range(12):
        lines += [f"  - name: user{user}", "    shell: /bin/bash", f"    ssh_import_id: [gh:user{user}]", "    groups: [adm, audio]"]
    lines += ["packages:"] + [f"  - package-{package}" for package in range(30)] + ["write_files:"]
    for file in range(8):
        lines += [f"  - path: /etc/app/{file}.conf", "    permissions: '0644'", "    content: |"]
        lines += [f"      option-{option} = value of number {number}" for option in range(6)]
    lines += ["runcmd:"] + [f"  - systemctl restart app-{command} && echo done | tee /run/{command}" for command in range(42)]
    assert len(lines) == 200, len(lines)
    open(f"{sys.argv[1]}/{number}", "w").write("\n".join(lines) + "\n")
EOF
row "\`lint\`, 1,000 files of 200 lines" "$(median "$binary lint $work/user-data/* >/dev/null")"

# triage: scans of 100,000 findings; findings are a result here too.
for format in nessus csv trivy grype oval; do
    python3 "$here/scans.py" "$format" 100000 >"$work/scan"
    printf '#!/bin/sh\n"%s" triage "%s" "$@" >/dev/null\n[ $? -le 1 ]\n' "$binary" "$work/scan" >"$work/triage"
    chmod +x "$work/triage"
    row "\`triage\`, 100,000 findings, $format of $(du -m "$work/scan" | cut -f1) MiB" "$(median "$work/triage")" \
        "memory" "$(peak "$work/triage")"
done

echo "Measured on $(nproc) processors, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo); median of $runs runs."
echo
echo "| what | ironseed | compared with | |"
echo "|---|---:|---|---:|"
cat "$work/table"
