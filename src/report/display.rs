//! The lines of `codesign -d -vvvv` and `codesign -d -r-` (specification 11.6, native observations 6.1 and 8).
//!
//! Apple prints times in the user's language and zone; here they are in US English and UTC, and say so. Behind
//! Apple's lines come those for which Apple has no format: special slots, constraints.

use std::io::{self, Write};

use crate::entitlements;
use crate::octets::hex;
use crate::requirement::{RequirementSet, RequirementType};
use crate::time::UnixTime;
use crate::verify::{CodeObject, Evidence, OsStatus, SignatureKind, SliceEvidence};

/// How to display code.
#[derive(Debug, Clone, Copy)]
pub struct DisplayStyle {
    /// How many `-v` there are: `codesign -d` shows more with each, up to 6.
    pub level: u8,
    /// Whether lines stand behind Apple's for which Apple has no format: names of slots, constraints.
    pub is_extended: bool,
    /// Whether the count of requirements is left out, as with `-r`.
    pub hides_requirements: bool,
}

/// Special slots that macOS knows; more are not listed.
const MAX_SLOTS: u32 = 11;

/// Writes everything about one slice of the item.
///
/// # Errors
/// Those of `out`.
pub fn write(
    evidence: &Evidence,
    slice: &SliceEvidence,
    style: DisplayStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(item) = evidence.code.first() else {
        return Ok(());
    };
    if slice.hash_type.is_none() {
        return writeln!(out, "{}: {}", evidence.path, OsStatus::UNSIGNED.message());
    }
    let main = item.main_path();
    let main = match &item.spelling {
        Some((real, shown)) => main
            .strip_prefix(real.as_str())
            .map_or(main.clone(), |rest| format!("{shown}{rest}")),
        None => main,
    };
    let executable = match (evidence.root.trim_end_matches('/'), main.as_str()) {
        (root, "") => root.to_owned(),
        (root, path) => format!("{root}/{path}"),
    };
    writeln!(out, "Executable={executable}")?;
    if style.level == 0 {
        return Ok(());
    }
    code_directory(item, slice, style, out)?;
    digests(slice, style, out)?;
    signature(slice, style, out)?;
    // Whether the ticket is any good does not matter here (specification 9.6).
    let is_stapled = evidence
        .tickets
        .iter()
        .any(|ticket| ticket.owner.as_deref() == Some(""));
    if is_stapled && style.level >= 2 {
        writeln!(out, "Notarization Ticket=stapled")?;
    }
    contents(item, slice, style, out)?;
    if style.level >= 2 {
        writeln!(out, "Total signatures=1\nChosen signature=1")?;
    }
    if style.is_extended {
        certificates(slice, out)?;
        constraints(slice, out)?;
    }
    Ok(())
}

/// The SHA-256 of every certificate of the chain, the signer's first: that one is what `--expect-leaf` takes.
fn certificates(slice: &SliceEvidence, out: &mut dyn Write) -> io::Result<()> {
    let chain = slice.identity.as_ref().map(|identity| identity.chain.as_slice());
    for certificate in chain.unwrap_or_default() {
        let digest = hex(certificate.sha256());
        writeln!(out, "Certificate SHA-256={digest}  {}", certificate.summary())?;
    }
    Ok(())
}

fn code_directory(
    item: &CodeObject,
    slice: &SliceEvidence,
    style: DisplayStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(
        out,
        "Identifier={}",
        slice.identifier.as_deref().unwrap_or_default()
    )?;
    writeln!(out, "Format={}", item.format)?;
    writeln!(
        out,
        "CodeDirectory v={:x} size={} flags={} hashes={}+{} location=embedded",
        slice.code_directory_version.unwrap_or_default(),
        slice.code_directory_length,
        slice.flags,
        slice.pages,
        slice.special_slots,
    )?;
    if slice.platform != 0 {
        writeln!(out, "Platform identifier={}", slice.platform)?;
    }
    if let Some(build) = slice.build_version.as_ref().filter(|_| style.level >= 4) {
        writeln!(out, "VersionPlatform={}", build.platform)?;
        writeln!(out, "VersionMin={}", build.min_os)?;
        writeln!(out, "VersionSDK={}", build.sdk)?;
    }
    Ok(())
}

