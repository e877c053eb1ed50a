//! Where a member of a container is placed: the one function that makes a path of the name of a member, for every format.
//!
//! A name is bytes between slashes. Parts `.` are left out, a slash at the end is dropped. A name that is absolute, or has a part `..`, an
//! empty part or a zero byte, is placed nowhere, because tools do not agree on what it stands for, or it leads out of the folder. A
//! backslash is an ordinary character on a Mac.
//!
//! Not done: Unicode normalization and cases of letters, which depend on the volume.

/// The byte between the parts of a path: no name has it, and what is in a folder follows the folder when paths are sorted.
pub(crate) const SEPARATOR: u8 = 0;

/// What a name stands for.
pub(crate) enum Named {
    /// Something in the archive.
    Path(Box<[u8]>),
    /// The folder that the archive is unpacked into: nothing of its own.
    Root,
    /// Nothing that can be put anywhere.
    Nowhere,
}

impl Named {
    /// What a name stands for.
    pub(crate) fn of(name: &[u8]) -> Self {
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let parts = || name.split(|byte| *byte == b'/').filter(|part| *part != b".");
        let is_good = |part: &[u8]| !part.is_empty() && part != b".." && !part.contains(&SEPARATOR);
        match parts().next() {
            None => Self::Root,
            Some(_) if parts().all(is_good) => {
                let parts: Vec<_> = parts().collect();
                Self::Path(parts.join(&SEPARATOR).into())
            }
            Some(_) => Self::Nowhere,
        }
    }
}

/// The path of a member for people: as it is placed, or as it is stored where it is placed nowhere.
pub(crate) fn shown(name: &[u8]) -> String {
    match Named::of(name) {
        Named::Path(path) => {
            let parts: Vec<_> = path.split(|byte| *byte == SEPARATOR).collect();
            String::from_utf8_lossy(&parts.join(&b'/')).into_owned()
        }
        Named::Root | Named::Nowhere => String::from_utf8_lossy(name).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, shown};

    fn of(name: &str) -> Option<Vec<u8>> {
        match Named::of(name.as_bytes()) {
            Named::Path(path) => Some(path.into_vec()),
            Named::Root => Some(Vec::new()),
            Named::Nowhere => None,
        }
    }

    #[test]
    fn parts_that_stand_for_nothing_are_left_out() {
        for name in ["a/b", "./a/b", "a/./b", "a/b/"] {
            assert_eq!(of(name).as_deref(), Some(b"a\0b".as_slice()), "{name}");
        }
        for name in [".", "./", "./."] {
            assert_eq!(of(name).as_deref(), Some(b"".as_slice()), "{name}");
        }
    }

    #[test]
    fn people_see_the_place_or_the_stored_name() {
        assert_eq!(shown(b"./a/./b"), "a/b");
        assert_eq!(shown(b"../a"), "../a");
        assert_eq!(shown(b"."), ".");
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for name in [
            "/a",
            "//a",
            "..",
            "a/..",
            "../a",
            "a/../../b",
            "a//b",
            "a\0b",
            "/",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
        // Ordinary characters on a Mac.
        for name in ["C:\\a", "...", "a\\..\\b", "..a"] {
            assert!(of(name).is_some(), "{name}");
        }
    }
}
