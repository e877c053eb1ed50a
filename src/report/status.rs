//! What the statuses of `codesign` mean, and which rules say more about each.

use std::io::{self, Write};

use super::text;
use crate::rule;
use crate::verify::OsStatus;

/// What a status means where its message does not say it, and the rules that find its causes.
struct Meaning {
    status: OsStatus,
    text: &'static str,
    rules: &'static [&'static str],
}

macro_rules! meanings {
    ($($status:ident: $text:literal, [$($rule:literal),*];)*) => {
        &[$(Meaning { status: OsStatus::$status, text: $text, rules: &[$($rule),*] },)*]
    };
}

const MEANINGS: &[Meaning] = meanings! {
    UNIMPLEMENTED: "A requirement has an operation that macOS does not evaluate.", ["requirement-cannot-be-evaluated"];
    STATIC_CODE_NOT_FOUND: "There is no code at this path, or a framework does not have the version that was asked for.", ["not-a-bundle"];
    UNSIGNED: "There is no signature, or macOS does not find it. The signature of a bundle is in its main executable, so a bundle without one is not signed either.", ["unsigned-code", "unsigned-nested-code", "bundle-executable-missing", "info-plist-invalid"];
    SIGNATURE_FAILED: "Bytes that the signature covers were changed after signing, or the certificate's signature is not about this code.", ["signature-broken-pages", "special-slot-missing", "cms-signature-invalid", "cms-cdhashes-mismatch", "timestamp-invalid", "superblob-malformed"];
    SIGNATURE_NOT_VERIFIABLE: "codesign could not read a file. sealcheck does not judge such an item (exit status 4).", ["not-fully-read"];
    SIGNATURE_UNSUPPORTED: "The signature is of a version, or has a digest, that macOS does not support.", ["superblob-malformed", "cms-cdhashes-mismatch"];
    BAD_DICTIONARY_FORMAT: "Info.plist or the resource seal is not a property list with a dictionary.", ["seal-invalid", "info-plist-invalid", "requirement-cannot-be-evaluated"];
    RESOURCES_NOT_SEALED: "The bundle has resources, and its signature has no seal for them.", ["seal-invalid", "linker-signed-bundle"];
    RESOURCES_NOT_FOUND: "The bundle has no _CodeSignature/CodeResources, or an empty one. Usually only its executable was signed, such as by the linker.", ["linker-signed-bundle", "seal-invalid"];
    RESOURCES_INVALID: "_CodeSignature/CodeResources has no rules, or an entry in it makes no sense.", ["seal-invalid"];
    BAD_RESOURCE: "A file in the bundle was added, changed or removed after signing. codesign names the files with --verbose, sealcheck always does.", ["sealed-resource-broken", "unicode-normalization"];
    RESOURCE_RULES_INVALID: "A rule in _CodeSignature/CodeResources is not one that macOS can apply.", ["seal-invalid"];
    REQ_INVALID: "A requirement in the signature, or in the seal around the code, cannot be read.", ["requirement-cannot-be-evaluated"];
    REQ_UNSUPPORTED: "A requirement has a form that this version of macOS does not know.", ["requirement-cannot-be-evaluated"];
    REQ_FAILED: "The signature is valid, and the code does not satisfy a requirement: that of -R, or its own designated requirement. sealcheck inspect shows the requirements and the certificates.", [];
    BAD_OBJECT_FORMAT: "macOS cannot read the main executable, such as a file that is cut off, or it does not have the architecture that was asked for.", ["macho-malformed", "fat-layout-suspicious"];
    INTERNAL_ERROR: "Code Signing failed for a reason of its own.", [];
    SIGNATURE_INVALID: "The signature has a form that macOS cannot read, or slices of one file have signatures that contradict each other.", ["superblob-malformed", "slices-disagree", "trailing-data-or-misplaced-signature"];
    INFO_PLIST_FAILED: "Info.plist was changed after signing, or is not there any more.", ["info-plist-changed"];
    NO_MAIN_EXECUTABLE: "The bundle has no main executable.", ["bundle-executable-missing"];
    BAD_BUNDLE_FORMAT: "The folder is not a bundle: there is no Info.plist and no main executable where macOS looks for them.", ["not-a-bundle"];
    RESOURCE_DIRECTORY_FAILED: "_CodeSignature/CodeResources was changed after signing, or is not there any more.", ["special-slot-missing"];
    BAD_NESTED_CODE: "Code in the bundle is not the code that was there when the bundle was signed, or was signed by another team.", ["nested-code-replaced"];
    RESOURCE_NOT_SUPPORTED: "The bundle has a pipe, a socket or a device.", ["unsupported-file-in-bundle"];
    REGULAR_FILE: "The main executable or Info.plist is a link.", ["unsupported-file-in-bundle"];
    UNSEALED_APP_ROOT: "There is something beside Contents, or in _CodeSignature, that no seal covers.", ["bundle-root-unsealed"];
    WEAK_RESOURCE_RULES: "The seal has rules of its own that leave out files.", ["resource-envelope-obsolete"];
    DS_STORE_SYMLINK: "A .DS_Store is a link.", ["unsupported-file-in-bundle"];
    AMBIGUOUS_BUNDLE_FORMAT: "The bundle has the form of a framework and that of an app at once.", ["unsupported-file-in-bundle"];
    BAD_MAIN_EXECUTABLE: "The Mach-O file has bytes between, after or in place of what its headers describe.", ["fat-layout-suspicious", "trailing-data-or-misplaced-signature"];
    BAD_FRAMEWORK_VERSION: "A version of a nested framework, not only the current one, does not verify.", ["framework-version-broken"];
    UNSEALED_FRAMEWORK_ROOT: "There is something beside Versions in a framework that is not a link into it.", ["bundle-root-unsealed", "framework-flattened"];
    WEAK_RESOURCE_ENVELOPE: "The seal is of version 1, which does not cover nested code.", ["resource-envelope-obsolete"];
    INVALID_SYMLINK: "A link in the bundle leads out of what the seal covers.", ["symlink-escapes-bundle"];
    NOT_APP_LIKE: "spctl --type execute assesses apps only. Tools are assessed with --type install.", [];
    UNSUPPORTED_DIGEST_ALGORITHM: "No CodeDirectory has a digest that macOS knows.", ["superblob-malformed"];
    INVALID_ASSOCIATED_FILE_DATA: "A file has a resource fork or Finder information as an extended attribute.", ["xattr-detritus"];
    INVALID_TEAM_IDENTIFIER: "The certificate's team identifier is not text.", ["team-id-vs-certificate"];
    BAD_TEAM_IDENTIFIER: "The signature names another team than the certificate.", ["team-id-vs-certificate"];
    INTERNAL_COMPONENT: "Two slices of a universal file begin at one place, or Code Signing failed for a reason of its own.", ["macho-malformed"];
    UNKNOWN_FORMAT: "The certificate's signature (CMS) cannot be decoded.", ["cms-signature-invalid"];
    CERT_EXPIRED: "A certificate had expired when the code was signed, or has expired since and --check-expiration asks for it.", ["certificate-invalid-at-signing"];
    NOT_TRUSTED: "The chain of certificates does not end in a root that macOS trusts, or the timestamp is not Apple's.", ["intermediate-missing", "timestamp-foreign-tsa"];
    INVALID_CERTIFICATE: "A certificate in the chain is not valid.", ["certificate-not-for-code"];
    NO_BASIC_CONSTRAINTS: "A certificate that issued another one does not say that it may.", ["certificate-not-for-code"];
    INVALID_CA: "A certificate that issued another one may not do so.", ["certificate-not-for-code"];
    PATH_LEN_CONSTRAINT: "The chain is longer than a certificate in it allows.", ["certificate-not-for-code"];
    INVALID_AUTHORITY_ID: "A certificate names another key than that of its issuer.", ["certificate-not-for-code"];
    UNKNOWN_CRITICAL_EXTENSION: "A certificate has a critical extension that macOS does not know.", ["certificate-not-for-code"];
    INVALID_EMPTY_SUBJECT: "A certificate has no subject.", ["certificate-not-for-code"];
    INVALID_KEY_USAGE: "The key of a certificate may not be used for signatures.", ["certificate-not-for-code"];
    INVALID_EXTENDED_KEY_USAGE: "The certificate is not for code signing.", ["certificate-not-for-code"];
    INVALID_DIGEST_ALGORITHM: "A certificate is signed with a digest that is too weak.", ["certificate-not-for-code"];
    DECODE: "The entitlements in DER form, or an attribute of the certificate's signature, cannot be decoded.", ["requirement-cannot-be-evaluated", "cms-cdhashes-mismatch", "entitlements-malformed"];
    IS_A_DIRECTORY: "There is a folder where macOS wants a file, such as for the main executable.", ["not-a-bundle"];
    NOT_A_DIRECTORY: "There is a file where macOS wants a folder, such as for _CodeSignature, or on the way of a link.", ["bundle-root-unsealed", "symlink-escapes-bundle"];
    NO_SUCH_FILE: "A link in the bundle leads nowhere.", ["symlink-escapes-bundle"];
    TOO_MANY_LINKS: "A link leads in a circle.", ["symlink-escapes-bundle", "bundle-root-unsealed"];
    PERMISSION_DENIED: "codesign may not read a file. sealcheck does not judge such an item (exit status 4).", ["not-fully-read"];
};

