//! Makes provisioning profiles: both forms, of every kind, with every defect; and the claims to hold against them.
//!
//! Values are JSON, so that nothing here leans on sealcheck's own property lists.

use std::collections::BTreeMap;

use serde_json::Value;

use super::bundle::base64;
use super::cms::{CmsSigner, Form};
use super::der::{boolean, integer, octets, sequence, sorted, tlv, utc_time, utf8};
use super::pki::{
    self, Issued, Key, Template, authority_key, basic_constraints, key_usage, marker, subject_key,
};
use super::signature::blob;

/// A whole signing world: a root that counts as Apple's, developers and the services that sign profiles.
pub struct World {
    pub root: Issued,
    pub developer_id: Issued,
    pub development: Issued,
    pub distribution: Issued,
    /// The same, made later; in no profile.
    pub renewed: Issued,
    /// Signs the property list.
    pub mac_service: Issued,
    /// Signs the DER form.
    pub der_service: Issued,
}

pub const TEAM: &str = "ABCDE12345";

/// A developer's certificate with this marker, of team `ABCDE12345`.
fn developer(name: &str, key: Key, mark: &str) -> Template {
    let mut template = Template::new(name, key).with(&[
        key_usage(0x80),
        pki::purposes(&[pki::CODE_SIGNING]),
        authority_key(b"wwdr"),
        marker(mark),
    ]);
    template.subject.push((pki::UNIT, TEAM.into()));
    template
}

impl World {
    pub fn new() -> Self {
        let root = pki::root().self_signed();
        let authority = |name: &str, key, identifier: &[u8], mark: &str| {
            Template::new(name, key)
                .with(&[
                    basic_constraints(true, None),
                    key_usage(0x06),
                    subject_key(identifier),
                    authority_key(b"root"),
                    marker(mark),
                ])
                .issued_by(&root)
        };
        let wwdr = authority("Test WWDR CA", Key::P256(21), b"wwdr", "1.2.840.113635.100.6.2.1");
        let system = authority(
            "Test System Integration CA",
            Key::P256(22),
            b"system",
            "1.2.840.113635.100.6.2.17",
        );
        let service = |name: &str, key, under: &[u8], mark: &str| {
            Template::new(name, key).with(&[key_usage(0x80), authority_key(under), marker(mark)])
        };
        Self {
            developer_id: pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root)),
            development: developer(
                "Apple Development: Example",
                Key::P256(23),
                "1.2.840.113635.100.6.1.12",
            )
            .issued_by(&wwdr),
            distribution: developer(
                "Apple Distribution: Example (ABCDE12345)",
                Key::P256(24),
                "1.2.840.113635.100.6.1.7",
            )
            .issued_by(&wwdr),
            renewed: developer(
                "Apple Distribution: Example (ABCDE12345)",
                Key::P256(27),
                "1.2.840.113635.100.6.1.7",
            )
            .issued_by(&wwdr),
            mac_service: service(
                "Test Provisioning Profile Signing",
                Key::P256(25),
                b"wwdr",
                "1.2.840.113635.100.4.11",
            )
            .issued_by(&wwdr),
            der_service: service(
                "Test DER Profile Signing",
                Key::P256(26),
                b"system",
                "1.2.840.113635.100.12.19",
            )
            .issued_by(&system),
            root,
        }
    }

    /// Roots under which all of it is Apple's.
    pub fn anchors(&self) -> sealcheck::trust::Anchors {
        let mut anchors = sealcheck::trust::Anchors::default();
        anchors.trust_as_apple(&self.root.der).unwrap();
        anchors
    }

    /// What every profile has; of no kind yet.
    fn profile(&self, certificate: &Issued, entitlements: Value) -> Profile {
        Profile {
            name: "Example Profile".into(),
            uuid: "69842bb4-a811-4ff6-8724-f49e73bdbfde".into(),
            teams: vec![TEAM.into()],
            prefixes: vec![TEAM.into()],
            platforms: vec!["OSX".into()],
            created: "20260101000000Z".into(),
            expires: "20410101000000Z".into(),
            certificates: vec![certificate.der.clone()],
            devices: None,
            all_devices: false,
            entitlements,
            der: Der::Same,
            signer: CmsSigner::new(&self.mac_service),
            der_signer: CmsSigner::new(&self.der_service),
            changes_content: false,
            more: String::new(),
        }
    }

    /// For Developer ID.
    pub fn for_developer_id(&self, entitlements: Value) -> Profile {
        Profile {
            all_devices: true,
            ..self.profile(&self.developer_id, entitlements)
        }
    }

    /// For development on two Macs.
    pub fn for_development(&self, entitlements: Value) -> Profile {
        Profile {
            devices: Some(vec![
                "00008103-000000000000001E".into(),
                "00008103-00000000000002AE".into(),
            ]),
            ..self.profile(&self.development, entitlements)
        }
    }

    /// For the Mac App Store.
    pub fn for_app_store(&self, entitlements: Value) -> Profile {
        self.profile(&self.distribution, entitlements)
    }
}

