//! Rotation against a model of a cloud, and clouds out of files and variables. What takes a service is in `tests/it/glance.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::clouds::Surroundings;
use super::images::{Changes, Image, Visibility};
use super::rotation::{BUILD, Conflict, NAME, SHA256, Step, Wanted, steps};
use crate::hash::Digests;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const PLAIN: &str = "NeCTAR Thing";

fn wanted(seed: u8, visibility: Option<Visibility>) -> Wanted {
    let digests = Digests { sha256: format!("{seed:064x}"), sha512: format!("{seed:0128x}") };
    let properties = [(NAME, "Thing".to_owned()), (SHA256, digests.sha256.clone())];
    Wanted {
        name: PLAIN.into(),
        size: 10,
        visibility,
        build: None,
        properties: properties.map(|(name, value)| (name.to_owned(), value)).into(),
        tags: BTreeSet::from(["ironseed".to_owned()]),
        digests,
    }
}

/// A cloud's images; does to them what a step says.
#[derive(Clone, Debug, Default)]
struct Model {
    images: Vec<Image>,
    made: u32,
    /// Whether a later image has a smaller id: ids are of no order in time.
    descending: bool,
}

impl Model {
    /// Whether there is such an image to change.
    fn has(&self, id: &str) -> bool {
        self.images.iter().any(|image| image.id == id)
    }

    fn change(&mut self, id: &str, changes: &Changes) {
        let image = self.images.iter_mut().find(|image| image.id == id).unwrap();
        image.name = changes.name.clone().or(image.name.take());
        image.visibility = changes.visibility.unwrap_or(image.visibility);
        image.tags = changes.tags.clone().unwrap_or(std::mem::take(&mut image.tags));
        image.others.extend(changes.properties.iter().map(|(name, value)| (name.clone(), json!(value))));
    }

    /// Does a step; an upload that isn't whole leaves a half image.
    fn take(&mut self, step: &Step, wanted: &Wanted, whole: bool) {
        match step {
            Step::Discard { id, .. } => self.images.retain(|image| image.id != *id),
            Step::Upload { build } => {
                self.made += 1;
                let mut others: BTreeMap<_, _> =
                    wanted.properties.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
                others.insert(BUILD.into(), json!(build.to_string()));
                self.images.push(Image {
                    id: (if self.descending { 1000 - self.made } else { 1000 + self.made }).to_string(),
                    name: Some(wanted.incomplete_name()),
                    status: if whole { "active" } else { "queued" }.into(),
                    visibility: Visibility::Private,
                    size: whole.then_some(wanted.size),
                    os_hash_algo: whole.then(|| "sha512".into()),
                    os_hash_value: whole.then(|| wanted.digests.sha512.clone()),
                    owner: None,
                    updated_at: Some(NOW),
                    tags: wanted.tags.clone(),
                    others,
                });
            }
            Step::Supersede { id, changes, .. } | Step::Settle { id: Some(id), changes } => {
                self.change(id, changes);
            }
            Step::Settle { id: None, .. } => panic!("settled before it was uploaded"),
        }
    }

    /// A run that ends after so many steps, the last of them half done where it is an upload.
    fn run(&mut self, wanted: &Wanted, kill_after: usize) -> Result<(), Conflict> {
        for done in 0..=kill_after {
            let todo = steps(&self.images, wanted, NOW)?;
            let Some(step) = todo.first() else { return Ok(()) };
            if done == kill_after && !matches!(step, Step::Upload { .. }) {
                return Ok(());
            }
            self.take(step, wanted, done < kill_after);
            self.assert_sound();
        }
        Ok(())
    }

    fn assert_sound(&self) {
        let public: Vec<&Image> = self.images.iter().filter(|i| i.visibility == Visibility::Public).collect();
        assert!(public.len() <= 1, "{public:#?}");
        let half =
            |image: &&Image| image.name.as_deref().is_some_and(|n| n.starts_with("ironseed-incomplete-"));
        assert!(self.images.iter().filter(|i| !half(i)).all(|i| i.status == "active"), "{self:#?}");
    }
}

