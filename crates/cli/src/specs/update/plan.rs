//! Which file each published model is written to, and what remains of the files that were there before.
//!
//! In the new folder, one file describes each model: of a published document of several models, each one gets a document of
//! its own, and an old document keeps only the models that are no longer published.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Described, refused};
use crate::failure::Failure;
use aimlapi_video_codegen::{
    Diagnostic, Diagnostics, Document, Facts, LEGACY_FOLDER, Merged, Route,
    document::{self, Create, Divisible},
    merge, strip,
};

/// A model on a URL.
type Key = (Route, String);

/// The documents of the new folder.
pub(super) struct Plan {
    pub(super) documents: Vec<Document>,
    /// The published documents of single models, with their prose.
    pub(super) published: Vec<Document>,
    /// The models by file; a document of a fetch has none.
    pub(super) taken: BTreeMap<String, BTreeSet<Key>>,
    /// The old files that keep only models that are no longer published.
    pub(super) narrowed: Vec<String>,
    /// The old files whose models other files describe now, each with one of those.
    pub(super) removed: Vec<(String, String)>,
}

impl Plan {
    /// Assigns the published models to files, and takes them out of all others.
    pub(super) fn new(published: &[Document], old: &Described) -> Result<Self, Failure> {
        let mut diagnostics = Diagnostics::default();
        let creates = merge::creates(published, &mut diagnostics);
        let mut files = Files::assign(&creates, old);
        for route in Route::ALL {
            if let Some(document) = merge::fetch(published, route) {
                files.fetch(route, document);
            }
        }
        let mut plan = Self {
            documents: Vec::new(),
            published: Vec::new(),
            taken: BTreeMap::new(),
            narrowed: Vec::new(),
            removed: Vec::new(),
        };
        let claimed: BTreeMap<&str, BTreeSet<Key>> = published
            .iter()
            .map(|document| (&*document.file, claims(document)))
            .collect();
        let parts: Vec<String> = files.taken.values().map(|(from, _)| from.clone()).collect();
        let mut divisible: BTreeMap<String, Divisible> = BTreeMap::new();
        for (file, (from, models)) in files.taken {
            let Some(document) = published.iter().find(|document| document.file == from) else {
                continue;
            };
            let is_own = |route, id: &str| models.contains(&(route, id.to_owned()));
            let part = if claimed[&*from].is_subset(&models) {
                Some(document.clone())
            } else {
                let is_alone = parts.iter().filter(|part| **part == from).count() == 1;
                let divisible = divisible.entry(from.clone());
                let divisible = divisible.or_insert_with(|| Divisible::new(document));
                divisible.part(is_alone || models.is_empty(), is_own)
            };
            let Some(mut part) = part else {
                let ids: BTreeSet<&str> = models.iter().map(|(_, id)| &**id).collect();
                let what = format!(
                    "describes several models, and {ids:?} cannot be separated from the others"
                );
                let remedy = "split the document into one for each model";
                diagnostics.error(Diagnostic::new(&from, "/paths", what, remedy));
                continue;
            };
            plan.documents
                .push(Document::new(&file, strip::strip(&part)));
            part.file.clone_from(&file);
            plan.published.push(super::unrepaired(&part));
            plan.taken.insert(file, models);
        }
        if !diagnostics.errors.is_empty() {
            let what = "nothing was written: the published documents";
            return Err(refused(what, &diagnostics));
        }
        for document in &old.documents {
            if !plan.taken.contains_key(&document.file) {
                plan.keep(document);
            }
        }
        plan.documents.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(plan)
    }

    /// The file that describes a published model.
    fn file_of(&self, key: &Key) -> Option<&String> {
        let mut taken = self.taken.iter();
        taken
            .find(|(_, models)| models.contains(key))
            .map(|(file, _)| file)
    }

    /// Keeps the models of an old document that are no longer published.
    fn keep(&mut self, document: &Document) {
        let claims = claims(document);
        let new_file = claims.iter().find_map(|key| self.file_of(key)).cloned();
        let is_retired = |route, id: &str| self.file_of(&(route, id.to_owned())).is_none();
        let part = new_file
            .as_ref()
            .and_then(|_| Divisible::new(document).part(true, is_retired));
        match (new_file, part) {
            (Some(new_file), Some(part)) if !part.is_video() => {
                self.removed.push((document.file.clone(), new_file));
            }
            (_, Some(part)) => {
                self.narrowed.push(document.file.clone());
                self.documents
                    .push(Document::new(&document.file, strip::strip(&part)));
            }
            (_, None) => self.documents.push(super::unrepaired(document)),
        }
    }

    /// A model that the build would read from another file than its published document's.
    pub(super) fn shadowed<'a>(&self, new: &'a Merged) -> Option<&'a Create> {
        let mut creates = new.requests.iter().map(|request| &request.create);
        creates.find(|create| {
            let file = self.file_of(&key(create));
            file.is_some_and(|file| *file != create.file)
        })
    }
}

fn key(create: &Create) -> Key {
    (create.route, create.model.clone())
}

