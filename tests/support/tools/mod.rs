//! Runs the commands that a report prints, with the test's signer in the place of Apple's tools.
//!
//! Files are copied, moved, linked and removed by the programs of this system. `codesign`, `lipo`, `install_name_tool`, `plutil`,
//! `ditto`, `xattr` and `xcrun` are written here against the formats, as strict as Apple's where a remedy depends on it.

mod codesign;
mod ditto;
mod image;
mod install_name;
mod lipo;
mod plutil;
mod stapler;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder in which commands run.
pub struct Shell {
    pub folder: PathBuf,
    /// The new folder that the variable `unpacked` names.
    unpacked: RefCell<Option<PathBuf>>,
}

/// What a command says when it fails.
pub type Refusal = String;

impl Shell {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            unpacked: RefCell::default(),
        }
    }

    /// Makes the folder for `unpacked=$(mktemp -d)`.
    fn make_folder(&self) {
        let folder = tempfile::Builder::new()
            .prefix("unpacked")
            .tempdir_in(&self.folder);
        *self.unpacked.borrow_mut() = Some(folder.unwrap().keep());
    }

    /// Runs one line.
    pub fn run(&self, line: &str) -> Result<(), Refusal> {
        if line == "unpacked=$(mktemp -d)" {
            self.make_folder();
            return Ok(());
        }
        let words = words(line, self.unpacked.borrow().as_deref())?;
        let (name, arguments) = words.split_first().ok_or("an empty line")?;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = match name.as_str() {
            "codesign" => codesign::run(self, &arguments),
            "lipo" => lipo::run(self, &arguments),
            "install_name_tool" => install_name::run(self, &arguments),
            "plutil" => plutil::run(self, &arguments),
            "ditto" => ditto::run(self, &arguments),
            "xcrun" => stapler::run(self, &arguments),
            "xattr" => self.xattr(&arguments),
            "cp" | "mv" | "rm" | "ln" | "mkdir" | "chmod" | "tar" | "find" => self.system(name, &arguments),
            other => Err(format!("no tool {other}")),
        };
        said.map_err(|why| format!("{line}\n  {why}"))
    }

    /// The file or folder of an argument.
    fn at(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Refusal> {
        std::fs::read(self.at(path)).map_err(|error| format!("{path}: {error}"))
    }

    /// Writes a file in the place of an old one, with its mode.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
        std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn system(&self, name: &str, arguments: &[&str]) -> Result<(), Refusal> {
        let output = Command::new(name)
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// `xattr -d NAME FILE`, `xattr -c FILE`, `xattr -cr FOLDER`. Apple's names are in the namespace of users here.
    fn xattr(&self, arguments: &[&str]) -> Result<(), Refusal> {
        match arguments {
            ["-d", name, path] => rustix::fs::removexattr(self.at(path), format!("user.{name}"))
                .map_err(|error| format!("{path}: {error}")),
            ["-c" | "-cr", path] => {
                clear(&self.at(path));
                Ok(())
            }
            _ => Err("no such form of xattr".into()),
        }
    }
}

fn clear(path: &Path) {
    if path.is_symlink() {
        return;
    }
    let mut names = vec![0; 65536];
    let length = rustix::fs::listxattr(path, &mut names[..]).unwrap();
    for name in names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        rustix::fs::removexattr(path, name).unwrap();
    }
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            clear(&entry.unwrap().path());
        }
    }
}

/// The words of a line, as a shell splits it, with the value of `"$unpacked…"`. What a shell would do more than that is refused.
fn words(line: &str, unpacked: Option<&Path>) -> Result<Vec<String>, Refusal> {
    let line = match unpacked {
        Some(folder) => &line.replace("\"$unpacked", &format!("\"{}", folder.display())),
        None => line,
    };
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('"'), '$' | '`' | '\\' | '!') => {
                return Err(format!("{character} in double quotes: {line}"));
            }
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '\\') => word.get_or_insert_default().extend(characters.next()),
            (
                None,
                '$' | '`' | '*' | '?' | '[' | '(' | ')' | '{' | '}' | '<' | '>' | '|' | '&' | ';' | '#' | '~'
                | '!',
            ) => {
                return Err(format!("{character} without quotes: {line}"));
            }
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    match quote {
        Some(_) => Err(format!("an open quote: {line}")),
        None => Ok(words),
    }
}
