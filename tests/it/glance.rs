//! Publishing into a real Glance on the loopback: properties, rotation, kills at every moment, lines that break, and a
//! service that refuses. Keystone alone is played.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ironseed::target::sha256_file;
use serde_json::Value;
use tempfile::TempDir;

use crate::passing::{TODAY, good_report, image, write};
use crate::plans;
use crate::program::{have, ironseed, real, text};
use crate::proxy::{Fate, Proxy, Request};

/// No run of this service takes longer, whatever becomes of the test.
const LIMIT: &str = "170";
const SIZE: usize = 8 << 20;

/// Glance's applications, behind nothing that asks who is there.
const PIPELINE: &str = "
[pipeline:glance-api]
pipeline = anybody root
[composite:root]
paste.composite_factory = glance.api:root_app_factory
/ = versions
/v2 = images
[app:versions]
paste.app_factory = glance.api.versions:create_resource
[app:images]
paste.app_factory = glance.api.v2.router:API.factory
[filter:anybody]
paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory
";

/// A Glance without Keystone, in a folder of its own.
struct Service {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Service {
    fn start() -> Self {
        // In memory, where there is such a place: making the database is nothing but waiting for the disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() };
        let at = folder.path().display().to_string();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let configuration = format!(
            "[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = {port}\nworkers = 0\nlog_file = {at}/log\n\
             node_staging_uri = file://{at}/staging\n\
             [database]\nconnection = sqlite:///{at}/glance.sqlite\n\
             [glance_store]\nstores = file\ndefault_store = file\nfilesystem_store_datadir = {at}/images\n\
             [oslo_policy]\npolicy_file = {at}/policy.json\n\
             [oslo_concurrency]\nlock_path = {at}/locks\n\
             [paste_deploy]\nconfig_file = {at}/paste.ini\n"
        );
        fs::write(folder.path().join("api.conf"), configuration).unwrap();
        fs::write(folder.path().join("policy.json"), r#"{"context_is_admin": "@", "publicize_image": "@"}"#)
            .unwrap();
        fs::write(folder.path().join("paste.ini"), PIPELINE).unwrap();
        for name in ["staging", "images", "locks"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let sync = ["-k", "2", "100", "glance-manage", "--config-file", "api.conf", "db_sync"];
        real("timeout", &sync, folder.path());
        let output = fs::File::create(folder.path().join("output")).unwrap();
        let child = Command::new("timeout")
            .args(["-k", "2", LIMIT, "glance-api", "--config-file", "api.conf"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let service = Self { child, port, _folder: folder };
        let end = Instant::now() + Duration::from_secs(60);
        while ureq::get(service.url("/v2/images")).call().is_err() {
            let said = fs::read_to_string(service._folder.path().join("output")).unwrap();
            assert!(Instant::now() < end, "glance-api does not answer: {said}");
            std::thread::sleep(Duration::from_millis(100));
        }
        service
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Every image there is with a `nectar_name`.
    fn images(&self, name: &str) -> Vec<Value> {
        let url = self.url("/v2/images?visibility=all&limit=100");
        let mut answer = ureq::get(url).call().unwrap();
        let list: Value = answer.body_mut().read_json().unwrap();
        assert!(list.get("next").is_none() || list["images"].as_array().unwrap().len() < 100);
        list["images"].as_array().unwrap().iter().filter(|i| i["nectar_name"] == name).cloned().collect()
    }

    fn image(&self, name: &str, build: &str) -> Value {
        let images = self.images(name);
        let found: Vec<&Value> = images.iter().filter(|i| i["nectar_build"] == build).collect();
        assert_eq!(found.len(), 1, "{images:#?}");
        found[0].clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // `timeout` hands the signal on.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A folder with an image, its report, and what a run says of it.
struct Bench {
    folder: TempDir,
    port: u16,
    name: &'static str,
}

impl Bench {
    fn new(service: &Service, name: &'static str) -> Self {
        Self { folder: TempDir::new().unwrap(), port: service.port, name }
    }

    fn through(mut self, proxy: &Proxy) -> Self {
        self.port = proxy.port();
        self
    }

    /// Another image of that name, ready to be published.
    fn image(&self, seed: u8) -> String {
        let path = image(self.folder.path(), "image.raw", seed, SIZE);
        let plan = plans::resolve("nectar-base", "debian-12");
        write(self.folder.path(), &good_report(&plan, &path, TODAY));
        sha256_file(&path).unwrap()
    }

    fn arguments(&self) -> Vec<String> {
        let name = format!("NeCTAR {}", self.name);
        ["publish", "image.raw", "--report", "report.json", "--to", "glance:", "--name", &name]
            .map(str::to_owned)
            .to_vec()
    }

    fn variables(&self) -> [(&'static str, String); 2] {
        [("OS_AUTH_TYPE", "none".into()), ("OS_ENDPOINT", format!("http://127.0.0.1:{}/v2", self.port))]
    }

    fn run(&self, more: &[&str]) -> (i32, String) {
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

    fn good(&self, more: &[&str]) -> String {
        let (code, said) = self.run(more);
        assert_eq!(code, 0, "{said}");
        said
    }

    fn spawn(&self, more: &[&str]) -> Child {
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

const PUBLIC: [&str; 2] = ["--visibility", "public"];

/// What holds at every moment, whatever was killed: at most one public of the name, and nothing under a name of a build that
/// isn't whole. Returns the names of all builds.
fn assert_sound(service: &Service, name: &str) -> BTreeMap<String, String> {
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
fn assert_settled(service: &Service, name: &str, sha256: &str) {
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

#[test]
fn a_real_glance() {
    if !have(&["glance-api", "glance-manage"], "publishing into a real Glance") {
        assert!(std::env::var_os("CI").is_none(), "glance-api has to be there");
        return;
    }
    let service = Service::start();
    three_builds_rotate(&service);
    a_private_image_is_promoted_without_another_upload(&service);
    an_image_that_needs_another_file_is_refused(&service);
    broken_lines_are_mended(&service);
    refusals_are_clear_and_leave_nothing(&service);
    certificates_count(&service);
    keystone_lets_in(&service);
    two_runs_at_once(&service);
    kills_at_every_change(&service);
    kills_at_random_moments(&service);
}

fn three_builds_rotate(service: &Service) {
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

fn a_private_image_is_promoted_without_another_upload(service: &Service) {
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

fn an_image_that_needs_another_file_is_refused(service: &Service) {
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

fn is_upload(request: &Request) -> bool {
    request.method == "PUT" && request.path.ends_with("/file")
}

/// A fate for the first request of a kind.
fn once(is: fn(&Request) -> bool, fate: fn() -> Fate) -> impl FnMut(&Request) -> Fate + Send {
    let mut met = false;
    move |request| {
        if met || !is(request) {
            return Fate::Pass;
        }
        met = true;
        fate()
    }
}

/// Which request something happens to.
type Which = fn(&Request) -> bool;
/// What happens to it.
type What = Box<dyn Fn() -> Fate + Send + Sync>;

fn broken_lines_are_mended(service: &Service) {
    let name = "Broken";
    let proxy = Proxy::before(service.port);
    let bench = Bench::new(service, name).through(&proxy);
    let breaks: [(Which, fn() -> Fate); 7] = [
        (is_upload, || Fate::CutAfter(SIZE / 2)),
        (is_upload, || Fate::CutAfter(0)),
        (is_upload, || Fate::LoseAnswer),
        (|r| r.method == "POST", || Fate::LoseAnswer),
        (|r| r.method == "POST", || Fate::CutAfter(0)),
        (|r| r.method == "PATCH", || Fate::LoseAnswer),
        (|r| r.method == "GET", || Fate::Answer("503 Service Unavailable", vec![], "busy".into())),
    ];
    for (seed, (is, fate)) in breaks.into_iter().enumerate() {
        let sha256 = bench.image(seed as u8);
        proxy.decide(once(is, fate));
        bench.good(&PUBLIC);
        assert_settled(service, name, &sha256);
        assert_eq!(service.images(name).len(), seed + 1, "a build is missing or there twice");
    }
    // A line that breaks each time: an end is found, and nothing is left.
    bench.image(99);
    proxy.decide(|r| if is_upload(r) { Fate::CutAfter(1000) } else { Fate::Pass });
    let (code, said) = bench.run(&PUBLIC);
    assert_eq!((code, said.matches("; once more").count()), (2, 3), "{said}");
    assert_eq!(service.images(name).len(), 7);
}

fn refusals_are_clear_and_leave_nothing(service: &Service) {
    let name = "Refused";
    let proxy = Proxy::before(service.port);
    let bench = Bench::new(service, name).through(&proxy);
    let first = bench.image(1);
    bench.good(&PUBLIC);
    bench.image(2);
    let page = |status: &'static str, why: &str| {
        Fate::Answer(
            status,
            vec![],
            format!("<html><title>{status}</title><body><h1>{status}</h1>{why}<br /></body>"),
        )
    };
    let cases: [(Which, What, &str); 6] = [
        (
            |r| r.method == "POST",
            Box::new(move || page("403 Forbidden", "No images.")),
            "403 Forbidden: 403 Forbidden No images.",
        ),
        (
            is_upload,
            Box::new(move || page("409 Conflict", "It&#x27;s there.")),
            "409 Conflict: 409 Conflict It's there.",
        ),
        (is_upload, Box::new(move || page("413 Request Entity Too Large", "Quota.")), "Quota."),
        (|r| r.method == "POST", Box::new(move || page("500 Internal Server Error", "Boom.")), "Boom."),
        (is_upload, Box::new(|| Fate::Corrupt), "Glance holds something else than was sent"),
        (
            |r| r.method == "PATCH" && text(&r.body).contains("\"public\""),
            Box::new(move || page("403 Forbidden", "You may not publicize.")),
            "You may not publicize.",
        ),
    ];
    for (is, fate, wanted) in cases {
        let mut met = false;
        proxy.decide(move |request| {
            let now = !met && is(request);
            met |= now;
            if now { fate() } else { Fate::Pass }
        });
        let (code, said) = bench.run(&PUBLIC);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(wanted), "wanted {wanted:?}: {said}");
        // The older build is public as it was, also where it had given way already.
        let public = service.image(name, "1");
        assert_eq!(
            (&public["visibility"], &public["name"]),
            (&"public".into(), &format!("NeCTAR {name}").into())
        );
        assert_eq!(public["ironseed_sha256"], first.as_str());
        let whole = service.images(name).iter().filter(|i| i["status"] != "active").count();
        assert_eq!(whole, 0, "{said}");
        if said.contains("publicize") {
            let waits = service.images(name).iter().any(|i| said.contains(i["name"].as_str().unwrap()));
            assert!(waits && said.contains("waits for the next run"), "{said}");
        }
    }
    // A half image that can't be deleted is named for what it is, and goes with the next run.
    let sha256 = bench.image(3);
    proxy.decide(move |request| match request.method.as_str() {
        "DELETE" => page("403 Forbidden", "Kept."),
        _ if is_upload(request) => page("409 Conflict", "No."),
        _ => Fate::Pass,
    });
    let (code, said) = bench.run(&PUBLIC);
    assert!(code == 2 && said.contains("is left behind, private and named ironseed-incomplete-"), "{said}");
    assert_sound(service, name);
    proxy.decide(|_| Fate::Pass);
    bench.good(&PUBLIC);
    let images = service.images(name);
    assert!(images.iter().all(|i| i["status"] == "active"), "{images:#?}");
    assert_eq!(
        images.iter().find(|i| i["visibility"] == "public").unwrap()["ironseed_sha256"],
        sha256.as_str()
    );
}

/// A service behind TLS, with a certificate that names `host`, by an authority of its own.
struct Tls {
    child: Child,
    port: u16,
    authority: String,
}

impl Tls {
    fn before(service: &Service, folder: &Path, host: &str) -> Self {
        let [ca_key, ca, key, certificate] =
            ["ca.key", "ca", "key", "certificate"].map(|part| format!("{host}.{part}.pem"));
        let make = |key: &str, out: &str, more: &[&str]| {
            let request =
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
            real("openssl", &[&request[..], &["-keyout", key, "-out", out], more].concat(), folder);
        };
        make(&ca_key, &ca, &["-subj", &format!("/CN=authority of {host}")]);
        let names = format!("subjectAltName={host}");
        let by = ["-CA", &ca, "-CAkey", &ca_key, "-subj", "/CN=service"];
        let leaf = ["-addext", &names, "-addext", "basicConstraints=critical,CA:FALSE"];
        make(&key, &certificate, &[&by[..], &leaf].concat());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls.py");
        let child = Command::new("timeout")
            .args([
                LIMIT,
                "python3",
                script,
                &port.to_string(),
                &service.port.to_string(),
                &certificate,
                &key,
            ])
            .current_dir(folder)
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the door with TLS does not open");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port, authority: ca }
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn certificates_count(service: &Service) {
    let name = "Certified";
    if !have(&["openssl", "python3"], "a Glance behind TLS") {
        return;
    }
    let bench = Bench::new(service, name);
    let folder = bench.folder.path();
    let [good, elsewhere] =
        ["IP:127.0.0.1", "DNS:elsewhere.example.org"].map(|host| Tls::before(service, folder, host));
    fs::write(folder.join("empty.pem"), "no certificate\n").unwrap();
    let clouds = |lines: &[(&str, &Tls, String)]| {
        let cloud = |(name, door, more): &(&str, &Tls, String)| {
            let endpoint = format!("https://127.0.0.1:{}/v2", door.port);
            format!("  {name}: {{auth_type: none, image_endpoint_override: '{endpoint}', {more}}}\n")
        };
        format!("clouds:\n{}", lines.iter().map(cloud).collect::<String>())
    };
    let trusting = |door: &Tls| format!("cacert: '{}'", door.authority);
    let text = clouds(&[
        ("unknown", &good, String::new()),
        ("other", &good, trusting(&elsewhere)),
        ("name", &elsewhere, trusting(&elsewhere)),
        ("empty", &good, "cacert: empty.pem".into()),
        ("missing", &good, "cacert: missing.pem".into()),
        ("client", &good, "cert: mine.pem, key: mine.pem".into()),
        ("trusted", &good, trusting(&good)),
        ("unverified", &elsewhere, "verify: false".into()),
    ]);
    fs::write(folder.join("clouds.yaml"), text).unwrap();
    let run = |cloud: &str| {
        let mut arguments = bench.arguments();
        arguments[5] = format!("glance:{cloud}");
        let output = ironseed().args(arguments).current_dir(folder).output().unwrap();
        (output.status.code().unwrap(), self::text(&output.stdout) + &self::text(&output.stderr))
    };
    bench.image(1);
    let refused = [
        ("unknown", "UnknownIssuer; `cacert` names the cloud's own authority"),
        ("other", "UnknownIssuer"),
        ("name", "not valid for name"),
        ("empty", "empty.pem holds no certificate"),
        ("missing", "cacert: missing.pem"),
        ("client", "`cert`, `key`) are not supported"),
    ];
    for (cloud, wanted) in refused {
        let (code, said) = run(cloud);
        assert!(code == 2 && said.contains(wanted), "{cloud}: wanted {wanted:?}: {said}");
        assert!(service.images(name).is_empty(), "{cloud}: something was sent");
    }
    for (seed, cloud) in [(1, "trusted"), (2, "unverified")] {
        bench.image(seed);
        let (code, said) = run(cloud);
        assert_eq!(code, 0, "{cloud}: {said}");
        assert_eq!(service.images(name).len(), usize::from(seed));
    }
}

/// Two pipelines publish other images of one name at the same time.
fn two_runs_at_once(service: &Service) {
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

/// Plays Keystone for one cloud; the token counts as long as `valid` says.
fn keystone(
    port: u16,
    asked: Arc<Mutex<Vec<Value>>>,
    logins: Arc<AtomicUsize>,
) -> impl FnMut(&Request) -> Fate + Send {
    move |request| {
        if request.path == "/identity/v3/auth/tokens" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let identity = &body["auth"]["identity"];
            let secret =
                [&identity["password"]["user"]["password"], &identity["application_credential"]["secret"]];
            if !secret.iter().any(|s| **s == "opensesame") {
                let says = r#"{"error": {"code": 401, "message": "The request requires authentication."}}"#;
                return Fate::Answer("401 Unauthorized", vec![], says.into());
            }
            asked.lock().unwrap().push(body.clone());
            let token = format!("token-{}", logins.fetch_add(1, Ordering::SeqCst) + 1);
            let endpoint = |region: &str, url: &str| serde_json::json!({"interface": "public", "region": region, "region_id": region, "url": url});
            let here = endpoint("here", &format!("http://127.0.0.1:{port}/v2/"));
            let there = endpoint("there", "http://127.0.0.1:1");
            let catalogue = serde_json::json!([{"type": "image", "endpoints": [there, here]}]);
            let body = serde_json::json!({"token": {"catalog": catalogue}}).to_string();
            return Fate::Answer("201 Created", vec![("X-Subject-Token", token)], body);
        }
        // The first token runs out with the upload.
        let current = format!("token-{}", logins.load(Ordering::SeqCst));
        let given = request.headers.get("x-auth-token");
        if given != Some(&current) || (current == "token-1" && request.method == "PATCH") {
            return Fate::Answer("401 Unauthorized", vec![], "who are you?".into());
        }
        Fate::Pass
    }
}

fn keystone_lets_in(service: &Service) {
    let name = "Keystone";
    let proxy = Proxy::before(service.port);
    let bench = Bench::new(service, name);
    let folder = bench.folder.path();
    let url = format!("http://127.0.0.1:{}/identity", proxy.port());
    let clouds = format!(
        "clouds:\n  by-password:\n    region_name: here\n    auth:\n      auth_url: {url}/v3/\n      \
         username: me\n      project_name: mine\n      user_domain_name: Default\n      project_domain_name: Default\n  \
         by-credential:\n    region_name: here\n    auth_type: v3applicationcredential\n    auth:\n      \
         auth_url: {url}\n      application_credential_id: abc\n      application_credential_secret: opensesame\n  \
         wrong:\n    region_name: here\n    auth: {{auth_url: '{url}', username: me, password: guessed}}\n  \
         nowhere:\n    auth: {{auth_url: '{url}', user_id: me, password: opensesame}}\n"
    );
    fs::write(folder.join("clouds.yaml"), clouds).unwrap();
    fs::write(folder.join("secure.yaml"), "clouds:\n  by-password:\n    auth:\n      password: opensesame\n")
        .unwrap();
    let run = |cloud: &str| {
        let mut arguments = bench.arguments();
        arguments[5] = format!("glance:{cloud}");
        let output = ironseed().args(arguments).current_dir(folder).output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            !said.contains("opensesame") && !said.contains("guessed") && !said.contains("token-"),
            "{said}"
        );
        (output.status.code().unwrap(), said)
    };
    let asked = Arc::new(Mutex::new(Vec::new()));
    for (cloud, method, logins) in
        [("by-password", "password", 2), ("by-credential", "application_credential", 2)]
    {
        let count = Arc::new(AtomicUsize::new(0));
        proxy.decide(keystone(proxy.port(), Arc::clone(&asked), Arc::clone(&count)));
        bench.image(u8::try_from(asked.lock().unwrap().len()).unwrap());
        let (code, said) = run(cloud);
        assert_eq!(code, 0, "{said}");
        assert_eq!(count.load(Ordering::SeqCst), logins, "a token that ran out is renewed once");
        assert_eq!(asked.lock().unwrap().last().unwrap()["auth"]["identity"]["methods"][0], method);
    }
    assert_eq!(service.images(name).len(), 2);
    let first = asked.lock().unwrap()[0].clone();
    let project = &first["auth"]["scope"]["project"];
    assert_eq!((&project["name"], &project["domain"]["name"]), (&"mine".into(), &"Default".into()));
    let asked_again = asked.lock().unwrap().last().unwrap().clone();
    assert!(asked_again["auth"].get("scope").is_none(), "an application credential brings its own scope");

    proxy.decide(keystone(proxy.port(), asked, Arc::new(AtomicUsize::new(0))));
    let cases = [
        ("wrong", "401 Unauthorized: The request requires authentication."),
        ("nowhere", "set `region_name`"),
        ("none-such", "no clouds.yaml describes the cloud `none-such`"),
    ];
    for (cloud, wanted) in cases {
        let (code, said) = run(cloud);
        assert!(code == 2 && said.contains(wanted), "wanted {wanted:?}: {said}");
    }
}

/// Kills a run as the `at`-th request that changes something comes by, before, amid or after it; then runs it again.
fn kills_at_every_change(service: &Service) {
    let name = "Killed";
    let proxy = Proxy::before(service.port);
    let bench = Bench::new(service, name).through(&proxy);
    bench.image(0);
    bench.good(&PUBLIC);
    let fates: [fn() -> Fate; 3] = [|| Fate::CutAfter(0), || Fate::CutAfter(SIZE / 3), || Fate::LoseAnswer];
    // Create, upload, supersede, settle.
    for at in 0..4 {
        for (number, fate) in fates.into_iter().enumerate() {
            let before = assert_sound(service, name);
            let sha256 = bench.image(u8::try_from(1 + at * 3 + number).unwrap());
            let child = Arc::new(Mutex::new(None::<Child>));
            let (victim, mut seen) = (Arc::clone(&child), 0);
            proxy.decide(move |request| {
                seen += usize::from(request.changes());
                if request.changes() && seen == at + 1 {
                    victim.lock().unwrap().as_mut().unwrap().kill().unwrap();
                    return fate();
                }
                Fate::Pass
            });
            {
                // The neighbour waits for this lock before it kills.
                let mut child = child.lock().unwrap();
                *child = Some(bench.spawn(&PUBLIC));
            }
            wait(&child);
            std::thread::sleep(Duration::from_millis(100));
            let after = assert_sound(service, name);
            assert!(before.keys().all(|id| after.contains_key(id)), "a build is lost: {before:?} {after:?}");
            proxy.decide(|_| Fate::Pass);
            bench.good(&PUBLIC);
            assert_settled(service, name, &sha256);
            assert_eq!(service.images(name).len(), before.len() + 1);
        }
    }
}

/// Waits for a child that somebody else kills.
fn wait(child: &Mutex<Option<Child>>) {
    let end = Instant::now() + Duration::from_secs(30);
    while child.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it was never killed");
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = child.lock().unwrap().as_mut().unwrap().wait().unwrap();
    assert_eq!(status.code(), None, "it ended before it was killed");
}

fn kills_at_random_moments(service: &Service) {
    let name = "Random";
    let bench = Bench::new(service, name);
    bench.image(0);
    let start = Instant::now();
    bench.good(&PUBLIC);
    let whole_run = u64::try_from(start.elapsed().as_micros()).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut kills = 0;
    for seed in 1..=10 {
        let before = assert_sound(service, name);
        let sha256 = bench.image(seed);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut child = bench.spawn(&PUBLIC);
        std::thread::sleep(Duration::from_micros(state % whole_run));
        child.kill().unwrap();
        kills += u32::from(child.wait().unwrap().code().is_none());
        let after = assert_sound(service, name);
        assert!(before.keys().all(|id| after.contains_key(id)), "a build is lost: {before:?} {after:?}");
        bench.good(&PUBLIC);
        assert_settled(service, name, &sha256);
        assert_eq!(service.images(name).len(), usize::from(seed) + 1);
    }
    assert!(kills >= 5, "only {kills} runs were hit");
}