/// The models that a document describes, also those that are read from another document.
pub(super) fn claims(document: &Document) -> BTreeSet<Key> {
    let creates = document::creates(document, &mut Diagnostics::default());
    creates.iter().map(key).collect()
}

/// The files of published models.
struct Files<'a> {
    old: &'a Described,
    /// By file: the name of the published document, and the model that it describes there, on one URL or more.
    taken: BTreeMap<String, (String, BTreeSet<Key>)>,
}

impl<'a> Files<'a> {
    /// Assigns a file to each published model: the one that already describes it and nothing else, or a new one in the vendor's
    /// folder.
    fn assign(creates: &[Create], old: &'a Described) -> Self {
        let mut files = Self {
            old,
            taken: BTreeMap::new(),
        };
        let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for create in creates {
            ids.entry(&create.file).or_default().insert(&create.model);
        }
        let is_of_one = |file: &str| ids[file].len() == 1;
        let mut parts: BTreeMap<(&str, &str, Option<Route>), BTreeSet<Key>> = BTreeMap::new();
        for create in creates {
            let file = &*create.file;
            let route = (!is_of_one(file)).then_some(create.route);
            let part = parts.entry((file, &create.model, route)).or_default();
            part.insert(key(create));
        }
        let published: BTreeSet<Key> = creates.iter().map(key).collect();
        let (known, new): (Vec<_>, Vec<_>) = parts
            .iter()
            .map(|(part, models)| (part, models, files.known(models)))
            .partition(|(_, _, known)| known.is_some());
        for ((from, ..), models, file) in known {
            let taken = ((*from).to_owned(), models.clone());
            files.taken.insert(file.unwrap_or_default(), taken);
        }
        for ((from, id, _), models, _) in new {
            let name = if is_of_one(from) {
                from.rsplit('/').next().unwrap_or(from)
            } else {
                id.split_once('/').map_or(*id, |(_, name)| name)
            };
            let mut folder = old.facts.vendor(id, from);
            if models.iter().all(|(route, _)| *route == Route::LegacyKling) {
                folder = format!("{folder}/{LEGACY_FOLDER}");
            }
            let file = files.fresh(&format!("{folder}/"), name, &published);
            files
                .taken
                .insert(file, ((*from).to_owned(), models.clone()));
        }
        files
    }

    /// The old file that describes this model and no other.
    fn known(&self, models: &BTreeSet<Key>) -> Option<String> {
        let creates = || {
            self.old
                .merged
                .requests
                .iter()
                .map(|request| &request.create)
        };
        let fits = |file: &&String| {
            let mut of_file = creates().filter(|create| create.file == **file);
            of_file.all(|create| models.contains(&key(create)))
        };
        let known = creates().filter(|create| models.contains(&key(create)));
        known.map(|create| &create.file).find(fits).cloned()
    }

    /// Assigns a file to the document of a fetch operation, unless it has one for its only model.
    fn fetch(&mut self, route: Route, document: &Document) {
        let parts = self
            .taken
            .values()
            .filter(|(from, _)| *from == document.file);
        if parts.count() == 1 {
            return;
        }
        let is_free = |old: &&Document| !self.taken.contains_key(&old.file);
        let stripped = strip::strip(document);
        let best = merge::fetch(&self.old.documents, route);
        let answers = self
            .old
            .documents
            .iter()
            .filter(|old| document::fetch(old, route).is_some());
        let same = self
            .old
            .documents
            .iter()
            .filter(|old| old.published == stripped);
        let mut known = best
            .into_iter()
            .chain(answers)
            .filter(|old| claims(old).is_empty())
            .chain(same)
            .filter(is_free);
        let file = match known.next() {
            Some(old) => old.file.clone(),
            None => {
                let folder = match route {
                    Route::Universal => String::new(),
                    Route::LegacyKling => format!("kling/{LEGACY_FOLDER}/"),
                };
                let name = document.file.rsplit('/').next().unwrap_or_default();
                self.fresh(&folder, name, &BTreeSet::new())
            }
        };
        self.taken
            .insert(file, (document.file.clone(), BTreeSet::new()));
    }

    /// Returns a file for a new document: `name`, with a number if that name is in use.
    fn fresh(&self, folder: &str, name: &str, models: &BTreeSet<Key>) -> String {
        let name = name.to_lowercase();
        let name = name.strip_suffix(".json").unwrap_or(&name);
        let name = name.replace(
            |c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c),
            "-",
        );
        // A document whose models are all published is taken or removed.
        let is_free = |file: &String| {
            let old = self.old.documents.iter().find(|old| old.file == *file);
            let is_kept = |old: &Document| {
                let claims = claims(old);
                let answers = Route::ALL
                    .iter()
                    .any(|route| document::fetch(old, *route).is_some());
                answers || claims.is_empty() || !claims.is_subset(models)
            };
            !Facts::FILES.contains(&file.rsplit('/').next().unwrap_or(file))
                && !self.taken.contains_key(file)
                && !old.is_some_and(is_kept)
        };
        let numbers = (2..).map(|number| format!("{folder}{name}-{number}.json"));
        let mut names = std::iter::once(format!("{folder}{name}.json")).chain(numbers);
        names.find(is_free).unwrap_or_default()
    }
}
