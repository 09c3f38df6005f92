//! All checks of a profile at once: what the settings make of what the readers give them, and
//! what becomes of it on its way to the gate.

use std::borrow::Cow;
use std::hint::black_box;
use std::path::Path;
use std::sync::LazyLock;

use ironseed::assets::Assets;
use ironseed::check::Catalogue;
use ironseed::observation::Plane;
use ironseed::plan::Plan;
use ironseed::profile::Vocabulary;
use ironseed::report::{Report, TargetReport, human};
use ironseed::target::{Exec, Output, Root};
use ironseed::verify::{self, Look, Nature, Seen};
use ironseed::{distro, parameter, profile};
use jiff::civil::{Date, date};

use super::input::{FILE, Files};
use super::{Takes, Target};

/// The day of every look.
const TODAY: Date = date(2026, 11, 23);

/// The profile with the most checks, for the first release.
static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let assets = Assets::embedded();
    let catalogue = Catalogue::load(&assets).expect("built in");
    let declarations = parameter::load(&assets).expect("built in");
    let vocabulary = Vocabulary { assets: &assets, catalogue: &catalogue, declarations: &declarations };
    let profile = profile::load("strict", &vocabulary).expect("built in");
    let distro = distro::load("debian-12", &assets).expect("built in");
    Plan::resolve(&profile, distro, &catalogue, &declarations).expect("built in")
});

/// Verification of a small system.
pub const VERIFY: Target = Target {
    name: "verify",
    takes: Takes::Files {
        paths: &[
            "/etc/os-release",
            "/etc/passwd",
            "/etc/shadow",
            "/etc/group",
            "/etc/ssh/sshd_config",
            "/etc/ssh/moduli",
            "/etc/sudoers",
            "/etc/nftables.conf",
            "/etc/apt/apt.conf.d/50x",
            "/etc/apt/sources.list",
            "/var/lib/dpkg/status",
            "/etc/fail2ban/jail.conf",
            "/etc/fail2ban/jail.local",
            "/etc/cloud/cloud.cfg",
            "/boot/grub/grub.cfg",
            "/etc/sysctl.d/10-a.conf",
            "/etc/modprobe.d/a.conf",
            "/etc/audit/rules.d/a.rules",
            "/etc/fstab",
            "/etc/pam.d/common-auth",
            "/etc/pam.d/common-password",
            "/etc/pam.d/sshd",
            "/etc/login.defs",
            "/etc/security/pwquality.conf",
            "/etc/security/faillock.conf",
            "/etc/rsyslog.conf",
            "/etc/systemd/journald.conf",
            "/etc/chrony/chrony.conf",
            "/etc/postfix/main.cf",
            "/etc/postfix/master.cf",
            "/etc/bind/named.conf",
            "/etc/unbound/unbound.conf",
            "/usr/lib/systemd/system/ssh.service",
            "/etc/systemd/system/multi-user.target.wants/ssh.service",
            "/usr/lib/systemd/system/default.target",
            "/usr/share/ironseed/build.json",
            "/etc/issue",
            "/etc/hosts.equiv",
            "/root/.netrc",
            "/var/log/auth.log",
        ],
        shipped: &[
            "/boot/vmlinuz-6.1.0-18-amd64",
            "/usr/lib/systemd/systemd-journald",
            "/usr/sbin/chronyd",
            "/usr/sbin/named",
            "/usr/sbin/postfix",
            "/usr/sbin/rsyslogd",
            "/usr/sbin/unbound",
        ],
        read: |root| {
            let look = Look::new(root, &PLAN, Nature::Image, TODAY);
            black_box(report(&PLAN, verify::observe(&look, Plane::Configured), Plane::Configured));
        },
    },
};

/// The same without the settings that wait for what they set off on a real system.
static ASKED: LazyLock<Plan> = LazyLock::new(|| {
    let mut plan = PLAN.clone();
    for check in &mut plan.checks {
        check.settings.retain(|planned| !["ban", "updates"].contains(&planned.setting.kind()));
    }
    plan
});

/// Verification of a running system that answers as the input says.
pub const RUNNING: Target = Target {
    name: "running",
    takes: Takes::Bytes(|input| {
        let files = Files::default();
        let answers = Answers(input.split(|byte| *byte == FILE).map(String::from_utf8_lossy).collect());
        let look = Look::new(Root::new(&files), &ASKED, Nature::Instance, TODAY).asking(&answers);
        black_box(report(&ASKED, verify::observe(&look, Plane::Running), Plane::Running));
    }),
};

/// What a system says: each question has one of the answers, always the same.
struct Answers<'i>(Vec<Cow<'i, str>>);

impl Exec for Answers<'_> {
    fn run(&self, argv: &[&str]) -> std::io::Result<Output> {
        let question: usize = argv.concat().bytes().map(usize::from).sum();
        let stdout = self.0[question % self.0.len()].clone().into_owned();
        Ok(Output { status: 0, stdout, stderr: String::new() })
    }
}

/// What was seen, as people read it.
fn report(plan: &Plan, seen: Vec<Seen>, plane: Plane) -> String {
    let target = TargetReport { name: "fuzz".into(), kind: "directory".into(), sha256: None, base: None };
    human(&verify::report(plan, target, &[plane], seen, TODAY))
}

/// JSON that travels: a report on its way to the gate, and what a guest says it saw.
pub const REPORT: Target = Target {
    name: "report",
    takes: Takes::Bytes(|input| {
        if let Ok(found) = serde_json::from_slice::<Report>(input) {
            black_box(human(&found));
            let _ = black_box(found.passed(Path::new("/dev/null"), &PLAN, TODAY));
        }
        if let Ok(seen) = serde_json::from_slice::<Vec<Seen>>(input) {
            black_box(report(&PLAN, seen, Plane::Running));
        }
    }),
};
