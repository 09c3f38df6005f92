//! What the second engine refuses: each with a clear error, and nothing under an image's name.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::{can_boot, have, ironseed, real, run, text};
use crate::stock::{all_wanted, from, hash, stock};

/// Where the root filesystem of an image of ours starts, in bytes, and its disk's size in GiB.
const ROOT_OFFSET: u64 = 262_144 * 512;
const DISK_GIB: &str = "3";

/// No image, and nothing half-made.
fn assert_nothing(out: &Path) {
    let Ok(entries) = fs::read_dir(out) else { return };
    let names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|n| n.ends_with(".build.log")), "{names:?}");
}

/// Builds from a base, which has to be refused in these words with this code.
fn refused(base: &Path, sha256: &str, more: &[&str], code: i32, words: &[&str]) {
    let dir = TempDir::new().unwrap();
    let (got, out, err) = from("build", base, sha256, &[&["-o", "out"], more].concat(), dir.path());
    assert_eq!((got, out.as_str()), (code, ""), "{err}");
    assert!(words.iter().all(|w| err.contains(w)), "wanted {words:?}: {err}");
    assert_nothing(&dir.path().join("out"));
}

#[test]
fn what_is_no_pinned_stock_image_never_runs() {
    if !have(&["qemu-system-x86_64", "qemu-img"], "refusals of stock images") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let garbage = file("garbage", b"no image");
    let zeros = "0".repeat(64);
    refused(&garbage, &zeros, &[], 2, &[&hash(&garbage), &zeros, "not the bytes you mean"]);
    refused(&garbage, "abc", &[], 2, &["--sha256", "64 hexadecimal digits"]);
    refused(&garbage, &hash(&garbage), &[], 2, &["neither a qcow2 nor a raw disk"]);
    refused(&dir.path().join("absent"), &zeros, &[], 2, &["absent", "No such file"]);
    refused(Path::new("http://example.org/a"), &zeros, &[], 2, &["https alone"]);

    let (code, _, err) = run(&["build", "--from", "a.qcow2"], dir.path());
    assert!(code == 2 && err.contains("--sha256 <HEX>"), "{err}");

    // An empty disk holds no system; one that leans on another file is not what was pinned.
    real("qemu-img", &["create", "-q", "-f", "qcow2", "empty.qcow2", "1G"], dir.path());
    let empty = dir.path().join("empty.qcow2");
    refused(&empty, &hash(&empty), &[], 2, &["the stock image's disk can't be read"]);
    // Larger than what test machines have.
    refused(&empty, &hash(&empty), &["--disk-size", "2048"], 2, &["are free where the image is made"]);
    let backed = ["create", "-q", "-f", "qcow2", "-b", "empty.qcow2", "-F", "qcow2", "backed.qcow2"];
    real("qemu-img", &backed, dir.path());
    let backed = dir.path().join("backed.qcow2");
    refused(&backed, &hash(&backed), &[], 2, &["depends on another file"]);
}

