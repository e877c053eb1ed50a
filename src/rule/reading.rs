//! What could not be read, so that nothing may be concluded about it.

use super::zip_archive::HYGIENE;
use super::{Family, Rule};
use crate::container::ContainerFormat;
use crate::finding::Severity;
use crate::remedy::{FRESH, Step, Word, run};
use crate::subject::Unopened;

const BEFORE: Step = Step::Say("check what goes into it, before it is packed");
const CHECK_BEFORE: &[Step] = &[
    BEFORE,
    run!["sealcheck" (Value "FOLDER")],
    Step::Say("and check the result on a Mac"),
    run!["spctl" "--assess" "--type" "install" "-vv" Code],
    LEAVE_OUT_OF_REPORT,
];
const ASK_ABOUT_IMAGE: &[Step] = &[
    BEFORE,
    run!["sealcheck" (Value "FOLDER")],
    Step::Say("and check the result on a Mac"),
    run!["spctl" "--assess" "--type" "open" "--context" "context:primary-signature" "-vv" Code],
    LEAVE_OUT_OF_REPORT,
];
const LEAVE_OUT_OF_REPORT: Step = Step::Say(
    "where its contents do not matter, leave it out with an [[ignore]] of the item, in a file that --config names if the command line demands something of every item",
);
const CHECK_CONTENTS: &[Step] = &[
    Step::Say("unpack it into a new folder, and check what comes out"),
    Step::Run(&[Word::Text(FRESH)]),
    Step::Run(&[
        Word::Text("tar"),
        Word::Text("-xf"),
        Word::Code,
        Word::Text("-C"),
        Word::Text(FRESH),
    ]),
    Step::Run(&[Word::Text("sealcheck"), Word::Text(FRESH)]),
];
const CHECK_TARGET: &[Step] = &[
    Step::Say("replace the link with what it leads to, or check that as well"),
    run!["sealcheck" (Value "TARGET")],
];
const LEAVE_OUT: &[Step] = &[Step::Say("remove it, or find out where it comes from")];

pub(super) const RULES: &[Rule] = &[
    NOT_FULLY_READ,
    LIMIT_REACHED,
    NOT_ALL_VERIFIED,
    CONTAINER_NOT_READ,
];

const CONTAINER_NOT_READ: Rule = Rule {
    id: "container-not-read",
    family: Family::Files,
    severity: Severity::Warning,
    rejected_by: &[],
    title: "nothing in a container, or at the end of a link, was checked",
    catalogue: "",
    explanation: "sealcheck opens archives in ZIP form. It does not open disk images, installer packages and other archives yet, and it does not follow links that lead out of the folder or archive that was given. Nothing in such an item was checked, and neither was the signature that a disk image or a package can have itself. A Mac user may open it all the same, so the item is not judged, and the exit status is 4.",
    remedy: CHECK_BEFORE,
    check: |check| {
        let Some(unopened) = check.evidence().unopened else {
            return;
        };
        let (message, steps) = match unopened {
            Unopened::Container(format) => {
                let steps = match format {
                    ContainerFormat::DiskImage => ASK_ABOUT_IMAGE,
                    ContainerFormat::Package => CHECK_BEFORE,
                    _ => CHECK_CONTENTS,
                };
                let noun = format.noun();
                let message =
                    format!("this is {noun}, which sealcheck cannot open yet: nothing in it was checked");
                (message, steps)
            }
            Unopened::Link => (
                "this link leads out of the operand: what it leads to was not checked".to_owned(),
                CHECK_TARGET,
            ),
            other => (format!("this is {}: it was not checked", other.noun()), LEAVE_OUT),
        };
        check.file("", message).facts.steps = Some(steps);
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
    remedy: &[
        Step::Say("make everything in the item readable for the user who runs sealcheck"),
        run!["chmod" "-R" "u+rX" Code],
    ],
    check: |check| {
        for unread in &check.evidence().unread {
            if unread.limit.is_none() {
                check.file(&unread.path, unread.reason.clone());
            }
        }
    },
    // What cannot be read in an archive is wrong with the archive.
    follows_from: &[HYGIENE],
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
    remedy: &[
        Step::Say(
            "find out where the file comes from; where it is meant to be so, raise the limit if it is one that can be set",
        ),
        run!["sealcheck" "check" "--limit" "NAME=NUMBER" Code],
    ],
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
        for archive in &check.survey().archives {
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
    remedy: &[
        Step::Say(
            "verify the item without the options that the message names; look on a Mac whether the destination of the link exists",
        ),
        run!["codesign" "--verify" "--deep" "--strict" "-vv" Code],
    ],
    check: |check| {
        for reservation in check.evidence().reservations() {
            check.file(&reservation.path, reservation.text);
        }
    },
    ..Rule::BASE
};
