//! A login: from a cloud's settings to a token and the address of its image service.

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::clouds::Cloud;
use super::http::{Ask, Http};

/// What a login gave.
pub struct Session {
    /// The token, unless the cloud wants none.
    pub token: Option<String>,
    /// Address of the image service, without `/v2`.
    pub endpoint: String,
    /// The project that owns what is uploaded, where there is one.
    pub project: Option<String>,
}

/// The part of Keystone's answer that is read
/// (<https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization>).
#[derive(Deserialize)]
struct Issued {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    catalog: Vec<Service>,
    project: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    region_id: Option<String>,
    region: Option<String>,
    url: String,
}

impl Session {
    /// Logs in.
    ///
    /// # Errors
    /// The settings don't say how, Keystone refuses, or its catalogue has no image service for this region and interface.
    pub fn open(cloud: &Cloud, http: &Http) -> anyhow::Result<Self> {
        match method(cloud) {
            "none" | "noauth" => {
                let endpoint = given_endpoint(cloud).with_context(|| missing(cloud, "endpoint"))?;
                Ok(Self { token: None, endpoint, project: None })
            }
            "admin_token" => {
                let endpoint = given_endpoint(cloud).with_context(|| missing(cloud, "endpoint"))?;
                Ok(Self { token: Some(required(cloud, &["token"])?.to_owned()), endpoint, project: None })
            }
            _ => Self::from_keystone(cloud, http),
        }
    }

    fn from_keystone(cloud: &Cloud, http: &Http) -> anyhow::Result<Self> {
        let url = format!("{}/v3/auth/tokens", base(required(cloud, &["auth_url"])?));
        let body = json!({ "auth": authentication(cloud)? });
        let ask =
            Ask { method: Method::POST, url: &url, token: None, body: Some(("application/json", &body)) };
        let answer = http.ask(&ask).with_context(|| format!("cloud `{}`: no login", cloud.name))?;
        let what = || format!("{url} is no Keystone of version 3");
        let token = answer.token.with_context(what)?;
        let issued: Issued = serde_json::from_slice(&answer.body).with_context(what)?;
        let endpoint = match given_endpoint(cloud) {
            Some(endpoint) => endpoint,
            None => image_service(cloud, &issued.token.catalog)?,
        };
        Ok(Self { token: Some(token), endpoint, project: issued.token.project.map(|project| project.id) })
    }
}

/// How to log in. openstacksdk wants `auth_type` beside an application credential; there is nothing else it could mean.
fn method(cloud: &Cloud) -> &str {
    let application = cloud.first(&["application_credential_id", "application_credential_name"]);
    let usual = if application.is_some() { "v3applicationcredential" } else { "password" };
    cloud.get("auth_type").unwrap_or(usual)
}

/// Keystone's `auth` object.
fn authentication(cloud: &Cloud) -> anyhow::Result<Value> {
    match method(cloud) {
        "password" | "v3password" => {
            let mut user = user(cloud)?;
            user["password"] = required(cloud, &["password"])?.into();
            let identity = json!({ "methods": ["password"], "password": { "user": user } });
            Ok(scoped(cloud, identity))
        }
        "token" | "v3token" => {
            let identity = json!({ "methods": ["token"], "token": { "id": required(cloud, &["token"])? } });
            Ok(scoped(cloud, identity))
        }
        // It brings its project along, and Keystone refuses another scope.
        "v3applicationcredential" => {
            let mut credential = json!({ "secret": required(cloud, &["application_credential_secret"])? });
            match cloud.get("application_credential_id") {
                Some(id) => credential["id"] = id.into(),
                None => {
                    credential["name"] = required(cloud, &["application_credential_name"])?.into();
                    credential["user"] = user(cloud)?;
                }
            }
            let methods = ["application_credential"];
            Ok(json!({ "identity": { "methods": methods, "application_credential": credential } }))
        }
        other => bail!(
            "cloud `{}`: auth_type `{other}` is not supported; password, v3applicationcredential, token, admin_token and \
             none are. `openstack token issue` gives a token for any other",
            cloud.name
        ),
    }
}

fn user(cloud: &Cloud) -> anyhow::Result<Value> {
    if let Some(id) = cloud.get("user_id") {
        return Ok(json!({ "id": id }));
    }
    let name = required(cloud, &["username", "user_name"])?;
    Ok(json!({ "name": name, "domain": domain(cloud, "user_domain_id", "user_domain_name") }))
}

fn scoped(cloud: &Cloud, identity: Value) -> Value {
    let project = if let Some(id) = cloud.first(&["project_id", "tenant_id"]) {
        Some(json!({ "project": { "id": id } }))
    } else if let Some(name) = cloud.first(&["project_name", "tenant_name"]) {
        let domain = domain(cloud, "project_domain_id", "project_domain_name");
        Some(json!({ "project": { "name": name, "domain": domain } }))
    } else {
        cloud.get("system_scope").map(|_| json!({ "system": { "all": true } }))
    };
    match project {
        Some(scope) => json!({ "identity": identity, "scope": scope }),
        // The user's default project, or what the token is for already.
        None => json!({ "identity": identity }),
    }
}

fn domain(cloud: &Cloud, id: &str, name: &str) -> Value {
    if let Some(id) = cloud.first(&[id, "domain_id"]) {
        return json!({ "id": id });
    }
    if let Some(name) = cloud.first(&[name, "domain_name"]) {
        return json!({ "name": name });
    }
    json!({ "id": cloud.first(&["default_domain_id", "default_domain"]).unwrap_or("default") })
}

fn image_service(cloud: &Cloud, catalogue: &[Service]) -> anyhow::Result<String> {
    let interface = cloud.first(&["interface", "endpoint_type"]).unwrap_or("public").trim_end_matches("URL");
    let region = cloud.get("region_name");
    let in_region = |e: &&Endpoint| {
        region.is_none_or(|wanted| [&e.region_id, &e.region].into_iter().flatten().any(|r| r == wanted))
    };
    let mut found: Vec<&str> = catalogue
        .iter()
        .filter(|service| service.kind == "image")
        .flat_map(|service| &service.endpoints)
        .filter(|e| e.interface == interface)
        .filter(in_region)
        .map(|e| e.url.as_str())
        .collect();
    found.dedup();
    match found[..] {
        [url] => Ok(base(url).to_owned()),
        [] => bail!(
            "cloud `{}`: its catalogue has no {interface} image service{}",
            cloud.name,
            region.map(|r| format!(" in region `{r}`")).unwrap_or_default()
        ),
        _ => bail!("cloud `{}`: several regions have an image service: set `region_name`", cloud.name),
    }
}

/// The address that the settings give in the catalogue's place.
fn given_endpoint(cloud: &Cloud) -> Option<String> {
    cloud.first(&["image_endpoint_override", "endpoint", "url"]).map(|url| base(url).to_owned())
}

/// An address without the version that some write behind it.
fn base(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    ["/v3", "/v2", "/v2.0"]
        .iter()
        .find_map(|version| url.strip_suffix(version))
        .unwrap_or(url)
        .trim_end_matches('/')
}

fn required<'a>(cloud: &'a Cloud, names: &[&str]) -> anyhow::Result<&'a str> {
    cloud.first(names).with_context(|| missing(cloud, names.first().copied().unwrap_or_default()))
}

fn missing(cloud: &Cloud, name: &str) -> String {
    format!("cloud `{}`: `{name}` is not set, which auth_type `{}` needs", cloud.name, method(cloud))
}