/// A web server with a certificate of its own authority; it answers with these files.
struct Server {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Server {
    fn start(files: &[(&str, &[u8])]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
                       -addext subjectAltName=DNS:localhost";
        real("openssl", &request.split_whitespace().collect::<Vec<_>>(), folder.path());
        let program = r#"
import http.server, ssl
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/plain":
            self.send_response(302)
            self.send_header("Location", "http://localhost:1/image")
            self.end_headers()
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half of it")
        else:
            super().do_GET()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
open("port.new", "w").write(str(server.server_port))
import os
os.rename("port.new", "port")
server.serve_forever()
"#;
        let child = Command::new("python3")
            .args(["-c", program])
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let port = loop {
            match fs::read_to_string(folder.path().join("port")) {
                Ok(port) => break port,
                Err(_) => assert!(start.elapsed() < Duration::from_secs(60), "no server"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        Self { child, url: format!("https://localhost:{port}"), folder }
    }

    /// Builds from a file of the server's; returns what was said.
    fn build(&self, path: &str, sha256: &str, trusted: bool) -> String {
        let dir = TempDir::new().unwrap();
        let mut command = ironseed();
        let url = format!("{}/{path}", self.url);
        command.args(["build", "--from", &url, "--sha256", sha256, "-o", "out"]).current_dir(dir.path());
        for variable in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        if trusted {
            command.env("CURL_CA_BUNDLE", self.folder.path().join("cert.pem"));
        } else {
            command.env_remove("CURL_CA_BUNDLE");
        }
        let output = command.output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_nothing(&dir.path().join("out"));
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_download_counts_only_whole_and_over_tls() {
    if !have(&["curl", "openssl", "python3", "qemu-system-x86_64", "qemu-img"], "downloads of stock images") {
        return;
    }
    // Not an image, so that what was fetched well is refused right after.
    let server = Server::start(&[("image", b"fetched bytes")]);
    let right = hash(&server.folder.path().join("image"));
    let zeros = "0".repeat(64);
    let fetched = server.build("image", &right, true);
    assert!(fetched.contains("neither a qcow2 nor a raw disk"), "{fetched}");
    let other = server.build("image", &zeros, true);
    assert!(other.contains(&right) && other.contains("not the bytes you mean"), "{other}");
    for (path, trusted, words) in [
        ("image", false, "certificate"),
        ("absent", true, "404"),
        ("plain", true, "can't be fetched"),
        ("short", true, "can't be fetched"),
    ] {
        let said = server.build(path, &right, trusted);
        assert!(said.contains(words) && said.contains(&server.url), "{path}: {said}");
    }
}

#[test]
fn a_machine_that_is_too_slow_or_killed_leaves_nothing() {
    if !can_boot("stock images that never come up") {
        return;
    }
    let Some(stock) = stock() else { return };
    let sha256 = hash(&stock);
    refused(&stock, &sha256, &["--boot-limit", "3"], 2, &["cloud-init did not finish within 3 s"]);

    let dir = TempDir::new().unwrap();
    let mut build = Command::new(env!("CARGO_BIN_EXE_ironseed"))
        .args(["build", "-o", "out", "--sha256", &sha256, "--from"])
        .arg(&stock)
        .current_dir(dir.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = dir.path().join("out");
    let log = out.join("nectar-base-debian-12.build.log");
    let start = Instant::now();
    while fs::metadata(&log).map_or(0, |m| m.len()) == 0 {
        assert!(start.elapsed() < Duration::from_secs(300), "the machine does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    build.kill().unwrap();
    build.wait().unwrap();
    assert!(!out.join("nectar-base-debian-12.qcow2").exists());
    // The next build takes away what was left, whatever becomes of itself.
    let (code, _, _) = from("build", &stock, &"0".repeat(64), &["-o", "out"], dir.path());
    assert_eq!(code, 2);
    assert_nothing(&out);
}

/// A raw disk of the stock image, changed by debugfs's commands.
fn changed(stock: &Path, folder: &Path, commands: &str) -> PathBuf {
    let disk = folder.join("changed.raw");
    real("qemu-img", &["convert", "-O", "raw", stock.to_str().unwrap(), "changed.raw"], folder);
    let mut debugfs = Command::new("debugfs")
        .args(["-w", "-f", "-", &format!("changed.raw?offset={ROOT_OFFSET}")])
        .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    debugfs.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    assert!(debugfs.wait().unwrap().success());
    disk
}

/// How many blocks the root filesystem has left, by its superblock.
fn free_blocks(stock: &Path, folder: &Path) -> u32 {
    let disk = changed(stock, folder, "");
    let mut count = [0; 4];
    fs::File::open(disk).unwrap().read_exact_at(&mut count, ROOT_OFFSET + 1024 + 0xc).unwrap();
    u32::from_le_bytes(count)
}

#[test]
fn an_image_without_enough_space_is_named_as_such() {
    let what = "a stock image without enough space";
    if !all_wanted(what) || !can_boot(what) {
        return;
    }
    let Some(stock) = stock() else { return };
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    // All but 24 MiB of 4 KiB blocks are taken: the lists of packages alone are larger.
    let taken = format!("write empty /fill\nfallocate /fill 0 {}\n", free_blocks(&stock, dir.path()) - 6144);
    let disk = changed(&stock, dir.path(), &taken);
    refused(&disk, &hash(&disk), &["--disk-size", DISK_GIB], 2, &["not enough space", "--disk-size"]);
}

#[test]
fn a_machine_that_fails_one_check_becomes_no_image() {
    if !can_boot("a stock image that fails a check") {
        return;
    }
    let Some(stock) = stock() else { return };
    let dir = TempDir::new().unwrap();
    // systemd listens on a port that nobody ordered, and this profile has no firewall.
    for (name, text) in [
        ("rogue.socket", "[Socket]\nListenStream=8081\nAccept=yes\n"),
        ("rogue@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"),
        (
            "small.yaml",
            "name: small\ntitle: Small\ndescription: one check\nparameters: {ssh_port: 22}\nchecks: [open-ports]\n",
        ),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let system = "/etc/systemd/system";
    let wants = format!("{system}/sockets.target.wants");
    let disk = changed(
        &stock,
        dir.path(),
        &format!(
            "write rogue.socket {system}/rogue.socket\nwrite rogue@.service {system}/rogue@.service\n\
             mkdir {wants}\nsymlink {wants}/rogue.socket {system}/rogue.socket\n"
        ),
    );
    let profile = dir.path().join("small.yaml");
    let more = ["-p", profile.to_str().unwrap()];
    refused(
        &disk,
        &hash(&disk),
        &more,
        1,
        &["the booted machine is not as small wants it", "open-ports (fail)", "8081"],
    );
}
