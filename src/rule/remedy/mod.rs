//! Turns the steps of a rule into the repair of one finding, with the paths, the certificate and the options of the item.
//!
//! Every precondition is looked at here: a program of another vendor, or code of Apple's, is not signed again; code around what is signed
//! is signed after it; a notarized item is notarized again, since a ticket is about one signature; and what is in an archive is unpacked
//! first, since no tool signs in an archive.

mod archive;
mod signing;

use std::path::Path;

use crate::finding::{Finding, Target};
use crate::remedy::{
    Claims, Command, Condition, Edit, Fact, Facts, Part, Repair, Sign, Stage, Step, Word, change_file, find,
};
use crate::verify::{CodeObject, Evidence};
use archive::Packing;
use signing::{Owner, Signing};

/// The path of the item on disk. Where the operand is the main executable of a bundle, the item is the bundle around it.
fn place(evidence: &Evidence) -> &str {
    let given = evidence.path.trim_end_matches('/');
    let main = evidence
        .code
        .first()
        .map(CodeObject::main_path)
        .unwrap_or_default();
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    match given
        .strip_suffix(main.as_str())
        .and_then(|rest| rest.strip_suffix('/'))
    {
        Some(bundle) if main.contains('/') && !bundle.is_empty() => bundle,
        // From a folder inside of the bundle: its real path.
        _ if main.contains('/') && last(given) == last(&main) && last(given) != evidence.name() => {
            &evidence.root
        }
        _ => &evidence.path,
    }
}

/// The facts about one item that its repairs need.
pub(super) struct Remedies<'a> {
    signing: Signing<'a>,
    packing: Option<Packing>,
    /// The path of the item in commands.
    item: String,
}

impl<'a> Remedies<'a> {
    pub(super) fn of(evidence: &'a Evidence, target: Target) -> Self {
        let packing = evidence
            .container
            .as_ref()
            .map(|container| Packing::of(&container.path));
        let item = match (&packing, &evidence.container) {
            (Some(packing), Some(container)) => {
                let place = place(evidence);
                let inner = place.strip_prefix(&container.path);
                packing.inside(inner.unwrap_or(place).trim_matches('/'))
            }
            _ => place(evidence).to_owned(),
        };
        Self {
            signing: Signing::of(evidence, target),
            packing,
            item: fit(&tidy(&item)),
        }
    }

    /// Returns the repair of a finding, from the steps of its rule or its own.
    pub(super) fn repair(&self, steps: &'static [Step], finding: &Finding) -> Repair {
        let mut writer = Writer {
            remedies: self,
            code: finding.facts.code.as_ref().unwrap_or(&finding.code),
            file: &finding.path,
            facts: &finding.facts,
            parts: Vec::new(),
            is_alternative: false,
            signed: None,
            has_signed: false,
            has_claims_file: false,
            is_notarized: false,
            is_about_archive: false,
        };
        writer.steps(finding.facts.steps.unwrap_or(steps));
        writer.finish()
    }

    fn path(&self, inside: &str) -> String {
        match inside {
            "" => self.item.clone(),
            inside => format!("{}/{inside}", self.item),
        }
    }
}

/// A path without doubled slashes, and without one at its end.
fn tidy(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    format!("{root}{}", parts.join("/"))
}

/// A path that no command takes for an option.
fn fit(path: &str) -> String {
    match path.starts_with('-') {
        true => format!("./{path}"),
        false => path.to_owned(),
    }
}

/// Writes one repair.
struct Writer<'r, 'a> {
    remedies: &'r Remedies<'a>,
    code: &'r str,
    file: &'r str,
    facts: &'r Facts,
    parts: Vec<Part>,
    is_alternative: bool,
    /// The code that the first way signs, or that another party has to sign.
    signed: Option<String>,
    /// Whether the first way signs it.
    has_signed: bool,
    /// Whether a file with entitlements was written.
    has_claims_file: bool,
    is_notarized: bool,
    is_about_archive: bool,
}

