#!/bin/bash
# Installs the system packages that ironseed needs on a Debian machine, and says which.
#
#   images/install-tools.sh build    what building, booting and publishing an image takes
#   images/install-tools.sh test     that, and the real programs that the tests hold ironseed against
#   images/install-tools.sh bench    that, and what measures
#
# Does nothing, and needs no root, where everything is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

build=(
	build-essential
	ca-certificates
	curl
	e2fsprogs
	mmdebstrap
	openssh-client
	qemu-system-x86
	qemu-utils
	seabios
	uidmap
)
test=(
	auditd
	bind9-utils
	btrfs-progs
	chromium
	chrony
	cloud-init
	createrepo-c
	db5.3-util
	distro-info-data
	dnf
	dnsmasq-base
	fail2ban
	firewalld
	gdisk
	git
	glance-api
	grub-common
	grub-emu
	iproute2
	iptables
	kmod
	libgnutls-dane0
	libidn12
	libnsl2
	libpam-modules
	libxml2-utils
	man-db
	nftables
	openscap-common
	openscap-scanner
	openssh-client-ssh1
	openssh-server
	openssl
	ovmf
	packer
	postfix
	python3
	python3-apt
	python3-dnf
	python3-jsonschema
	python3-pwquality
	python3-systemd
	python3-yaml
	rpm
	rsyslog
	shellcheck
	sudo
	systemd
	ufw
	unattended-upgrades
	unbound
	xfsprogs
)
bench=(hyperfine time)
# Packages of the tests that exclude some of those (Postfix, chrony): they are unpacked, each into a folder of its own,
# and not installed. Their libraries are among the packages above.
aside=(
	exim4-daemon-light
	ntpsec
	openntpd
)
aside_folder=target/aside

case ${1:-} in
build) wanted=("${build[@]}") ;;
test) wanted=("${build[@]}" "${test[@]}") ;;
bench) wanted=("${build[@]}" "${test[@]}" "${bench[@]}") ;;
*)
	echo "usage: $0 build|test|bench" >&2
	exit 2
	;;
esac

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "run this as root: $*" >&2
		exit 2
	fi
}

# sshd answers no question without its directory, which only its service makes.
if [ "$1" != build ] && [ ! -d /run/sshd ]; then
	echo "making: /run/sshd"
	as_root mkdir /run/sshd
fi

install_packages() {
	local missing=() pinned=() package version release mirror policy
	for package in "${wanted[@]}"; do
		installed "$package" || missing+=("$package")
	done
	if [ "${#missing[@]}" -eq 0 ]; then
		return
	fi
	echo "installing: ${missing[*]}"

	# QEMU's parts must be of one version. Where some come from backports already, the others have to.
	version=$(dpkg-query -W -f '${Version}' qemu-utils 2>/dev/null || true)
	if [[ $version == *~bpo* ]]; then
		# shellcheck source=/dev/null
		release=$(. /etc/os-release && echo "$VERSION_CODENAME")
		for package in "${missing[@]}"; do
			case $package in
			qemu-* | seabios) pinned+=("$package/$release-backports") ;;
			*) pinned+=("$package") ;;
			esac
		done
		pinned+=("qemu-system-common/$release-backports" "qemu-system-data/$release-backports")
		if ! apt-cache policy | grep -q "n=$release-backports"; then
			# The mirror that the machine uses already carries backports too.
			# shellcheck disable=SC2016
			mirror=$(apt-get indextargets --format '$(SITE)' "Codename: $release" "Created-By: Packages" | head -n 1)
			echo "adding the suite $release-backports of $mirror"
			echo "deb $mirror $release-backports main" |
				as_root tee /etc/apt/sources.list.d/ironseed-backports.list >/dev/null
		fi
	else
		pinned=("${missing[@]}")
	fi

	# A test machine runs none of the daemons that it tests against.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod 755 "$policy"
		# shellcheck disable=SC2064
		trap "as_root rm -f '$policy'" EXIT
	fi
	as_root apt-get -q update
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 install "${pinned[@]}"
}

# Unpacks those that aren't there; takes no rights but this folder's.
unpack_aside() {
	local package work
	for package in "${aside[@]}"; do
		if [ -d "$aside_folder/$package" ]; then
			continue
		fi
		echo "unpacking: $package"
		mkdir -p "$aside_folder"
		work=$(mktemp -d "$aside_folder/.new-XXXXXX")
		if ! (cd "$work" && apt-get -q download "$package"); then
			# The lists are older than the archive.
			as_root apt-get -q update
			(cd "$work" && apt-get -q download "$package")
		fi
		dpkg-deb -x "$work"/*.deb "$work/root"
		mv "$work/root" "$aside_folder/$package"
		rm -r "$work"
	done
}

install_packages
if [ "$1" != build ]; then
	unpack_aside
fi
