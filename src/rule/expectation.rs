//! What the user expects of an item: who signed it, what it is called, what it claims (family Expectation).
//!
//! Nobody at Apple asks for any of this; a pipeline does, before it publishes or installs something. An expectation that
//! is not met is an error. One whose answer cannot be found out is unknown, and then the item is not good either.

use crate::remedy::{Edit, Facts, Kind, SIGN_EDITED, Sign, Step, Word};
use std::fmt;

use super::{Check, Demand, Family, Rule, Said};
use crate::finding::Severity;
use crate::octets::hex;
use crate::plist::{Value, to_json};
use crate::trust::Identity;
use crate::verify::{CodeObject, SignatureKind, SliceEvidence};

/// Everything that is expected of every item of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The team that signed, as a certificate of Apple's says.
    pub team: Option<String>,
    /// The identifier in the signature.
    pub identifier: Option<String>,
    /// The SHA-256 of the certificate that signed, in DER.
    pub leaf: Option<[u8; 32]>,
    /// Entitlements that the item claims.
    pub entitlements: Vec<ExpectedEntitlement>,
    /// Keys of entitlements that no code in the item claims.
    pub forbidden_entitlements: Vec<String>,
    /// What else is required.
    pub required: Vec<Demand>,
}

/// An entitlement that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedEntitlement {
    /// Its key.
    pub key: String,
    /// Its value, as text: `true`, a number, a string, or one of the elements of an array. Without it, any value will do
    /// but `false`.
    pub value: Option<String>,
}

impl fmt::Display for ExpectedEntitlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

impl Expectations {
    /// Returns true if the rule is asked for; rules of other families always are.
    #[must_use]
    pub fn asks(&self, rule: &Rule) -> bool {
        let requires = |is_wanted: fn(&Demand) -> bool| self.required.iter().any(is_wanted);
        match rule.id {
            "team-unexpected" => self.team.is_some(),
            "identifier-unexpected" => self.identifier.is_some(),
            "entitlement-unmet" => !self.entitlements.is_empty(),
            "entitlement-forbidden" => !self.forbidden_entitlements.is_empty(),
            "required-notarization-missing" => requires(|demand| *demand == Demand::Notarized),
            "required-developer-id-missing" => requires(|demand| *demand == Demand::DeveloperId),
            "required-hardened-runtime-missing" => requires(|demand| *demand == Demand::HardenedRuntime),
            "required-timestamp-missing" => requires(|demand| *demand == Demand::Timestamp),
            "required-architecture-missing" => requires(|demand| matches!(demand, Demand::Architecture(_))),
            _ => true,
        }
    }

    /// A line for each, for reports.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let team = self.team.iter().map(|team| format!("team {team}"));
        let identifier = self.identifier.iter().map(|found| format!("identifier {found}"));
        let claims = self
            .entitlements
            .iter()
            .map(|found| format!("entitlement {found}"));
        let forbidden = self
            .forbidden_entitlements
            .iter()
            .map(|key| format!("no entitlement {key}"));
        let required = self.required.iter().map(|demand| format!("required {demand}"));
        let leaf = self.leaf.iter().map(|leaf| format!("certificate {}", hex(leaf)));
        team.chain(identifier)
            .chain(leaf)
            .chain(claims)
            .chain(forbidden)
            .chain(required)
            .collect()
    }
}

impl Expectations {
    /// Adds what else is expected; where both name one team, identifier or certificate, that of `self` counts.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.team = self.team.or(other.team);
        self.identifier = self.identifier.or(other.identifier);
        self.leaf = self.leaf.or(other.leaf);
        self.entitlements.extend(other.entitlements);
        self.forbidden_entitlements.extend(other.forbidden_entitlements);
        self.required.extend(other.required);
        self
    }
}

/// Who signed, where no certificate did.
pub(super) fn unsigned(signature: SignatureKind) -> &'static str {
    match signature {
        SignatureKind::Unsigned => "not signed",
        SignatureKind::Adhoc => "signed ad hoc",
        SignatureKind::LinkerSigned => "signed ad hoc by the linker",
        SignatureKind::Cms => "signed with a certificate that cannot be read",
    }
}

/// Asks about every slice of the item itself.
fn item(check: &mut Check<'_>, judge: impl Fn(&SliceEvidence) -> Option<String>) {
    item_with(check, |_| {}, judge);
}

/// Asks about every slice of the item itself, and tells the remedy what is known.
fn item_with(
    check: &mut Check<'_>,
    tell: impl Fn(&mut Facts),
    judge: impl Fn(&SliceEvidence) -> Option<String>,
) {
    let Some(object) = check.evidence().code.first() else {
        return;
    };
    let said = object.slices.iter().map(|slice| {
        let mut said = Said::new(Severity::Error, judge(slice)?);
        tell(&mut said.facts);
        Some(said)
    });
    check.slices(object, said.collect());
}

