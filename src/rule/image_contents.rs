//! Rules about what is in a Mach-O file and beside it: segments, encryption, an embedded Info.plist, files of the
//! linker (R209–R212, R214, R215).

use super::claims::list;
use super::image::{is_loaded, is_program};
use super::linkage::{Anchor, anchor};
use super::{Check, Family, Rule, check::Said};
use crate::finding::{Party, Place, Severity, Target};
use crate::macho::Segment;
use crate::plist::Value;
use crate::remedy::{Sign, Step, Word, run};
use crate::source::NodeId;
use crate::verify::CodeKind;

/// `MH_ALLOW_STACK_EXECUTION`.
const STACK_EXECUTION: u32 = 0x2_0000;
/// `S_ISUID`.
const SET_USER_ID: u32 = 0o4000;
/// Files that are named in one finding.
const MAX_PLACES: usize = 20;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "embedded-info-plist-mismatch",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "the Info.plist in a tool names another identifier than its signature",
        catalogue: "R209",
        explanation: "A tool with an Info.plist in its __TEXT segment has two identifiers: CFBundleIdentifier there, and the one in the signature. macOS uses now the one, now the other.",
        remedy: &[
            Step::Say("sign with the identifier of the Info.plist"),
            Step::Sign(Sign {
                identifier: Some(Word::Value("IDENTIFIER")),
                ..Sign::KEPT
            }),
        ],
        check: |check| {
            for object in &check.evidence().code {
                if object.kind != CodeKind::MachO {
                    continue;
                }
                let said = object.slices.iter().map(|slice| {
                    let named = slice
                        .info_plist
                        .as_ref()?
                        .get("CFBundleIdentifier")
                        .and_then(Value::as_str)?;
                    let signed = slice.identifier.as_deref()?;
                    let message = format!("Info.plist says {named}, the signature {signed}");
                    (named != signed).then(|| {
                        let mut said = Said::new(Severity::Warning, message);
                        said.facts.text("IDENTIFIER", named);
                        said
                    })
                });
                let said = said.collect();
                check.slices(object, said);
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "encrypted-slice",
        family: Family::Load,
        rejected_by: &[Party::Amfi],
        title: "the code is encrypted",
        catalogue: "R210",
        explanation: "LC_ENCRYPTION_INFO says that the code is encrypted, as the App Store delivers it for iOS. Only the device that it was delivered to can run it, and the digests of its pages say nothing about what will run.",
        remedy: &[Step::Say("take the code from your own build, not from a device")],
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                let number = slice.encryption.filter(|number| *number != 0)?;
                Some(Said::new(
                    Severity::Error,
                    format!("encrypted (cryptid {number})"),
                ))
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "writable-and-executable-segment",
        family: Family::Load,
        severity: Severity::Warning,
        rejected_by: &[Party::Amfi],
        title: "memory that can be written and executed",
        catalogue: "R211",
        explanation: "A segment is mapped so that it can be written and executed at once, or the header asks for an executable stack. Macs with Apple silicon do not map such memory, and the hardened runtime kills a program that has it without an exception.",
        remedy: &[Step::Say(
            "link without -allow_stack_execute and -segprot …, and sign again; what makes code while it runs uses MAP_JIT and com.apple.security.cs.allow-jit",
        )],
        reference: "https://developer.apple.com/documentation/apple-silicon/porting-just-in-time-compilers-to-apple-silicon",
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                // Old linkers wrote every protection as the most that a segment may have; what it gets first counts.
                let segments = slice.segments.iter();
                let mut found: Vec<String> = segments
                    .filter(|segment| Segment::is_writable_code(segment.first_protection))
                    .map(|segment| format!("segment {} can be written and executed", segment.name))
                    .collect();
                if is_program(slice) && slice.header_flags & STACK_EXECUTION != 0 {
                    found.push("the stack can be executed".to_owned());
                }
                (!found.is_empty()).then(|| Said::new(Severity::Warning, list(&found)))
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "object-and-archive-files",
        family: Family::Files,
        severity: Severity::Note,
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "object files, static libraries or debug symbols are shipped",
        catalogue: "R212",
        explanation: "Files for the linker and symbols for the debugger are of no use to users. They make the product larger and tell paths and names of the sources.",
        remedy: &[Step::Say(
            "leave them out of the product and sign again; keep the .dSYM for your crash reports",
        )],
        check: build_products,
        ..Rule::BASE
    },
    Rule {
        id: "segments-overlap",
        family: Family::Load,
        rejected_by: &[Party::Dyld],
        title: "two segments share bytes of the file",
        catalogue: "R214",
        explanation: "dyld refuses code whose segments overlap in the file. Packers and tools that patch executables make such files.",
        remedy: &[Step::Say(
            "build the file again without the tool that changed it, and sign it",
        )],
        apple: "dyld: \"segment … file content overlaps segment …\"",
        follows_from: &["macho-malformed", "trailing-data-or-misplaced-signature"],
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                let mut by_offset: Vec<&Segment> = slice
                    .segments
                    .iter()
                    .filter(|segment| segment.file_size != 0)
                    .collect();
                by_offset.sort_by_key(|segment| segment.file_offset);
                let (one, other) = by_offset
                    .iter()
                    .zip(by_offset.iter().skip(1))
                    .find(|(one, other)| one.file_offset.saturating_add(one.file_size) > other.file_offset)?;
                let message = format!("{} and {} overlap in the file", one.name, other.name);
                is_loaded(slice).then(|| Said::new(Severity::Error, message))
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "restricted-by-setuid",
        family: Family::Load,
        severity: Severity::Warning,
        rejected_by: &[Party::Dyld],
        title: "a program with the rights of its owner names libraries by @executable_path",
        catalogue: "R215",
        explanation: "dyld does not expand @executable_path for programs that run with the rights of their owner (setuid), since whoever links to them could choose the libraries.",
        remedy: &[
            Step::Say(
                "link it statically or with absolute paths, or use a launchd daemon in place of the setuid bit",
            ),
            run!["chmod" "u-s" File],
        ],
        apple: "dyld: \"unsafe use of @executable_path in … with restricted binary\"",
        check: |check| {
            let listing = &check.evidence().listing;
            check.each_slice(|_, object, slice, _| {
                let node = listing.lookup(NodeId(0), &object.main_path()).id()?;
                let is_restricted = is_program(slice)
                    && listing
                        .node(node)
                        .mode
                        .is_some_and(|mode| mode & SET_USER_ID != 0);
                let paths: Vec<&str> = slice
                    .linked_paths
                    .iter()
                    .map(|path| path.path.as_str())
                    .filter(|path| matches!(anchor(path), Anchor::Executable(_)))
                    .collect();
                (is_restricted && !paths.is_empty())
                    .then(|| Said::new(Severity::Warning, format!("is setuid and names {}", list(&paths))))
            });
        },
        ..Rule::BASE
    },
];

/// Names alone are looked at: what is in such files does not matter to macOS.
fn build_products(check: &mut Check<'_>) {
    let listing = &check.evidence().listing;
    let mut found: Vec<String> = Vec::new();
    for id in listing.ids().skip(1) {
        let node = listing.node(id);
        let name = node.text();
        let is_product = if node.is_directory() {
            name.ends_with(".dSYM")
        } else {
            node.is_file() && (name.ends_with(".o") || name.ends_with(".a"))
        };
        if is_product {
            found.push(listing.kept_path(id));
        }
    }
    if !found.is_empty() {
        let finding = check.file("", format!("contains {}", list(&found)));
        finding.places = found
            .into_iter()
            .take(MAX_PLACES)
            .map(|path| Place { path, note: "unused" })
            .collect();
    }
}
