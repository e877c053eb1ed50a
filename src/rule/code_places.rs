//! Rules about what lies beside code: data and scripts where only code belongs (R222, R224), and engines that compile
//! while they run, in products that may not (R083).
//!
//! Both go by names and places; what a script or an engine does is not looked at.

use crate::remedy::{Condition, Edit, Kind, SIGN_EDITED, Step, Word};
use std::collections::HashSet;

use super::claims::{self, is_signed_by_apple};
use super::{Check, Family, Rule, Scope};
use crate::codedir::CodeDirectoryFlags;
use crate::finding::{Place, Severity};
use crate::plist::Value;
use crate::source::Node;
use crate::verify::{CodeKind, Evidence, Fault, FaultKind, SliceEvidence};

/// Folders in `Contents` whose direct contents are sealed as code.
const CODE_FOLDERS: [&str; 5] = ["MacOS", "Frameworks", "Helpers", "PlugIns", "XPCServices"];
/// How scripts are called.
const SCRIPTS: [&str; 8] = ["sh", "command", "py", "pl", "rb", "js", "tcl", "applescript"];
/// Libraries that write code and run it, all of them on Apple silicon as well.
const ENGINES: [&str; 4] = [
    "libjvm.dylib",
    "libcoreclr.dylib",
    "libv8.dylib",
    "Electron Framework",
];
/// Any of these lets a program do so.
const PERMITS: [&str; 3] = [
    "com.apple.security.cs.allow-jit",
    "com.apple.security.cs.allow-unsigned-executable-memory",
    "com.apple.security.cs.disable-executable-page-protection",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "data-in-code-location",
        family: Family::Nesting,
        severity: Severity::Warning,
        title: "data or scripts lie where only code belongs",
        catalogue: "R222, R224",
        explanation: "codesign takes every file directly in Contents/MacOS, Frameworks, Helpers, PlugIns and XPCServices for code and signs it by itself. A file that is no Mach-O keeps such a signature in extended attributes only, which archives, disk images of other tools and version control lose; then the whole app is broken.",
        remedy: &[Step::Say(
            "move the files to Contents/Resources, let the program look for them there, and sign everything again",
        )],
        reference: "https://developer.apple.com/documentation/bundleresources/placing-content-in-a-bundle",
        check: data_among_code,
        ..Rule::BASE
    },
    Rule {
        id: "jit-without-entitlement",
        family: Family::HardenedRuntime,
        severity: Severity::Warning,
        title: "an engine that compiles at run time, and no program that may",
        catalogue: "R083",
        explanation: "The hardened runtime lets a program write code and run it only with com.apple.security.cs.allow-jit. The product brings an engine that does so (Java, .NET, V8), but none of its programs claims that: it ends when the engine starts.",
        remedy: &[Step::If(
            Condition::Program,
            &[
                Step::Say(
                    "claim com.apple.security.cs.allow-jit for the program, and likewise for every helper that starts the engine",
                ),
                Step::Claim(&[Edit::Set(
                    Word::Text("com.apple.security.cs.allow-jit"),
                    Kind::Bool,
                    Word::Text("true"),
                )]),
                SIGN_EDITED,
            ],
            &[Step::Say(
                "claim com.apple.security.cs.allow-jit for every program that starts the engine; a library needs no entitlements",
            )],
        )],
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.security.cs.allow-jit",
        scope: Scope::Item,
        check: engines,
        ..Rule::BASE
    },
];

fn is_script(node: &Node) -> bool {
    let name = node.text().to_ascii_lowercase();
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| SCRIPTS.contains(&extension))
}

fn data_among_code(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let is_dark = |fault: &Fault| matches!(fault.kind, FaultKind::InfoPlist(_));
    if evidence
        .code
        .iter()
        .any(|object| object.faults.iter().any(is_dark))
    {
        // What is in a bundle whose Info.plist cannot be read was not looked at.
        return;
    }
    // Mach-O files wherever they are, and main executables whatever they are: others speak of scripts among those.
    let code = evidence.code.iter().filter(|object| {
        let is_macho = object.slices.iter().any(|slice| slice.architecture.is_some());
        is_macho || matches!(object.kind, CodeKind::Bundle(_))
    });
    let code: HashSet<&str> = code.filter_map(|object| object.executable.as_deref()).collect();
    let mut places = Vec::new();
    for id in names.ids() {
        let node = names.node(id);
        let folder = node.parent.map(|parent| names.node(parent));
        let is_among_code = folder.is_some_and(|folder| {
            let outer = folder.parent.map(|outer| names.node(outer).text());
            outer.as_deref() == Some("Contents") && CODE_FOLDERS.contains(&&*folder.text())
        });
        if !node.is_file() || !is_among_code || node.name.starts_with(b".") {
            continue;
        }
        let path = names.kept_path(id);
        if !code.contains(path.as_str()) {
            let note = if is_script(node) { "script" } else { "data" };
            places.push(Place { path, note });
        }
    }
    let Some(first) = places.first().map(|place| place.path.clone()) else {
        return;
    };
    if !evidence.unread.is_empty() {
        check.unknown(
            &first,
            "part of the item was not read, so it is not known what is code",
        );
        return;
    }
    let message = match places.len() {
        1 => "1 file that is no code lies where only code belongs".to_owned(),
        count => format!("{count} files that are no code lie where only code belongs"),
    };
    check.file(&first, message).places = places;
}

fn is_permitted(slice: &SliceEvidence) -> bool {
    let claims = slice.entitlements.as_ref();
    claims.is_some_and(|claims| {
        PERMITS
            .iter()
            .any(|key| claims.get(key) == Some(&Value::Boolean(true)))
    })
}

/// Whether the hardened runtime keeps this code from compiling while it runs.
pub(super) fn is_refused(slice: &SliceEvidence) -> bool {
    slice.flags.contains(CodeDirectoryFlags::RUNTIME) && !is_permitted(slice)
}

/// Whether the item has programs for macOS, and it is so with all of them.
pub(super) fn is_refused_everywhere(evidence: &Evidence) -> bool {
    let mut programs = evidence
        .code
        .iter()
        .flat_map(|object| &object.slices)
        .filter(|slice| {
            slice.file_type.is_some_and(|found| found.is_execute())
                && claims::platform(slice) == Some(crate::entitlements::Platform::MacOs)
                && !is_signed_by_apple(slice)
        })
        .peekable();
    programs.peek().is_some() && programs.all(is_refused)
}

fn engines(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let engine = names
        .ids()
        .find(|id| names.node(*id).is_file() && ENGINES.contains(&&*names.node(*id).text()));
    let Some(engine) = engine else { return };
    // One that may, or that is not hardened, may be the one that starts the engine.
    if is_refused_everywhere(evidence) {
        let message = format!(
            "{} comes along, and no program claims allow-jit",
            names.node(engine).text()
        );
        check.file(&names.path(engine), message);
    }
}
