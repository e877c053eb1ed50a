//! Looks for code in archives inside of the item: the notary service unpacks them, and Electron its own (catalogue R225, R233,
//! R244).
//!
//! Of a Mach-O file in one it is asked whether a certificate signed it, not whether the signature holds.

use std::fmt;
use std::sync::Arc;

use super::Options;
use super::archive_walk::{Content, Walk, heads};
use crate::archive::{ArchiveFormat, Inflater, Zip, ZipError, is_tar};
use crate::blob::{Slot, SuperBlob, magic};
use crate::macho::{MachO, Slice};
use crate::parallel;
use crate::source::{Bytes, NodeId, SourceError, Tree};

/// What is in one archive; archives without any of it are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveEvidence {
    /// Path relative to the item.
    pub path: String,
    /// How it is packed.
    pub format: ArchiveFormat,
    /// Whether only its name says so: it is something else.
    pub is_misnamed: bool,
    /// Programs, libraries and plug-ins in it and in the archives in it, in the order in which they stand there.
    pub code: Vec<ArchivedCode>,
    /// Members that are encrypted.
    pub encrypted: Vec<ArchivedName>,
    /// What could not be read, so that code may be in it.
    pub unread: Vec<UnreadMember>,
}

/// Where something is in an archive. Many share the way there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchivedName {
    /// The archives in the archive on the way to it, each by its name in the one before.
    pub within: Arc<[String]>,
    /// Its name in the last of them; empty for the archive itself.
    pub name: String,
}

impl fmt::Display for ArchivedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for archive in self.within.iter() {
            write!(f, "{archive}/")?;
        }
        f.write_str(&self.name)
    }
}

/// A Mach-O file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedCode {
    /// Where.
    pub name: ArchivedName,
    /// How the archive is packed in which it lies.
    pub format: ArchiveFormat,
    /// Who signed the slice that is worst off.
    pub signed: ArchivedSignature,
}

/// Something in an archive that was not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadMember {
    /// Where.
    pub name: ArchivedName,
    /// How the archive is packed that could not be read, or that it lies in.
    pub format: ArchiveFormat,
    /// Why.
    pub reason: String,
    /// The name of the budget that was reached, if that is the reason.
    pub limit: Option<&'static str>,
}

/// Why something in an archive was not looked into.
pub(super) struct Reason {
    pub(super) text: String,
    pub(super) limit: Option<&'static str>,
}

impl Reason {
    /// The budget of this name was reached.
    pub(super) fn limit(text: String, name: &'static str) -> Self {
        let limit = Some(name);
        Self { text, limit }
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { text, limit: None }
    }
}

impl From<ZipError> for Reason {
    fn from(error: ZipError) -> Self {
        let limit = matches!(error, ZipError::TooMany { .. }).then_some("archive-members");
        let text = error.to_string();
        Self { text, limit }
    }
}

impl From<SourceError> for Reason {
    fn from(error: SourceError) -> Self {
        Self {
            text: error.reason(),
            limit: error.budget(),
        }
    }
}

/// Whether a certificate signed code in an archive; the worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArchivedSignature {
    /// There is no signature.
    Unsigned,
    /// There is one without a certificate.
    AdHoc,
    /// There is one with a certificate, which was not verified.
    Certificate,
}

