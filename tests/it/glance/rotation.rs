//! Builds that follow each other, and runs that meet.

use std::fs;
use std::path::Path;

use ironseed::target::sha256_file;

use super::bench::{Bench, PUBLIC, assert_settled, assert_sound};
use super::service::Service;
use crate::passing::{TODAY, good_report, write};
use crate::plans;
use crate::program::{have, real, text};

pub fn three_builds_rotate(service: &Service) {
    let name = "Rotation";
    let bench = Bench::new(service, name);
    let mut ids = Vec::new();
    for seed in 1..=3 {
        let sha256 = bench.image(seed);
        let planned = bench.good(&[&PUBLIC[..], &["--dry-run"]].concat());
        assert!(planned.contains(&format!("would upload the image as build {seed}, private")), "{planned}");
        assert_eq!(service.images(name).len(), ids.len(), "a dry run changed something");
        let said = bench.good(&[&PUBLIC[..], &["--evidence", "evidence"]].concat());
        assert!(said.contains(&format!("published NeCTAR {name}, build {seed}, public: ")), "{said}");
        assert_settled(service, name, &sha256);
        ids.push(service.image(name, &seed.to_string())["id"].clone());
    }
    let newest = service.image(name, "3");
    let wanted = [
        ("nectar_name", name),
        ("nectar_build", "3"),
        ("default_user", "debian"),
        ("automatic_updates", "security"),
        ("os_distro", "debian"),
        ("os_version", "12"),
        ("architecture", "x86_64"),
        ("hw_qemu_guest_agent", "yes"),
        ("ironseed_version", env!("CARGO_PKG_VERSION")),
        ("disk_format", "raw"),
        ("container_format", "bare"),
        ("os_hash_algo", "sha512"),
    ];
    for (property, value) in wanted {
        assert_eq!(newest[property], value, "{property}");
    }
    assert_eq!(newest["min_disk"], 1);
    assert_eq!(newest["os_hash_value"].as_str(), real_sha512(bench.folder.path()).as_deref());
    let report = sha256_file(&bench.folder.path().join("evidence/report.json")).unwrap();
    assert_eq!(newest["ironseed_report_sha256"], report.as_str());
    assert_eq!(fs::read_to_string(bench.folder.path().join("evidence/.facts/os_distro")).unwrap(), "debian");
    let mut tags: Vec<&str> =
        newest["tags"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["ironseed", "nectar-base"]);
    for build in ["1", "2"] {
        let older = service.image(name, build);
        assert_eq!(older["name"], format!("NeCTAR {name} [v{build}]"));
        assert_eq!(older["visibility"], "community");
    }
    // The same image again, with and without a word on who is to see it.
    for more in [&PUBLIC[..], &[]] {
        let said = bench.good(more);
        assert!(said.contains(newest["id"].as_str().unwrap()) && !said.contains("upload"), "{said}");
    }
    assert_eq!(service.images(name).len(), 3);
    // An older one doesn't push a newer one aside.
    bench.image(2);
    let (code, said) = bench.run(&PUBLIC);
    assert!(code == 2 && said.contains("build 3 (") && said.contains("is public already"), "{said}");
    bench.good(&[]);
    assert_eq!(service.image(name, "2")["name"], format!("NeCTAR {name} [v2]"));
    bench.image(4);
    let (code, said) = bench.run(&[&PUBLIC[..], &["--build", "3"]].concat());
    assert!(code == 2 && said.contains("build 3 can't be next: the highest one there is 3"), "{said}");
    bench.good(&[&PUBLIC[..], &["--build", "40"]].concat());
    assert_eq!(service.image(name, "40")["visibility"], "public");
}

fn real_sha512(folder: &Path) -> Option<String> {
    text(&real("sha512sum", &["image.raw"], folder).stdout).split(' ').next().map(str::to_owned)
}

pub fn a_private_image_is_promoted_without_another_upload(service: &Service) {
    let name = "Staging";
    let bench = Bench::new(service, name);
    bench.image(1);
    bench.good(&PUBLIC);
    let sha256 = bench.image(2);
    bench.good(&[]);
    assert_eq!(service.image(name, "1")["visibility"], "public");
    let staged = service.image(name, "2");
    assert_eq!(staged["visibility"], "private");
    let said = bench.good(&PUBLIC);
    assert!(!said.contains("upload"), "{said}");
    assert_eq!(service.image(name, "2")["id"], staged["id"]);
    assert_settled(service, name, &sha256);
}

pub fn an_image_that_needs_another_file_is_refused(service: &Service) {
    let name = "Overlay";
    if !have(&["qemu-img"], "refusing an image with a backing file") {
        return;
    }
    let bench = Bench::new(service, name);
    bench.image(1);
    let folder = bench.folder.path();
    fs::rename(folder.join("image.raw"), folder.join("base.raw")).unwrap();
    real("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.raw", "image.raw"], folder);
    let plan = plans::resolve("nectar-base", "debian-12");
    write(folder, &good_report(&plan, &folder.join("image.raw"), TODAY));
    let (code, said) = bench.run(&[]);
    assert!(code == 2 && said.contains("backing file"), "{said}");
    assert!(service.images(name).is_empty());
}

/// Two pipelines publish other images of one name at the same time.
pub fn two_runs_at_once(service: &Service) {
    let name = "Twice";
    let benches = [Bench::new(service, name), Bench::new(service, name)];
    for round in 0..6 {
        for (bench, seed) in benches.iter().zip([round * 2, round * 2 + 1]) {
            bench.image(seed);
        }
        let before = assert_sound(service, name);
        let children = benches.each_ref().map(|bench| bench.spawn(&PUBLIC));
        let ended = children.map(|mut child| child.wait().unwrap().code().unwrap());
        assert!(ended.contains(&0), "{ended:?}");
        let after = assert_sound(service, name);
        assert!(before.keys().all(|id| after.contains_key(id)), "a build is lost: {before:?} {after:?}");
        let public = service.images(name).iter().filter(|i| i["visibility"] == "public").count();
        assert_eq!(public, 1, "{:#?}", service.images(name));
        let plain = after.values().filter(|called| **called == format!("NeCTAR {name}")).count();
        assert_eq!(plain, 1, "{after:?}");
    }
}
