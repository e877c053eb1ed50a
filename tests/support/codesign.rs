//! Runs `sealcheck` in the style of `codesign`, and the app that native observations were made with.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::bundle::{RULES, info_plist, sign_with, write, write_executable};
use super::macho::{EXECUTE, Thin, arm64};
use super::program::program;
use super::signature::{Bound, Signer, adhoc};

/// Exit status, standard output and standard error, with the folder of the fixture as `$D`.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub status: i32,
    pub output: Vec<String>,
    pub error: Vec<String>,
}

impl Said {
    pub fn new(status: i32, output: &[&str], error: &[&str]) -> Self {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Self {
            status,
            output: owned(output),
            error: owned(error),
        }
    }
}

/// `sealcheck COMMAND --style codesign ARGUMENTS` in `folder`.
pub fn codesign(folder: &Path, command: &str, arguments: &[&str]) -> Said {
    let mut all = vec![command, "--style", "codesign"];
    all.extend(arguments);
    let output = program()
        .args(all.iter().map(OsStr::new))
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let physical = fs::canonicalize(folder).unwrap();
    let lines = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .replace(physical.to_str().unwrap(), "$D")
            .lines()
            .map(str::to_owned)
            .collect()
    };
    Said {
        status: output.status.code().unwrap(),
        output: lines(&output.stdout),
        error: lines(&output.stderr),
    }
}

/// The app of native observation 2, with changes to be made before and after it is signed.
pub struct Parent {
    pub folder: tempfile::TempDir,
    pub signer: Signer,
    pub slices: Vec<Thin>,
    pub rules: String,
    pub version: u32,
    /// Nested code in `Contents`, by path with the cdhashes of its slices.
    pub nested: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Parent {
    pub fn new() -> Self {
        let parent = Self {
            folder: tempfile::tempdir().unwrap(),
            signer: adhoc("org.example.parent"),
            slices: vec![Thin {
                file_type: EXECUTE,
                ..arm64(&[7; 9000])
            }],
            rules: RULES.to_owned(),
            version: 2,
            nested: BTreeMap::new(),
        };
        let contents = parent.path("Contents");
        write(
            &contents.join("Info.plist"),
            &info_plist("hello", "org.example.parent", "APPL"),
        );
        for name in ["a", "b", "c", "target", "fr.lproj/a", "Base.lproj/a"] {
            write(&contents.join("Resources").join(name), name.as_bytes());
        }
        symlink("target", contents.join("Resources/link")).unwrap();
        parent
    }

    pub fn app(&self) -> PathBuf {
        self.folder.path().join("Parent.app")
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.app().join(inside)
    }

    pub fn resource(&self, name: &str) -> PathBuf {
        self.path("Contents/Resources").join(name)
    }

    /// Adds `Contents/Helpers/tool`, signed.
    pub fn with_tool(mut self) -> Self {
        self.add_tool("Helpers/tool", &adhoc("org.example.tool"));
        self
    }

    pub fn add_tool(&mut self, place: &str, signer: &Signer) {
        let (bytes, hashes) = signer.sign_all(&[arm64(place.as_bytes())], Bound::default());
        write_executable(&self.path("Contents").join(place), &bytes);
        self.nested.insert(place.to_owned(), hashes);
    }

    /// Puts another text in place of the seal, and signs the main executable again so that its signature covers it.
    pub fn seal_with(&self, text: &str) {
        write(
            &self.path("Contents/_CodeSignature/CodeResources"),
            text.as_bytes(),
        );
        let info = fs::read(self.path("Contents/Info.plist")).unwrap();
        let bound = Bound {
            info: Some(&info),
            resources: Some(text.as_bytes()),
        };
        let (bytes, _) = self.signer.sign_all(&self.slices, bound);
        write_executable(&self.path("Contents/MacOS/hello"), &bytes);
    }

    pub fn seal(self) -> Self {
        sign_with(
            &self.path("Contents"),
            "MacOS/hello",
            &self.slices,
            &self.signer,
            &self.nested,
            &self.rules,
            self.version,
        );
        self
    }

    pub fn verify(&self, arguments: &[&str]) -> Said {
        let mut all = arguments.to_vec();
        all.push("Parent.app");
        codesign(self.folder.path(), "verify", &all)
    }
}
