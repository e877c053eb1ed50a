//! Builds apps, helpers, extensions, drivers, frameworks and tools as developers ship them, and asks the rules.
//!
//! `app("com.example.acme").entitlements(entries! { "com.apple.security.app-sandbox" => true }).advice()` is an app
//! that is signed with a Developer ID, with a timestamp and the hardened runtime, and what the rules say about it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sealcheck::finding::{Finding, Severity, Target};
use sealcheck::rule::Advice;
use sealcheck::time::UnixTime;
use sealcheck::trust::Anchors;
use sealcheck::verify::Options;

use super::bundle::{RULES, sign_with, write, write_executable};
use super::cms::{Authority, CmsSigner};
use super::macho::{self, Thin, arm64, x86_64};
use super::pki::{self, Issued};
use super::plist::{self, Entries, entries};
use super::signature::{Bound, RUNTIME, Signer, adhoc, certified};

use crate::support::examined::{Examined, examine};

/// The team of the test's developer.
pub const TEAM: &str = "ABCDE12345";

/// Platform numbers of `LC_BUILD_VERSION`.
pub const MACOS: u32 = 1;
pub const IOS: u32 = 2;
pub const CATALYST: u32 = 6;
pub const DRIVERKIT: u32 = 10;

/// Who signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    DeveloperId,
    /// Apple Distribution: an upload to the App Store.
    Distribution,
    /// As the Mac App Store delivers it.
    MacAppStore,
    Development,
    /// Apple's own software.
    Apple,
    Adhoc,
}

/// How the code lies on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// A bundle with `Contents`, by its extension and package type.
    Contents(&'static str, &'static str),
    /// A bundle without `Contents`, as DriverKit and iOS have them.
    Flat(&'static str, &'static str),
    /// A framework with one version.
    Framework,
    /// A single file of this Mach-O type.
    File(u32),
}

/// The rules that Apple's signer writes for a bundle without `Contents`.
pub const FLAT_RULES: &str = "<key>rules</key><dict><key>^.*</key><true/></dict><key>rules2</key><dict>\
    <key>^(.*/)?\\.DS_Store$</key><dict><key>omit</key><true/><key>weight</key><real>2000</real></dict>\
    <key>^.*</key><true/>\
    <key>^.*\\.lproj/</key><dict><key>optional</key><true/><key>weight</key><real>1000</real></dict>\
    <key>^.*\\.lproj/locversion.plist$</key><dict><key>omit</key><true/><key>weight</key><real>1100</real></dict>\
    <key>^Info\\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>\
    <key>^PkgInfo$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>\
    <key>^embedded\\.provisionprofile$</key><dict><key>weight</key><real>20</real></dict>\
    <key>^version\\.plist$</key><dict><key>weight</key><real>20</real></dict></dict>";

/// Code to be built.
#[derive(Clone)]
pub struct Code {
    pub identifier: String,
    pub by: By,
    /// Team identifier in the CodeDirectory and in the certificate.
    pub team: String,
    pub flags: u32,
    pub is_stamped: bool,
    /// GeneralizedTime of the timestamp.
    pub stamped_at: &'static str,
    pub entitlements: Option<Entries>,
    /// Further blobs by special slot; they win against the entitlements.
    pub special: BTreeMap<u32, Vec<u8>>,
    /// Keys of Info.plist beside the usual ones.
    pub info: Entries,
    /// Files by their path in the bundle's support folder.
    pub files: Vec<(String, Vec<u8>)>,
    /// Nested code by its path in the bundle's support folder.
    pub nested: Vec<(String, Code)>,
    pub platform: u32,
    pub slices: Vec<Thin>,
    /// A change to how it is signed.
    pub signing: Option<fn(&mut Signer)>,
    shape: Shape,
}

fn code(identifier: &str, shape: Shape) -> Code {
    let text = identifier.repeat(300);
    Code {
        identifier: identifier.to_owned(),
        by: By::DeveloperId,
        team: TEAM.to_owned(),
        flags: RUNTIME,
        is_stamped: true,
        stamped_at: "20260601120100Z",
        entitlements: None,
        special: BTreeMap::new(),
        info: Entries::new(),
        files: Vec::new(),
        nested: Vec::new(),
        platform: MACOS,
        slices: vec![x86_64(text.as_bytes()), arm64(text.as_bytes())],
        signing: None,
        shape,
    }
}

