//! The remedy of a rule in general, for its documentation: with placeholders in the place of what only an item knows.

use std::fmt;

use super::repair::{Command, Part, Repair, Stage};
use super::{Claims, Condition, Edit, Kind, Sign, Step, Word};

/// The certificate that documentation names.
const IDENTITY: &str = "Developer ID Application: NAME";

/// The steps of a rule as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct General(pub &'static [Step]);

impl General {
    /// Returns true if there is nothing to say.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Returns the remedy with placeholders such as `PATH` and `FILE`.
    #[must_use]
    pub fn repair(self) -> Repair {
        let mut parts = Vec::new();
        write(self.0, &mut parts);
        Repair { parts }
    }
}

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repair().fmt(f)
    }
}

fn part(words: &str) -> Part {
    Part {
        stage: Stage::Mend,
        is_alternative: false,
        words: words.to_owned(),
        commands: Vec::new(),
    }
}

/// Says what is to be done with a file of entitlements, before code is signed with it.
pub(crate) fn change_file(file: &str) -> String {
    format!("then change {file} as it has to be, and sign with it")
}

fn write(steps: &[Step], parts: &mut Vec<Part>) {
    let mut is_alternative = false;
    let mut has_claims_file = false;
    for step in steps {
        let commands = match step {
            Step::Say(words) => {
                parts.push(Part {
                    is_alternative: std::mem::take(&mut is_alternative),
                    ..part(words)
                });
                continue;
            }
            Step::Or => {
                is_alternative = true;
                continue;
            }
            Step::If(condition, then, otherwise) => {
                if !then.is_empty() {
                    parts.push(part(&format!("if {}", condition.words())));
                    write(then, parts);
                }
                if !otherwise.is_empty() {
                    parts.push(part(&format!("unless {}", condition.words())));
                    write(otherwise, parts);
                }
                continue;
            }
            Step::Run(words) => vec![Command::of(words.iter().map(|word| word.general()))],
            Step::Claim(edits) => {
                let file = Word::Claims.general();
                let mut commands = vec![Command::of([
                    "codesign",
                    "-d",
                    "--entitlements",
                    &file,
                    "--xml",
                    "PATH",
                ])];
                commands.extend(edits.iter().map(edit));
                has_claims_file = true;
                commands
            }
            Step::Sign(sign) if sign.claims == Claims::File && !has_claims_file => {
                write(&[Step::Claim(&[])], parts);
                parts.push(part(&change_file(&Word::Claims.general())));
                vec![sign.general()]
            }
            Step::Sign(sign) => vec![sign.general()],
            Step::Notarize => vec![
                Command::of(["ditto", "-c", "-k", "--keepParent", "PATH", "upload.zip"]),
                Command::notarization(),
                Command::of(["xcrun", "stapler", "staple", "PATH"]),
            ],
        };
        if parts.is_empty() {
            parts.push(part(""));
        }
        if let Some(last) = parts.last_mut() {
            last.commands.extend(commands);
        }
    }
}

fn edit(edit: &Edit) -> Command {
    let file = Word::Claims.general();
    let general = |word: &Word| word.general();
    match edit {
        Edit::Remove(key) => Command::of(["plutil".to_owned(), "-remove".to_owned(), general(key), file]),
        Edit::Set(key, kind, value) => Command::of([
            "plutil".to_owned(),
            "-replace".to_owned(),
            general(key),
            kind.option().to_owned(),
            general(value),
            file,
        ]),
        Edit::Clear => Command::of(["plutil".to_owned(), "-create".to_owned(), "xml1".to_owned(), file]),
    }
}

impl Kind {
    /// Returns the option of `plutil`.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Text => "-string",
            Self::Bool => "-bool",
            Self::Integer => "-integer",
            Self::Json => "-json",
        }
    }
}

impl Word {
    fn general(self) -> String {
        match self {
            Self::Text(text) | Self::Value(text) => text.to_owned(),
            Self::Code => "PATH".to_owned(),
            Self::Support(path) => format!("PATH/Contents/{path}"),
            Self::Profile => "PATH/Contents/embedded.provisionprofile".to_owned(),
            Self::Beside(name) => format!("FOLDER/{name}"),
            Self::File => "FILE".to_owned(),
            Self::Folder => "FOLDER".to_owned(),
            Self::Claims => "NAME.entitlements".to_owned(),
            Self::Archive => "ARCHIVE".to_owned(),
        }
    }
}

impl Sign {
    fn general(&self) -> Command {
        let mut words: Vec<String> = ["codesign", "-f", "-s", IDENTITY].map(str::to_owned).into();
        if let Some(identifier) = self.identifier {
            words.extend(["-i".to_owned(), identifier.general()]);
        }
        words.extend(["--options", "runtime", "--timestamp"].map(str::to_owned));
        match self.claims {
            Claims::Kept => words.push("--preserve-metadata=entitlements".to_owned()),
            Claims::File => words.extend(["--entitlements".to_owned(), Word::Claims.general()]),
            Claims::None => {}
        }
        words.extend(self.options.iter().map(|word| word.general()));
        words.push(self.at.general());
        Command(words)
    }
}

impl Condition {
    fn words(self) -> String {
        match self {
            Self::Universal => "the file has several architectures".to_owned(),
            Self::Program => "it is a program".to_owned(),
            Self::Bundle => "it is a bundle".to_owned(),
            Self::ForStore => "it is for the App Store".to_owned(),
            Self::OfVendor => "another team signed it".to_owned(),
            Self::Certified => "the item is signed with a certificate".to_owned(),
            Self::Knows(name) => format!("{name} is known"),
        }
    }
}
