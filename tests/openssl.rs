//! `openssl` as a second opinion on CMS signatures and timestamp tokens: ours, and the real ones of Apple's services.

use std::path::Path;
use std::process::Command;

use sealcheck::blob::{Slot, SuperBlob, magic};
use sealcheck::cms::SignedData;
use sealcheck::macho::{MachO, is_macho};

use crate::support::cms::{CmsSigner, Form};
use crate::support::pki::{self, Hash, Key};
use crate::support::{notice, project, real_app};

/// Whether openssl accepts; `None` with a notice where there is none.
fn openssl(arguments: &[&str], folder: &Path) -> Option<bool> {
    match Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
    {
        Ok(output) => Some(output.status.success()),
        Err(_) => {
            notice("no openssl, its opinion was not asked for");
            None
        }
    }
}

fn cms_verify(cms: &[u8], content: &[u8]) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cms"), cms).unwrap();
    std::fs::write(folder.path().join("content"), content).unwrap();
    // The chain is not its business: Apple's critical markers are unknown to it.
    let arguments = [
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-in",
        "cms",
        "-content",
        "content",
        "-binary",
        "-noverify",
        "-out",
        "out",
    ];
    openssl(&arguments, folder.path())
}

#[test]
fn our_signer_makes_what_openssl_accepts() {
    for key in [Key::Rsa(2048), Key::P256(3), Key::P384(3), Key::P521(3)] {
        let leaf = pki::self_signed(key).self_signed();
        for hash in [Hash::Sha256, Hash::Sha512] {
            for form in [Form::Der, Form::Ber] {
                for has_attributes in [true, false] {
                    let signer = CmsSigner {
                        hash,
                        form,
                        has_attributes,
                        ..CmsSigner::new(&leaf)
                    };
                    let cms = signer.sign(b"directory", &[(2, vec![0; 32])]);
                    let case = format!("{key:?} {hash:?} {form:?} {has_attributes}");
                    let Some(accepted) = cms_verify(&cms, b"directory") else {
                        return;
                    };
                    assert!(accepted, "{case}");
                    assert_eq!(cms_verify(&cms, b"another"), Some(false), "{case}");
                    let broken = CmsSigner {
                        breaks_signature: true,
                        ..signer
                    };
                    let cms = broken.sign(b"directory", &[(2, vec![0; 32])]);
                    assert_eq!(cms_verify(&cms, b"directory"), Some(false), "{case}");
                }
            }
        }
    }
}

/// CodeDirectory and CMS of every slice of a Mach-O file.
fn signatures(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    if !is_macho(&bytes) {
        return Vec::new();
    }
    let macho = MachO::parse(&bytes).unwrap();
    let mut found = Vec::new();
    for slice in &macho.slices {
        let superblob = slice
            .signature_space()
            .and_then(|space| SuperBlob::parse(space, magic::EMBEDDED_SIGNATURE).ok());
        let Some(superblob) = superblob else { continue };
        let directory = superblob.find(Slot::CODE_DIRECTORY);
        let cms = superblob.component(Slot::SIGNATURE).ok().flatten();
        if let (Some(directory), Some(cms)) = (directory, cms)
            && !cms.is_empty()
        {
            found.push((directory.to_vec(), cms.to_vec()));
        }
    }
    found
}

#[test]
fn real_signatures_and_timestamps() {
    let mut files = vec![real_app().join("Contents/MacOS/Mitmproxy Redirector")];
    if let Some(folder) = crate::corpus::unpacked() {
        let items = crate::corpus::items().into_iter();
        files.extend(
            items
                .map(|item| folder.path().join(item))
                .filter(|path| path.is_file()),
        );
    }
    let root = project().join("src/trust/roots/AppleIncRootCertificate.cer");
    let (mut signed, mut stamped) = (0, 0);
    for file in files {
        for (directory, cms) in signatures(&file) {
            let Some(accepted) = cms_verify(&cms, &directory) else {
                return;
            };
            assert!(accepted, "{}", file.display());
            signed += 1;
            let data = SignedData::parse(&cms).unwrap();
            let signer = &data.signers[0];
            let token = signer
                .unsigned_attributes
                .as_ref()
                .and_then(|attributes| attributes.timestamp_token());
            let Some(token) = token else { continue };
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("token"), token.whole).unwrap();
            std::fs::write(folder.path().join("signature"), &signer.signature).unwrap();
            std::fs::write(folder.path().join("other"), b"other").unwrap();
            let pem = [
                "x509",
                "-inform",
                "DER",
                "-in",
                root.to_str().unwrap(),
                "-out",
                "root",
            ];
            assert_eq!(openssl(&pem, folder.path()), Some(true));
            let verify = |data: &str| {
                let arguments = [
                    "ts",
                    "-verify",
                    "-data",
                    data,
                    "-in",
                    "token",
                    "-token_in",
                    "-CAfile",
                    "root",
                    "-no_check_time",
                ];
                openssl(&arguments, folder.path())
            };
            assert_eq!(verify("signature"), Some(true), "{}", file.display());
            assert_eq!(verify("other"), Some(false), "{}", file.display());
            stamped += 1;
        }
    }
    assert!(signed >= 2 && stamped >= 2, "{signed} signed, {stamped} stamped");
}
