//! User-data alone hardens a stock cloud image: the image is booted with it, and the copy of
//! ironseed that its owner runs there passes every check.
//!
//! The stock image is built here, with a profile that renders nothing, unless `IRONSEED_STOCK_IMAGE`
//! names one (a cloud image of Debian 12). Takes minutes and a network from which the guest can
//! install packages; `IRONSEED_SKIP_VM=1` leaves it out.

use std::time::Duration;

use ironseed::observation::Outcome;
use ironseed::report::Report;
use ironseed::verify::outside::{self, Probe};
use ironseed::vm::{Firmware, Options, Vm};

use crate::image;
use crate::program::can_boot;

/// A profile that renders nothing: what is built with it is a stock cloud image.
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/stock.yaml");
/// Port of `nectar-base`.
const PORT: u16 = 22022;

#[test]
fn user_data_alone_hardens_a_stock_image() {
    if !can_boot("user-data on a stock image") {
        return;
    }
    let stock = || image::built(PROFILE, image::DISTRO);
    let Some(image) = image::named("IRONSEED_STOCK_IMAGE").or_else(stock) else { return };
    let program = assert_cmd::cargo::cargo_bin!("ironseed");
    let rendered = std::process::Command::new(program).arg("user-data").output().unwrap();
    assert!(rendered.status.success());
    let options = Options {
        firmware: Firmware::Bios,
        memory_mib: 2048,
        user: "debian".into(),
        ssh_port: PORT,
        limit: Duration::from_secs(1800),
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
