//! Who signed a Mach-O file in an archive. Whether the signature holds is not asked.

use super::archive_facts::ArchivedSignature;
use crate::blob::{Slot, SuperBlob, magic};
use crate::macho::{MachO, Slice};

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
