//! What has to happen until an image is published, out of what is in the cloud now.
//!
//! [`steps`] is all there is of state: each run asks what is there and does the first step, until none is left. So it makes no
//! difference whether a step follows another one or a kill. The order of steps sees to the rest:
//!
//! 1. Half images of an earlier run go.
//! 2. The image is uploaded, private, under a name that says what it is.
//! 3. Older builds give the name up: renamed, and a public one becomes a community image, which still boots by its id.
//! 4. The new one gets its name, its properties and its visibility, in one request.
//!
//! Between 3 and 4 nothing is public under the name. The other order would show two of a name, of which a client takes either.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::images::{Changes, Image, Visibility};
use crate::hash::Digests;

/// The property that says which image a build is of.
pub const NAME: &str = "nectar_name";
/// The property that counts builds.
pub const BUILD: &str = "nectar_build";
/// The property by which an image is known before Glance has hashed it.
pub const SHA256: &str = "ironseed_sha256";
/// How the name of an image begins that isn't ready.
pub const INCOMPLETE: &str = "ironseed-incomplete-";
/// What Glance says of an image whose bytes it has.
const ACTIVE: &str = "active";
/// A machine's snapshot inherits its image's properties, and is no build of it.
const TYPE: &str = "image_type";
const SNAPSHOT: &str = "snapshot";
/// Half images of other builds go after so long: until then, somebody may be uploading them.
const ABANDONED: SignedDuration = SignedDuration::from_hours(24);

/// What is to be published.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Digests of its bytes.
    pub digests: Digests,
    /// Its length in bytes.
    pub size: u64,
    /// Who is to see it. `None`: nobody but its project, and as it is where it is there already.
    pub visibility: Option<Visibility>,
    /// Its number. `None`: one more than the highest known.
    pub build: Option<u64>,
    /// Properties, all but the build's number.
    pub properties: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeSet<String>,
}

impl Wanted {
    /// What it is called until it is ready.
    pub fn incomplete_name(&self) -> String {
        format!("{INCOMPLETE}{}", self.digests.sha256.get(..16).unwrap_or(&self.digests.sha256))
    }

    /// Whether Glance holds exactly these bytes.
    pub fn is_held_by(&self, image: &Image) -> bool {
        let digest = match image.os_hash_algo.as_deref() {
            Some("sha512") => &self.digests.sha512,
            Some("sha256") => &self.digests.sha256,
            _ => return false,
        };
        image.status == ACTIVE
            && image.size == Some(self.size)
            && image.os_hash_value.as_ref() == Some(digest)
    }
}

/// One request, or an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Delete a half image.
    Discard {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// Upload the image as that build.
    Upload {
        /// Its number.
        build: u64,
    },
    /// Take name and visibility from an older build.
    Supersede {
        /// Its id.
        id: String,
        /// Its name until now.
        name: String,
        /// What changes.
        changes: Changes,
    },
    /// Give the new build what it lacks.
    Settle {
        /// Its id; `None` as long as it isn't uploaded.
        id: Option<String>,
        /// What changes.
        changes: Changes,
    },
}

/// For people.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discard { id, name } => write!(f, "delete the half image {name} ({id})"),
            Self::Upload { build } => write!(f, "upload the image as build {build}, private"),
            Self::Supersede { id, name, changes } => {
                write!(f, "rename {name} ({id})")?;
                if let Some(new) = &changes.name {
                    write!(f, " to {new}")?;
                }
                match changes.visibility {
                    Some(visibility) => write!(f, " and make it {}", visibility.word()),
                    None => Ok(()),
                }
            }
            Self::Settle { id, changes } => {
                write!(f, "give {} its properties", id.as_deref().unwrap_or("the new image"))?;
                if let Some(name) = &changes.name {
                    write!(f, " and the name {name}")?;
                }
                match changes.visibility {
                    Some(visibility) => write!(f, ", and make it {}", visibility.word()),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Why an image can't be published over what is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A newer build is public.
    #[error(
        "build {newer} ({id}) is public already, and this image is build {build}: unpublish that one first"
    )]
    Newer {
        /// The newer build's number.
        newer: u64,
        /// Its id.
        id: String,
        /// This one's number.
        build: u64,
    },
    /// The wanted number isn't above all others.
    #[error("build {wanted} can't be next: the highest one there is {highest}")]
    Number {
        /// The number that was asked for.
        wanted: u64,
        /// The highest known.
        highest: u64,
    },
    /// The same bytes are there under another number.
    #[error("the same image is there as build {build} ({id}), not as build {wanted}")]
    OtherNumber {
        /// The number that was asked for.
        wanted: u64,
        /// The number that it has.
        build: u64,
        /// Its id.
        id: String,
    },
}