fn digests(slice: &SliceEvidence, style: DisplayStyle, out: &mut dyn Write) -> io::Result<()> {
    if style.level < 3 {
        return Ok(());
    }
    if let Some(hash_type) = slice.hash_type {
        writeln!(out, "Hash type={hash_type} size={}", hash_type.length())?;
    }
    for cdhash in &slice.cdhashes {
        let hash_type = cdhash.hash_type;
        writeln!(out, "CandidateCDHash {hash_type}={}", cdhash.truncated())?;
        writeln!(out, "CandidateCDHashFull {hash_type}={}", cdhash.full)?;
    }
    let choices: Vec<_> = slice
        .cdhashes
        .iter()
        .map(|cdhash| cdhash.hash_type.to_string())
        .collect();
    writeln!(out, "Hash choices={}", choices.join(","))?;
    if let Some(digest) = &slice.cms_digest {
        writeln!(out, "CMSDigest={digest}\nCMSDigestType=2")?;
    }
    if let Some(segment) = slice
        .exec_segment
        .filter(|segment| segment.limit > 0 && style.level >= 4)
    {
        writeln!(out, "Executable Segment base={}", segment.base)?;
        writeln!(out, "Executable Segment limit={}", segment.limit)?;
        writeln!(out, "Executable Segment flags={:#x}", segment.flags.0)?;
    }
    match slice.page_size {
        _ if style.level < 4 => {}
        Some(size) => writeln!(out, "Page size={size}")?,
        None => writeln!(out, "Page size=none")?,
    }
    if style.level >= 5 {
        special_slots(slice, style, out)?;
    }
    if style.level >= 6 {
        for (number, digest) in slice.page_digests.iter().enumerate() {
            writeln!(out, "{number:>6}={digest}")?;
        }
    }
    if slice.has_scatter {
        writeln!(out, "ScatterVector present")?;
    }
    if let Some(cdhash) = slice.cdhashes.last() {
        writeln!(out, "CDHash={}", cdhash.truncated())?;
    }
    Ok(())
}

/// Every special slot from the highest, zeros where there is no digest.
fn special_slots(slice: &SliceEvidence, style: DisplayStyle, out: &mut dyn Write) -> io::Result<()> {
    let length = slice.hash_type.map_or(0, crate::hash::HashType::length);
    for number in (1..=slice.special_slots.min(MAX_SLOTS)).rev() {
        let found = slice.slots.iter().find(|slot| slot.slot.0 == number);
        let digest = found
            .and_then(|slot| slot.digest)
            .map_or_else(|| "00".repeat(length), |digest| digest.to_string());
        write!(out, "{:>6}={digest}", format!("-{number}"))?;
        match found.filter(|_| style.is_extended) {
            Some(slot) => {
                let length = slot
                    .length
                    .map_or("missing".to_owned(), |length| format!("{length} bytes"));
                writeln!(out, "  {}, {length}", slot.slot)?;
            }
            None => writeln!(out)?,
        }
    }
    Ok(())
}

fn signature(slice: &SliceEvidence, style: DisplayStyle, out: &mut dyn Write) -> io::Result<()> {
    if matches!(
        slice.signature,
        SignatureKind::Adhoc | SignatureKind::LinkerSigned
    ) {
        return writeln!(out, "Signature=adhoc");
    }
    writeln!(out, "Signature size={}", slice.cms_length.unwrap_or_default())?;
    let Some(identity) = &slice.identity else {
        return writeln!(out, "Authority=(unavailable)");
    };
    // Apple names nobody when the signature itself is wrong, but does when only its certificates are.
    if identity.chain.is_empty() || !identity.is_signature_sound() {
        return if style.level >= 2 {
            writeln!(out, "Authority=(unavailable)")
        } else {
            Ok(())
        };
    }
    for certificate in identity.chain.iter().filter(|_| style.level >= 2) {
        writeln!(out, "Authority={}", certificate.summary())?;
    }
    match (&identity.timestamp, identity.signing_time) {
        (Some(timestamp), _) => writeln!(out, "Timestamp={}", time(timestamp.time)),
        (None, Some(signed)) => writeln!(out, "Signed Time={}", time(signed)),
        (None, None) => Ok(()),
    }
}

