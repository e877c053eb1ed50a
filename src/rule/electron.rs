//! The rule about the helper programs of Electron and of the Chromium Embedded Framework (R234).
//!
//! Helpers without signature or hardened runtime are told by the rules about all code.

use super::claims::{is_signed_by_apple, list};
use super::code_places::{is_refused, is_refused_everywhere};
use super::info_plist::text;
use super::misplaced::Bundles;
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::Severity;
use crate::source::{Listing, NodeId};
use crate::verify::{CodeKind, CodeObject};

const ELECTRON: &str = "Electron Framework.framework";
const EMBEDDED: &str = "Chromium Embedded Framework.framework";

pub(super) const RULES: &[Rule] = &[Rule {
    id: "electron-helpers",
    family: Family::Nesting,
    severity: Severity::Warning,
    title: "a helper program of Electron or Chromium is not as its app needs it",
    catalogue: "R234",
    explanation: "An app with Electron or the Chromium Embedded Framework runs its pages in helper apps beside the framework. Their identifiers begin with the app's own and .helper; another one is mostly that of a template or of the app before it was renamed. The helper named (Renderer) compiles JavaScript, and with the hardened runtime ends at once where com.apple.security.cs.allow-jit is missing.",
    remedy: "let the packager name and sign the helpers (helper-bundle-id and entitlements of @electron/osx-sign or electron-builder), or sign the helper so, then everything around it:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
    reference: "https://www.electronjs.org/docs/latest/tutorial/code-signing",
    check: helpers,
    ..Rule::BASE
}];

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
