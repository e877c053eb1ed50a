//! What could not be read, so that nothing may be concluded about it.

use super::remedy::quoted;
use super::{Family, Rule};
use crate::archive::ArchiveFormat;
use crate::finding::Severity;
use crate::verify::FaultKind;

pub(super) const RULES: &[Rule] = &[
    NOT_FULLY_READ,
    LIMIT_REACHED,
    NOT_ALL_VERIFIED,
    CONTAINER_NOT_READ,
];

const CONTAINER_NOT_READ: Rule = Rule {
    id: "container-not-read",
    family: Family::Files,
    severity: Severity::Error,
    rejected_by: &[],
    title: "a disk image, installer package or archive of which nothing was checked",
    catalogue: "",
    explanation: "sealcheck unpacks archives in ZIP form, and no disk images, installer packages or other archives. Nothing in this file was checked, and neither was the signature that a disk image or a package can have itself.",
    remedy: "check what goes into it, before it is packed:  sealcheck FOLDER   and what came of it on a Mac:  spctl --assess --type install -vv PATH",
    check: |check| {
        let evidence = check.evidence();
        let Some(name) = evidence.unread_format() else {
            return;
        };
        if evidence
            .code
            .iter()
            .flat_map(|item| &item.faults)
            .all(|fault| fault.kind != FaultKind::Unsigned)
        {
            // Signed from outside.
            return;
        }
        let (message, instead) = match name {
            ArchiveFormat::DISK_IMAGE => (
                "a disk image",
                "spctl --assess --type open --context context:primary-signature -vv PATH",
            ),
            ArchiveFormat::PACKAGE => ("an installer package", "spctl --assess --type install -vv PATH"),
            other => (other, ""),
        };
        let message = format!("this is {message}, which sealcheck does not read: nothing in it was checked");
        let path = evidence.path.clone();
        let finding = check.file("", message);
        if name == ArchiveFormat::DISK_IMAGE {
            // Neither accepted nor refused: the exit status is that of an item that is not judged.
            finding.severity = Severity::Warning;
        }
        finding.remedy = match instead {
            "" => format!(
                "unpack it, and check what comes out:  mkdir unpacked && tar -xf {} -C unpacked && sealcheck unpacked",
                quoted(&path)
            ),
            instead => format!(
                "check what goes into it, before it is packed:  sealcheck FOLDER   and what came of it on a Mac:  {}",
                instead.replace("PATH", &quoted(&path))
            ),
        };
    },
    ..Rule::BASE
};

const NOT_FULLY_READ: Rule = Rule {
    id: "not-fully-read",
    family: Family::Files,
    severity: Severity::Warning,
    rejected_by: &[],
    title: "part of the item could not be read",
    catalogue: "",
    explanation: "A file or folder could not be read. What is in it was not checked, so the item is not judged as a whole.",
    remedy: "make everything in the item readable for the user who runs sealcheck:  chmod -R u+rX PATH",
    check: |check| {
        for unread in &check.evidence().unread {
            if unread.limit.is_none() {
                check.file(&unread.path, unread.reason.clone());
            }
        }
    },
    ..Rule::BASE
};

pub(super) const LIMIT_REACHED: Rule = Rule {
    id: "limit-reached",
    family: Family::Files,
    severity: Severity::Warning,
    rejected_by: &[],
    title: "a limit of sealcheck was reached",
    catalogue: "",
    explanation: "Something in the item is larger, deeper or more numerous than sealcheck reads, so that no input can take all memory or time. macOS has no such limit: what lies behind it was not checked, and the item is not judged. Products do not come near; files that were made to confuse do.",
    remedy: "find out where the file comes from; where it is meant to be so, raise the limit if it is one that can be set:  sealcheck check --limit NAME=NUMBER PATH",
    check: |check| {
        let evidence = check.evidence();
        if let Some(over) = evidence.budget().spent() {
            let finding = check.file("", over.to_string());
            finding.details.push(("limit", over.resource.name().to_owned()));
            return;
        }
        for unread in &evidence.unread {
            if let Some(name) = unread.limit {
                let finding = check.file(&unread.path, unread.reason.clone());
                finding.details.push(("limit", name.to_owned()));
            }
        }
        for archive in &evidence.archives {
            for unread in &archive.unread {
                if let Some(name) = unread.limit {
                    let place = match unread.name.to_string() {
                        name if name.is_empty() => String::new(),
                        name => format!("{name}: "),
                    };
                    let finding = check.file(&archive.path, format!("{place}{}", unread.reason));
                    finding.details.push(("limit", name.to_owned()));
                }
            }
        }
        // Those that cannot be set.
        for fault in evidence.code.iter().flat_map(|object| &object.faults) {
            if let (Some(limit), None) = (fault.limit(), fault.budget()) {
                check.file(&fault.path, limit);
            }
        }
    },
    ..Rule::BASE
};

pub(crate) const NOT_ALL_VERIFIED: Rule = Rule {
    id: "not-all-verified",
    family: Family::Files,
    severity: Severity::Note,
    rejected_by: &[],
    title: "a verdict leaves something out or takes it for granted",
    catalogue: "",
    explanation: "The options leave out a part of what `codesign --verify --deep --strict` verifies, or the item has a sealed link to /Library or /System, which macOS opens and sealcheck cannot see. A good verdict is true of the rest only.",
    remedy: "verify the item without the options that the message names; look on a Mac whether the destination of the link exists:  codesign --verify --deep --strict -vv PATH",
    check: |check| {
        for reservation in check.evidence().reservations() {
            check.file(&reservation.path, reservation.text);
        }
    },
    ..Rule::BASE
};