/// Writes what a status means and which rules say more, in lines of at most `width` columns where that can be.
///
/// # Errors
/// Those of `out`.
pub fn explain_status(status: OsStatus, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let title = format!("{} ({}): {}", status.0, status.name(), status.message());
    for line in text::wrap(&title, width) {
        writeln!(out, "{line}")?;
    }
    let Some(meaning) = MEANINGS.iter().find(|meaning| meaning.status == status) else {
        return Ok(());
    };
    writeln!(out)?;
    for line in text::wrap(meaning.text, width) {
        writeln!(out, "{line}")?;
    }
    if meaning.rules.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nRules about it, which sealcheck explain RULE explains:")?;
    for rule in meaning.rules.iter().filter_map(|id| rule::find(id)) {
        let lines = text::wrap(&format!("{}: {}", rule.id, rule.title), width.saturating_sub(4));
        for (index, line) in lines.iter().enumerate() {
            let margin = if index == 0 { "  " } else { "    " };
            writeln!(out, "{margin}{line}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_explained_by_rules_that_exist() {
        for status in OsStatus::all() {
            let found: Vec<_> = MEANINGS
                .iter()
                .filter(|meaning| meaning.status == status)
                .collect();
            let [meaning] = found.as_slice() else {
                panic!("{} of {status}", found.len());
            };
            assert!(meaning.text.ends_with('.'), "{status}");
            for id in meaning.rules {
                assert!(rule::find(id).is_some(), "{status}: {id}");
            }
        }
        assert_eq!(MEANINGS.len(), OsStatus::all().count());
    }
}