/// `Mar 19, 2026 at 4:12:33 PM UTC`.
fn time(time: UnixTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day, hour, minute, second) = time.to_utc();
    let name = usize::try_from(month)
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?))
        .unwrap_or(&"");
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = match hour.rem_euclid(12) {
        0 => 12,
        hour => hour,
    };
    format!("{name} {day}, {year} at {hour}:{minute:02}:{second:02} {half} UTC")
}

fn contents(
    item: &CodeObject,
    slice: &SliceEvidence,
    style: DisplayStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    match &slice.info_plist {
        Some(entries) => writeln!(out, "Info.plist entries={}", entries.len())?,
        None => writeln!(out, "Info.plist=not bound")?,
    }
    writeln!(
        out,
        "TeamIdentifier={}",
        slice.team_id.as_deref().unwrap_or("not set")
    )?;
    if let Some(version) = slice.runtime_version {
        writeln!(
            out,
            "Runtime Version={}.{}.{}",
            version >> 16,
            version >> 8 & 0xff,
            version & 0xff
        )?;
    }
    match &item.seal {
        Some(seal) => writeln!(
            out,
            "Sealed Resources version={} rules={} files={}",
            seal.version, seal.rules, seal.files
        )?,
        None => writeln!(out, "Sealed Resources=none")?,
    }
    if style.hides_requirements {
        return Ok(());
    }
    let set = slice.requirements.as_deref();
    match set.map(|blob| (RequirementSet::from_blob(blob), blob.len())) {
        Some((Ok(set), length)) => writeln!(out, "Internal requirements count={} size={length}", set.count()),
        _ => writeln!(out, "Internal requirements=none"),
    }
}

/// Apple prints a summary of a form that is not known; these are the constraints themselves.
fn constraints(slice: &SliceEvidence, out: &mut dyn Write) -> io::Result<()> {
    for (slot, decoded) in &slice.constraints {
        writeln!(out, "{slot}:")?;
        match decoded {
            Some(entries) => write!(out, "{}", entitlements::to_text(entries))?,
            None => writeln!(out, "\tcannot be decoded")?,
        }
    }
    Ok(())
}

/// Writes the requirements of a slice as `codesign -d -r-` does: the set, and the default designated requirement
/// where the set has none. With `is_source`, as text that compiles to the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_requirements(slice: &SliceEvidence, is_source: bool, out: &mut dyn Write) -> io::Result<()> {
    let set = slice.requirements.as_deref().map(RequirementSet::from_blob);
    match &set {
        Some(Ok(set)) if is_source => write!(out, "{}", set.to_source())?,
        Some(Ok(set)) => write!(out, "{set}")?,
        Some(Err(error)) => writeln!(out, "/* {error} */")?,
        None => {}
    }
    let has_own = matches!(&set, Some(Ok(set)) if set.find(RequirementType::DESIGNATED).is_some());
    match &slice.designated {
        Some(designated) if !has_own => {
            let text = if is_source {
                designated.requirement.to_source()
            } else {
                designated.requirement.to_string()
            };
            writeln!(out, "# designated => {text}")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_like_apples() {
        let at = |text| time(UnixTime::from_rfc3339(text).unwrap());
        assert_eq!(at("2026-03-19T16:12:33Z"), "Mar 19, 2026 at 4:12:33 PM UTC");
        assert_eq!(at("2026-12-01T00:00:05Z"), "Dec 1, 2026 at 12:00:05 AM UTC");
    }
}
