use super::*;
use crate::observation::Outcome::{Fail, Pass};
use crate::settings::{Setting, fixture::Machine};

fn line(control: &str, module: &str, args: &[&str]) -> Line {
    let args = args.iter().map(|a| (*a).to_owned()).collect();
    Line { control: control.into(), module: module.into(), args }
}

#[test]
fn a_rule_is_added_once_and_must_not_be_passed_by() {
    let rule = PamRule {
        service: "su".into(),
        auth: line("required", "pam_wheel.so", &["use_uid", "group=admins"]),
        after: "pam_rootok.so".into(),
    };
    let machine = Machine::of(&[Setting::PamRule(rule)]);
    machine.put("/etc/pam.d/su", "# x\nauth sufficient pam_rootok.so\nauth required pam_unix.so\n");
    assert_eq!(machine.configured(), [Fail]);
    machine.configure();
    let once = machine.get("/etc/pam.d/su");
    assert_eq!(machine.configured(), [Pass], "{once}");
    machine.configure();
    assert_eq!(machine.get("/etc/pam.d/su"), once);
    machine.put("/etc/pam.d/su", &format!("{once}auth sufficient pam_permit.so\n"));
    assert_eq!(machine.configured(), [Pass], "a later line can't skip it");
    machine.put("/etc/pam.d/su", &format!("auth sufficient pam_permit.so\n{once}"));
    assert_eq!(machine.configured(), [Fail], "an earlier one can");
}

#[test]
fn a_profile_is_judged_by_the_effective_stack() {
    let lines = vec![
        line("required", "pam_faillock.so", &["preauth"]),
        line("[success=end default=ignore]", "pam_unix.so", &["try_first_pass"]),
    ];
    let profile = PamProfile {
        name: "x".into(),
        title: "x".into(),
        priority: 257,
        replaces: Some("unix".into()),
        auth: Some(super::profile::Block { place: super::profile::Place::Primary, lines }),
        account: None,
        password: None,
        session: None,
    };
    let machine = Machine::of(&[Setting::PamProfile(profile)]);
    assert_eq!(machine.configured(), [Fail], "the profile alone changes no stack");
    let good =
        "auth required pam_faillock.so preauth\nauth [success=1 default=ignore] pam_unix.so try_first_pass\n";
    machine.put("/etc/pam.d/common-auth", &format!("{good}auth requisite pam_deny.so\n"));
    assert_eq!(machine.configured(), [Pass]);
    let jump = "auth [success=1 default=ignore] pam_sss.so\nauth requisite pam_deny.so\n";
    machine.put("/etc/pam.d/common-auth", &format!("{jump}{good}"));
    assert_eq!(machine.configured(), [Pass], "a jump over other lines passes nothing of ours");
    for bad in [
        good.replace("try_first_pass", "try_first_pass nullok"),
        good.replace("preauth", ""),
        format!("{good}auth sufficient pam_unix.so nullok\n"),
        format!("auth [success=3 default=ignore] pam_sss.so\n{good}"),
        format!("auth frob pam_x.so\n{good}"),
    ] {
        machine.put("/etc/pam.d/common-auth", &bad);
        assert_eq!(machine.configured(), [Fail], "{bad}");
    }
}