pub fn app(identifier: &str) -> Code {
    code(identifier, Shape::Contents("app", "APPL"))
}

/// An app for iOS, iOS-like from head to foot.
pub fn ios_app(identifier: &str) -> Code {
    Code {
        platform: IOS,
        ..code(identifier, Shape::Flat("app", "APPL"))
    }
}

pub fn app_extension(identifier: &str) -> Code {
    let point = entries! { "NSExtensionPointIdentifier" => "com.apple.share-services" };
    code(identifier, Shape::Contents("appex", "XPC!")).info(entries! { "NSExtension" => point })
}

pub fn xpc_service(identifier: &str) -> Code {
    let service = entries! { "ServiceType" => "Application" };
    code(identifier, Shape::Contents("xpc", "XPC!")).info(entries! { "XPCService" => service })
}

pub fn system_extension(identifier: &str) -> Code {
    code(identifier, Shape::Contents("systemextension", "SYSX"))
        .info(entries! { "NSSystemExtensionUsageDescription" => "Watches the network." })
}

pub fn driver(identifier: &str) -> Code {
    Code {
        platform: DRIVERKIT,
        ..code(identifier, Shape::Flat("dext", "DEXT"))
    }
    .info(entries! { "OSBundleUsageDescription" => "Drives the device." })
}

pub fn framework(identifier: &str) -> Code {
    code(identifier, Shape::Framework).with_flags(0)
}

pub fn library(identifier: &str) -> Code {
    code(identifier, Shape::File(macho::DYLIB)).with_flags(0)
}

/// A program that is a single file.
pub fn tool(identifier: &str) -> Code {
    code(identifier, Shape::File(macho::EXECUTE))
}

impl Code {
    pub fn entitlements(mut self, entitlements: Entries) -> Self {
        self.entitlements = Some(entitlements);
        self
    }

    pub fn by(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    pub fn team(mut self, team: &str) -> Self {
        self.team = team.to_owned();
        self
    }

    pub fn with_flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    pub fn stamped_at(mut self, time: &'static str) -> Self {
        self.stamped_at = time;
        self
    }

    pub fn platform(mut self, platform: u32) -> Self {
        self.platform = platform;
        self
    }

    /// Keys of Info.plist, such as `entries! { "NSCameraUsageDescription" => "Takes your picture." }`.
    pub fn info(mut self, info: Entries) -> Self {
        self.info.extend(info);
        self
    }

    /// Changes every slice.
    pub fn macho(mut self, change: impl Fn(&mut Thin)) -> Self {
        self.slices.iter_mut().for_each(change);
        self
    }

    /// Changes how it is signed.
    pub fn signing(mut self, change: fn(&mut Signer)) -> Self {
        self.signing = Some(change);
        self
    }

    /// Libraries that it links, beside libSystem.
    pub fn links(self, libraries: &[&str]) -> Self {
        self.macho(|thin| {
            thin.libraries
                .extend(libraries.iter().map(|path| (*path).to_owned()))
        })
    }

    /// A library that may be missing.
    pub fn links_weakly(self, library: &str) -> Self {
        self.macho(|thin| thin.paths.push((macho::WEAK, 24, library.to_owned())))
    }

    /// Its run paths.
    pub fn run_paths(self, paths: &[&str]) -> Self {
        self.macho(|thin| thin.run_paths.extend(paths.iter().map(|path| (*path).to_owned())))
    }

    /// A blob in a special slot.
    pub fn special(mut self, slot: u32, blob: Vec<u8>) -> Self {
        self.special.insert(slot, blob);
        self
    }

    /// A file, by its path in `Contents` (in the bundle, where there is no such folder).
    pub fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.push((path.to_owned(), bytes.to_vec()));
        self
    }

    /// Nested code, by its path in `Contents` (in the bundle, where there is no such folder).
    pub fn nested(mut self, path: &str, code: Code) -> Self {
        self.nested.push((path.to_owned(), code));
        self
    }

    /// The name of its file or bundle, without extension.
    fn name(&self) -> &str {
        self.identifier.rsplit('.').next().unwrap()
    }

