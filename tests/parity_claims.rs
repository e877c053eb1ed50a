//! Requirements and entitlements as Apple's `codesign -d` printed them, or refused to (native observations 6.3, 6.4, 9.1
//! and 9.4).
//!
//! Not rebuilt: destinations that are files, and the XML form behind a colon, which sealcheck does not have; the property
//! list and the DER themselves are printed by `sealcheck entitlements`.

use std::fs;

use sealcheck::requirement::RequirementSet;

use crate::support::bundle::hex;
use crate::support::cms::CmsSigner;
use crate::support::codesign::{Said, codesign};
use crate::support::der::{integer, tlv, utf8};
use crate::support::macho::{Thin, arm64, x86_64};
use crate::support::pki::{self, Key, Template};
use crate::support::plist::{self, entries};
use crate::support::position;
use crate::support::signature::{Bound, Signer, adhoc, blob, certified, superblob};

const EXECUTABLE: &str = "Executable=$D/input";
const WARNING: &str =
    "warning: binary contains an invalid entitlements blob. The OS will ignore these entitlements.";

fn thin() -> Thin {
    arm64(&[1; 100])
}

fn shown(bytes: &[u8], arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input"), bytes).unwrap();
    codesign(folder.path(), "inspect", &[arguments, &["input"]].concat())
}

fn signed(signer: &Signer) -> Vec<u8> {
    signer.sign(&thin(), Bound::default()).0
}

/// Without the component of this slot.
fn without(signer: &Signer, slot: u32) -> Vec<u8> {
    signer.assemble(&thin(), |mut components| {
        components.retain(|(found, _)| *found != slot);
        superblob(0xfade_0cc0, &components)
    })
}

/// A signer of these components in special slots; `patch` changes the CodeDirectory.
fn with(slots: &[(u32, &Vec<u8>)], patch: Option<fn(&mut Vec<u8>)>) -> Signer {
    let mut signer = Signer { patch, ..adhoc("x") };
    for (slot, bytes) in slots {
        signer.special.insert(*slot, (*bytes).clone());
    }
    signer
}

/// Where the digest of a special slot stands in a CodeDirectory.
fn slot(directory: &[u8], number: usize) -> std::ops::Range<usize> {
    let at = u32::from_be_bytes(directory[16..20].try_into().unwrap()) as usize - number * 32;
    at..at + 32
}

/// 9.4.
#[test]
fn entitlements_by_the_state_of_their_slots() {
    let lines = ["[Dict]", "\t[Key] test", "\t[Value]", "\t\t[Bool] true"];
    let printed = Said::new(0, &lines, &[EXECUTABLE]);
    let warned = Said::new(0, &[], &[EXECUTABLE, WARNING]);
    let entries = entries! { "test" => true };
    let xml = blob(0xfade_7171, &plist::xml(&entries));
    let der = blob(0xfade_7172, &plist::der(&entries));
    let show = |bytes: &[u8]| shown(bytes, &["--entitlements"]);
    let damaged = |signer: &Signer, magic: [u8; 4]| {
        let mut bytes = signed(signer);
        let at = position(&bytes, &magic);
        bytes[at + 20] ^= 1;
        show(&bytes)
    };
    let both = with(&[(5, &xml), (7, &der)], None);
    assert_eq!(show(&signed(&both)), printed);
    assert_eq!(damaged(&both, [0xfa, 0xde, 0x71, 0x71]), printed);
    assert_eq!(damaged(&both, [0xfa, 0xde, 0x71, 0x72]), warned);
    assert_eq!(show(&without(&both, 7)), warned);
    let only_xml = with(&[(5, &xml)], None);
    assert_eq!(show(&signed(&only_xml)), printed);
    assert_eq!(show(&signed(&with(&[(7, &der)], None))), printed);
    assert_eq!(damaged(&only_xml, [0xfa, 0xde, 0x71, 0x71]), warned);
    // Slot 7 is there and its digest zero, whatever slot 5 says.
    let zero: fn(&mut Vec<u8>) = |directory| {
        let place = slot(directory, 7);
        directory[place].fill(0);
    };
    assert_eq!(show(&signed(&with(&[(5, &xml), (7, &der)], Some(zero)))), warned);
    // A damaged page hides nothing; without entitlements nothing is said.
    let mut bytes = signed(&both);
    bytes[0xff0] ^= 1;
    assert_eq!(show(&bytes), printed);
    assert_eq!(show(&signed(&adhoc("x"))), Said::new(0, &[], &[EXECUTABLE]));
}

/// DER entitlements whose key `test` has this value.
fn valued(value: &[u8]) -> Vec<u8> {
    let pair = [&utf8("test"), value].concat();
    let body = [integer(1), tlv(0xb0, &tlv(0x30, &pair))].concat();
    blob(0xfade_7172, &tlv(0x70, &body))
}

