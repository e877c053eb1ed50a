//! The resource seal: `_CodeSignature/CodeResources`, decoded.
//!
//! Specification 6.6 and 6.9. The `cdhash` of nested entries is written by Apple's signer and looked at by nobody on a Mac.

use std::sync::Arc;

use super::seal_contents::{Contents, Files};
use super::{Rules, SealEntry, SealError};
use crate::budget::Budget;
use crate::limits::Limits;

/// What is sealed, by path.
#[derive(Debug, Clone)]
pub struct SealedPaths(Vec<(String, SealEntry)>);

impl SealedPaths {
    pub(super) fn new(mut files: Files) -> Self {
        // Signers write them in this order.
        if !files.is_sorted_by(|(one, _), (other, _)| one < other) {
            files.reverse();
            files.sort_by(|(one, _), (other, _)| one.cmp(other));
            files.dedup_by(|(one, _), (other, _)| one == other);
        }
        Self(files)
    }

    /// The number of an entry, which is its place in the order of paths. The one behind `guess`, which is often right since a
    /// walk goes through a folder in order, is looked at first.
    pub(super) fn find(&self, path: &str, guess: usize) -> Option<usize> {
        let is_there = |(sealed, _): &(String, SealEntry)| sealed == path;
        if self.0.get(guess).is_some_and(is_there) {
            return Some(guess);
        }
        self.0
            .binary_search_by(|(sealed, _)| sealed.as_str().cmp(path))
            .ok()
    }

    /// Path and entry with this number.
    pub(super) fn entry(&self, number: usize) -> Option<(&str, &SealEntry)> {
        self.0.get(number).map(|(path, entry)| (path.as_str(), entry))
    }

    /// The entry of a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&SealEntry> {
        Some(self.entry(self.find(path, 0)?)?.1)
    }

    /// Paths and entries, in the order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SealEntry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A decoded seal.
#[derive(Debug, Clone)]
pub struct Seal {
    /// 2 with `files2`, else 1.
    pub version: u32,
    /// The rules of this version.
    pub rules: Rules,
    /// Sealed paths, relative to the support directory.
    pub entries: SealedPaths,
}

impl Seal {
    /// Decodes the bytes of `CodeResources`, with a budget of their own.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, SealError> {
        let budget = Budget::new(limits);
        budget.allow(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Self::parse_within(bytes, limits, &Arc::new(budget))
    }

    /// Decodes the bytes of `CodeResources` for an item with this budget, to which its rules are charged from then on.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn parse_within(bytes: &[u8], limits: &Limits, budget: &Arc<Budget>) -> Result<Self, SealError> {
        let contents = Contents::read(bytes, limits, budget)?;
        Ok(Self {
            version: contents.version,
            rules: Rules::compile(&contents.rules, limits.resource_rules, budget)?,
            entries: SealedPaths::new(contents.files),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::SealedItem;
    use crate::hash::HashType;

    fn seal(text: &str) -> Result<Seal, SealError> {
        Seal::parse(
            format!("<plist><dict>{text}</dict></plist>").as_bytes(),
            &Limits::default(),
        )
    }

    const V1: &str = "<key>rules</key><dict><key>^.*</key><true/></dict><key>files</key><dict/>";

    #[test]
    fn versions_and_their_parts() {
        assert_eq!(seal(V1).unwrap().version, 1);
        let two = format!("{V1}<key>files2</key><dict/><key>rules2</key><dict/>");
        assert_eq!(seal(&two).unwrap().version, 2);
        // Row 99 of specification 12.E: the old dictionaries are demanded as well.
        assert_eq!(
            seal("<key>files2</key><dict/><key>rules2</key><dict/>").unwrap_err(),
            SealError::Incomplete
        );
        assert_eq!(
            seal(&format!("{V1}<key>files2</key><dict/>")).unwrap_err(),
            SealError::NoRules
        );
        assert_eq!(
            Seal::parse(b"x", &Limits::default()).unwrap_err(),
            SealError::NotADictionary
        );
    }

    /// `ResourceSeal` reads each value with a type.
    #[test]
    fn values_of_other_types() {
        let data = "<data>AQ==</data>";
        for entry in [
            format!("<dict><key>hash2</key>{data}<key>optional</key><string>x</string></dict>"),
            "<dict><key>optional</key><integer>1</integer></dict>".to_owned(),
            format!("<dict><key>optional</key><true/><key>symlink</key>{data}</dict>"),
            "<string>x</string>".to_owned(),
        ] {
            let files = format!("<key>files2</key><dict><key>a</key>{entry}</dict><key>rules2</key><dict/>");
            let seal = seal(&format!("{V1}{files}")).unwrap();
            let entry = seal.entries.get("a").unwrap();
            assert_eq!(entry.item, SealedItem::Malformed, "{files}");
        }
        let files =
            format!("<key>a</key><dict><key>hash</key>{data}<key>hash2</key><string>x</string></dict>");
        let both = format!("{V1}<key>files2</key><dict>{files}</dict><key>rules2</key><dict/>");
        let both = seal(&both).unwrap();
        assert_eq!(
            both.entries.get("a").unwrap().digest(HashType::Sha256),
            None,
            "no fallback"
        );
        for version2 in [
            "<key>files2</key><string/><key>rules2</key><dict/>",
            "<key>files2</key><dict/><key>rules2</key><array/>",
            "<key>files2</key><dict/><key>files2</key><true/><key>rules2</key><dict/>",
        ] {
            assert_eq!(seal(&format!("{V1}{version2}")).unwrap_err(), SealError::NoRules);
        }
    }

    #[test]
    fn entries_of_each_kind() {
        let files = "<key>a</key><data>AQ==</data>
            <key>b</key><dict><key>hash</key><data>AQ==</data><key>hash2</key><data>Ag==</data></dict>
            <key>c</key><dict><key>symlink</key><string>b</string></dict>
            <key>d</key><dict><key>requirement</key><string>never</string><key>cdhash</key><data></data></dict>
            <key>e</key><dict><key>optional</key><true/><key>hash2</key><data>Aw==</data></dict>
            <key>f</key><dict/>";
        let text = format!("{V1}<key>files2</key><dict>{files}</dict><key>rules2</key><dict/>");
        let seal = seal(&text).unwrap();
        let get = |path: &str| seal.entries.get(path).unwrap();
        assert_eq!(
            get("a").digest(HashType::Sha256),
            Some(&[1][..]),
            "falls back to hash"
        );
        assert_eq!(get("b").digest(HashType::Sha256), Some(&[2][..]));
        assert_eq!(get("b").digest(HashType::Sha1), Some(&[1][..]));
        assert_eq!(get("c").item, SealedItem::Symlink { target: "b".into() });
        assert_eq!(
            get("d").item,
            SealedItem::Nested {
                requirement: "never".into(),
                cdhash: Some(vec![])
            }
        );
        assert!(get("e").optional && get("e").digest(HashType::Sha1).is_none());
        assert_eq!(get("f").item, SealedItem::File { digests: vec![] });
    }
}