/// Everything that is still to do, in order; nothing where the image is published as wanted.
///
/// `images` are all images of the name that are ours.
///
/// # Errors
/// See [`Conflict`].
pub fn steps(images: &[Image], wanted: &Wanted, now: Timestamp) -> Result<Vec<Step>, Conflict> {
    let there = held(images, wanted);
    let others: Vec<&Image> = images
        .iter()
        .filter(|image| there.is_none_or(|t| t.id != image.id) && image.property(TYPE) != Some(SNAPSHOT))
        .collect();
    let (half, whole): (Vec<&Image>, Vec<&Image>) =
        others.into_iter().partition(|image| is_incomplete(image));

    let mut steps: Vec<Step> =
        half.iter().filter(|i| is_abandoned(i, wanted, now)).map(|i| discard(i)).collect();
    let number = number(there, &whole, wanted)?;
    let visibility = wanted.visibility.or(there.map(|image| image.visibility)).unwrap_or(Visibility::Private);
    // Of two runs at once, both may have found the place free and number their image alike: then the ids decide.
    let ours = (number, there.map_or("", |image| image.id.as_str()));
    let rank = |image: &Image| Some((build(image)?, image.id.clone()));
    let is_newer = |image: &&&Image| rank(image).is_some_and(|(build, id)| (build, id.as_str()) > ours);
    if visibility == Visibility::Public {
        let mut public = whole.iter().filter(|image| image.visibility == Visibility::Public);
        if let Some((newer, id)) = public.find(is_newer).and_then(|image| rank(image)) {
            // Ours became public meanwhile, and gives way as it would have, had it come first.
            return match there.filter(|image| image.visibility == Visibility::Public) {
                Some(ours) => Ok(supersede(ours, visibility).into_iter().collect()),
                None => Err(Conflict::Newer { newer, id, build: number }),
            };
        }
    }
    if there.is_none() {
        steps.push(Step::Upload { build: number });
    }
    let older = whole.iter().filter(|image| !is_newer(image));
    steps.extend(older.filter_map(|image| supersede(image, visibility)));
    steps.extend(settle(there, wanted, number, visibility));
    Ok(steps)
}

/// The image that holds these bytes; the newest, where there are several.
pub fn held<'a>(images: &'a [Image], wanted: &Wanted) -> Option<&'a Image> {
    images.iter().filter(|image| wanted.is_held_by(image)).max_by_key(|image| build(image))
}

/// The image's number. One that another run's image got while ours was uploaded is not used twice.
fn number(there: Option<&Image>, others: &[&Image], wanted: &Wanted) -> Result<u64, Conflict> {
    let highest = others.iter().filter_map(|image| build(image)).max();
    let is_taken =
        |image: &Image| is_incomplete(image) && others.iter().any(|other| build(other) >= build(image));
    if let Some((image, build)) = there.filter(|image| !is_taken(image)).and_then(|i| Some((i, build(i)?))) {
        return match wanted.build {
            Some(number) if number != build => {
                Err(Conflict::OtherNumber { wanted: number, build, id: image.id.clone() })
            }
            _ => Ok(build),
        };
    }
    match (wanted.build, highest) {
        (Some(wanted), Some(highest)) if wanted <= highest => Err(Conflict::Number { wanted, highest }),
        (Some(wanted), _) => Ok(wanted),
        (None, highest) => Ok(highest.map_or(1, |highest| highest.saturating_add(1))),
    }
}

fn build(image: &Image) -> Option<u64> {
    image.property(BUILD)?.parse().ok()
}

/// Whether it has a name of ours for what isn't ready.
fn is_incomplete(image: &Image) -> bool {
    image.name.as_deref().is_some_and(|name| name.starts_with(INCOMPLETE))
}

fn is_abandoned(image: &Image, wanted: &Wanted, now: Timestamp) -> bool {
    let ours = image.property(SHA256) == Some(wanted.digests.sha256.as_str());
    ours || image.updated_at.is_none_or(|then| now.duration_since(then) > ABANDONED)
}

fn discard(image: &Image) -> Step {
    Step::Discard { id: image.id.clone(), name: image.name.clone().unwrap_or_default() }
}

/// An older build gives way to one that as many see. One that is published makes all older ones give way.
fn supersede(image: &Image, visibility: Visibility) -> Option<Step> {
    if visibility != Visibility::Public && visibility != image.visibility {
        return None;
    }
    let name = image.name.clone().unwrap_or_default();
    let mark = format!(" [v{}]", build(image).unwrap_or_default());
    let changes = Changes {
        name: (!name.ends_with(&mark)).then(|| format!("{name}{mark}")),
        visibility: (image.visibility == Visibility::Public).then_some(Visibility::Community),
        ..Changes::default()
    };
    (!changes.is_empty()).then(|| Step::Supersede { id: image.id.clone(), name, changes })
}

fn settle(there: Option<&Image>, wanted: &Wanted, number: u64, visibility: Visibility) -> Option<Step> {
    let mark = format!(" [v{number}]");
    // An older build, published again with nothing said about who is to see it, stays what it is.
    let rests = wanted.visibility != Some(Visibility::Public)
        && there.and_then(|image| image.name.as_deref()).is_some_and(|name| name.ends_with(&mark));
    let mut properties = wanted.properties.clone();
    properties.insert(BUILD.into(), number.to_string());
    if let Some(image) = there {
        properties.retain(|name, value| image.property(name) != Some(value));
    }
    let changes = Changes {
        name: (!rests && there.is_none_or(|image| image.name.as_ref() != Some(&wanted.name)))
            .then(|| wanted.name.clone()),
        visibility: there.is_none_or(|image| image.visibility != visibility).then_some(visibility),
        properties,
        tags: there.is_none_or(|image| image.tags != wanted.tags).then(|| wanted.tags.clone()),
    };
    (!changes.is_empty()).then(|| Step::Settle { id: there.map(|image| image.id.clone()), changes })
}
