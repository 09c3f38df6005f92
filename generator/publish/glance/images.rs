//! Glance's images, version 2 of its interface (<https://docs.openstack.org/api-ref/image/v2/>): what one is, and the few requests
//! that publishing takes. Knows nothing of rotation.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use anyhow::Context;
use clap::ValueEnum;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ureq::http::Method;

use super::clouds::Cloud;
use super::http::{Answer, Ask, Http, HttpError};
use super::session::Session;

/// Who sees an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Its project.
    Private,
    /// Projects that it is shared with.
    Shared,
    /// Everybody who knows its id.
    Community,
    /// Everybody, in every list of images.
    Public,
}

impl Visibility {
    /// As Glance writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
            Self::Public => "public",
        }
    }
}

/// An image as Glance tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// `queued`, `saving`, `active` and others.
    pub status: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// Bytes.
    pub size: Option<u64>,
    /// What `os_hash_value` is computed with.
    pub os_hash_algo: Option<String>,
    /// The digest of its bytes (hex).
    pub os_hash_value: Option<String>,
    /// The project that owns it.
    pub owner: Option<String>,
    /// When anything of it changed.
    pub updated_at: Option<Timestamp>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// Everything else: properties, among fields of Glance's own.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

impl Image {
    /// A property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.others.get(name).and_then(Value::as_str)
    }
}

/// What is to become different of an image, in one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A new name.
    pub name: Option<String>,
    /// Another visibility.
    pub visibility: Option<Visibility>,
    /// Properties that are set, or set anew.
    pub properties: BTreeMap<String, String>,
    /// All of its tags.
    pub tags: Option<BTreeSet<String>>,
}

impl Changes {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As JSON patch; `add` replaces what is there (RFC 6902, section 4.1).
    fn patch(&self) -> Value {
        let set = |path: &str, value: Value| json!({ "op": "add", "path": path, "value": value });
        let mut operations = Vec::new();
        for (name, value) in &self.properties {
            let name = name.replace('~', "~0").replace('/', "~1");
            operations.push(set(&format!("/{name}"), value.as_str().into()));
        }
        operations.extend(self.tags.as_ref().map(|tags| set("/tags", json!(tags))));
        operations.extend(self.name.as_ref().map(|name| set("/name", name.as_str().into())));
        operations.extend(self.visibility.map(|visibility| set("/visibility", visibility.word().into())));
        Value::Array(operations)
    }
}

#[derive(Deserialize)]
struct Page {
    images: Vec<Image>,
    next: Option<String>,
}

/// A cloud's image service, and our login there.
pub struct Glance<'a> {
    cloud: &'a Cloud,
    http: Http,
    session: Session,
}

impl<'a> Glance<'a> {
    /// Logs in.
    ///
    /// # Errors
    /// See [`Http::new`] and [`Session::open`].
    pub fn open(cloud: &'a Cloud) -> anyhow::Result<Self> {
        let http = Http::new(cloud)?;
        let session = Session::open(cloud, &http)?;
        Ok(Self { cloud, http, session })
    }

    /// Address of the service.
    pub fn endpoint(&self) -> &str {
        &self.session.endpoint
    }

    /// Our own images, whoever sees them, that have a value in a property.
    ///
    /// # Errors
    /// The service's, or its answer is no list of images.
    pub fn list(&mut self, property: &str, value: &str) -> anyhow::Result<Vec<Image>> {
        let mut images = Vec::new();
        for hidden in ["false", "true"] {
            let mut marker = None;
            loop {
                let page = self.page(property, value, hidden, marker.as_deref())?;
                marker = page.images.last().map(|image| image.id.clone());
                images.extend(page.images);
                if page.next.is_none() || marker.is_none() {
                    break;
                }
            }
        }
        // An administrator sees those of other projects too, and a service may know no filter of a name.
        let project = &self.session.project;
        images.retain(|i| i.property(property) == Some(value) && (project.is_none() || i.owner == *project));
        Ok(images)
    }

    fn page(
        &mut self,
        property: &str,
        value: &str,
        hidden: &str,
        marker: Option<&str>,
    ) -> anyhow::Result<Page> {
        let mut query =
            vec![(property, value), ("visibility", "all"), ("os_hidden", hidden), ("limit", "100")];
        query.extend(self.session.project.as_deref().map(|project| ("owner", project)));
        query.extend(marker.map(|marker| ("marker", marker)));
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
        let url = format!("{}/v2/images?{}", self.session.endpoint, query.join("&"));
        read(&self.ask(Method::GET, &url, None)?)
    }

    /// One image.
    ///
    /// # Errors
    /// The service's.
    pub fn get(&mut self, id: &str) -> anyhow::Result<Image> {
        let url = self.url(id);
        read(&self.ask(Method::GET, &url, None)?)
    }

    /// Makes an image without content. Sent once: what an answer that got lost made can be found by its properties.
    ///
    /// # Errors
    /// The service's.
    pub fn create(&mut self, body: &Value) -> anyhow::Result<Image> {
        let url = format!("{}/v2/images", self.session.endpoint);
        let answer = self.with_login(|http, token| {
            http.ask_once(&Ask {
                method: Method::POST,
                url: &url,
                token,
                body: Some(("application/json", body)),
            })
        })?;
        read(&answer)
    }

    /// Sends an image's content, once: Glance knows no way to go on where a connection broke.
    ///
    /// # Errors
    /// The service's.
    pub fn upload(&self, id: &str, stream: &mut dyn Read, size: u64) -> Result<(), HttpError> {
        let url = format!("{}/file", self.url(id));
        self.http.upload(&url, self.session.token.as_deref(), stream, size).map(drop)
    }

    /// Changes an image in one step.
    ///
    /// # Errors
    /// The service's.
    pub fn change(&mut self, id: &str, changes: &Changes) -> anyhow::Result<()> {
        let (url, patch) = (self.url(id), changes.patch());
        let body = Some(("application/openstack-images-v2.1-json-patch", &patch));
        self.ask(Method::PATCH, &url, body)?;
        Ok(())
    }

    /// Deletes an image; one that is gone is deleted.
    ///
    /// # Errors
    /// The service's.
    pub fn delete(&mut self, id: &str) -> anyhow::Result<()> {
        let url = self.url(id);
        match self.ask(Method::DELETE, &url, None) {
            Err(error) if error.status() == Some(404) => Ok(()),
            answer => Ok(answer.map(drop)?),
        }
    }

    fn url(&self, id: &str) -> String {
        format!("{}/v2/images/{}", self.session.endpoint, escaped(id))
    }

    fn ask(
        &mut self,
        method: Method,
        url: &str,
        body: Option<(&'static str, &Value)>,
    ) -> Result<Answer, HttpError> {
        self.with_login(|http, token| http.ask(&Ask { method: method.clone(), url, token, body }))
    }

    /// Logs in again where the token ran out, as it does during a long upload.
    fn with_login(
        &mut self,
        ask: impl Fn(&Http, Option<&str>) -> Result<Answer, HttpError>,
    ) -> Result<Answer, HttpError> {
        match ask(&self.http, self.session.token.as_deref()) {
            Err(error) if error.status() == Some(401) => {
                // Where that fails too, the first refusal is the better answer.
                self.session = Session::open(self.cloud, &self.http).map_err(|_| error)?;
                ask(&self.http, self.session.token.as_deref())
            }
            answer => answer,
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> anyhow::Result<T> {
    serde_json::from_slice(&answer.body).context("the answer is not Glance's")
}

/// Text as part of an address (RFC 3986, section 2.3).
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
