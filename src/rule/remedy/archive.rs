//! How the archive that an item is in is unpacked and packed again.

use crate::remedy::Command;

/// The folder into which commands unpack.
const UNPACKED: &str = "unpacked";

/// An archive by its path.
pub(super) struct Packing {
    archive: String,
}

impl Packing {
    pub(super) fn of(archive: &str) -> Self {
        Self {
            archive: super::fit(archive),
        }
    }

    /// Returns the path of something in the archive, once it is unpacked.
    pub(super) fn inside(&self, path: &str) -> String {
        match path {
            "" => UNPACKED.to_owned(),
            path => format!("{UNPACKED}/{path}"),
        }
    }

    pub(super) fn archive(&self) -> &str {
        &self.archive
    }

    pub(super) fn unpack(&self) -> Vec<Command> {
        vec![Command::of(["ditto", "-x", "-k", &self.archive, UNPACKED])]
    }

    /// Returns the command that packs with links, modes and attributes. Without `--keepParent`, `ditto` packs the contents of the folder.
    pub(super) fn pack(&self) -> Vec<Command> {
        vec![Command::of([
            "ditto",
            "-c",
            "-k",
            "--sequesterRsrc",
            UNPACKED,
            &self.archive,
        ])]
    }
}
