//! The root of the sources, to which the paths of reports are relative that others show beside the sources.
//!
//! `--source-root`, else the checkout of GitHub Actions (`GITHUB_WORKSPACE`) or of GitLab (`CI_PROJECT_DIR`), else the
//! working folder. Links are resolved, as code scanning cannot show files behind links.

use std::env;
use std::path::{Component, Path, PathBuf};

use super::exit::Exit;
use crate::source::shown_path;

/// Where pipelines say what their checkout is.
const VARIABLES: [&str; 2] = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"];

/// The folder that the repository's files are in.
#[derive(Debug, Default)]
pub(super) struct SourceRoot {
    root: PathBuf,
    working: PathBuf,
}

impl SourceRoot {
    /// The folder of the option, or the usual one.
    ///
    /// # Errors
    /// The message and the exit status, where the option does not name a folder.
    pub(super) fn new(option: Option<&Path>) -> Result<Self, (String, Exit)> {
        // Without a working folder, no relative operand can be read either.
        let working = env::current_dir().unwrap_or_default();
        let Some(folder) = option else {
            let set = VARIABLES.iter().filter_map(env::var_os);
            let root = set.map(PathBuf::from).find(|value| value.is_absolute());
            let root = root.unwrap_or_else(|| working.clone());
            let root = root.canonicalize().unwrap_or(root);
            return Ok(Self { root, working });
        };
        let refuse = |why: &str| {
            let message = format!("sealcheck: --source-root: {}: {why}", folder.display());
            (message, Exit::Usage)
        };
        match folder.canonicalize() {
            Ok(root) if root.is_dir() => Ok(Self { root, working }),
            Ok(_) => Err(refuse("not a folder")),
            Err(error) => Err(refuse(&error.to_string())),
        }
    }

    /// A path from the root; the absolute path of the root itself and of what is outside of it.
    pub(super) fn place(&self, path: &Path) -> String {
        let absolute = resolved(&self.working.join(path));
        let place = match absolute.strip_prefix(&self.root) {
            Ok(place) if place != Path::new("") => place,
            _ => &absolute,
        };
        shown_path(place)
    }
}

/// A path without links, as far as it leads to something on disk: its end may be in a container, or not be there.
fn resolved(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        Some((there.canonicalize().ok()?, rest))
    });
    let (mut resolved, rest) = there.unwrap_or((PathBuf::new(), path));
    for component in rest.components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_relative_to_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/x.zip"), b"x").unwrap();
        std::os::unix::fs::symlink("b", root.join("a/link")).unwrap();
        let source = SourceRoot {
            root: root.join("a"),
            working: root.join("a/b"),
        };
        for (path, place) in [
            ("x.zip", "b/x.zip"),
            ("./x.zip/A.app", "b/x.zip/A.app"),
            ("../link/x.zip/A.app", "b/x.zip/A.app"),
            ("../b/../missing", "missing"),
            (".", "b"),
        ] {
            assert_eq!(source.place(Path::new(path)), place, "{path}");
        }
        for (path, place) in [("..", "a"), ("../../other", "other")] {
            let absolute = root.join(place).to_string_lossy().into_owned();
            assert_eq!(source.place(Path::new(path)), absolute, "{path}");
        }
    }
}