/// 9.1.
#[test]
fn forms_of_values() {
    let show = |der: &Vec<u8>| shown(&signed(&with(&[(7, der)], None)), &["--entitlements"]);
    let truth = tlv(1, &[0xff]);
    let inner = tlv(0xb0, &tlv(0x30, &[utf8("a"), truth.clone()].concat()));
    let array = |items: &[&Vec<u8>]| {
        let items: Vec<u8> = items.iter().copied().flatten().copied().collect();
        valued(&tlv(0x30, &items))
    };
    for (value, line) in [
        (integer(i64::MAX as u64), "\t\t[Int] 9223372036854775807"),
        (
            tlv(2, &[0x80, 0, 0, 0, 0, 0, 0, 0]),
            "\t\t[Int] -9223372036854775808",
        ),
        (utf8("te<x>t"), "\t\t[String] te<x>t"),
        (tlv(0x30, &[]), "\t\t[Array]"),
        (tlv(0xb0, &[]), "\t\t[Dict]"),
    ] {
        let said = show(&valued(&value));
        assert_eq!(
            said,
            Said::new(0, &["[Dict]", "\t[Key] test", "\t[Value]", line], &[EXECUTABLE])
        );
    }
    let (text, number) = (utf8("s"), integer(1));
    let said = show(&array(&[&text, &utf8("t")]));
    assert_eq!(
        said.output[3..],
        ["\t\t[Array]", "\t\t\t[String] s", "\t\t\t[String] t"]
    );
    let refused = Said::new(
        65,
        &[],
        &[EXECUTABLE, "codesign: could not validate entitlement data"],
    );
    for mixed in [&[&text, &truth][..], &[&number, &truth], &[&text, &inner, &truth]] {
        assert_eq!(show(&array(mixed)), refused, "{mixed:?}");
    }
    for fine in [&[&text, &inner][..], &[&inner, &truth]] {
        assert_eq!(show(&array(fine)).status, 0, "{fine:?}");
    }
    // Bound, and not to be decoded.
    assert_eq!(show(&blob(0xfade_7172, &[0x70, 0x02, 9, 9])), refused);
}

/// 6.4.
#[test]
fn requirements_by_the_state_of_their_slot() {
    let set = RequirementSet::from_text("designated => always")
        .unwrap()
        .to_blob();
    let signer = with(&[(2, &set)], None);
    let good = signed(&signer);
    let show = |bytes: &[u8]| shown(bytes, &["-r"]);
    let stored = Said::new(0, &["designated => always"], &[EXECUTABLE]);
    assert_eq!(show(&good), stored);
    let mut changed = good.clone();
    let at = position(&good, &[0xfa, 0xde, 0x0c, 0x01]);
    changed[at + 35] ^= 1;
    for bytes in [changed, without(&signer, 2)] {
        let said = shown(&bytes, &["-vv", "-r"]);
        assert_eq!((said.status, said.output), (1, vec![]));
        assert_eq!(
            said.error.last().unwrap(),
            "input: invalid signature (code or signature have been modified)"
        );
        let has_count = said
            .error
            .iter()
            .any(|line| line.starts_with("Internal requirements"));
        assert!(!has_count, "left out with -r");
    }
    // A digest of zeros: the default. A damaged page: what was stored.
    let zero: fn(&mut Vec<u8>) = |directory| {
        let place = slot(directory, 2);
        directory[place].fill(0);
    };
    let (bytes, hash) = with(&[(2, &set)], Some(zero)).sign(&thin(), Bound::default());
    assert_eq!(
        show(&bytes).output,
        [format!("# designated => cdhash H\"{}\"", hex(&hash))]
    );
    let mut page = good;
    page[0xff0] ^= 1;
    assert_eq!(show(&page), stored);
    // A CMS that is wrong, with a requirement of its own.
    let mut cms = CmsSigner::new(&pki::self_signed(Key::P256(3)).self_signed());
    cms.breaks_signature = true;
    let mut signer = certified("x", cms);
    signer.special.insert(2, set);
    let said = shown(&signed(&signer), &["-vv", "-r"]);
    assert_eq!(said.output, ["designated => always"]);
    assert!(said.error.contains(&"Authority=(unavailable)".to_owned()));
}

/// 6.3.
#[test]
fn default_requirements() {
    let slices = [x86_64(&[1; 100]), thin()];
    let (bytes, hashes) = adhoc("x").sign_all(&slices, Bound::default());
    let line = |index: usize| format!("cdhash H\"{}\"", hex(&hashes[index]));
    assert_eq!(
        shown(&bytes, &["-r"]).output,
        [format!("# designated => {} or {}", line(1), line(0))]
    );
    for (index, arch) in [(0, "x86_64"), (1, "arm64")] {
        assert_eq!(
            shown(&bytes, &["-r", "-a", arch]).output,
            [format!("# designated => {}", line(index))]
        );
    }
    // Private chains: the highest certificate of the organisation that the leaf names.
    let ca = |name: &str, key: u8, organisation: Option<&str>| {
        let mut template = Template::new(name, Key::P256(key))
            .with(&[pki::basic_constraints(true, None), pki::key_usage(0x06)]);
        if let Some(organisation) = organisation {
            template
                .subject
                .push((pki::ORGANIZATION, organisation.to_owned()));
        }
        template
    };
    let chain = |root: Option<&str>, authority: Option<&str>, leaf: Option<&str>| {
        let root = ca("Root", 31, root).self_signed();
        let authority = ca("Authority", 32, authority).issued_by(&root);
        let mut template = pki::self_signed(Key::P256(33));
        if let Some(leaf) = leaf {
            template.subject.push((pki::ORGANIZATION, leaf.to_owned()));
        }
        template.issued_by(&authority)
    };
    for (leaf, expected) in [
        (chain(Some("O"), Some("O"), Some("O")), "root"),
        (chain(None, Some("O"), Some("O")), "1"),
        (chain(None, None, Some("O")), "leaf"),
        (pki::self_signed(Key::P256(3)).self_signed(), "leaf"),
    ] {
        let said = shown(&signed(&certified("x", CmsSigner::new(&leaf))), &["-r"]);
        let start = format!("# designated => identifier x and certificate {expected} = H\"");
        assert!(said.output[0].starts_with(&start), "{expected}: {said:?}");
    }
}