/// Claims what is expected: a boolean, a number or a text.
const CLAIM_BOOLEAN: &[Step] = &claiming(Kind::Bool);
const CLAIM_NUMBER: &[Step] = &claiming(Kind::Integer);
const CLAIM_TEXT: &[Step] = &claiming(Kind::Text);

const fn claiming(kind: Kind) -> [Step; 3] {
    const BOOLEAN: &[Edit] = &[Edit::Set(Word::Value("KEY"), Kind::Bool, Word::Value("VALUE"))];
    const NUMBER: &[Edit] = &[Edit::Set(Word::Value("KEY"), Kind::Integer, Word::Value("VALUE"))];
    const TEXT: &[Edit] = &[Edit::Set(Word::Value("KEY"), Kind::Text, Word::Value("VALUE"))];
    let edits = match kind {
        Kind::Bool => BOOLEAN,
        Kind::Integer => NUMBER,
        Kind::Text | Kind::Json => TEXT,
    };
    [
        Step::Say("claim it and sign again"),
        Step::Claim(edits),
        SIGN_EDITED,
    ]
}

/// Tells the remedy which key to claim, and as what.
fn claim_of(expected: &ExpectedEntitlement, facts: &mut Facts) {
    let value = expected.value.as_deref().unwrap_or("true");
    facts.text("KEY", expected.key.as_str()).text("VALUE", value);
    facts.steps = Some(match value {
        "true" | "false" => CLAIM_BOOLEAN,
        number if number.parse::<i64>().is_ok() => CLAIM_NUMBER,
        _ => CLAIM_TEXT,
    });
}

/// What is wrong about the team of a slice.
fn wrong_team(slice: &SliceEvidence, expected: &str) -> Option<String> {
    let Some(identity) = &slice.identity else {
        return Some(format!("{}, not by team {expected}", unsigned(slice.signature)));
    };
    match (slice.vouched_team(), slice.team_id.as_deref()) {
        (Some(vouched), _) => {
            (vouched != expected).then(|| format!("signed by team {vouched}, not {expected}"))
        }
        (_, Some(claimed)) => Some(format!(
            "claims team {claimed}, for which no sound certificate of Apple's vouches; {expected} is expected"
        )),
        (_, None) => Some(format!(
            "signed by \"{}\", not by team {expected}",
            signer(identity)
        )),
    }
}

fn signer(identity: &Identity) -> &str {
    identity.chain.first().map_or("nobody", |leaf| leaf.summary())
}

/// What is wrong about the certificate that signed a slice.
fn wrong_leaf(slice: &SliceEvidence, leaf: &[u8; 32]) -> Option<String> {
    let expected = |found: String| format!("{found}, not with the certificate {}", hex(leaf));
    let Some(identity) = &slice.identity else {
        return Some(expected(unsigned(slice.signature).to_owned()));
    };
    let found = identity.chain.first();
    let is_met = found.is_some_and(|found| found.sha256() == leaf);
    let digest = found.map(|found| hex(found.sha256())).unwrap_or_default();
    (!is_met).then(|| expected(format!("signed with \"{}\" ({digest})", signer(identity))))
}

/// Whether the value claims something.
fn is_claim(value: &Value) -> bool {
    *value != Value::Boolean(false)
}

fn is_value(value: &Value, text: &str) -> bool {
    match value {
        Value::Boolean(flag) => text == if *flag { "true" } else { "false" },
        Value::Integer(number) => text.parse() == Ok(*number),
        Value::String(string) => string == text,
        Value::Array(elements) => elements.iter().any(|element| is_value(element, text)),
        Value::Real(_) | Value::Data(_) | Value::Date(_) | Value::Dictionary(_) | Value::Uid(_) => false,
    }
}

/// What is wrong about an expected entitlement.
fn wrong_claim(slice: &SliceEvidence, expected: &ExpectedEntitlement) -> Option<String> {
    let claimed = slice.entitlements.as_ref().and_then(|all| all.get(&expected.key));
    let is_met = claimed.is_some_and(|value| match &expected.value {
        Some(text) => is_value(value, text),
        None => is_claim(value),
    });
    match claimed {
        _ if is_met => None,
        Some(value) => Some(format!("{expected} is expected, but is {}", to_json(value))),
        None if has_unread_claims(slice) => Some(format!(
            "{expected} is expected, but the entitlements cannot be read"
        )),
        None => Some(format!("{expected} is expected, but not claimed")),
    }
}