fn visibility() -> impl Strategy<Value = Option<Visibility>> {
    prop_oneof![
        3 => Just(Some(Visibility::Public)),
        1 => Just(None),
        1 => Just(Some(Visibility::Private)),
        1 => Just(Some(Visibility::Shared)),
        1 => Just(Some(Visibility::Community)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Runs that are killed anywhere, for images in any order: never two public, and each image that was whole is still there.
    #[test]
    fn kills_lose_nothing(runs in prop::collection::vec((0..5_u8, visibility(), 0..8_usize), 1..12)) {
        let mut model = Model::default();
        let mut whole = BTreeSet::new();
        for (seed, visibility, kill_after) in runs {
            let wanted = wanted(seed, visibility);
            let _ = model.run(&wanted, kill_after);
            let named = model.images.iter().filter(|i| i.status == "active");
            let now: BTreeSet<String> = named.map(|i| i.id.clone()).collect();
            prop_assert!(whole.is_subset(&now), "{whole:?} {now:?}");
            whole = now;
        }
        // The run that isn't killed puts all in order.
        let last = wanted(9, Some(Visibility::Public));
        prop_assert!(model.run(&last, 100).is_ok());
        prop_assert_eq!(steps(&model.images, &last, NOW), Ok(vec![]));
        let public: Vec<&Image> = model.images.iter().filter(|i| i.visibility == Visibility::Public).collect();
        prop_assert_eq!(public.len(), 1);
        prop_assert_eq!(public[0].os_hash_value.as_ref(), Some(&last.digests.sha512));
        let plain = model.images.iter().filter(|i| i.name.as_deref() == Some(PLAIN)).count();
        prop_assert_eq!(plain, 1);
    }
}

#[test]
fn half_images_of_others_wait_a_day() {
    let mut model = Model::default();
    model.run(&wanted(1, None), 0).unwrap();
    let other = wanted(2, None);
    assert!(matches!(
        steps(&model.images, &other, NOW).unwrap()[..],
        [Step::Upload { .. }, Step::Settle { .. }]
    ));
    let later = NOW.checked_add(jiff::SignedDuration::from_hours(25)).unwrap();
    assert!(matches!(steps(&model.images, &other, later).unwrap()[0], Step::Discard { .. }));
    assert!(matches!(steps(&model.images, &wanted(1, None), NOW).unwrap()[0], Step::Discard { .. }));
}

/// A run beside another: it looks, and does later what it saw to do.
#[derive(Default)]
struct Run {
    intends: Option<Step>,
    uploading: Option<String>,
    ended: bool,
}

impl Run {
    /// Looks, or does what it intends: one request, and an upload is two.
    fn go_on(&mut self, model: &mut Model, wanted: &Wanted) {
        if let Some(id) = self.uploading.take() {
            match model.images.iter_mut().find(|image| image.id == id) {
                Some(image) => {
                    image.status = "active".into();
                    image.size = Some(wanted.size);
                    image.os_hash_algo = Some("sha512".into());
                    image.os_hash_value = Some(wanted.digests.sha512.clone());
                }
                None => self.ended = true,
            }
            return;
        }
        match self.intends.take() {
            None => match steps(&model.images, wanted, NOW) {
                Ok(steps) if !steps.is_empty() => self.intends = steps.into_iter().next(),
                _ => self.ended = true,
            },
            Some(Step::Supersede { id, .. } | Step::Settle { id: Some(id), .. }) if !model.has(&id) => {
                self.ended = true;
            }
            Some(step) => {
                model.take(&step, wanted, false);
                if matches!(step, Step::Upload { .. }) {
                    self.uploading = model.images.last().map(|image| image.id.clone());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Two runs at once, in any order of their requests: in the end one image is public and has the plain name, and nothing that was
    /// there is lost.
    #[test]
    fn two_runs_at_once_end_with_one_public(
        first_build in any::<bool>(),
        same_bytes in any::<bool>(),
        descending in any::<bool>(),
        order in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let mut model = Model { descending, ..Model::default() };
        if first_build {
            model.run(&wanted(1, Some(Visibility::Public)), 9).unwrap();
        }
        let wanted = [2, if same_bytes { 2 } else { 3 }].map(|seed| wanted(seed, Some(Visibility::Public)));
        let mut runs = [Run::default(), Run::default()];
        let rest = [false, true].repeat(60);
        for which in order.into_iter().chain(rest).map(usize::from) {
            if !runs[which].ended {
                runs[which].go_on(&mut model, &wanted[which]);
            }
        }
        prop_assert!(runs.iter().all(|run| run.ended), "a run goes on for ever: {model:#?}");
        let whole: Vec<&Image> =
            model.images.iter().filter(|i| !i.name.as_ref().unwrap().starts_with("ironseed-incomplete-")).collect();
        let public = whole.iter().filter(|image| image.visibility == Visibility::Public).count();
        prop_assert_eq!(public, 1, "{:#?}", model.images);
        let first_is_there = whole.iter().any(|i| i.os_hash_value.as_deref() == Some(&*format!("{:0128x}", 1)));
        prop_assert_eq!(first_is_there, first_build);
        prop_assert!(whole.iter().filter(|image| image.name.as_deref() == Some(PLAIN)).count() == 1);
    }
}

#[test]
fn a_snapshot_is_no_build() {
    let mut model = Model::default();
    model.run(&wanted(1, Some(Visibility::Public)), 9).unwrap();
    let mut snapshot = model.images[0].clone();
    snapshot.id = "snapshot".into();
    snapshot.name = Some("my machine".into());
    snapshot.os_hash_value = Some("f".into());
    snapshot.visibility = Visibility::Private;
    snapshot.others.insert(BUILD.into(), json!("70"));
    snapshot.others.insert("image_type".into(), json!("snapshot"));
    model.images.push(snapshot);
    model.run(&wanted(2, Some(Visibility::Public)), 9).unwrap();
    assert!(model.images.iter().any(|i| i.name.as_deref() == Some("my machine")));
    assert!(model.images.iter().any(|i| i.property(BUILD) == Some("2")));
}

fn surroundings(folder: &tempfile::TempDir, variables: &[(&str, &str)]) -> Surroundings {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings { variables, folders: vec![folder.path().join("near"), folder.path().join("far")] }
}

fn refusal(surroundings: &Surroundings, name: &str) -> String {
    format!("{:#}", surroundings.cloud(name).err().expect("it is refused"))
}

#[test]
fn clouds_are_found_where_openstacksdk_finds_them() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["near", "far"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    write("far/clouds.yaml", "clouds: {a: {auth: {username: far}, verify: no}}");
    write("near/secure.yaml", "clouds: {a: {auth: {password: 0123}}}");
    let cloud = surroundings(&folder, &[]).cloud("").ok().unwrap();
    assert_eq!((cloud.get("username"), cloud.get("password")), (Some("far"), Some("0123")));
    assert_eq!(cloud.flag("verify").unwrap(), Some(false));
    // The nearer file alone counts; a variable may name a third one.
    write("near/clouds.yml", "clouds: {a: {auth: {username: near}}, b: {profile: vendor}}");
    assert_eq!(surroundings(&folder, &[]).cloud("a").ok().unwrap().get("username"), Some("near"));
    assert!(refusal(&surroundings(&folder, &[]), "").contains("no cloud is chosen"));
    assert!(refusal(&surroundings(&folder, &[]), "b").contains("vendor profile"));
    let cloud = surroundings(&folder, &[("OS_CLOUD", "a")]).cloud("").ok().unwrap();
    assert_eq!(cloud.name, "a");
    write("own", "{\"clouds\": {\"c\": {\"auth\": {\"username\": \"own\"}}}}");
    let own = folder.path().join("own").display().to_string();
    let cloud = surroundings(&folder, &[("OS_CLIENT_CONFIG_FILE", &own)]).cloud("c").ok().unwrap();
    assert_eq!(cloud.get("username"), Some("own"));
    // Variables are a cloud of their own, and change no other.
    let variables =
        [("OS_AUTH_URL", "http://k"), ("OS_USERNAME", "me"), ("OS_CLIENT_CONFIG_FILE", own.as_str())];
    let cloud = surroundings(&folder, &variables).cloud("").ok().unwrap();
    assert_eq!((cloud.name.as_str(), cloud.get("username")), ("envvars", Some("me")));
    assert_eq!(surroundings(&folder, &variables).cloud("c").ok().unwrap().get("username"), Some("own"));
    assert!(refusal(&surroundings(&folder, &[("OS_REGION_NAME", "x")]), "").contains("no cloud is chosen"));
}

#[test]
fn no_secret_gets_into_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("near")).unwrap();
    for broken in
        ["clouds: {a: {auth: {password: s3cret", "clouds: [s3cret]", "clouds: {a: {auth: {password: 1.5e3}}}"]
    {
        fs::write(folder.path().join("near/clouds.yaml"), broken).unwrap();
        let said = refusal(&surroundings(&folder, &[]), "a");
        assert!(said.contains("clouds.yaml") && !said.contains("s3cret") && !said.contains("1.5"), "{said}");
    }
}
