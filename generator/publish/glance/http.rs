//! HTTP to OpenStack's services: TLS as the cloud's settings ask for it, time limits, retries, and errors that say what the
//! service said. Knows no service, and prints no header and no body that was sent.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use ureq::http::{self, Method, Request};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, SendBody};

use super::clouds::Cloud;

const CONNECT: Duration = Duration::from_secs(20);
/// A connection on which nothing moves for so long is broken.
const STALLED: Duration = Duration::from_secs(60);
/// A service hashes and stores gigabytes before it answers an upload.
const AFTER_UPLOAD: Duration = Duration::from_secs(30 * 60);
/// Longer answers are nobody's list of images.
const MAX_ANSWER: u64 = 32 << 20;
/// How often a request is sent that may be sent twice.
const TRIES: u32 = 4;
const TOKEN: &str = "x-auth-token";
/// The header in which Keystone gives a token.
const NEW_TOKEN: &str = "x-subject-token";

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No answer: no connection, or one that broke.
    #[error("{what}: {cause}")]
    Broken {
        /// Method and address.
        what: String,
        /// What happened to the connection.
        cause: String,
    },
    /// Whoever answered has no certificate that is trusted.
    #[error("{what}: {cause}; `cacert` names the cloud's own authority")]
    Untrusted {
        /// Method and address.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
    /// An answer that is none of the wanted ones.
    #[error("{what}: {status}{says}")]
    Refused {
        /// Method and address.
        what: String,
        /// The status.
        status: http::StatusCode,
        /// What the service said, behind a colon.
        says: String,
    },
}

impl HttpError {
    /// The status of an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Broken { .. } | Self::Untrusted { .. } => None,
            Self::Refused { status, .. } => Some(status.as_u16()),
        }
    }

    /// Whether the same request may fare better in a moment.
    pub fn passes(&self) -> bool {
        !matches!(self, Self::Untrusted { .. }) && matches!(self.status(), None | Some(429 | 502 | 503 | 504))
    }
}

/// A service's answer.
pub struct Answer {
    /// The new token, in Keystone's.
    pub token: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A request that may be sent more than once.
pub struct Ask<'a> {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: &'a str,
    /// The token, where there is one.
    pub token: Option<&'a str>,
    /// A body with its media type.
    pub body: Option<(&'static str, &'a Value)>,
}

/// Speaks to one cloud's services.
pub struct Http {
    agent: Agent,
}

impl Http {
    /// Trusts whom the cloud's settings trust: the authorities in `cacert`, else this machine's; with `verify: false`, anybody.
    ///
    /// # Errors
    /// `cacert` can't be read, or this machine knows no authority.
    pub fn new(cloud: &Cloud) -> anyhow::Result<Self> {
        if cloud.first(&["cert", "key"]).is_some() {
            bail!("cloud `{}`: certificates of clients (`cert`, `key`) are not supported", cloud.name);
        }
        let insecure = cloud.flag("verify")? == Some(false) || cloud.flag("insecure")? == Some(true);
        let mut tls = TlsConfig::builder().disable_verification(insecure);
        if !insecure {
            tls = tls.root_certs(RootCerts::new_with_certs(&authorities(cloud)?));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            // A token goes where it was meant to go and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("ironseed/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(STALLED))
            .timeout_per_write(Some(STALLED));
        Ok(Self { agent: config.build().new_agent() })
    }

    /// Sends a request, and again after a moment where the connection broke or the service was too busy.
    ///
    /// # Errors
    /// No answer at last, or a status that isn't 2xx.
    pub fn ask(&self, ask: &Ask) -> Result<Answer, HttpError> {
        let mut tried = 1;
        loop {
            match self.ask_once(ask) {
                Err(error) if error.passes() && tried < TRIES => pause(tried),
                answer => return answer,
            }
            tried += 1;
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// As [`Http::ask`].
    pub fn ask_once(&self, ask: &Ask) -> Result<Answer, HttpError> {
        let request = Request::builder().method(ask.method.clone()).uri(ask.url);
        match ask.body {
            None => self.run(with_token(request, ask.token), SendBody::none(), STALLED),
            Some((media_type, body)) => {
                let request = with_token(request, ask.token).header("content-type", media_type);
                self.run(request, body.to_string().as_str(), STALLED)
            }
        }
    }

    /// Sends `size` bytes of a stream, once.
    ///
    /// # Errors
    /// As [`Http::ask`].
    pub fn upload(
        &self,
        url: &str,
        token: Option<&str>,
        stream: &mut dyn Read,
        size: u64,
    ) -> Result<Answer, HttpError> {
        let request = with_token(Request::put(url), token)
            .header("content-type", "application/octet-stream")
            .header("content-length", size);
        self.run(request, SendBody::from_reader(stream), AFTER_UPLOAD)
    }

    fn run(
        &self,
        request: http::request::Builder,
        body: impl AsSendBody,
        patience: Duration,
    ) -> Result<Answer, HttpError> {
        let what = what(&request);
        let broken = |cause: &dyn fmt::Display| match (what.clone(), cause.to_string()) {
            // The client hands on what rustls says, in an I/O error.
            (what, cause) if cause.contains("invalid peer certificate") => {
                HttpError::Untrusted { what, cause }
            }
            (what, cause) => HttpError::Broken { what, cause },
        };
        let request = request.body(body).map_err(|error| broken(&error))?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience))
            .build();
        let mut response = self.agent.run(request).map_err(|error| broken(&error))?;
        let token = response.headers().get(NEW_TOKEN).and_then(|t| t.to_str().ok()).map(str::to_owned);
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let status = response.status();
        if !status.is_success() {
            return Err(HttpError::Refused { what, status, says: says(&body.unwrap_or_default()) });
        }
        Ok(Answer { token, body: body.map_err(|error| broken(&error))? })
    }
}

/// Waits before the next try: half a second, one, two.
pub fn pause(tried: u32) {
    std::thread::sleep(Duration::from_millis(250 << tried.min(5)));
}

fn with_token(request: http::request::Builder, token: Option<&str>) -> http::request::Builder {
    match token {
        Some(token) => request.header(TOKEN, token),
        None => request,
    }
}

fn what(request: &http::request::Builder) -> String {
    let method = request.method_ref().cloned().unwrap_or_default();
    // Without a query, which is long, and without a password that an address may carry.
    let address = request.uri_ref().map(|uri| {
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}{}", uri.host().unwrap_or_default(), uri.path())
    });
    format!("{method} {}", address.unwrap_or_default())
}

/// The certificate authorities to trust.
fn authorities(cloud: &Cloud) -> anyhow::Result<Vec<Certificate<'static>>> {
    let Some(path) = cloud.get("cacert") else {
        let found = rustls_native_certs::load_native_certs();
        return Ok(found.certs.into_iter().map(|cert| Certificate::from_der(&cert).to_owned()).collect());
    };
    let path = match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    };
    let pem = std::fs::read(&path).with_context(|| format!("cloud `{}`: cacert: {path}", cloud.name))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.with_context(|| path.clone())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        bail!("cloud `{}`: cacert: {path} holds no certificate", cloud.name);
    }
    Ok(certificates)
}

/// What an error's body says: Keystone's message, or a page's text without its marks.
fn says(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let message = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|value| value["error"]["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| without_marks(&text));
    let words: Vec<&str> = message.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let line: String = words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(300).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

fn without_marks(page: &str) -> String {
    let body = page.split_once("</title>").map_or(page, |(_, body)| body);
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&#x27;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
