//! Options of `check` that say what is expected of every item.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::complain;
use crate::entitlements;
use crate::rule::{Demand, Expectations, ExpectedEntitlement};

/// What is expected of every item; whatever is not met is an error.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Expectations")]
pub(super) struct Expected {
    /// The team that must have signed, such as ABCDE12345
    // An empty value is a variable of a script that is not set: nothing would be asked.
    #[arg(long, value_name = "TEAM", value_parser = NonEmptyStringValueParser::new())]
    expect_team: Option<String>,
    /// The identifier that the signature must have
    #[arg(long, value_name = "IDENTIFIER", value_parser = NonEmptyStringValueParser::new())]
    expect_identifier: Option<String>,
    /// The SHA-256 of the certificate that must have signed, in hexadecimal digits; `sealcheck inspect` shows it
    #[arg(long, value_name = "SHA256", value_parser = parse_leaf)]
    expect_leaf: Option<Leaf>,
    /// An entitlement that the item must claim; without a value, any but false will do
    #[arg(long, value_name = "KEY[=VALUE]", value_parser = parse_entitlement)]
    expect_entitlement: Vec<ExpectedEntitlement>,
    /// An entitlement that no code in the item may claim
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    forbid_entitlement: Vec<String>,
    /// notarized, developer-id, hardened-runtime, timestamp, arch:ARCH; several with commas
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = parse_demand)]
    require: Vec<Demand>,
}

impl Expected {
    /// What the rules are to ask.
    pub(super) fn expectations(&self) -> Expectations {
        Expectations {
            team: self.expect_team.clone(),
            identifier: self.expect_identifier.clone(),
            leaf: self.expect_leaf.map(|Leaf(digest)| digest),
            entitlements: self.expect_entitlement.clone(),
            forbidden_entitlements: self.forbid_entitlement.clone(),
            required: self.require.clone(),
        }
    }

    /// Warns about keys that are near to a real one, but none: nobody claims those, so forbidding them asks nothing.
    pub(super) fn warn(&self) {
        for key in &self.forbid_entitlement {
            if let Some(near) = entitlements::nearest(key) {
                complain(&format!(
                    "sealcheck: warning: --forbid-entitlement {key}: there is no such entitlement; is {near} meant?"
                ));
            }
        }
    }
}

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf(pub(super) [u8; 32]);

/// Reads 64 hexadecimal digits; openssl writes colons between the bytes.
pub(super) fn parse_leaf(text: &str) -> Result<Leaf, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|character| *character != ':')
        .map_while(|character| character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let is_whole = digits.len() == text.chars().filter(|character| *character != ':').count();
    let byte = |pair: &[u8]| pair.iter().fold(0_u8, |byte, digit| (byte << 4) | digit);
    let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
    match <[u8; 32]>::try_from(bytes) {
        Ok(digest) if is_whole && digits.len() == 64 => Ok(Leaf(digest)),
        _ => Err("a SHA-256 has 64 hexadecimal digits".to_owned()),
    }
}

pub(super) fn parse_entitlement(text: &str) -> Result<ExpectedEntitlement, String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (text, None),
    };
    if key.is_empty() {
        return Err("no key".to_owned());
    }
    Ok(ExpectedEntitlement {
        key: key.to_owned(),
        value,
    })
}

pub(super) fn parse_demand(text: &str) -> Result<Demand, String> {
    Demand::from_name(text).ok_or_else(|| {
        if text.to_ascii_lowercase().starts_with("arch:") {
            "no such architecture; arch:arm64 and arch:x86_64 are usual".to_owned()
        } else {
            "one of notarized, developer-id, hardened-runtime, timestamp, arch:ARCH".to_owned()
        }
    })
}
