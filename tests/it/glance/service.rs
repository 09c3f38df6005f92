//! A real Glance on the loopback, without Keystone.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::real;

/// No run of this service takes longer, whatever becomes of the test.
pub const LIMIT: &str = "170";
pub const SIZE: usize = 8 << 20;

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
pub struct Service {
    child: Child,
    pub port: u16,
    _folder: TempDir,
}

impl Service {
    pub fn start() -> Self {
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

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Every image there is with a `nectar_name`.
    pub fn images(&self, name: &str) -> Vec<Value> {
        let url = self.url("/v2/images?visibility=all&limit=100");
        let mut answer = ureq::get(url).call().unwrap();
        let list: Value = answer.body_mut().read_json().unwrap();
        assert!(list.get("next").is_none() || list["images"].as_array().unwrap().len() < 100);
        list["images"].as_array().unwrap().iter().filter(|i| i["nectar_name"] == name).cloned().collect()
    }

    pub fn image(&self, name: &str, build: &str) -> Value {
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
