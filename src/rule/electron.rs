//! Rules about the helper programs of Electron and of the Chromium Embedded Framework (R234), and about code in Electron's
//! archives (R233).
//!
//! Helpers without signature or hardened runtime are told by the rules about all code.

use super::archive::unsigned;
use super::bundles::Bundles;
use super::claims::{is_signed_by_apple, list};
use super::code_places::{is_refused, is_refused_everywhere};
use super::info_plist::text;
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::container::ArchiveFormat;
use crate::finding::{Severity, Target};
use crate::remedy::{SIGN_EDITED, Step};
use crate::source::{Listing, NodeId};
use crate::survey::ArchivedCode;
use crate::verify::{CodeKind, CodeObject};

const ELECTRON: &str = "Electron Framework.framework";
const EMBEDDED: &str = "Chromium Embedded Framework.framework";

pub(super) const RULES: &[Rule] = &[HELPERS, NATIVE_MODULES];

const HELPERS: Rule = Rule {
    id: "electron-helpers",
    family: Family::Nesting,
    severity: Severity::Warning,
    title: "a helper program of Electron or Chromium is not as its app needs it",
    catalogue: "R234",
    explanation: "An app with Electron or the Chromium Embedded Framework runs its pages in helper apps beside the framework. Their identifiers begin with the app's own and .helper; another one is mostly that of a template or of the app before it was renamed. The helper named (Renderer) compiles JavaScript, and with the hardened runtime ends at once where com.apple.security.cs.allow-jit is missing.",
    remedy: &[
        Step::Say(
            "let the packager name and sign the helpers (helper-bundle-id and entitlements of @electron/osx-sign or electron-builder), or sign the helper so, then everything around it",
        ),
        SIGN_EDITED,
    ],
    reference: "https://www.electronjs.org/docs/latest/tutorial/code-signing",
    check: helpers,
    ..Rule::BASE
};

const NATIVE_MODULES: Rule = Rule {
    id: "electron-native-modules",
    family: Family::Nesting,
    severity: Severity::Warning,
    targets: &[Target::DeveloperId],
    title: "unsigned code in an archive of Electron",
    catalogue: "R233",
    explanation: "macOS loads nothing out of an asar archive: Electron copies a native module to a temporary folder first, and a program in it cannot be started. Signing tools do not look into the archive, nor does the notary service as far as its logs show. With the hardened runtime the app's library validation then refuses the copy, when the app runs.",
    remedy: &[Step::Say(
        "let the packager leave the code beside the archive (asarUnpack of electron-builder, asar.unpack of @electron/packager: \"**/*.node\") and sign it there (binaries of @electron/osx-sign); leave out what is built for other systems and processors",
    )],
    reference: "https://www.electronjs.org/docs/latest/tutorial/asar-archives",
    check: native_modules,
    ..Rule::BASE
};

fn native_modules(check: &mut Check<'_>) {
    let said = |bad: &[&ArchivedCode]| {
        let first = bad.first().map(|code| code.name.to_string()).unwrap_or_default();
        match bad.len().saturating_sub(1) {
            0 => format!("{first} lies in this archive without a certificate's signature"),
            _ => format!(
                "{} pieces of code lie in this archive without a certificate's signature, {first} among them",
                bad.len()
            ),
        }
    };
    unsigned(
        check,
        |format| format == ArchiveFormat::Asar,
        said,
        |_, _| Severity::Warning,
    );
}

/// The name of a helper by its path: `X Helper`, `X Helper (Renderer)`.
fn helper(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    let stem = name.strip_suffix(".app")?;
    let role = stem.split(" (").next().unwrap_or_default();
    (folder.ends_with("Contents/Frameworks") && role.ends_with(" Helper")).then_some(stem)
}

/// Whether the framework lies beside the helper.
fn has_beside(names: &Listing, path: &str, framework: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    names
        .lookup(NodeId(0), &format!("{folder}/{framework}"))
        .id()
        .is_some()
}

/// The identifier in Info.plist.
fn identifier(object: &CodeObject) -> Option<&str> {
    text(object.info_plist.as_ref()?, "CFBundleIdentifier")
}

/// Whether an identifier begins with the app's own and `.helper`; they are compared without regard to case.
fn is_helper_of(identifier: &str, app: &str) -> bool {
    let begin = format!("{app}.helper").to_lowercase();
    identifier.to_lowercase().starts_with(&begin)
}

fn helpers(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let bundles = Bundles::of(evidence);
    for object in &evidence.code {
        let is_app = object.kind == CodeKind::Bundle(BundleKind::App);
        let Some(name) = helper(&object.path).filter(|_| is_app) else {
            continue;
        };
        let is_electron = has_beside(names, &object.path, ELECTRON);
        if !is_electron && !has_beside(names, &object.path, EMBEDDED) {
            continue;
        }
        let mut wrong = Vec::new();
        let app = bundles.around(&object.path).and_then(identifier);
        if let Some((own, app)) = identifier(object).zip(app)
            && !is_helper_of(own, app)
        {
            wrong.push(format!("its identifier is {own}, not {app}.helper"));
        }
        let is_blocked = name.ends_with("(Renderer)")
            && object
                .slices
                .iter()
                .any(|slice| !is_signed_by_apple(slice) && is_refused(slice));
        // Where no program may, the rule about engines says so; it does not know the other framework.
        if is_blocked && !(is_electron && is_refused_everywhere(evidence)) {
            wrong.push("it has the hardened runtime without com.apple.security.cs.allow-jit".to_owned());
        }
        if !wrong.is_empty() {
            check.object(object, list(&wrong));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{helper, is_helper_of};

    #[test]
    fn names() {
        assert_eq!(
            helper("Contents/Frameworks/A Helper (Renderer).app"),
            Some("A Helper (Renderer)")
        );
        assert_eq!(helper("Contents/Frameworks/A Helper.app"), Some("A Helper"));
        for path in [
            "Contents/Frameworks/Updater.app",
            "Contents/Helpers/A Helper.app",
            "Contents/Frameworks/A Helper.xpc",
        ] {
            assert_eq!(helper(path), None, "{path}");
        }
        assert!(is_helper_of("com.acme.App.Helper.Renderer", "com.acme.app"));
        assert!(!is_helper_of("com.github.Electron.helper", "com.acme.app"));
    }
}
