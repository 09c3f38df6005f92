//! A neighbour between ironseed and an HTTP service, who sees each request and decides what becomes of it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer bodies are passed on as they come and not shown.
const SHOWN: usize = 64 << 10;

/// A request, as far as it was read.
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// The body, unless it is long.
    pub body: Vec<u8>,
    head: Vec<u8>,
}

impl Request {
    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        self.method != "GET" && !self.path.starts_with("/v3/")
    }
}

/// What becomes of a request.
pub enum Fate {
    /// It goes on, and so does the answer.
    Pass,
    /// It goes on after so many bytes of its body are gone, and then the line is cut.
    CutAfter(usize),
    /// It goes on whole, and the answer is lost.
    LoseAnswer,
    /// It goes on with one bit of its body turned.
    Corrupt,
    /// It gets this answer: status line, headers, body.
    Answer(&'static str, Vec<(&'static str, String)>, String),
}

type Decide = Box<dyn FnMut(&Request) -> Fate + Send>;

/// The neighbour. Its threads end with the process.
pub struct Proxy {
    port: u16,
    decide: Arc<Mutex<Decide>>,
}

impl Proxy {
    /// In front of the service on a port of the loopback.
    pub fn before(service: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let decide: Arc<Mutex<Decide>> = Arc::new(Mutex::new(Box::new(|_| Fate::Pass)));
        let shared = Arc::clone(&decide);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // One request each: where a line breaks, that connection ends and nothing else does.
                std::thread::spawn(move || drop(serve(stream, service, &shared)));
            }
        });
        Self { port, decide }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Decides otherwise from now on.
    pub fn decide(&self, decide: impl FnMut(&Request) -> Fate + Send + 'static) {
        *self.decide.lock().unwrap() = Box::new(decide);
    }
}

fn serve(mut client: TcpStream, service: u16, decide: &Mutex<Decide>) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let Some(request) = read(&mut client)? else { return Ok(()) };
    let fate = decide.lock().unwrap()(&request);
    let length: usize = request.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    if let Fate::Answer(status, headers, body) = fate {
        // All of it is heard first, as Glance does.
        let rest = (length - request.body.len()) as u64;
        std::io::copy(&mut (&mut client).take(rest), &mut std::io::sink())?;
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        return client.write_all(answer.as_bytes());
    }
    let mut service = TcpStream::connect(("127.0.0.1", service))?;
    service.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = request.head.strip_suffix(b"\r\n").unwrap_or(&request.head);
    service.write_all(&[head, b"connection: close\r\n\r\n"].concat())?;
    let allowed = if let Fate::CutAfter(bytes) = fate { bytes.min(length) } else { length };
    let mut first = request.body.clone();
    first.truncate(allowed);
    let mut buffer = vec![0; 64 << 10];
    let mut sent = first.len();
    service.write_all(&first)?;
    while sent < allowed {
        let n = client.read(&mut buffer)?.min(allowed - sent);
        if n == 0 {
            return Ok(());
        }
        if matches!(fate, Fate::Corrupt) && sent == 0 {
            buffer[n - 1] ^= 1;
        }
        service.write_all(&buffer[..n])?;
        sent += n;
    }
    if matches!(fate, Fate::CutAfter(_)) {
        service.shutdown(Shutdown::Both)?;
        return client.shutdown(Shutdown::Both);
    }
    let mut answer = Vec::new();
    service.read_to_end(&mut answer)?;
    if matches!(fate, Fate::LoseAnswer) {
        return client.shutdown(Shutdown::Both);
    }
    client.write_all(&answer)
}

fn read(client: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next().unwrap().split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; if length <= SHOWN { length } else { 0 }];
    client.read_exact(&mut body)?;
    Ok(Some(Request { method, path, headers, body, head }))
}
