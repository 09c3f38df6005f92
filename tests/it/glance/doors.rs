//! Who is let in: certificates, and logins by a Keystone that is played here.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::bench::Bench;
use super::service::{LIMIT, Service};
use crate::program::{have, ironseed, real, text};
use crate::proxy::{Fate, Proxy, Request};

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

pub fn certificates_count(service: &Service) {
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

pub fn keystone_lets_in(service: &Service) {
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
