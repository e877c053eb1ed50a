//! Rules about the archive that the item lies in, or that it is (R295, R296): what becomes of it when it is unpacked on a Mac.
//!
//! All members of the archive count, also those beside the item: with another tool, they may end up in it. Only what is damaged was met
//! when the item was read; contents of which no rule and no verdict asks are not looked at.

use std::collections::HashSet;

use super::{Check, Family, Rule};
use crate::finding::{Party, Place};
use crate::remedy::{Step, run};
use crate::source::{Container, ContainerFaultKind};
use crate::verify::{CodeKind, CodeObject};

/// Members that are named in one finding.
const MAX_PLACES: usize = 20;
const MODES: &str = "zip-without-unix-modes";
/// The rule about archives that can be read in more than one way.
pub(crate) const HYGIENE: &str = "zip-hygiene";
/// The rules of this module; what may be the cause of the others comes last.
pub(super) const ABOUT_ARCHIVES: [&str; 2] = [MODES, HYGIENE];
const PACK: Step = run!["ditto" "-c" "-k" "--sequesterRsrc" "--keepParent" (Value "APP") Archive];
const PACK_AGAIN: &[Step] = &[
    Step::Say("pack the product of your build again on a Mac, with a tool that keeps links and modes"),
    PACK,
];

/// For members that no one can read without a password.
const PACK_WITHOUT_PASSWORD: Advised = Advised {
    explanation: "Without the password, sealcheck cannot read these members, and neither can the notary service: nothing in them was checked. A password on the archive adds nothing to the signature of what is in it, and users have to type it before they can open the product.",
    steps: &[
        Step::Say("make an archive without a password, which can be checked and notarized, on a Mac"),
        PACK,
        Step::Or,
        Step::Say("if the archive must have a password, check what you pack before you pack it"),
        run!["sealcheck" (Value "APP")],
    ],
};
/// For members that arrive in another state than they were packed.
const GET_UNDAMAGED: Advised = Advised {
    explanation: "What these members unpack to is not what the archive says of them, or their data cannot be unpacked at all. The archive was cut off, or its bytes were changed after it was made: by a download that broke off, by a transfer as text, or by a program that edits archives. Some tools unpack such members and some refuse, so the item in the archive is not judged.",
    steps: &[
        Step::Say("get the archive again, and compare its digest with that of the original"),
        run!["shasum" "-a" "256" Archive],
        Step::Or,
        Step::Say("if the original is damaged, make it again on a Mac, and check it before you ship it"),
        PACK,
        run!["sealcheck" Archive],
    ],
};
/// For members that only other tools unpack.
const PACK_USUALLY: Advised = Advised {
    explanation: "macOS unpacks members that are stored as they are or compressed with Deflate. These are compressed in another way, such as with bzip2, LZMA or Zstandard, so that users cannot open the archive with Archive Utility, and the notary service cannot look into it. sealcheck does not read them either: nothing in them was checked.",
    steps: &[
        Step::Say("make an archive with the usual compression on a Mac"),
        PACK,
    ],
};

/// What is said in place of the rule's own explanation and remedy.
struct Advised {
    explanation: &'static str,
    steps: &'static [Step],
}

/// Returns the advice about members that cannot be read; the rule's own is about archives that can be read in several ways.
fn advised(kind: ContainerFaultKind) -> Option<&'static Advised> {
    match kind {
        ContainerFaultKind::Encrypted => Some(&PACK_WITHOUT_PASSWORD),
        ContainerFaultKind::Damaged => Some(&GET_UNDAMAGED),
        ContainerFaultKind::Method => Some(&PACK_USUALLY),
        _ => None,
    }
}

/// What is said of each kind of fault, and of each of its members.
const SENTENCES: [(ContainerFaultKind, &str, &str); 15] = [
    (
        ContainerFaultKind::Backslash,
        "names with a backslash, which on a Mac is an ordinary character and no folder",
        "has a backslash",
    ),
    (
        ContainerFaultKind::Encrypted,
        "members that a password protects",
        "encrypted",
    ),
    (
        ContainerFaultKind::Method,
        "members that are compressed in a way that macOS does not unpack",
        "another compression",
    ),
    (
        ContainerFaultKind::Name,
        "names that lead out of the archive or nowhere",
        "not unpacked",
    ),
    (
        ContainerFaultKind::Duplicate,
        "several members of one path; which one is kept depends on the tool",
        "there twice",
    ),
    (
        ContainerFaultKind::Case,
        "paths that differ in case only, which a usual volume of macOS takes for one",
        "another case",
    ),
    (
        ContainerFaultKind::ThroughFile,
        "paths that go through a file or a link, which tools refuse",
        "not unpacked",
    ),
    (
        ContainerFaultKind::Form,
        "members that are folders by their names or by their attributes, but not by both",
        "file or folder",
    ),
    (
        ContainerFaultKind::Beside,
        "attributes beside the file that they belong to: some of Apple's tools attach them, others leave a file there",
        "holds attributes",
    ),
    (
        ContainerFaultKind::Damaged,
        "members that are not what it says of them: broken data, another size or another checksum",
        "damaged",
    ),
    (
        ContainerFaultKind::Ambiguous,
        "members that have another name, size or form beside their data than in the directory; Apple's tools take different sides",
        "two descriptions",
    ),
    (
        ContainerFaultKind::Hidden,
        "members that the directory does not know, and that only tools unpack which read it from front to back",
        "hidden",
    ),
    (
        ContainerFaultKind::End,
        "records at its end that contradict each other, so that tools may find different directories",
        "",
    ),
    (ContainerFaultKind::Leading, "bytes in front of the archive", ""),
    (
        ContainerFaultKind::Trailing,
        "bytes behind the archive, with which some of Apple's tools lose links and execute bits",
        "",
    ),
];

