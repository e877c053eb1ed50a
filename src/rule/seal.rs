//! Rules about bundles and their resource seal (R005, R007–R010, R013–R015, R020).

use crate::remedy::{Condition, Fact, Facts, SIGN, Sign, Step, Word, run};
use std::collections::HashSet;
use std::path::Path;

use super::check::Description;
use super::normalization::renamed;
use super::{Family, Rule, displaced, misplaced};
use crate::bundle::{LayoutFault, ScanFault};
use crate::finding::{Party, Place, Severity};
use crate::verify::{CodeKind, CodeObject, Fault, FaultKind, LinkProblem, OsStatus, RequirementFault};

const SIGN_AGAIN: &[Step] = &[
    Step::Say(
        "find the step that writes into the bundle, move it before signing, then sign from the inside out",
    ),
    SIGN,
];

/// For a bundle that is one by the signature of the program in it.
const RESTORE_INFO_PLIST: &[Step] = &[
    Step::Say(
        "put Info.plist, and every folder that was renamed, back in its place, as they were signed; then nothing has to be signed again",
    ),
    Step::Or,
    Step::Say("where the signed Info.plist is lost, write a new one and sign again"),
    SIGN,
];

/// For a folder without any code.
const NAME_THE_CODE: &[Step] = &[Step::Say(
    "name the app, tool or archive that is to be checked, or a folder that contains one; if the build should have put one here, find out why it did not",
)];

/// A sentence with what happened to how many files; `None` if nothing did. An added file is in no seal, so none is called sealed.
fn changes(numbers: &[(usize, &str)]) -> Option<String> {
    let happened = numbers.iter().filter(|(count, _)| *count > 0);
    let parts = happened.enumerate().map(|(index, (count, verb))| {
        let (noun, be) = match count {
            1 => ("file ", "was"),
            _ => ("files ", "were"),
        };
        let noun = if index == 0 { noun } else { "" };
        format!("{count} {noun}{be} {verb}")
    });
    let parts: Vec<String> = parts.collect();
    let (last, others) = parts.split_last()?;
    Some(match others {
        [] => format!("{last} after signing"),
        others => format!("{} and {last} after signing", others.join(", ")),
    })
}