/// What the DER form says.
#[derive(Clone)]
pub enum Der {
    /// The same.
    Same,
    /// There is none.
    Absent,
    /// Other entitlements.
    Entitlements(Value),
    /// These bytes, inside of a CMS.
    Content(Vec<u8>),
    /// These bytes in place of the CMS.
    Bytes(Vec<u8>),
}

/// A profile to be made.
#[derive(Clone)]
pub struct Profile {
    pub name: String,
    pub uuid: String,
    pub teams: Vec<String>,
    pub prefixes: Vec<String>,
    pub platforms: Vec<String>,
    /// GeneralizedTimes.
    pub created: String,
    pub expires: String,
    pub certificates: Vec<Vec<u8>>,
    pub devices: Option<Vec<String>>,
    pub all_devices: bool,
    pub entitlements: Value,
    pub der: Der,
    pub signer: CmsSigner,
    pub der_signer: CmsSigner,
    /// Whether the property list is another one than what was signed.
    pub changes_content: bool,
    /// Further elements of the property list.
    pub more: String,
}

impl Profile {
    pub fn build(&self) -> Vec<u8> {
        let list = self.list();
        let cms = sign(&self.signer, &list);
        if self.changes_content {
            let mut changed = cms;
            let at = super::position(&changed, format!("<string>{}</string>", self.name).as_bytes()) + 8;
            changed[at] ^= 1;
            return changed;
        }
        cms
    }

    /// The property list.
    pub fn list(&self) -> Vec<u8> {
        let strings = |list: &[String]| {
            let body: String = list
                .iter()
                .map(|text| format!("<string>{text}</string>"))
                .collect();
            format!("<array>{body}</array>")
        };
        let date = |text: &str| {
            let part = |range: std::ops::Range<usize>| &text[range];
            format!(
                "<date>{}-{}-{}T{}:{}:{}Z</date>",
                part(0..4),
                part(4..6),
                part(6..8),
                part(8..10),
                part(10..12),
                part(12..14)
            )
        };
        let mut body = format!(
            "<key>Name</key><string>{}</string><key>UUID</key><string>{}</string>\
             <key>AppIDName</key><string>Example</string><key>TeamName</key><string>Example Inc.</string>\
             <key>TeamIdentifier</key>{}<key>ApplicationIdentifierPrefix</key>{}\
             <key>CreationDate</key>{}<key>ExpirationDate</key>{}<key>Entitlements</key>{}",
            self.name,
            self.uuid,
            strings(&self.teams),
            strings(&self.prefixes),
            date(&self.created),
            date(&self.expires),
            xml(&self.entitlements),
        );
        if !self.platforms.is_empty() {
            body += &format!("<key>Platform</key>{}", strings(&self.platforms));
        }
        let certificates: String = self
            .certificates
            .iter()
            .map(|der| format!("<data>{}</data>", base64(der)))
            .collect();
        body += &format!("<key>DeveloperCertificates</key><array>{certificates}</array>");
        if let Some(devices) = &self.devices {
            body += &format!("<key>ProvisionedDevices</key>{}", strings(devices));
        }
        let der = match &self.der {
            Der::Absent => None,
            Der::Same => Some(sign(&self.der_signer, &self.der_content(&self.entitlements))),
            Der::Entitlements(other) => Some(sign(&self.der_signer, &self.der_content(other))),
            Der::Content(bytes) => Some(sign(&self.der_signer, bytes)),
            Der::Bytes(bytes) => Some(bytes.clone()),
        };
        if let Some(der) = der {
            body += &format!("<key>DER-Encoded-Profile</key><data>{}</data>", base64(&der));
        }
        if self.all_devices {
            body += "<key>ProvisionsAllDevices</key><true/>";
        }
        body += &self.more;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>{body}</dict></plist>\n"
        )
        .into_bytes()
    }

    /// The content of the DER form.
    pub fn der_content(&self, entitlements: &Value) -> Vec<u8> {
        let strings = |list: &[String]| sequence(&list.iter().map(|text| utf8(text)).collect::<Vec<_>>());
        let digests: Vec<_> = self
            .certificates
            .iter()
            .map(|der| octets(&pki::Hash::Sha256.of(der)))
            .collect();
        let mut pairs = vec![
            ("Name", utf8(&self.name)),
            ("UUID", utf8(&self.uuid)),
            ("AppIDName", utf8("Example")),
            ("TeamName", utf8("Example Inc.")),
            ("TeamIdentifier", strings(&self.teams)),
            ("ApplicationIdentifierPrefix", strings(&self.prefixes)),
            ("CreationDate", utc_time(&self.created)),
            ("ExpirationDate", utc_time(&self.expires)),
            ("DeveloperCertificates", sequence(&digests)),
            ("Entitlements", der_entitlements(entitlements)),
            // Real ones have keys that the property list has not.
            ("ProfileDistributionType", utf8("DIRECT")),
        ];
        if !self.platforms.is_empty() {
            pairs.push(("Platform", strings(&self.platforms)));
        }
        if let Some(devices) = &self.devices {
            pairs.push(("ProvisionedDevices", strings(devices)));
        }
        if self.all_devices {
            pairs.push(("ProvisionsAllDevices", boolean(true)));
        }
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| sequence(&[utf8(key), value.clone()]))
            .collect();
        tlv(0x31, &sorted(&pairs))
    }
}