type Record<'f> = &'f [(&'static str, Fact)];

impl Writer<'_, '_> {
    fn steps(&mut self, steps: &'static [Step]) {
        for step in steps {
            match step {
                Step::Say(words) => self.say(words),
                Step::Or => self.is_alternative = true,
                Step::If(condition, then, otherwise) => {
                    self.steps(if self.holds(*condition) { then } else { otherwise });
                }
                Step::Run(words) => {
                    self.is_about_archive |= words.contains(&Word::Archive);
                    let line = |record| Command(words.iter().map(|word| self.word(*word, record)).collect());
                    let lines: Vec<Command> = self.records(words).into_iter().map(line).collect();
                    lines.into_iter().for_each(|line| self.command(line));
                }
                Step::Claim(edits) => self.claim(edits),
                Step::Sign(sign) => self.sign(sign),
                Step::Notarize => {
                    self.is_notarized = true;
                    for command in self.notarize() {
                        self.command(command);
                    }
                }
            }
        }
    }

    fn say(&mut self, words: &str) {
        self.part(Stage::Mend, words.to_owned());
    }

    fn part(&mut self, stage: Stage, words: String) {
        self.parts.push(Part {
            stage,
            is_alternative: std::mem::take(&mut self.is_alternative),
            words,
            commands: Vec::new(),
        });
    }

    fn command(&mut self, command: Command) {
        if self.parts.is_empty() || self.is_alternative {
            self.say("");
        }
        if let Some(part) = self.parts.last_mut() {
            part.commands.push(command);
        }
    }

    fn holds(&self, condition: Condition) -> bool {
        let signing = &self.remedies.signing;
        match condition {
            Condition::Universal => signing.is_universal(self.code),
            Condition::Program => signing.is_program(self.code),
            Condition::Bundle => signing.is_bundle(self.code),
            Condition::ForStore => signing.target == Target::MacAppStore,
            Condition::OfVendor => !matches!(signing.owner(self.code), Owner::Us),
            Condition::Certified => signing.is_certified,
            Condition::Knows(name) => self.facts.knows(name),
        }
    }

    /// The records for which a command is repeated: one without values, where it names none of theirs.
    fn records(&self, words: &[Word]) -> Vec<Record<'_>> {
        let names: Vec<&str> = words
            .iter()
            .filter_map(|word| match word {
                Word::Value(name) | Word::Beside(name) => Some(*name),
                _ => None,
            })
            .collect();
        let records = self.facts.records_with(&names);
        if records.is_empty() { vec![&[]] } else { records }
    }

    fn word(&self, word: Word, record: Record<'_>) -> String {
        let remedies = self.remedies;
        match word {
            Word::Text(text) => text.to_owned(),
            Word::Code => remedies.path(self.code),
            Word::Support(path) => {
                format!("{}/{path}", remedies.path(&remedies.signing.support(self.code)))
            }
            Word::Profile => remedies.path(&remedies.signing.profile(self.code)),
            Word::File => remedies.path(self.file),
            Word::Folder => remedies.path(folder(self.file)),
            Word::Beside(name) => {
                let code = remedies.path(self.code);
                match folder(&code) {
                    "" => self.value(name, record),
                    folder => format!("{folder}/{}", self.value(name, record)),
                }
            }
            Word::Value(name) => self.value(name, record),
            Word::Claims => self.claims(),
            Word::Archive => match &remedies.packing {
                Some(packing) => packing.archive().to_owned(),
                None => remedies.item.clone(),
            },
        }
    }

    fn value(&self, name: &str, record: Record<'_>) -> String {
        match find(record, name).or_else(|| self.facts.get(name)) {
            Some(Fact::Text(text)) => text.clone(),
            Some(Fact::Path(path)) => self.remedies.path(path),
            None => name.to_owned(),
        }
    }

    /// The name of the file with the entitlements of the code.
    fn claims(&self) -> String {
        claims_file(&self.remedies.path(self.code))
    }

    fn claim(&mut self, edits: &[Edit]) {
        let file = self.claims();
        let code = self.remedies.path(self.code);
        let has_claims = self.remedies.signing.has_claims(self.code);
        self.has_claims_file = true;
        match has_claims && !edits.contains(&Edit::Clear) {
            true => self.command(extract(&file, &code)),
            false => self.command(Command::of(["plutil", "-create", "xml1", &file])),
        }
        for edit in edits {
            let named: &[Word] = match edit {
                Edit::Remove(key) => &[*key],
                Edit::Set(key, _, value) => &[*key, *value],
                Edit::Clear => continue,
            };
            let lines: Vec<Command> = self
                .records(named)
                .into_iter()
                .map(|record| {
                    let key_path = |word: &Word| self.word(*word, record).replace('.', "\\.");
                    match edit {
                        Edit::Set(key, kind, value) => Command::of([
                            "plutil",
                            "-replace",
                            &key_path(key),
                            kind.option(),
                            &self.word(*value, record),
                            &file,
                        ]),
                        Edit::Remove(key) => Command::of(["plutil", "-remove", &key_path(key), &file]),
                        Edit::Clear => Command(Vec::new()),
                    }
                })
                .collect();
            lines.into_iter().for_each(|line| self.command(line));
        }
    }

    fn sign(&mut self, sign: &Sign) {
        let like = self.facts.like.as_deref();
        let like = like.filter(|path| self.remedies.signing.knows(path));
        let signing = &self.remedies.signing;
        let is_first_way = !self.is_alternative && self.parts.iter().all(|part| !part.is_alternative);
        // A file in nested code is under the seal of that code.
        let file = self.file;
        let inner = signing
            .around(file)
            .first()
            .copied()
            .filter(|_| self.code.is_empty());
        let code = inner.unwrap_or(self.code);
        let words = match signing.owner(code) {
            Owner::Us => {
                let at = match sign.at {
                    Word::Code => self.remedies.path(code),
                    other => self.word(other, &[]),
                };
                if sign.claims == Claims::File && !self.has_claims_file {
                    // What is to be in the file, the words before have said.
                    self.claim(&[]);
                    let words = change_file(&claims_file(&at));
                    self.part(Stage::Mend, words);
                }
                let identifier = sign.identifier.map(|word| self.word(word, &[]));
                let options = sign.options.iter().map(|word| self.word(*word, &[])).collect();
                let like = like.unwrap_or(code);
                let lines = signing.commands(like, &at, sign.claims, identifier, options);
                lines.into_iter().for_each(|line| self.command(line));
                if is_first_way {
                    self.signed.get_or_insert_with(|| code.to_owned());
                    self.has_signed = true;
                }
                return;
            }
            Owner::Apple(path) => {
                if is_first_way {
                    self.signed.get_or_insert_with(|| path.to_owned());
                }
                format!(
                    "Apple signed {}: do not sign it again, restore Apple's copy",
                    self.name(path)
                )
            }
            Owner::Vendor(path, team) => {
                if is_first_way {
                    self.signed.get_or_insert_with(|| path.to_owned());
                }
                format!(
                    "team {team} signed {}: do not sign it again, get a repaired copy from that team",
                    self.name(path)
                )
            }
        };
        // What is to be done to another's code is not said either.
        self.parts.retain(|part| part.is_alternative);
        self.is_alternative = false;
        self.part(Stage::Mend, words);
    }

    fn name<'p>(&'p self, path: &'p str) -> &'p str {
        let path = if path.is_empty() {
            self.remedies.item.as_str()
        } else {
            path
        };
        path.rsplit('/').next().unwrap_or(path)
    }

    fn notarize(&self) -> Vec<Command> {
        let signing = &self.remedies.signing;
        let item = &self.remedies.item;
        let mut commands = vec![
            Command::of(["ditto", "-c", "-k", "--keepParent", item, "upload.zip"]),
            Command::notarization(),
        ];
        if signing.is_bundle("") {
            commands.push(Command::of(["xcrun", "stapler", "staple", item]));
        }
        commands
    }

    /// Adds what follows from what was done: signing around, notarizing, packing.
    fn finish(mut self) -> Repair {
        let remedies = self.remedies;
        let signing = &remedies.signing;
        if let Some(code) = self.signed.take() {
            let around: Vec<&str> = signing.around(&code);
            // A copy that another party signed is still the user's to seal and to notarize; the item itself is not.
            let signs = self.has_signed || !around.is_empty();
            let mut words = "then sign the code around it, from the inside out";
            for outer in around {
                // One part for each, so that those of several repairs can be put in order.
                self.part(Stage::SignAround, std::mem::take(&mut words).to_owned());
                let at = remedies.path(outer);
                let lines = signing.commands(outer, &at, Claims::Kept, None, Vec::new());
                lines.into_iter().for_each(|line| self.command(line));
            }
            if signs && signing.is_notarized && !self.is_notarized {
                let words = "then notarize the item again, since the ticket is for the old signature";
                self.part(Stage::Notarize, words.to_owned());
                self.notarize().into_iter().for_each(|line| self.command(line));
            }
        }
        let has_commands = !self.is_about_archive && self.parts.iter().any(|part| !part.commands.is_empty());
        if let Some(packing) = remedies.packing.as_ref().filter(|_| has_commands) {
            self.parts.insert(
                0,
                Part {
                    stage: Stage::Unpack,
                    is_alternative: false,
                    words: "unpack the archive first".to_owned(),
                    commands: packing.unpack(),
                },
            );
            self.part(
                Stage::Pack,
                "then pack it again with a tool that keeps links and modes".to_owned(),
            );
            packing.pack().into_iter().for_each(|line| self.command(line));
        }
        Repair { parts: self.parts }
    }
}

fn extract(file: &str, code: &str) -> Command {
    Command::of(["codesign", "-d", "--entitlements", file, "--xml", code])
}

/// The name of the file with the entitlements of code at a path.
fn claims_file(path: &str) -> String {
    let name = Path::new(path).file_stem().unwrap_or_default();
    fit(&format!("{}.entitlements", name.to_string_lossy()))
}

/// The folder of a path; empty where it names none.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