/// The path of a file with this name, where a fault is about the file or about its folder.
fn place_of(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path if path.rsplit('/').next() == Some(name) => path.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "not-a-bundle",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper],
        title: "the directory is no bundle",
        catalogue: "",
        explanation: "A bundle has an Info.plist or a main executable at the place where macOS looks for it: in Contents, in Versions/Current, or at the top. macOS cannot verify a folder that has neither, whatever else is in it. A folder without any code is one as well: nothing was checked in it, so it does not pass.",
        remedy: &[Step::Say(
            "name the bundle itself (NAME.app, NAME.framework), not the folder around it; if it is the bundle, restore its Info.plist",
        )],
        check: |check| {
            let evidence = check.evidence();
            let is_hidden = |object: &CodeObject| {
                let is_one = |fault: &Fault| matches!(fault.kind, FaultKind::Bundle(_));
                object.faults.iter().any(is_one) && evidence.may_hide_names(&object.path)
            };
            if let Some(object) = evidence.code.iter().find(|object| is_hidden(object)) {
                let path = object.path.clone();
                check.unknown(&path, "its folder could not be listed");
                return;
            }
            // A folder that stands for itself because nothing was found in it.
            let is_named_plainly = Path::new(evidence.name()).extension().is_none();
            let is_plain = |object: &&CodeObject| {
                let is_unfit = |fault: &Fault| matches!(fault.kind, FaultKind::Bundle(_));
                is_named_plainly
                    && object.path.is_empty()
                    && object.kind == CodeKind::Generic
                    && object.faults.iter().any(is_unfit)
            };
            if let Some(object) = evidence.code.first().filter(is_plain) {
                let status = object.faults.iter().find_map(Fault::status);
                let finding = check.object(object, "this is a folder in which no signed code was found");
                finding.status = status;
                finding.facts.steps = Some(NAME_THE_CODE);
                return;
            }
            let without_info_plist = |path: &str| {
                let program = displaced::programs(evidence, path).first().copied()?;
                let message = format!(
                    "there is no Info.plist where macOS looks for it, so that this is not a bundle; {program} was signed as its main executable"
                );
                let mut description = Description::from(message);
                description.facts.steps = Some(RESTORE_INFO_PLIST);
                description.facts.like = Some(program.to_owned());
                Some(description)
            };
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Bundle(error) => {
                    Some(without_info_plist(&fault.path).unwrap_or_else(|| error.to_string().into()))
                }
                _ => None,
            });
        },
        follows_from: &["framework-flattened"],
        follows_from_outer: &["nested-bundle-malformed", "dotted-folder-among-code"],
        ..Rule::BASE
    },
    Rule {
        id: "sealed-resource-broken",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "files were added, changed or removed after signing",
        catalogue: "R005",
        explanation: "The seal in _CodeSignature/CodeResources lists every file of the bundle with its digest. One file more, less or different breaks it. Usual causes: a build step that runs after signing; a program that writes into its own bundle (Python byte code, logs, updates); a copy that lost links or changed line ends.",
        remedy: SIGN_AGAIN,
        check: |check| {
            let folders = check.broken_folders().iter();
            let explained: HashSet<&str> = folders.map(|folder| folder.path.as_str()).collect();
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Resources {
                    added,
                    modified,
                    missing,
                    nested,
                } => {
                    let renamed: HashSet<&String> = renamed(added, missing)
                        .into_iter()
                        .flat_map(|(path, sealed)| [path, sealed])
                        .collect();
                    let is_explained = |path: &String| {
                        misplaced::is_apple_double(path)
                            || explained.contains(path.as_str())
                            || renamed.contains(path)
                    };
                    let nested: HashSet<&String> = nested.iter().collect();
                    // There may be a million.
                    let added: Vec<&String> = added.iter().filter(|path| !is_explained(path)).collect();
                    let missing: Vec<&String> =
                        missing.iter().filter(|path| !renamed.contains(path)).collect();
                    let modified: Vec<&String> =
                        modified.iter().filter(|path| !nested.contains(path)).collect();
                    let counts = [
                        (&added, "added", "added"),
                        (&modified, "modified", "modified"),
                        (&missing, "missing", "removed"),
                    ];
                    let numbers = counts.map(|(paths, _, verb)| (paths.len(), verb));
                    let message = changes(&numbers)?;
                    let places = counts
                        .iter()
                        .flat_map(|(paths, word, _)| {
                            paths.iter().map(move |path| Place {
                                path: (*path).clone(),
                                note: word,
                            })
                        })
                        .collect();
                    Some(Description {
                        message,
                        places,
                        facts: Facts::default(),
                    })
                }
                _ => None,
            });
        },
        follows_from: &["framework-flattened", "profile-not-sealed"],
        ..Rule::BASE
    },
    Rule {
        id: "seal-invalid",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "the bundle has no usable resource seal",
        catalogue: "R005, R235",
        explanation: "A signed bundle needs _CodeSignature/CodeResources, and the signature must cover it. Without it nothing in the bundle but the main executable is protected, and macOS refuses the bundle. Signing the executable alone, or copying it without the _CodeSignature folder, causes this; with a Java runtime, whose executable is Contents/MacOS/libjli.dylib, it happens easily.",
        remedy: &[
            Step::Say("sign the bundle, not the file in it"),
            Step::Sign(Sign {
                at: Word::Text("NAME.app"),
                ..Sign::KEPT
            }),
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::SealAbsent => {
                    Some("the signature covers no resource seal (_CodeSignature/CodeResources)".to_owned())
                }
                FaultKind::Seal(error) => Some(format!("the resource seal cannot be used: {error}")),
                FaultKind::Scan(ScanFault::MalformedEntry) => {
                    Some("the entry of this file in the resource seal makes no sense".to_owned())
                }
                _ => None,
            });
        },
        follows_from: &["linker-signed-bundle"],
        follows_from_outer: &["framework-flattened"],
        ..Rule::BASE
    },
    Rule {
        id: "resource-envelope-obsolete",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "the resource seal is of an obsolete form",
        catalogue: "R007, R237",
        explanation: "Seals of version 1 (before OS X 10.9), and seals with custom rules that leave files out, do not protect the whole bundle: code can hide where they do not reach. Strict validation and Gatekeeper refuse both.",
        remedy: &[
            Step::Say("sign with a current codesign and without --resource-rules"),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::SealVersion1 => Some("the resource seal is of version 1".to_owned()),
                FaultKind::SealWeak => {
                    Some("the rules of the resource seal leave out files that Apple's rules cover".to_owned())
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "nested-code-replaced",
        family: Family::Nesting,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "nested code is not the code that was sealed",
        catalogue: "R008, R236",
        explanation: "The seal of a bundle demands a requirement of every nested bundle and library: for Developer ID code the same identifier and team, for ad-hoc code exactly the same code. Nested code that was exchanged, or signed again by somebody else after the outer bundle was sealed, does not satisfy it. Signing from the outside in does the same to ad-hoc code.",
        remedy: &[Step::Say("sign from the inside out, the outer bundle last"), SIGN],
        check: |check| {
            for object in &check.evidence().code {
                for fault in &object.faults {
                    let FaultKind::Resources { nested, .. } = &fault.kind else {
                        continue;
                    };
                    for path in nested {
                        let message =
                            "the code here does not satisfy the requirement that the seal around it demands";
                        let finding = check.object(object, message);
                        finding.path.clone_from(path);
                        finding.status = Some(OsStatus::BAD_NESTED_CODE);
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "nested-code-resigned",
        family: Family::Nesting,
        severity: Severity::Note,
        rejected_by: &[],
        title: "nested code was signed again after the bundle around it",
        catalogue: "",
        explanation: "The seal also records the cdhash that nested code had when it was sealed. macOS does not look at it, and the code satisfies the requirement that counts: it was signed again by the same signer.",
        remedy: &[
            Step::Say("nothing has to be done; to have both agree, sign the outer bundle again"),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| {
                (fault.kind == FaultKind::NestedReplaced)
                    .then_some("the code here was signed again after the bundle around it was sealed")
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "symlink-escapes-bundle",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Notary],
        title: "a link in the bundle leads nowhere, or out of what the seal covers",
        catalogue: "R013, R286",
        explanation: "Under strict rules every sealed link must lead to something that this bundle, or one around it, has sealed; absolute links may lead into /System and /Library only. Links into the build machine's folders are usually left over from packaging.",
        remedy: &[
            Step::Say("remove the link or make it relative to a file in the bundle, then sign again"),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::LinkUnopened(LinkProblem::Missing) => Some("this link leads nowhere"),
                FaultKind::LinkUnopened(LinkProblem::Loop) => Some("this link leads back to itself"),
                FaultKind::LinkUnopened(_) => Some("this link treats a file as a folder"),
                FaultKind::LinkDestination => Some("this link leads out of what the seal covers"),
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "xattr-detritus",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Notary],
        title: "a file carries a resource fork or Finder information",
        catalogue: "R016",
        explanation: "Signed code may not carry a resource fork or Finder information: both change how a file behaves, and no seal covers them. The Finder, some archivers and cloud folders attach them.",
        remedy: &[
            Step::Say("remove the attributes and sign again"),
            run!["xattr" "-cr" Code],
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Sideband { attribute, .. } => {
                    Some(format!("{attribute} is attached to this file"))
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "framework-version-broken",
        family: Family::Nesting,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper],
        title: "another version inside of a framework does not verify",
        catalogue: "R011",
        explanation: "A nested framework is verified with all its versions, not only the current one. Each must be signed and must satisfy the requirement that the surrounding seal holds for the framework.",
        remedy: &[
            Step::Say(
                "remove versions that nobody uses, or sign each of them, then sign the outer bundle again",
            ),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::FrameworkVersion { version, .. } => Some(format!("{version} is not valid")),
                _ => None,
            });
        },
        follows_from: &["framework-flattened"],
        ..Rule::BASE
    },
    Rule {
        id: "requirement-cannot-be-evaluated",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "no requirement can be evaluated on this code",
        catalogue: "R031",
        explanation: "Before macOS evaluates any requirement it reads Info.plist and the entitlements. If one of them is covered by the signature but cannot be decoded, or if the requirement itself is malformed, every check that needs a requirement fails: Gatekeeper always does.",
        remedy: &[
            Step::Say("repair Info.plist, entitlements or requirement, then sign again"),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Requirement(fault) => Some(fault.to_string()),
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "designated-requirement-unsatisfied",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper],
        title: "the code does not satisfy its own designated requirement",
        apple: "amfid: \"Broken signature with Team ID fatal\"; the process ends with \"Killed: 9\"",
        catalogue: "R029",
        explanation: "The designated requirement says what other code must satisfy to count as the same app: for updates, keychain items and privacy permissions. Code that does not satisfy its own is never the same as itself: codesign -v fails, and macOS asks for every permission again. If the code has a team identifier, AMFI kills it when it starts.",
        remedy: &[
            Step::Say("sign again without --requirements, or with a requirement that fits"),
            SIGN,
        ],
        check: |check| {
            for object in &check.evidence().code {
                for slice in &object.slices {
                    let Some(designated) = &slice.designated else {
                        continue;
                    };
                    let message = match &designated.is_satisfied {
                        Ok(Some(false)) => format!("the code does not satisfy: {}", designated.requirement),
                        // Other rules speak about these causes.
                        Err(
                            RequirementFault::InfoPlist
                            | RequirementFault::Entitlements
                            | RequirementFault::EntitlementsSource,
                        ) => continue,
                        Err(fault) => format!("the designated requirement cannot be evaluated: {fault}"),
                        Ok(_) => continue,
                    };
                    let finding = check.slice(object, slice, message);
                    if slice.team_id.is_some() {
                        finding.rejected_by = vec![Party::Codesign, Party::Gatekeeper, Party::Amfi];
                    }
                }
            }
        },
        follows_from: &["installer-and-application-certificates-swapped"],
        ..Rule::BASE
    },
    Rule {
        id: "bundle-root-unsealed",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "something lies where no seal covers it",
        catalogue: "R009, R010",
        explanation: "The root of an app holds nothing but Contents; the root of a framework holds nothing but Versions and links into the current version; _CodeSignature holds nothing but the signature. Whatever else lies there is covered by no seal, and strict validation refuses the bundle. Copies that turn links into files cause this in frameworks.",
        remedy: &[
            Step::Say(
                "move the file into Contents/Resources (app) or Versions/A/Resources (framework); copy bundles with ditto or tar, which keep links; then sign again",
            ),
            Step::If(
                Condition::Knows("PLACE"),
                &[
                    run!["mkdir" "-p" (Support "Resources")],
                    run!["mv" "-n" (Value "PLACE") (Support "Resources/")],
                ],
                &[],
            ),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| {
                let mut facts = Facts::default();
                if let FaultKind::Layout(
                    LayoutFault::UnsealedRoot { name }
                    | LayoutFault::UnsealedFrameworkRoot { name }
                    | LayoutFault::MetaGuest { name },
                ) = &fault.kind
                {
                    facts.record(vec![("PLACE", Fact::Path(place_of(&fault.path, name)))]);
                }
                let message = match &fault.kind {
                    FaultKind::Layout(
                        LayoutFault::UnsealedRoot { name }
                        | LayoutFault::UnsealedFrameworkRoot { name }
                        | LayoutFault::MetaNotAFile { name }
                        | LayoutFault::MetaGuest { name },
                    ) if misplaced::is_apple_double(name) => None,
                    FaultKind::Layout(LayoutFault::UnsealedRoot { name }) => {
                        Some(format!("{name} lies beside Contents, where no seal covers it"))
                    }
                    FaultKind::Layout(LayoutFault::UnsealedFrameworkRoot { name }) => Some(format!(
                        "{name} does not belong in the framework's root, where no seal covers it"
                    )),
                    FaultKind::Layout(LayoutFault::MetaNotADirectory) => {
                        Some("_CodeSignature is a file, where a folder belongs".to_owned())
                    }
                    FaultKind::Layout(LayoutFault::MetaLoop) => {
                        Some("_CodeSignature is a link that leads in a circle".to_owned())
                    }
                    FaultKind::Layout(LayoutFault::MetaOutside) => {
                        Some("_CodeSignature is a link that leads out of the item".to_owned())
                    }
                    FaultKind::Layout(LayoutFault::MetaNotAFile { name }) => {
                        Some(format!("{name} in _CodeSignature is not a plain file"))
                    }
                    FaultKind::Layout(LayoutFault::MetaGuest { name }) => {
                        Some(format!("{name} does not belong in _CodeSignature"))
                    }
                    _ => None,
                }?;
                Some(Description {
                    message,
                    places: Vec::new(),
                    facts,
                })
            });
        },
        follows_from: &["framework-flattened"],
        ..Rule::BASE
    },
    Rule {
        id: "unsupported-file-in-bundle",
        family: Family::Files,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper],
        title: "the bundle holds a link or special file where macOS wants a plain file",
        catalogue: "R013, R014, R015, R292",
        explanation: "The main executable and Info.plist must be plain files, not links; .DS_Store must not be a link; pipes, sockets and devices have no place in a bundle. A framework whose outer links lead to another version than Versions/Current is ambiguous.",
        remedy: &[
            Step::Say("replace the link by the file it leads to, remove special files, then sign again"),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Layout(LayoutFault::NotRegular { .. }) => {
                    Some("the main executable and Info.plist must be plain files, not links".to_owned())
                }
                FaultKind::Layout(LayoutFault::Ambiguous) => Some(
                    "the executable or Info.plist in the root is not that of the current version".to_owned(),
                ),
                FaultKind::Scan(ScanFault::DsStoreSymlink) => Some(".DS_Store is a link".to_owned()),
                FaultKind::Scan(ScanFault::NotSupported) => {
                    Some("neither a file, a directory nor a link".to_owned())
                }
                _ => None,
            });
        },
        follows_from: &["framework-flattened"],
        ..Rule::BASE
    },
];

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn changes_are_counted_by_what_happened() {
        assert_eq!(changes(&[(0, "added"), (0, "removed")]), None);
        for (numbers, sentence) in [
            ([(1, "added"), (0, "removed")], "1 file was added after signing"),
            (
                [(0, "added"), (2, "removed")],
                "2 files were removed after signing",
            ),
            (
                [(1, "added"), (2, "removed")],
                "1 file was added and 2 were removed after signing",
            ),
        ] {
            assert_eq!(changes(&numbers).as_deref(), Some(sentence));
        }
        assert_eq!(
            changes(&[(3, "added"), (1, "modified"), (1, "removed")]).as_deref(),
            Some("3 files were added, 1 was modified and 1 was removed after signing")
        );
    }
}