/// Whether there are entitlements that could not be read, so that nobody knows what they claim.
fn has_unread_claims(slice: &SliceEvidence) -> bool {
    !slice.entitlements_state.is_known()
}

/// Whatever claims a forbidden key, wherever it lies.
fn forbidden(check: &mut Check<'_>) {
    let expectations = check.expectations();
    for key in &expectations.forbidden_entitlements {
        for object in &check.evidence().code {
            forbidden_in(check, object, key);
        }
    }
    if !expectations.forbidden_entitlements.is_empty() {
        for object in &check.evidence().code {
            if object.slices.iter().any(has_unread_claims) {
                check.unknown(&object.main_path(), "its entitlements cannot be read");
            }
        }
    }
}

fn forbidden_in(check: &mut Check<'_>, object: &CodeObject, key: &str) {
    let said = object.slices.iter().map(|slice| {
        let value = slice.entitlements.as_ref()?.get(key)?;
        is_claim(value).then(|| {
            let mut said = Said::new(Severity::Error, format!("claims {key}, which is forbidden here"));
            said.facts.text("KEY", key);
            said
        })
    });
    check.slices(object, said.collect());
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "team-unexpected",
        family: Family::Expectation,
        title: "signed by another team than --expect-team",
        explanation: "You expect the item to be signed by one team. The team is read from the certificate that Apple issued to the developer; code from the App Store, which Apple signs itself, names it in its signature. A team that only the signature claims, without a certificate of Apple's, counts as none. Every architecture of the item itself is looked at; nested code may be of other teams, since the item's seal vouches for it.",
        remedy: &[Step::Say(
            "if the team is the wrong one, do not ship or install it; else sign the item from the inside out with the certificate of the expected team, and notarize it again",
        )],
        check: |check| {
            if let Some(team) = &check.expectations().team {
                item(check, |slice| wrong_team(slice, team));
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "identifier-unexpected",
        family: Family::Expectation,
        title: "signed with another identifier than --expect-identifier",
        explanation: "You expect the item's signature to have one identifier. It is what requirements and updaters know the code by; codesign takes it from CFBundleIdentifier unless it is told another one. Every architecture of the item itself is looked at.",
        remedy: &[
            Step::Say("set CFBundleIdentifier in Info.plist, or name the identifier when signing"),
            Step::Sign(Sign {
                identifier: Some(Word::Value("IDENTIFIER")),
                ..Sign::KEPT
            }),
        ],
        check: |check| {
            if let Some(expected) = &check.expectations().identifier {
                let tell = |facts: &mut Facts| {
                    facts.text("IDENTIFIER", expected.as_str());
                };
                item_with(check, tell, |slice| match &slice.identifier {
                    Some(found) if found == expected => None,
                    Some(found) => Some(format!("the identifier is {found}, not {expected}")),
                    None => Some(format!("no identifier, {expected} is expected")),
                });
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "certificate-unexpected",
        family: Family::Expectation,
        title: "signed with another certificate than --expect-leaf",
        explanation: "You expect the item to be signed with one certificate, named by the SHA-256 of its DER form. A team can have several, also at the same time, and gets a new one every few years. Every architecture of the item itself is looked at.",
        remedy: &[Step::Say(
            "if the certificate is the wrong one, do not ship or install it; else sign with the expected one",
        )],
        check: |check| {
            if let Some(expected) = &check.expectations().leaf {
                item(check, |slice| wrong_leaf(slice, expected));
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "entitlement-unmet",
        family: Family::Expectation,
        title: "an entitlement of --expect-entitlement is not claimed, or has another value",
        explanation: "You expect the item to claim an entitlement. KEY alone is met by any value but false; KEY=VALUE by that boolean, number or string, or by an array with that element. Every architecture of the item itself is looked at. Entitlements get lost where somebody signs again without --entitlements.",
        remedy: CLAIM_BOOLEAN,
        check: |check| {
            for expected in &check.expectations().entitlements {
                item_with(
                    check,
                    |facts| claim_of(expected, facts),
                    |slice| wrong_claim(slice, expected),
                );
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "entitlement-forbidden",
        family: Family::Expectation,
        title: "an entitlement of --forbid-entitlement is claimed",
        explanation: "You forbid an entitlement, such as com.apple.security.get-task-allow, which lets anybody debug the program. Every piece of code in the item is looked at, for every architecture; a value of false claims nothing. Where entitlements cannot be read nobody knows, and the exit status says so.",
        remedy: &[
            Step::Say("take the key out of the entitlements and sign again"),
            Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
            SIGN_EDITED,
        ],
        check: forbidden,
        ..Rule::BASE
    },
];
