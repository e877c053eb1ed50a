//! Writes bundles and seals them as `codesign` does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::macho::{self, Thin, arm64, x86_64};
use super::plist::entries;
use super::signature::{Bound, SHA1, SHA256, Signer, adhoc, digest};

/// An Info.plist.
pub fn info_plist(executable: &str, identifier: &str, package_type: &str) -> Vec<u8> {
    let service = match package_type {
        // A service and an extension at once.
        "XPC!" => {
            "<key>XPCService</key><dict/>\n<key>NSExtension</key><dict>\
             <key>NSExtensionPointIdentifier</key><string>com.apple.share-services</string></dict>\n"
        }
        _ => "",
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\n{service}\
         <key>CFBundleExecutable</key><string>{executable}</string>\n\
         <key>CFBundleIdentifier</key><string>{identifier}</string>\n\
         <key>CFBundlePackageType</key><string>{package_type}</string>\n\
         <key>CFBundleShortVersionString</key><string>1.2.3</string>\n</dict></plist>\n"
    )
    .into_bytes()
}

/// The Info.plist of an app with what the App Store asks for.
pub fn store_info_plist(executable: &str, identifier: &str) -> Vec<u8> {
    let info = String::from_utf8(info_plist(executable, identifier, "APPL")).unwrap();
    let keys = "<dict>\n<key>CFBundleIconName</key><string>AppIcon</string>\n\
         <key>ITSAppUsesNonExemptEncryption</key><false/>\n\
         <key>LSApplicationCategoryType</key><string>public.app-category.utilities</string>\n";
    info.replacen("<dict>\n", keys, 1).into_bytes()
}