/// A CMS with its content, as DER: Apple's services write it so.
pub fn sign(signer: &CmsSigner, content: &[u8]) -> Vec<u8> {
    use super::cms::Agility::Absent;
    let signer = CmsSigner {
        form: Form::Der,
        agility_1: Absent,
        agility_2: Absent,
        embeds_content: true,
        ..signer.clone()
    };
    signer.sign(content, &[])
}

/// A value as an element of a property list.
fn xml(value: &Value) -> String {
    match value {
        Value::Bool(value) => format!("<{value}/>"),
        Value::Number(number) => format!("<integer>{number}</integer>"),
        Value::String(text) => format!("<string>{text}</string>"),
        Value::Array(elements) => {
            let body: String = elements.iter().map(xml).collect();
            format!("<array>{body}</array>")
        }
        Value::Object(entries) => {
            let body: String = entries
                .iter()
                .map(|(key, value)| format!("<key>{key}</key>{}", xml(value)))
                .collect();
            format!("<dict>{body}</dict>")
        }
        Value::Null => panic!("no null in property lists"),
    }
}

/// `[16]` with pairs in the order of their keys.
fn der_dictionary(value: &Value) -> Vec<u8> {
    let entries: BTreeMap<_, _> = value.as_object().unwrap().iter().collect();
    let pairs: Vec<u8> = entries
        .iter()
        .flat_map(|(key, value)| sequence(&[utf8(key), der_value(value)]))
        .collect();
    tlv(0xb0, &pairs)
}

fn der_value(value: &Value) -> Vec<u8> {
    match value {
        Value::Bool(value) => boolean(*value),
        Value::Number(number) => integer(number.as_u64().unwrap()),
        Value::String(text) => utf8(text),
        Value::Array(elements) => sequence(&elements.iter().map(der_value).collect::<Vec<_>>()),
        Value::Object(_) => der_dictionary(value),
        Value::Null => panic!("no null in entitlements"),
    }
}

fn der_entitlements(value: &Value) -> Vec<u8> {
    tlv(0x70, &[integer(1), der_dictionary(value)].concat())
}

/// Entitlements of any shape as the blobs of slots 5 and 7.
pub fn claims(value: &Value) -> BTreeMap<u32, Vec<u8>> {
    let list = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">{}</plist>\n",
        xml(value)
    );
    BTreeMap::from([
        (5, blob(0xfade_7171, list.as_bytes())),
        (7, blob(0xfade_7172, &der_entitlements(value))),
    ])
}