    /// The name of its file or bundle.
    pub fn file_name(&self) -> String {
        match self.shape {
            Shape::Contents(extension, _) | Shape::Flat(extension, _) => {
                format!("{}.{extension}", self.name())
            }
            Shape::Framework => format!("{}.framework", self.name()),
            Shape::File(macho::DYLIB) => format!("{}.dylib", self.name()),
            Shape::File(_) => self.name().to_owned(),
        }
    }

    fn signer(&self) -> Signer {
        let base = match identity(self.by, &self.team) {
            None => adhoc(&self.identifier),
            Some(leaf) => {
                let timestamp = self.is_stamped.then(|| Authority {
                    time: self.stamped_at,
                    ..apple().stamps()
                });
                certified(
                    &self.identifier,
                    CmsSigner {
                        timestamp,
                        ..CmsSigner::new(&leaf)
                    },
                )
            }
        };
        let mut special = base.special.clone();
        if let Some(entitlements) = &self.entitlements {
            for (slot, magic, payload) in [
                (5, 0xfade_7171, plist::xml(entitlements)),
                (7, 0xfade_7172, plist::der(entitlements)),
            ] {
                special.insert(slot, super::signature::blob(magic, &payload));
            }
        }
        special.extend(self.special.clone());
        // As codesign does, that writes the version in which the runtime's version has a place.
        let has_team = !matches!(self.by, By::Adhoc | By::Apple | By::MacAppStore);
        let mut signer = Signer {
            flags: base.flags | self.flags,
            team: has_team.then(|| self.team.clone()),
            version: 0x20500,
            special,
            ..base
        };
        if let Some(change) = self.signing {
            change(&mut signer);
        }
        signer
    }

    fn thins(&self) -> Vec<Thin> {
        let file_type = match self.shape {
            Shape::Framework => macho::DYLIB,
            Shape::File(file_type) => file_type,
            _ => macho::EXECUTE,
        };
        self.slices
            .iter()
            .map(|thin| Thin {
                file_type,
                build_version: (self.platform, thin.build_version.1, thin.build_version.2),
                ..thin.clone()
            })
            .collect()
    }

    fn info_plist(&self, package_type: &str) -> Vec<u8> {
        let mut info = entries! {
            "CFBundleExecutable" => self.name(),
            "CFBundleIconName" => "AppIcon",
            "CFBundleIdentifier" => self.identifier.as_str(),
            "CFBundlePackageType" => package_type,
            "CFBundleShortVersionString" => "1.2.3",
            "CFBundleVersion" => "1203",
            "ITSAppUsesNonExemptEncryption" => false,
            "LSApplicationCategoryType" => "public.app-category.utilities",
        };
        info.extend(self.info.clone());
        plist::xml(&info)
    }

    /// Writes the code at `path`, which is the name of its file or bundle; gives the cdhashes of its slices.
    pub fn write(&self, path: &Path) -> Vec<Vec<u8>> {
        let (support, info, executable, package_type) = match self.shape {
            Shape::File(_) => {
                let info = self.slices.first().and_then(|thin| thin.info_plist.as_deref());
                let bound = Bound {
                    info,
                    ..Bound::default()
                };
                let (bytes, cdhashes) = self.signer().sign_all(&self.thins(), bound);
                write_executable(path, &bytes);
                return cdhashes;
            }
            Shape::Contents(_, kind) => (
                path.join("Contents"),
                "Info.plist",
                format!("MacOS/{}", self.name()),
                kind,
            ),
            Shape::Flat(_, kind) => (path.to_path_buf(), "Info.plist", self.name().to_owned(), kind),
            Shape::Framework => {
                let version = path.join("Versions/A");
                for (link, target) in [
                    ("Versions/Current", "A".to_owned()),
                    ("Resources", "Versions/Current/Resources".to_owned()),
                    (self.name(), format!("Versions/Current/{}", self.name())),
                ] {
                    std::fs::create_dir_all(path.join("Versions")).unwrap();
                    std::os::unix::fs::symlink(target, path.join(link)).unwrap();
                }
                (version, "Resources/Info.plist", self.name().to_owned(), "FMWK")
            }
        };
        write(&support.join(info), &self.info_plist(package_type));
        for (name, bytes) in &self.files {
            write(&support.join(name), bytes);
        }
        let mut nested = BTreeMap::new();
        for (name, code) in &self.nested {
            let cdhashes = code.write(&support.join(name));
            // Elsewhere, code is sealed like any other file.
            let is_nested = [
                "Frameworks/",
                "PlugIns/",
                "XPCServices/",
                "Helpers/",
                "MacOS/",
                "Library/LoginItems/",
            ]
            .iter()
            .any(|folder| name.starts_with(folder))
                || !name.contains('/');
            if is_nested {
                nested.insert(name.clone(), cdhashes);
            }
        }
        sign_with(
            &support,
            &executable,
            &self.thins(),
            &self.signer(),
            &nested,
            if matches!(self.shape, Shape::Flat(..)) {
                FLAT_RULES
            } else {
                RULES
            },
            2,
        )
    }