pub fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub fn write_executable(path: &Path, bytes: &[u8]) {
    write(path, bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn base64(bytes: &[u8]) -> String {
    const TABLE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            if index <= chunk.len() {
                text.push(char::from(TABLE[(word >> (18 - 6 * index) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// The rules that Apple's signer writes, for a bundle with a `Contents` or version folder.
pub const RULES: &str = "<key>rules</key><dict>\
    <key>^Resources/</key><true/>\
    <key>^Resources/.*\\.lproj/</key><dict><key>optional</key><true/><key>weight</key><real>1000</real></dict>\
    <key>^Resources/.*\\.lproj/locversion.plist$</key><dict><key>omit</key><true/><key>weight</key><real>1100</real></dict>\
    <key>^Resources/Base\\.lproj/</key><dict><key>weight</key><real>1010</real></dict>\
    <key>^version.plist$</key><true/></dict>\
    <key>rules2</key><dict>\
    <key>.*\\.dSYM($|/)</key><dict><key>weight</key><real>11</real></dict>\
    <key>^(.*/)?\\.DS_Store$</key><dict><key>omit</key><true/><key>weight</key><real>2000</real></dict>\
    <key>^(Frameworks|SharedFrameworks|PlugIns|Plug-ins|XPCServices|Helpers|MacOS|Library/(Automator|Spotlight|LoginItems))/</key>\
    <dict><key>nested</key><true/><key>weight</key><real>10</real></dict>\
    <key>^.*</key><true/>\
    <key>^Info\\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>\
    <key>^PkgInfo$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>\
    <key>^Resources/</key><dict><key>weight</key><real>20</real></dict>\
    <key>^Resources/.*\\.lproj/</key><dict><key>optional</key><true/><key>weight</key><real>1000</real></dict>\
    <key>^Resources/.*\\.lproj/locversion.plist$</key><dict><key>omit</key><true/><key>weight</key><real>1100</real></dict>\
    <key>^Resources/Base\\.lproj/</key><dict><key>weight</key><real>1010</real></dict>\
    <key>^[^/]+$</key><dict><key>nested</key><true/><key>weight</key><real>10</real></dict>\
    <key>^embedded\\.provisionprofile$</key><dict><key>weight</key><real>20</real></dict>\
    <key>^version\\.plist$</key><dict><key>weight</key><real>20</real></dict></dict>";

/// What a seal is made from.
pub struct Seal<'a> {
    /// The folder with `_CodeSignature`.
    pub support: &'a Path,
    /// The main executable, from there.
    pub executable: &'a str,
    /// Nested code by its path from there, with the cdhashes of its slices.
    pub nested: &'a BTreeMap<String, Vec<Vec<u8>>>,
    pub rules: &'a str,
    /// 2, or 1 for an old seal without `files2`.
    pub version: u32,
}

impl Seal<'_> {
    fn entries(&self, folder: &str, out: &mut BTreeMap<String, String>) {
        let mut names: Vec<_> = fs::read_dir(self.support.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        for name in names {
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            let on_disk = self.support.join(&path);
            let top = [
                "_CodeSignature",
                "CodeResources",
                "_MASReceipt",
                "Info.plist",
                "PkgInfo",
            ];
            if top.contains(&path.as_str()) || path == self.executable || name == ".DS_Store" {
                continue;
            }
            let kind = fs::symlink_metadata(&on_disk).unwrap().file_type();
            let value = if let Some(cdhashes) = self.nested.get(&path) {
                let requirement: Vec<String> = cdhashes
                    .iter()
                    .map(|cdhash| format!("cdhash H\"{}\"", hex(cdhash)))
                    .collect();
                format!(
                    "<dict><key>cdhash</key><data>{}</data><key>requirement</key>\
                     <string>{}</string></dict>",
                    base64(cdhashes.last().unwrap()),
                    requirement.join(" or ")
                )
            } else if kind.is_symlink() {
                let target = fs::read_link(&on_disk).unwrap();
                format!(
                    "<dict><key>symlink</key><string>{}</string></dict>",
                    target.display()
                )
            } else if kind.is_dir() {
                self.entries(&path, out);
                continue;
            } else {
                let bytes = fs::read(&on_disk).unwrap();
                let optional = if path.contains(".lproj/") && !path.contains("Base.lproj/") {
                    "<key>optional</key><true/>"
                } else {
                    ""
                };
                format!(
                    "<dict><key>hash</key><data>{}</data><key>hash2</key><data>{}</data>{optional}</dict>",
                    base64(&digest(SHA1, &bytes)),
                    base64(&digest(SHA256, &bytes))
                )
            };
            out.insert(path, value);
        }
    }

    pub fn build(&self) -> Vec<u8> {
        let mut entries = BTreeMap::new();
        self.entries("", &mut entries);
        let files: String = entries
            .iter()
            .map(|(path, value)| format!("<key>{path}</key>{value}\n"))
            .collect();
        let (files, files2) = match self.version {
            1 => (files, String::new()),
            _ => (String::new(), format!("<key>files2</key><dict>{files}</dict>\n")),
        };
        let rules = match self.version {
            1 => "<key>rules</key><dict><key>^Resources/</key><true/></dict>",
            _ => self.rules,
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\n\
             <key>files</key><dict>{files}</dict>\n{files2}{rules}\n</dict></plist>\n"
        )
        .into_bytes()
    }
}

/// Seals and signs a bundle whose resources lie there already; gives the cdhashes of its slices.
pub fn sign(
    support: &Path,
    executable: &str,
    slices: &[Thin],
    signer: &Signer,
    nested: &BTreeMap<String, Vec<Vec<u8>>>,
) -> Vec<Vec<u8>> {
    sign_with(support, executable, slices, signer, nested, RULES, 2)
}

/// The same with other rules or another version of the seal.
pub fn sign_with(
    support: &Path,
    executable: &str,
    slices: &[Thin],
    signer: &Signer,
    nested: &BTreeMap<String, Vec<Vec<u8>>>,
    rules: &str,
    version: u32,
) -> Vec<Vec<u8>> {
    let info = ["Info.plist", "Resources/Info.plist"]
        .iter()
        .find_map(|name| fs::read(support.join(name)).ok());
    let resources = Seal {
        support,
        executable,
        nested,
        rules,
        version,
    }
    .build();
    write(&support.join("_CodeSignature/CodeResources"), &resources);
    let bound = Bound {
        info: info.as_deref(),
        resources: Some(&resources),
    };
    let (bytes, cdhashes) = signer.sign_all(slices, bound);
    write_executable(&support.join(executable), &bytes);
    cdhashes
}

/// Code for the main executables of test bundles.
pub fn slices(text: &str, file_type: u32) -> Vec<Thin> {
    let text = text.repeat(1200);
    [x86_64(text.as_bytes()), arm64(text.as_bytes())]
        .into_iter()
        .map(|thin| Thin { file_type, ..thin })
        .collect()
}

/// A versioned framework; gives the cdhashes of its slices.
pub fn framework(root: &Path, name: &str, text: &str, signer: &Signer) -> Vec<Vec<u8>> {
    let version = root.join("Versions/A");
    let info = info_plist(name, &signer.identifier, "FMWK");
    write(&version.join("Resources/Info.plist"), &info);
    write(&version.join("Resources/data.txt"), b"framework data\n");
    symlink("A", root.join("Versions/Current")).unwrap();
    symlink("Versions/Current/Resources", root.join("Resources")).unwrap();
    symlink(format!("Versions/Current/{name}"), root.join(name)).unwrap();
    let none = BTreeMap::new();
    sign(&version, name, &slices(text, macho::DYLIB), signer, &none)
}

/// A bundle with `Contents`, of the kind that its name says; gives the cdhashes of its slices.
pub fn contents_bundle(root: &Path, name: &str, package_type: &str, signer: &Signer) -> Vec<Vec<u8>> {
    let contents = root.join("Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist(name, &signer.identifier, package_type),
    );
    let code = slices(&signer.identifier, macho::EXECUTE);
    sign(
        &contents,
        &format!("MacOS/{name}"),
        &code,
        signer,
        &BTreeMap::new(),
    )
}

/// How `Acme.app` is signed.
pub fn acme_signer() -> Signer {
    Signer {
        hash_types: vec![SHA1, SHA256],
        entitlements: Some(entries! {
            "com.apple.security.app-sandbox" => true,
            "com.apple.security.network.client" => true,
        }),
        ..adhoc("com.example.acme")
    }
}

/// An app with resources, links, a localisation, a framework, an XPC service and a library, signed ad hoc.
pub fn acme(folder: &Path) -> PathBuf {
    let root = folder.join("Acme.app");
    let contents = root.join("Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("Acme", "com.example.acme", "APPL"),
    );
    write(&contents.join("PkgInfo"), b"APPL????");
    write(&contents.join("Resources/config.json"), b"{\"answer\": 42}\n");
    write(&contents.join("Resources/sub/deep.txt"), b"deep\n");
    write(
        &contents.join("Resources/de.lproj/Main.strings"),
        b"\"a\" = \"b\";\n",
    );
    symlink("config.json", contents.join("Resources/link.json")).unwrap();
    let inner = framework(
        &contents.join("Frameworks/Inner.framework"),
        "Inner",
        "inner ",
        &adhoc("com.example.inner"),
    );
    let service = contents_bundle(
        &contents.join("XPCServices/Service.xpc"),
        "Service",
        "XPC!",
        &Signer {
            entitlements: Some(entries! { "com.apple.security.app-sandbox" => true }),
            ..adhoc("com.example.service")
        },
    );
    let library = Thin {
        file_type: macho::DYLIB,
        ..arm64(b"library")
    };
    let (library, library_hashes) = adhoc("libextra").sign_all(&[library], Bound::default());
    write_executable(&contents.join("Frameworks/libextra.dylib"), &library);
    let nested = BTreeMap::from([
        ("Frameworks/Inner.framework".to_owned(), inner),
        ("Frameworks/libextra.dylib".to_owned(), library_hashes),
        ("XPCServices/Service.xpc".to_owned(), service),
    ]);
    let code = slices("main ", macho::EXECUTE);
    sign(&contents, "MacOS/Acme", &code, &acme_signer(), &nested);
    root
}

/// A bundle without code, whose signature lies in files beside its seal, by two CodeDirectories.
pub fn codeless(root: &Path, signer: &Signer) {
    let contents = root.join("Contents");
    let info = b"<plist><dict><key>CFBundleIdentifier</key><string>com.example.data</string></dict></plist>";
    write(&contents.join("Info.plist"), info);
    write(&contents.join("Resources/a.txt"), b"a\n");
    let seal = Seal {
        support: &contents,
        executable: "",
        nested: &BTreeMap::new(),
        rules: "<key>rules</key><dict><key>^Resources/</key><true/></dict><key>rules2</key><dict><key>^.*</key><true/></dict>",
        version: 2,
    }
    .build();
    let bound = Bound {
        info: Some(info),
        resources: Some(&seal),
    };
    let directories = [SHA256, SHA1].map(|hash_type| signer.code_directory(hash_type, info, bound));
    let hashes = [(SHA1, &directories[1]), (SHA256, &directories[0])];
    let hashes = hashes.map(|(hash_type, directory)| (hash_type, digest(hash_type, directory)));
    let cms = signer
        .identity
        .as_ref()
        .map(|identity| identity.sign(&directories[0], &hashes));
    let meta = contents.join("_CodeSignature");
    write(&meta.join("CodeResources"), &seal);
    write(&meta.join("CodeDirectory"), &directories[0]);
    write(&meta.join("CodeRequirements-1"), &directories[1]);
    write(&meta.join("CodeRequirements"), &signer.special[&2]);
    write(&meta.join("CodeSignature"), &cms.unwrap_or_default());
}
