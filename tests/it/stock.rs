//! User-data alone hardens a stock cloud image: the image is booted with it, and the copy of
//! ironseed that its owner runs there passes every check.
//!
//! Needs a stock image (`IRONSEED_STOCK_IMAGE=path`, a cloud image of Debian 12) and a network
//! from which packages can be installed; says so and passes where there is none.

use std::path::PathBuf;
use std::time::Duration;

use ironseed::observation::Outcome;
use ironseed::report::Report;
use ironseed::verify::outside::{self, Probe};
use ironseed::vm::{Firmware, Options, Vm};

/// Port of `nectar-base`.
const PORT: u16 = 22022;

#[test]
fn user_data_alone_hardens_a_stock_image() {
    let Some(image) = std::env::var_os("IRONSEED_STOCK_IMAGE").map(PathBuf::from) else {
        let why = "IRONSEED_STOCK_IMAGE names no stock cloud image to boot";
        return crate::image::skipped("user-data on a stock image", why);
    };
    let program = assert_cmd::cargo::cargo_bin!("ironseed");
    let rendered = std::process::Command::new(program).arg("user-data").output().unwrap();
    assert!(rendered.status.success());
    let options = Options {
        firmware: Firmware::Bios,
        memory_mib: 2048,
        user: "debian".into(),
        ssh_port: PORT,
        limit: Duration::from_secs(900),
        user_data: Some(String::from_utf8(rendered.stdout).unwrap()),
    };
    // That this returns is itself the proof that nobody was locked out.
    let vm = Vm::boot(&image, options).unwrap();
    let log = vm.ssh(&["sudo", "cat", "/var/log/cloud-init-output.log"], b"").unwrap().stdout;
    assert!(log.contains("profile nectar-base is applied"), "{log}");

    let copy = "/var/tmp/ironseed";
    let bytes = std::fs::read(program).unwrap();
    vm.ssh(&["sudo", "install", "-m", "0755", "/dev/stdin", copy], &bytes).unwrap();
    let said = vm.ssh(&["sudo", copy, "verify", "/", "--format", "json"], b"").unwrap();
    let report: Report =
        serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {}", said.stderr));
    let bad: Vec<_> = report
        .checks
        .iter()
        .flat_map(|c| c.observations.iter().map(move |o| (&c.id, o)))
        .filter(|(_, o)| !o.outcome.is_acceptable())
        // A stock image has no record of its build: nobody can say what was pending then.
        .filter(|(id, o)| !(id.as_str() == "no-pending-updates" && o.outcome == Outcome::Unobserved))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");

    let outside = outside::probe(&vm).unwrap();
    assert!(matches!(outside.key_login, Probe::Accepted(_)), "{outside:?}");
    for refused in [&outside.password, &outside.keyboard_interactive, &outside.root_login] {
        assert!(matches!(refused, Probe::Refused(_)), "{outside:?}");
    }
    assert_eq!(outside.open_ports, [PORT]);
}