    /// Writes the code into a new folder.
    pub fn built(&self) -> Built {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(self.file_name());
        self.write(&path);
        Built {
            _folder: folder,
            path,
        }
    }

    /// What the rules say about it; its target follows from who signed it.
    pub fn advice(&self) -> Advice {
        self.built().advice(None)
    }

    /// Rule and severity of every finding, each once, sorted.
    pub fn found(&self) -> Vec<(&'static str, Severity)> {
        found(&self.advice())
    }
}

/// Options with the test's root for Apple's.
pub fn options() -> Options {
    let mut anchors = Anchors::default();
    anchors.trust_as_apple(&apple().root.der).unwrap();
    Options {
        anchors,
        at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
        ..Options::default()
    }
}

/// Code that lies on disk until this is dropped.
pub struct Built {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl Built {
    /// The evidence, with the test's root for Apple's.
    pub fn evidence(&self) -> Examined {
        examine(&self.path, &options()).unwrap()
    }

    /// What the rules say after something was done to it that macOS refuses.
    pub fn refused(&self) -> Advice {
        let evidence = self.evidence();
        assert_eq!(evidence.codesign.valid(), Some(false), "{:#?}", evidence.codesign);
        super::advise_unstapled(&evidence, None)
    }

    pub fn advice(&self, target: Option<Target>) -> Advice {
        let evidence = self.evidence();
        assert_eq!(evidence.codesign.valid(), Some(true), "{:#?}", evidence.codesign);
        super::advise_unstapled(&evidence, target)
    }
}

/// Rule and severity of every finding, each once, sorted.
pub fn found(advice: &Advice) -> Vec<(&'static str, Severity)> {
    let mut all: Vec<_> = advice
        .findings
        .iter()
        .map(|finding| (finding.rule, finding.severity))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The findings of one rule.
pub fn of<'a>(advice: &'a Advice, rule: &str) -> Vec<&'a Finding> {
    assert!(sealcheck::rule::find(rule).is_some(), "no rule {rule}");
    advice
        .findings
        .iter()
        .filter(|finding| finding.rule == rule)
        .collect()
}

/// A root that counts as Apple's, and the authorities under it.
pub struct Apple {
    pub root: Issued,
    developer_id: Issued,
    relations: Issued,
}

impl Apple {
    /// An authority for timestamps.
    pub fn stamps(&self) -> Authority {
        Authority::new(&pki::timestamp_authority().issued_by(&self.root))
    }
}

pub fn apple() -> &'static Apple {
    static APPLE: OnceLock<Apple> = OnceLock::new();
    APPLE.get_or_init(|| {
        let root = pki::root().self_signed();
        Apple {
            developer_id: pki::developer_id_ca().issued_by(&root),
            relations: pki::worldwide_developer_relations().issued_by(&root),
            root,
        }
    })
}

/// The certificate to sign with.
pub fn identity(by: By, team: &str) -> Option<Issued> {
    let (name, marker) = match by {
        By::Adhoc => return None,
        By::DeveloperId => ("Developer ID Application", pki::DEVELOPER_ID_APPLICATION),
        By::Distribution => ("Apple Distribution", pki::MAC_SUBMISSION),
        By::MacAppStore => ("Apple Mac OS Application Signing", pki::MAC_APP_STORE),
        By::Development => ("Apple Development", pki::MAC_DEVELOPMENT),
        By::Apple => ("Software Signing", pki::APPLE_SOFTWARE),
    };
    let issuer = match by {
        By::DeveloperId => &apple().developer_id,
        _ => &apple().relations,
    };
    Some(pki::leaf(name, team, marker).issued_by(issuer))
}
