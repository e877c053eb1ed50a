//! Looks for code in archives inside of the item: the notary service unpacks them (catalogue R225, R244).
//!
//! Archives in ZIP form only, by their names and first bytes. Of a Mach-O file in one it is asked whether a certificate
//! signed it, not whether the signature holds. Archives in archives are not opened.

use rayon::prelude::*;

use super::Options;
use crate::archive::{Inflater, Member, MemberError, Zip, is_zip, is_zip_name};
use crate::blob::{Slot, SuperBlob, magic};
use crate::macho::{MachO, Slice, is_macho};
use crate::source::{Bytes, NodeId, Tree};

/// What is in one archive; archives without any of it are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchiveEvidence {
    /// Path relative to the item.
    pub path: String,
    /// Programs, libraries and plug-ins in it, in the order of its directory.
    pub code: Vec<ArchivedCode>,
    /// Names of members that are encrypted.
    pub encrypted: Vec<String>,
    /// What could not be read, so that code may be in it: the name of a member, empty for the archive itself, and why.
    pub unread: Vec<(String, String)>,
}

/// A Mach-O file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedCode {
    /// Its name in the archive.
    pub name: String,
    /// Who signed the slice that is worst off.
    pub signed: ArchivedSignature,
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

/// An archive in which the first bytes of every member were read.
struct Scanned {
    found: ArchiveEvidence,
    /// The file and the numbers of the members that begin like Mach-O.
    code: Option<(Bytes, Vec<usize>)>,
}

/// All archives of an item, in the order of the listing.
pub(super) fn archives<T: Tree + ?Sized>(tree: &T, options: &Options) -> Vec<ArchiveEvidence> {
    let listing = tree.listing();
    let files: Vec<NodeId> = listing
        .ids()
        .skip(1)
        .filter(|id| tree.node(*id).is_file() && is_zip_name(&tree.node(*id).name))
        .collect();
    let max_members = options.limits.archive_members;
    let scanned: Vec<Option<Scanned>> = files
        .par_iter()
        .map(|node| scan(tree, *node, max_members))
        .collect();
    // One after the other: the budget is for all, and who gets it must not depend on threads.
    let mut budget = Budget {
        limit: options.limits.archive_bytes,
        left: options.limits.archive_bytes,
    };
    let mut inflater = Inflater::default();
    let mut all = Vec::new();
    for Scanned { mut found, code } in scanned.into_iter().flatten() {
        if let Some((bytes, numbers)) = code
            && let Ok(zip) = Zip::parse(&bytes, max_members)
        {
            let members = numbers.into_iter().filter_map(|number| zip.members.get(number));
            for member in members {
                judge(&zip, member, &mut inflater, &mut budget, &mut found);
            }
            if !bytes.are_unchanged() {
                found
                    .unread
                    .push((String::new(), "the file changed while it was read".to_owned()));
            }
        }
        if !(found.code.is_empty() && found.encrypted.is_empty() && found.unread.is_empty()) {
            all.push(found);
        }
    }
    all
}

/// Bytes of code that may still be unpacked.
struct Budget {
    limit: u64,
    left: u64,
}

/// Reads the directory of an archive and the first bytes of its members; `None` for what is no archive.
fn scan<T: Tree + ?Sized>(tree: &T, node: NodeId, max_members: u64) -> Option<Scanned> {
    let mut found = ArchiveEvidence {
        path: tree.path(node),
        ..ArchiveEvidence::default()
    };
    // A file that cannot be read at all is said to be unread elsewhere as well.
    let failed = |mut found: ArchiveEvidence, reason: String| {
        found.unread.push((String::new(), reason));
        Some(Scanned { found, code: None })
    };
    match tree.head(node, 8) {
        Ok(head) if is_zip(&head) => {}
        Ok(_) => return None,
        Err(error) => return failed(found, error.reason()),
    }
    let bytes = match tree.bytes(node) {
        Ok(bytes) => bytes,
        Err(error) => return failed(found, error.reason()),
    };
    let zip = match Zip::parse(&bytes, max_members) {
        Ok(zip) => zip,
        Err(error) => return failed(found, error.to_string()),
    };
    let mut inflater = Inflater::default();
    let mut code = Vec::new();
    for (number, member) in zip.members.iter().enumerate() {
        if member.is_directory() {
            continue;
        }
        if member.is_encrypted() {
            found.encrypted.push(member.text());
            continue;
        }
        match zip.head(member, &mut inflater) {
            Ok(head) if is_macho(&head) => code.push(number),
            Ok(head) if is_zip(&head) && is_zip_name(member.name) => {
                let reason = "it is an archive in an archive, which is not opened";
                found.unread.push((member.text(), reason.to_owned()));
            }
            Ok(_) => {}
            Err(error) => found.unread.push((member.text(), error.to_string())),
        }
    }
    let code = (!code.is_empty()).then_some(code);
    let code = code.map(|code| (bytes, code));
    Some(Scanned { found, code })
}

/// Unpacks a member that begins like Mach-O, and finds out whether it is signed.
fn judge(
    zip: &Zip<'_>,
    member: &Member<'_>,
    inflater: &mut Inflater,
    budget: &mut Budget,
    found: &mut ArchiveEvidence,
) {
    let contents = zip.contents(member, inflater, budget.left);
    // A member counts with the size that it claims, also where that turns out to be wrong.
    budget.left = match contents {
        Err(MemberError::TooLarge { .. }) => budget.left,
        _ => budget.left.saturating_sub(member.size),
    };
    let limit = budget.limit;
    let signed = contents
        .map_err(|error| match error {
            MemberError::TooLarge { size } => format!(
                "its {size} bytes are over the limit of {limit} bytes for all code in archives (archive-bytes)"
            ),
            other => other.to_string(),
        })
        .and_then(|contents| signature_of(&contents));
    match signed {
        Ok(Some(signed)) => found.code.push(ArchivedCode {
            name: member.text(),
            signed,
        }),
        // Object files and debug symbols are not asked for a signature.
        Ok(None) => {}
        Err(reason) => found.unread.push((member.text(), reason)),
    }
}

/// Who signed the slice that is worst off; `None` where no slice is code.
fn signature_of(contents: &[u8]) -> Result<Option<ArchivedSignature>, String> {
    let file = MachO::parse(contents).map_err(|error| error.to_string())?;
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
