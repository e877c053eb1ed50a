//! Remedies as they are shown: with the paths, the certificate and the options of this item in them, fit to be pasted.

use std::collections::HashSet;

use crate::finding::Target;
use crate::trust::CertificateKind;
use crate::verify::{Evidence, SliceEvidence};

/// Begins the end of a remedy for nested code.
pub(crate) const AND_THEN: &str = "   and then everything around it";

/// What the commands that sign code of one item again have to say.
pub(super) struct Signing<'a> {
    evidence: &'a Evidence,
    /// The certificate by its name; the one that the item was signed with, where it is the right one.
    identity: &'a str,
    /// Code whose program claims entitlements, which `codesign -f` would drop without a word.
    claiming: HashSet<&'a str>,
    /// Whether they are those to ship: the item was signed for that.
    keeps_entitlements: bool,
}

const DEVELOPER_ID: &str = "Developer ID Application: NAME";
/// As remedies write it.
const DEVELOPER_ID_QUOTED: &str = "\"Developer ID Application: NAME\"";

impl<'a> Signing<'a> {
    pub(super) fn of(evidence: &'a Evidence, target: Target) -> Self {
        let item = evidence.code.first().and_then(|object| object.slices.first());
        let signer = item.and_then(|slice| slice.identity.as_ref());
        let (kind, usual) = match target {
            Target::MacAppStore => (CertificateKind::Distribution, "Apple Distribution: NAME"),
            Target::DeveloperId | Target::Local => (CertificateKind::DeveloperIdApplication, DEVELOPER_ID),
        };
        let signer = signer.filter(|identity| identity.kind == kind);
        let name = signer.and_then(|identity| identity.chain.first());
        let name = name.map(|leaf| leaf.summary());
        let claims = |slice: &SliceEvidence| {
            let is_program = slice.file_type.is_some_and(|found| found.is_execute());
            is_program && slice.entitlements.as_ref().is_some_and(|found| !found.is_empty())
        };
        let claiming = evidence
            .code
            .iter()
            .filter(|object| object.slices.iter().any(claims))
            .map(|object| object.path.as_str());
        Self {
            evidence,
            identity: name.filter(|name| is_plain_in_quotes(name)).unwrap_or(usual),
            claiming: claiming.collect(),
            keeps_entitlements: signer.is_some(),
        }
    }

    /// A rule's remedy for this code and file. No tool writes into an archive: what lies in one is repaired where it was unpacked to.
    pub(super) fn remedy(&self, template: &str, code: &str, file: &str) -> String {
        let template = self.fill(template, code);
        let item = self.evidence.path.as_str();
        let Some(container) = &self.evidence.container else {
            return placed(&template, item, code, file);
        };
        let inner = item.strip_prefix(&container.path).unwrap_or(item);
        let text = placed(&template, inner.trim_start_matches('/'), code, file);
        if text == template {
            return text;
        }
        format!(
            "unpack the archive first (ditto -x -k {} .) and pack it again afterwards; {text}",
            quoted(&container.path)
        )
    }

    fn fill(&self, template: &str, code: &str) -> String {
        const OPTIONS: &str = "--options runtime --timestamp";
        let words = match self.identity {
            identity if identity.starts_with("Apple Distribution") => {
                "sign with an Apple Distribution certificate,"
            }
            _ => "sign with a Developer ID,",
        };
        let text = template
            .replace("sign with a Developer ID,", words)
            .replace(DEVELOPER_ID_QUOTED, &format!("\"{}\"", self.identity));
        match (
            self.claiming.contains(code) && !text.contains("entitlements"),
            self.keeps_entitlements,
        ) {
            (false, _) => text,
            (true, true) => text.replace(OPTIONS, &format!("{OPTIONS} --preserve-metadata=entitlements")),
            (true, false) => text.replace(OPTIONS, &format!("--entitlements FILE {OPTIONS}")),
        }
    }
}

/// Whether a shell takes a text in double quotes as it is. Names of certificates are somebody else's words.
fn is_plain_in_quotes(text: &str) -> bool {
    let is_harmless = |character: char| character.is_alphanumeric() || " .,:;()-_&'+/@".contains(character);
    text.len() <= 200 && text.chars().all(is_harmless)
}

/// Puts the path of the code object in the place of `PATH`, and that of the file that the finding is about in the place
/// of `EXECUTABLE`, `INFO_PLIST` and `PLACE`, quoted for a shell.
fn placed(template: &str, item: &str, code: &str, file: &str) -> String {
    let full = |path: &str| {
        if path.is_empty() {
            quoted(item)
        } else {
            quoted(&format!("{}/{path}", item.trim_end_matches('/')))
        }
    };
    let text = ["EXECUTABLE", "INFO_PLIST", "PLACE"]
        .into_iter()
        .fold(template.to_owned(), |text, word| {
            with_word(&text, word, &full(file))
        });
    let text = with_word(&text, "PATH", &full(code));
    // What changes no signature leaves that of the code around it as it is.
    if code.is_empty() || !text.contains("codesign -f") {
        text
    } else {
        format!("{text}{AND_THEN}, {} last", quoted(item))
    }
}

/// The text with something in the place of a word, but not of a part of one such as `LC_RPATH`.
fn with_word(text: &str, word: &str, replacement: &str) -> String {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let mut result = String::new();
    let mut pieces = text.split(word).peekable();
    while let Some(piece) = pieces.next() {
        result.push_str(piece);
        if let Some(next) = pieces.peek() {
            let is_word = !result.ends_with(is_part) && !next.starts_with(is_part);
            result.push_str(if is_word { replacement } else { word });
        }
    }
    result
}

/// A path as a word of a shell.
pub(super) fn quoted(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@%=:,".contains(&byte);
    if !path.is_empty() && path.bytes().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::with_word;

    #[test]
    fn placeholders_are_words() {
        let text = "grep LC_RPATH PATH; set RPATH, cp PATH PATHS";
        assert_eq!(
            with_word(text, "PATH", "a"),
            "grep LC_RPATH a; set RPATH, cp a PATHS"
        );
    }
}
