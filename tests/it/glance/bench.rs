//! A run of `publish`, and what has to hold of a cloud after it.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use ironseed::target::sha256_file;
use serde_json::Value;
use tempfile::TempDir;

use super::service::{SIZE, Service};
use crate::passing::{TODAY, good_report, image, write};
use crate::plans;
use crate::program::{ironseed, text};
use crate::proxy::Proxy;

/// A folder with an image, its report, and what a run says of it.
pub struct Bench {
    pub folder: TempDir,
    pub port: u16,
    pub name: &'static str,
}

impl Bench {
    pub fn new(service: &Service, name: &'static str) -> Self {
        Self { folder: TempDir::new().unwrap(), port: service.port, name }
    }

    pub fn through(mut self, proxy: &Proxy) -> Self {
        self.port = proxy.port();
        self
    }

    /// Another image of that name, ready to be published.
    pub fn image(&self, seed: u8) -> String {
        let path = image(self.folder.path(), "image.raw", seed, SIZE);
        let plan = plans::resolve("nectar-base", "debian-12");
        write(self.folder.path(), &good_report(&plan, &path, TODAY));
        sha256_file(&path).unwrap()
    }

    pub fn arguments(&self) -> Vec<String> {
        let name = format!("NeCTAR {}", self.name);
        ["publish", "image.raw", "--report", "report.json", "--to", "glance:", "--name", &name]
            .map(str::to_owned)
            .to_vec()
    }

    pub fn variables(&self) -> [(&'static str, String); 2] {
        [("OS_AUTH_TYPE", "none".into()), ("OS_ENDPOINT", format!("http://127.0.0.1:{}/v2", self.port))]
    }

    pub fn run(&self, more: &[&str]) -> (i32, String) {
        let output = ironseed()
            .args(self.arguments())
            .args(more)
            .current_dir(self.folder.path())
            .envs(self.variables())
            .output()
            .unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("panicked"), "{said}");
        (output.status.code().unwrap(), said)
    }

    pub fn good(&self, more: &[&str]) -> String {
        let (code, said) = self.run(more);
        assert_eq!(code, 0, "{said}");
        said
    }

    pub fn spawn(&self, more: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_ironseed"))
            .args(self.arguments())
            .args(more)
            .current_dir(self.folder.path())
            .envs(self.variables())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

pub const PUBLIC: [&str; 2] = ["--visibility", "public"];

/// What holds at every moment, whatever was killed: at most one public of the name, and nothing under a name of a build that
/// isn't whole. Returns the names of all builds.
pub fn assert_sound(service: &Service, name: &str) -> BTreeMap<String, String> {
    let images = service.images(name);
    let public = images.iter().filter(|i| i["visibility"] == "public").count();
    assert!(public <= 1, "{public} are public: {images:#?}");
    let mut builds = BTreeMap::new();
    for image in &images {
        let called = image["name"].as_str().unwrap();
        if called.starts_with("ironseed-incomplete-") {
            assert_eq!(image["visibility"], "private");
            continue;
        }
        assert_eq!(image["status"], "active", "{image:#?}");
        assert_eq!(image["size"], SIZE, "{image:#?}");
        let id = image["id"].as_str().unwrap().to_owned();
        builds.insert(id, called.to_owned());
    }
    builds
}

/// And what holds when a run came to its end.
pub fn assert_settled(service: &Service, name: &str, sha256: &str) {
    assert_sound(service, name);
    let images = service.images(name);
    let public: Vec<&Value> = images.iter().filter(|i| i["visibility"] == "public").collect();
    assert_eq!(public.len(), 1, "{images:#?}");
    assert_eq!(public[0]["ironseed_sha256"], sha256);
    assert_eq!(public[0]["name"], format!("NeCTAR {name}"));
    let half = images.iter().any(|i| i["name"].as_str().unwrap().starts_with("ironseed-incomplete-"));
    assert!(!half, "a half image is left: {images:#?}");
    let plain = images.iter().filter(|i| i["name"] == format!("NeCTAR {name}")).count();
    assert_eq!(plain, 1, "{images:#?}");
}
