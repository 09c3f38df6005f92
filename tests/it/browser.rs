//! A real browser: headless Chromium, driven over its debugging pipe.
//!
//! Owns the conversation. What is looked at is the tests' business.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::have;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a page said and asked for besides being shown.
const TOLD: [&str; 4] =
    ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Network.requestWillBeSent"];

/// A browser with one tab.
pub struct Browser {
    child: Child,
    commands: File,
    answers: Receiver<Value>,
    session: Option<String>,
    number: u64,
    events: Vec<Value>,
    _folder: TempDir,
}

impl Browser {
    /// Starts Chromium; `None`, with a word, where there is none.
    pub fn start(what: &str) -> Option<Self> {
        if !have(&["chromium"], what) {
            return None;
        }
        let folder = TempDir::new().unwrap();
        let pipes = ["in", "out"].map(|name| folder.path().join(name));
        assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
        // Opened for both directions, a pipe waits for nobody.
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path).unwrap();
        let (commands, answers) = (open(&pipes[0]), open(&pipes[1]));
        let line = "exec chromium --headless --no-sandbox --disable-gpu --disable-background-networking \
                    --no-first-run --hide-scrollbars --remote-debugging-pipe --user-data-dir=\"$0/profile\" \
                    about:blank 3<\"$0/in\" 4>\"$0/out\"";
        let child = Command::new("sh")
            .args(["-c", line])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for message in BufReader::new(answers).split(0) {
                let Ok(message) = message else { return };
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            commands,
            answers: receiver,
            session: None,
            number: 0,
            events: Vec::new(),
            _folder: folder,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        browser.session = Some(session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Opens a file and waits until it is there whole. Returns what it said and asked for meanwhile.
    pub fn open(&mut self, file: &Path) -> Vec<Value> {
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        while !self.events.iter().any(|e| e["method"] == "Page.loadEventFired") {
            let event = self.answers.recv_timeout(PATIENCE).unwrap();
            self.events.push(event);
        }
        self.told()
    }

    /// What the page said and asked for so far.
    pub fn told(&mut self) -> Vec<Value> {
        // What a script has just said arrives before the answer to a later question.
        self.value("1");
        self.events.iter().filter(|e| TOLD.iter().any(|t| e["method"] == *t)).cloned().collect()
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let question = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", question);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Makes the window so wide (in CSS pixels) and so high, with a colour scheme, on a screen or on paper.
    pub fn become_like(&mut self, (width, height): (u32, u32), scheme: &str, media: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// Keeps what the window shows as `name.png` in the folder that IRONSEED_SCREENSHOTS names, if it does.
    pub fn keep(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("IRONSEED_SCREENSHOTS") else { return };
        let picture = self.ask("Page.captureScreenshot", json!({ "format": "png" }));
        let encoded = picture["data"].as_str().unwrap();
        let mut decoder = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(File::create(Path::new(&folder).join(format!("{name}.png"))).unwrap())
            .spawn()
            .unwrap();
        decoder.stdin.take().unwrap().write_all(encoded.as_bytes()).unwrap();
        assert!(decoder.wait().unwrap().success());
    }

    /// The page as it would be printed: the bytes of a PDF file, in base64.
    pub fn printed(&mut self) -> String {
        self.ask("Page.printToPDF", json!({}))["data"].as_str().unwrap().to_owned()
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut question = json!({ "id": self.number, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            question["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{question}\0").as_bytes()).unwrap();
        loop {
            let answer = self.answers.recv_timeout(PATIENCE).unwrap();
            if answer["id"] == self.number {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