impl ArchiveEvidence {
    pub(super) fn new(path: String, format: ArchiveFormat) -> Self {
        Self {
            path,
            format,
            is_misnamed: false,
            code: Vec::new(),
            encrypted: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// The archive itself could not be read.
    fn failed(mut self, reason: impl Into<Reason>) -> Self {
        let Reason { text, limit } = reason.into();
        self.unread.push(UnreadMember {
            name: ArchivedName::default(),
            format: self.format,
            reason: text,
            limit,
        });
        self
    }

    fn is_empty(&self) -> bool {
        let is_told = !(self.code.is_empty() && self.encrypted.is_empty() && self.unread.is_empty());
        !is_told && !self.is_misnamed
    }
}

/// An archive, and what is left to do.
struct Scanned {
    found: ArchiveEvidence,
    rest: Option<(Bytes, Rest)>,
}

/// What is looked into one after the other.
enum Rest {
    /// These members of an archive in ZIP form.
    Members(Vec<(usize, Content)>),
    /// Everything.
    All,
}

/// All archives of an item, in the order of the listing.
pub(super) fn archives<T: Tree + ?Sized>(tree: &T, options: &Options) -> Vec<ArchiveEvidence> {
    let listing = tree.listing();
    let files: Vec<NodeId> = listing
        .ids()
        .skip(1)
        .filter(|id| tree.node(*id).is_file() && ArchiveFormat::named(&tree.node(*id).name).is_some())
        .collect();
    let limits = &options.limits;
    let scanned = parallel::map(&files, 1, |node| scan(tree, *node, limits.archive_members));
    // One after the other: the budget is for all, and who gets it must not depend on threads.
    let mut budget = limits.archive_bytes;
    let mut all = Vec::new();
    for Scanned { mut found, rest } in scanned.into_iter().flatten() {
        if let Some((bytes, rest)) = rest {
            let mut walk = Walk::new(found, budget, limits, tree.budget());
            match rest {
                Rest::All => walk.whole(&bytes),
                Rest::Members(members) => walk.zip_members(&bytes, &members),
            }
            (found, budget) = walk.end();
            if !bytes.are_unchanged() {
                found = found.failed("the file changed while it was read".to_owned());
            }
        }
        if !found.is_empty() {
            all.push(found);
        }
    }
    all
}

/// Reads the first bytes of a file, and those of every member of one in ZIP form; `None` for what is no archive by its name.
fn scan<T: Tree + ?Sized>(tree: &T, node: NodeId, max_members: u64) -> Option<Scanned> {
    /// Enough for a header of tar.
    const HEAD: usize = 512;
    let name = &tree.node(node).name;
    let named = ArchiveFormat::named(name)?;
    let mut found = ArchiveEvidence::new(tree.path(node), named);
    // A file that cannot be read at all is said to be unread elsewhere as well.
    let over = |found| Some(Scanned { found, rest: None });
    let head = match tree.head(node, HEAD) {
        Ok(head) => head,
        Err(error) => return over(found.failed(error)),
    };
    let format = ArchiveFormat::of(name, &head).filter(|found| *found != ArchiveFormat::Tar || is_tar(&head));
    match format {
        Some(ArchiveFormat::Unread(what)) => {
            return over(found.failed(format!("it is {what}, which is not opened")));
        }
        // A script or program may stand in front of the archive.
        None if named != ArchiveFormat::Zip || head.is_empty() => {
            found.is_misnamed = is_misnamed(name, named, &head);
            return over(found);
        }
        _ => {}
    }
    let bytes = match tree.whole(node) {
        Ok(bytes) => bytes,
        Err(error) => return over(found.failed(error)),
    };
    if named != ArchiveFormat::Zip {
        let rest = Some((bytes, Rest::All));
        return Some(Scanned { found, rest });
    }
    let members = match Zip::parse(&bytes, max_members) {
        Ok(zip) => heads(
            &zip,
            &Arc::default(),
            &mut Inflater::default(),
            &mut found,
            tree.budget(),
        ),
        Err(ZipError::NoEnd) if format.is_none() => {
            found.is_misnamed = is_misnamed(name, named, &head);
            return over(found);
        }
        Err(error) => return over(found.failed(error)),
    };
    let rest = (!members.is_empty()).then_some((bytes, Rest::Members(members)));
    Some(Scanned { found, rest })
}

/// Whether a file that is none has the name of an archive that the notary service unpacks. An empty file stands for nothing,
/// and so does a tar archive without members.
fn is_misnamed(name: &[u8], named: ArchiveFormat, head: &[u8]) -> bool {
    let is_unpacked = match named {
        ArchiveFormat::Zip | ArchiveFormat::Gzip => !head.is_empty(),
        ArchiveFormat::Tar => head.iter().any(|byte| *byte != 0),
        ArchiveFormat::Asar | ArchiveFormat::Unread(_) => false,
    };
    // Attributes of a file of that name have a rule of their own.
    is_unpacked && !name.starts_with(b"._")
}

/// Who signed the slice that is worst off; `None` where no slice is code.
pub(super) fn signature_of(contents: &[u8]) -> Result<Option<ArchivedSignature>, String> {
    let file = MachO::parse(contents).map_err(|error| error.to_string())?;
    if let Some(error) = file.slices.iter().find_map(|slice| slice.fault) {
        return Err(error.to_string());
    }
    let code = file.slices.iter().filter(|slice| slice.file_type.is_code());
    let signed: Result<Vec<ArchivedSignature>, String> = code.map(slice_signature).collect();
    Ok(signed?.into_iter().min())
}

fn slice_signature(slice: &Slice<'_>) -> Result<ArchivedSignature, String> {
    let Some(space) = slice.signature_space() else {
        return Ok(ArchivedSignature::Unsigned);
    };
    let superblob = SuperBlob::parse(space, magic::EMBEDDED_SIGNATURE).map_err(|error| error.to_string())?;
    let cms = superblob
        .component(Slot::SIGNATURE)
        .map_err(|error| error.to_string())?;
    Ok(match cms {
        Some(cms) if !cms.is_empty() => ArchivedSignature::Certificate,
        _ => ArchivedSignature::AdHoc,
    })
}
