//! How the archive that an item is in is unpacked and packed again.

use crate::remedy::{Command, FRESH};

/// An archive by its path.
pub(super) struct Packing {
    archive: String,
}

impl Packing {
    pub(super) fn of(archive: &str) -> Self {
        Self {
            archive: super::fit(&super::tidy(archive)),
        }
    }

    /// Returns the path of something in the archive, once it is unpacked.
    pub(super) fn inside(&self, path: &str) -> String {
        match path {
            "" => FRESH.to_owned(),
            path => format!("{FRESH}/{path}"),
        }
    }

    pub(super) fn archive(&self) -> &str {
        &self.archive
    }

    pub(super) fn unpack(&self) -> Vec<Command> {
        vec![
            Command::fresh_folder(),
            Command::of(["ditto", "-x", "-k", &self.archive, FRESH]),
        ]
    }

    /// Returns the command that packs with links, modes and attributes. Without `--keepParent`, `ditto` packs the contents of the folder.
    pub(super) fn pack(&self) -> Vec<Command> {
        vec![Command::of([
            "ditto",
            "-c",
            "-k",
            "--sequesterRsrc",
            FRESH,
            &self.archive,
        ])]
    }
}