/// What is unusual about the archive that the item lies in, or that it is.
fn container<'a>(check: &Check<'a>) -> Option<&'a Container> {
    let evidence = check.evidence();
    evidence.container.as_ref().or(evidence.as_archive.as_ref())
}

fn places<'a>(names: impl Iterator<Item = &'a str>, container: &Container, note: &'static str) -> Vec<Place> {
    names
        .take(MAX_PLACES)
        .map(|name| Place {
            path: format!("{}/{name}", container.path),
            note,
        })
        .collect()
}

/// Returns true if the modes that are missing matter to the item: a program or script is among the files, or links may be, so that the
/// seal is broken. Documents, installer packages and disk images are the same without modes.
fn needs_modes(check: &Check<'_>, container: &Container) -> bool {
    let evidence = check.evidence();
    let inner = evidence.path.strip_prefix(&container.path).unwrap_or_default();
    let inner = inner.trim_matches('/');
    let is_program = |object: &CodeObject| {
        let mut slices = object.slices.iter();
        object.is_script || slices.any(|slice| slice.file_type.is_some_and(|found| found.is_execute()))
    };
    let modeless: HashSet<&str> = container.modeless.iter().map(String::as_str).collect();
    let is_modeless = |object: &CodeObject| {
        let path = format!("{inner}/{}", object.main_path());
        modeless.contains(path.trim_matches('/'))
    };
    let mut programs = evidence.code.iter().filter(|object| is_program(object));
    let is_bundle = evidence
        .code
        .first()
        .is_some_and(|item| matches!(item.kind, CodeKind::Bundle(_)));
    programs.any(is_modeless) || is_bundle && evidence.codesign.valid() != Some(true)
}

fn modes(check: &mut Check<'_>) {
    let Some(container) = container(check) else {
        return;
    };
    let Some(first) = container.modeless.first() else {
        return;
    };
    if !needs_modes(check, container) {
        return;
    }
    let message = match container.modeless.len() {
        1 => format!("{first} has no Unix mode in the archive"),
        count => format!("{count} files have no Unix modes in the archive, {first} among them"),
    };
    check.file("", message);
}

fn hygiene(check: &mut Check<'_>) {
    let Some(container) = container(check) else {
        return;
    };
    for (kind, message, found) in faults_by_kind(container) {
        let finding = check.file("", message);
        finding.places = found;
        if let Some(advised) = advised(kind) {
            finding.explanation = advised.explanation;
            finding.facts.steps = Some(advised.steps);
        }
    }
}

/// What is wrong with an archive: a message for each kind of fault, with the members that it is about.
#[cfg(feature = "report")]
pub(crate) fn container_faults(container: &Container) -> Vec<(String, Vec<Place>)> {
    let faults = faults_by_kind(container).into_iter();
    faults.map(|(_, message, places)| (message, places)).collect()
}

fn faults_by_kind(container: &Container) -> Vec<(ContainerFaultKind, String, Vec<Place>)> {
    let mut messages = Vec::new();
    for (kind, sentence, note) in SENTENCES {
        let faults = || container.all_faults().filter(|fault| fault.kind == kind);
        if faults().next().is_some() {
            let names = faults().filter_map(|fault| fault.member.as_deref());
            messages.push((
                kind,
                format!("the archive has {sentence}"),
                places(names, container, note),
            ));
        }
    }
    messages
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: MODES,
        family: Family::Files,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::MacOs],
        title: "the archive does not say what is executable and what is a link",
        catalogue: "R295",
        explanation: "An archive in ZIP form keeps execute bits and links only if the program that made it wrote Unix attributes. Those of Windows and of many libraries do not: unpacked on a Mac, programs cannot be started, and links are small text files, so that the seal is broken. Whatever else is found in the item is judged without them, as the Mac will see it.",
        remedy: PACK_AGAIN,
        reference: "https://developer.apple.com/documentation/xcode/packaging-mac-software-for-distribution",
        check: modes,
        ..Rule::BASE
    },
    Rule {
        id: HYGIENE,
        family: Family::Files,
        rejected_by: &[Party::Gatekeeper, Party::Notary],
        title: "the archive can be read in more than one way",
        catalogue: "R296",
        explanation: "Archive Utility, ditto, tar and the notary service read archives with different programs: some believe the central directory at the end, some the header in front of each member, some both. Where these disagree, or names are such that one tool puts them elsewhere or nowhere, your users may get another item than the one that was judged, also by a member that lies beside it. sealcheck believes the central directory, and takes the last member of a path.",
        remedy: PACK_AGAIN,
        reference: "https://developer.apple.com/documentation/xcode/packaging-mac-software-for-distribution",
        check: hygiene,
        ..Rule::BASE
    },
];
