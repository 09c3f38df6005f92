//! Finds a cloud's settings where openstacksdk looks for them: `clouds.yaml`, `secure.yaml` over it, and `OS_…` variables.
//!
//! Settings are secrets until shown otherwise: nothing here prints a value, and no excerpt of these files gets into an error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

/// A file longer than this is no `clouds.yaml`.
const MAX_BYTES: u64 = 1 << 20;

/// The name by which openstacksdk knows the cloud that variables alone describe.
const FROM_VARIABLES: &str = "envvars";

/// A cloud as its owner described it: each setting by name, those under `auth` like those beside it.
#[derive(Default)]
pub struct Cloud {
    /// What it is called, for messages.
    pub name: String,
    settings: BTreeMap<String, String>,
}

impl Cloud {
    /// A setting that isn't empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of several names that is set.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// A setting that is yes or no.
    ///
    /// # Errors
    /// It is something else.
    pub fn flag(&self, name: &str) -> anyhow::Result<Option<bool>> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "yes" | "on" | "1") => Ok(Some(true)),
            Some("false" | "no" | "off" | "0") => Ok(Some(false)),
            Some(_) => bail!("cloud `{}`: `{name}` is neither true nor false", self.name),
        }
    }

    /// Of settings that are known already.
    pub fn of<'a>(name: &str, settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { name: name.to_owned(), settings }
    }
}

/// Where clouds are described: what the process was given.
pub struct Surroundings {
    /// Variables by name.
    pub variables: BTreeMap<String, String>,
    /// The folders, in the order of looking.
    pub folders: Vec<PathBuf>,
}

impl Surroundings {
    /// Of this process: the working folder, the user's configuration and the system's.
    pub fn of_process() -> Self {
        // What isn't UTF-8 is none of OpenStack's variables.
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let home = |name: &str| variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let configuration = home("XDG_CONFIG_HOME").or_else(|| home("HOME").map(|home| home.join(".config")));
        let folders = [
            Some(PathBuf::from(".")),
            configuration.map(|folder| folder.join("openstack")),
            Some(PathBuf::from("/etc/openstack")),
        ];
        Self { variables, folders: folders.into_iter().flatten().collect() }
    }

    /// The cloud of a name. Without one: that of `OS_CLOUD`, else the one that the variables describe, else the only one
    /// that a file describes.
    ///
    /// # Errors
    /// There is none, it refers to settings that openstacksdk brings itself, or a file can't be read.
    pub fn cloud(&self, name: &str) -> anyhow::Result<Cloud> {
        let name = if name.is_empty() { self.variable("OS_CLOUD").unwrap_or_default() } else { name };
        let described = self.variables_alone();
        if name == FROM_VARIABLES || name.is_empty() && !described.is_empty() {
            return Ok(Cloud { name: FROM_VARIABLES.into(), settings: described });
        }
        let mut clouds = self.read("clouds", "OS_CLIENT_CONFIG_FILE")?;
        for (cloud, secrets) in self.read("secure", "OS_CLIENT_SECURE_FILE")? {
            clouds.entry(cloud).or_default().extend(secrets);
        }
        let name = match name {
            "" if clouds.len() == 1 => clouds.keys().next().cloned().unwrap_or_default(),
            "" => bail!(
                "no cloud is chosen: name one (`glance:CLOUD`), or set OS_CLOUD or OS_AUTH_URL and what belongs to it"
            ),
            name => name.to_owned(),
        };
        let Some(settings) = clouds.remove(&name) else {
            let known: Vec<String> = clouds.into_keys().collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            bail!("no clouds.yaml describes the cloud `{name}`; described are: {known}");
        };
        let cloud = Cloud { name, settings };
        if let Some(profile) = cloud.first(&["profile", "cloud"]) {
            bail!(
                "cloud `{}` refers to the vendor profile `{profile}`, which is not read: write its values into clouds.yaml",
                cloud.name
            );
        }
        Ok(cloud)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `OS_AUTH_URL` is `auth_url`, and so on; what says where to look describes no cloud.
    fn variables_alone(&self) -> BTreeMap<String, String> {
        let settings: BTreeMap<String, String> = self
            .variables
            .iter()
            .filter(|(name, value)| {
                !name.starts_with("OS_CLIENT_") && *name != "OS_CLOUD" && !value.is_empty()
            })
            .filter_map(|(name, value)| Some((name.strip_prefix("OS_")?.to_ascii_lowercase(), value.clone())))
            .collect();
        // A region or an interface alone describes none either.
        let says_where = ["auth_url", "endpoint", "image_endpoint_override", "auth_type"];
        if says_where.iter().any(|name| settings.contains_key(*name)) { settings } else { BTreeMap::new() }
    }

    /// The first file of that name, unless a variable names another.
    fn read(&self, stem: &str, variable: &str) -> anyhow::Result<Described> {
        let named = self.variable(variable).map(PathBuf::from).into_iter();
        let in_folders = self.folders.iter().flat_map(|folder| {
            ["yaml", "yml", "json"].map(|extension| folder.join(format!("{stem}.{extension}")))
        });
        match named.chain(in_folders).find(|path| path.is_file()) {
            Some(path) => read(&path),
            None => Ok(Described::new()),
        }
    }
}

/// Settings by cloud.
type Described = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Deserialize)]
struct CloudsFile {
    #[serde(default)]
    clouds: BTreeMap<String, BTreeMap<String, Value>>,
}

fn read(path: &Path) -> anyhow::Result<Described> {
    let name = path.display();
    if path.metadata().with_context(|| name.to_string())?.len() > MAX_BYTES {
        bail!("{name} is too large for a file of clouds");
    }
    let text = std::fs::read_to_string(path).with_context(|| name.to_string())?;
    let options = serde_saphyr::options! { leading_zero_numbers_as_strings: true, with_snippet: false };
    let file: CloudsFile = serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
        // The reason would quote what may be a password.
        let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
        anyhow::anyhow!("{name}{place}: not a file of clouds as openstacksdk reads it")
    })?;
    let mut described = Described::new();
    for (cloud, settings) in file.clouds {
        let flat = flatten(settings).map_err(|key| {
            anyhow::anyhow!(
                "{name}: cloud `{cloud}`: put the value of `{key}` into quotes; as a number it is another one"
            )
        })?;
        described.insert(cloud, flat);
    }
    Ok(described)
}

/// Brings what stands under `auth` beside the rest. An error is the name of a value that would change on the way.
fn flatten(settings: BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let mut flat = BTreeMap::new();
    for (key, value) in settings {
        match value {
            Value::Object(inner) if key == "auth" => flat.extend(flatten(inner.into_iter().collect())?),
            Value::String(text) => drop(flat.insert(key, text)),
            Value::Bool(flag) => drop(flat.insert(key, flag.to_string())),
            Value::Number(number) if number.is_f64() => return Err(key),
            Value::Number(number) => drop(flat.insert(key, number.to_string())),
            // Lists and maps (`regions`, `networks`) say nothing of where images go.
            Value::Object(_) | Value::Array(_) | Value::Null => {}
        }
    }
    Ok(flat)
}
