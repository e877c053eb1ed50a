//! What is fuzzed: one function for each reader of hostile bytes, and one that mutates a whole signed bundle.
//!
//! `cargo fuzz` drives them with coverage; `tests/fuzzing.rs` replays seeds and mutations of them with the stable
//! toolchain. None may panic, hang or eat memory, whatever the bytes are. Where a reader has a writer, what was read
//! is written and must be read the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sealcheck::blob::{SuperBlob, magic, unwrap};
use sealcheck::budget::Budget;
use sealcheck::bundle::Seal;
use sealcheck::cms::SignedData;
use sealcheck::codedir::CodeDirectory;
use sealcheck::container::{Asar, Inflater, Stream, Tar, Zip, ZipArchive, ZipTree};
use sealcheck::entitlements;
use sealcheck::finding::Target;
use sealcheck::gatekeeper::{assess, fitting_operation};
use sealcheck::hash::HashType;
use sealcheck::limits::Limits;
use sealcheck::macho::MachO;
use sealcheck::outcome::Outcome;
use sealcheck::plist;
use sealcheck::profile::{Profile, grant};
use sealcheck::report::{Json, Report, Settings, Style, codesign_lines, write_human};
use sealcheck::requirement::{Context, Requirement, RequirementSet};
use sealcheck::source::{Bytes, Tree};
use sealcheck::subject::Item;
use sealcheck::survey::{examine_item, examine_tree};
use sealcheck::ticket::Ticket;
use sealcheck::time::UnixTime;
use sealcheck::trust::{Anchors, Cache, Certificate, Path as TrustPath, Purpose, Signed, evaluate};
use sealcheck::verify::{BoundFiles, HostArchitecture, Options, Subject, examine};

/// A target: its name, and what it does with bytes.
pub type Run = fn(&[u8]);

/// Every target.
pub const TARGETS: [(&str, Run); 21] = [
    ("macho", macho),
    ("superblob", superblob),
    ("code_directory", code_directory),
    ("requirement_binary", requirement_binary),
    ("requirement_text", requirement_text),
    ("cms", cms),
    ("certificate_path", certificate_path),
    ("signature", signature),
    ("plist_xml", plist_xml),
    ("plist_binary", plist_binary),
    ("plist_old_style", plist_old_style),
    ("entitlements_der", entitlements_der),
    ("code_resources", code_resources),
    ("ticket", ticket),
    ("profile", profile),
    ("archive", archive),
    ("tar", tar),
    ("asar", asar),
    ("slice", slice),
    ("bundle", bundle),
    ("work", crate::work::work),
];

/// The middle of 2026, when the fixtures are valid.
pub const NOW: UnixTime = UnixTime(1_781_481_600);

/// Headers, load commands, layout.
pub fn macho(data: &[u8]) {
    if let Ok(file) = MachO::parse(data) {
        for slice in &file.slices {
            let _ = (
                slice.signature_space(),
                slice.signing_extent(),
                slice.linkedit_is_last(),
            );
        }
    }
}

/// The index and every blob in it.
pub fn superblob(data: &[u8]) {
    if let Ok(found) = SuperBlob::parse(data, magic::EMBEDDED_SIGNATURE) {
        for entry in found.entries() {
            let _ = (
                unwrap(entry.data, magic::BLOB_WRAPPER),
                CodeDirectory::parse(entry.data),
            );
        }
    }
}

/// Fields, slots, geometry.
pub fn code_directory(data: &[u8]) {
    if let Ok(found) = CodeDirectory::parse(data) {
        let _ = (found.cdhash(), found.geometry(), found.code_slot_table().len());
        for slot in 0..=12 {
            let _ = found.special_slot(sealcheck::blob::Slot(slot));
        }
    }
}

fn held_against_nothing(requirement: &Requirement) {
    let context = Context {
        identifier: b"org.example",
        cdhash: &[7; 20],
        platform: 0,
        info: None,
        entitlements: None,
        chain: &[],
        is_apple: false,
        is_notarized: None,
        timestamp: None,
    };
    let _ = (requirement.evaluate(&context), requirement.fault());
}

/// A requirement blob, or a set of them.
pub fn requirement_binary(data: &[u8]) {
    if let Ok(found) = Requirement::from_blob(data) {
        held_against_nothing(&found);
        let _ = (found.to_string(), found.to_source());
        // What is malformed cannot be written.
        if found.fault().is_some() {
            return;
        }
        assert_eq!(Requirement::from_blob(&found.to_blob()).as_ref(), Ok(&found));
    }
    if let Ok(set) = RequirementSet::from_blob(data) {
        let _ = set.to_string();
    }
}

/// Text that compiles means the same after it was written and read again.
pub fn requirement_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(found) = Requirement::from_text(text) {
        held_against_nothing(&found);
        assert_eq!(Requirement::from_blob(&found.to_blob()).as_ref(), Ok(&found));
    }
    let _ = RequirementSet::from_text(text);
}

/// The structure of a SignedData.
pub fn cms(data: &[u8]) {
    let _ = SignedData::parse(data);
}

/// Certificates one after the other, the first of which is the leaf.
pub fn certificate_path(data: &[u8]) {
    let mut rest = data;
    let mut found = Vec::new();
    // The length of each stands in front of it.
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(more.len());
        let (one, next) = more.split_at(length);
        if let Ok(certificate) = Certificate::parse(one) {
            found.push(std::sync::Arc::new(certificate));
        }
        rest = next;
        if found.len() > 40 {
            break;
        }
    }
    if let Some(leaf) = found.first() {
        let path = TrustPath::build(leaf, &found, &Anchors::default(), &Cache::default());
        for purpose in [Purpose::CodeSigning, Purpose::TimeStamping] {
            let _ = path.fault(purpose, NOW);
        }
    }
}

/// The certificate signature over a CodeDirectory with everything in it: signers, chain, timestamp, hash agility.
pub fn signature(data: &[u8]) {
    let budget = Budget::default();
    let signed = Signed {
        budget: &budget,
        cms: data,
        base: b"a CodeDirectory",
        base_sha256: None,
        directories: &[(2, None)],
        best: HashType::Sha256,
        team_id: Some(b"ABCDE12345"),
    };
    let _ = evaluate(signed, &Anchors::default(), &Cache::default(), NOW);
}

/// XML property lists, in general and as entitlements.
pub fn plist_xml(data: &[u8]) {
    let _ = plist::parse(data);
    let _ = entitlements::parse_xml(data, &Limits::default(), &Budget::default());
}

/// Binary property lists.
pub fn plist_binary(data: &[u8]) {
    if data.starts_with(b"bplist0") {
        let _ = plist::parse(data);
    } else {
        let _ = plist::parse(&[b"bplist00", data].concat());
    }
}

/// Old-style property lists; what was read is written in that form and must be read the same.
pub fn plist_old_style(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if text.trim_start().starts_with('<') {
        return;
    }
    if let Ok(value) = plist::parse(data) {
        let mut written = String::new();
        if write_old_style(&value, &mut written) {
            assert_eq!(plist::parse(written.as_bytes()), Ok(value), "{written}");
        }
    }
}

/// Writes a value in the old style; returns false for what that form does not have, as binary lists do.
fn write_old_style(value: &plist::Value, out: &mut String) -> bool {
    use std::fmt::Write;
    let quoted = |text: &str, out: &mut String| {
        out.push('"');
        for unit in text.encode_utf16() {
            let _ = write!(out, "\\U{unit:04x}");
        }
        out.push('"');
    };
    match value {
        plist::Value::String(text) => quoted(text, out),
        plist::Value::Data(bytes) => {
            // In front of everything, `<` would be XML.
            out.push_str(" /**/ <");
            for byte in bytes {
                let _ = write!(out, "{byte:02X} ");
            }
            out.push('>');
        }
        plist::Value::Array(elements) => {
            out.push('(');
            for element in elements {
                if !write_old_style(element, out) {
                    return false;
                }
                out.push_str(", ");
            }
            out.push(')');
        }
        plist::Value::Dictionary(entries) => {
            out.push('{');
            for (key, value) in entries.iter() {
                quoted(key, out);
                out.push_str(" = ");
                if !write_old_style(value, out) {
                    return false;
                }
                out.push_str(";\n");
            }
            out.push('}');
        }
        _ => return false,
    }
    true
}

/// Entitlements and constraints in DER.
pub fn entitlements_der(data: &[u8]) {
    if let Ok(found) = entitlements::parse_der(data) {
        let _ = entitlements::to_text(&found);
    }
}

/// A CodeResources, with its rules tried on paths.
pub fn code_resources(data: &[u8]) {
    if let Ok(seal) = Seal::parse(data, &Limits::default()) {
        for path in [
            "Resources/a.txt",
            "Info.plist",
            "Frameworks/A.framework",
            "de.lproj/locversion.plist",
        ] {
            let _ = seal.rules.find(path);
        }
        let _ = seal.rules.are_weak(seal.version, "Resources/");
    }
}

/// A notarization ticket and its signer.
pub fn ticket(data: &[u8]) {
    if let Ok(found) = Ticket::parse(data) {
        let _ = found.verify(&Anchors::default(), &Cache::default());
    }
}

/// A provisioning profile in both its forms, its signer, and a claim held against it.
pub fn profile(data: &[u8]) {
    if let Ok(found) = Profile::read(
        data,
        &Anchors::default(),
        &Cache::default(),
        &Limits::default(),
        &Budget::default(),
    ) {
        let _ = (found.is_sound(), found.kind(), found.effective());
        let claim = plist::Value::String("ABCDE12345.com.example".to_owned());
        let _ = grant("com.apple.application-identifier", &claim, &found);
    }
}

/// The directory of an archive, the first bytes of each member and all of it, and what is judged of it as an operand.
pub fn archive(data: &[u8]) {
    let limits = Limits {
        archive_bytes: 1 << 20,
        archive_members: 1000,
        ..Limits::default()
    };
    let bytes = Bytes::from(data.to_vec());
    let archive = ZipArchive::of(bytes, Path::new("a.zip"), &limits);
    if let Ok(Ok(tree)) = archive.map(|archive| ZipTree::new(archive.into(), Path::new(""), &limits)) {
        for id in tree.listing().ids() {
            let _ = tree.for_each_chunk(id, &mut |_| ());
        }
        let _ = examine_tree(&tree, &Options::default());
        let _ = tree.container();
    }
    if let Ok(found) = Zip::parse(data, 1000) {
        let mut inflater = Inflater::default();
        for member in &found.members {
            let _ = (member.text(), found.head(member, &mut inflater));
            if let Ok(contents) = found.contents(member, &mut inflater, 1 << 20) {
                assert_eq!(contents.len() as u64, member.size);
            }
        }
    }
}

/// The members of a tar archive and their first bytes, as it stands, with checksums that are right, and unpacked.
pub fn tar(data: &[u8]) {
    const BUDGET: u64 = 4 << 20;
    const SHOWN: u64 = 4096;
    let summed = with_checksums(data);
    let streams = [
        Some(Stream::plain(data, BUDGET)),
        Some(Stream::plain(&summed, BUDGET)),
        Stream::gzip(data, BUDGET).ok(),
    ];
    for stream in streams.into_iter().flatten() {
        let mut tar = Tar::new(stream);
        while let Ok(Some(member)) = tar.next_member() {
            let mut contents = Vec::new();
            if tar.read(SHOWN, &mut contents).is_ok() {
                assert_eq!(contents.len() as u64, member.size.min(SHOWN));
            }
        }
        assert!(*tar.budget() <= BUDGET);
    }
}

/// Corrects the checksum of every block that has the magic of a header, so that changes get past it.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    for block in data.chunks_exact_mut(512) {
        if block[257..].starts_with(b"ustar") {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().copied().map(u32::from).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    data
}

/// The directory of an asar archive and the contents of its members.
pub fn asar(data: &[u8]) {
    if let Ok(found) = Asar::parse(data, 1000) {
        assert!(found.members.len() <= 1000);
        for member in &found.members {
            let _ = found.contents(member).map(<[u8]>::len);
        }
    }
}

/// A whole Mach-O file: every slice examined.
pub fn slice(data: &[u8]) {
    if let Ok(file) = MachO::parse(data) {
        for slice in file.slices.iter().take(4) {
            let _ = examine(Subject::Slice(slice), BoundFiles::default(), &Options::default());
        }
    }
    let _ = examine(
        Subject::File(data.into()),
        BoundFiles::default(),
        &Options::default(),
    );
}

/// Where the bundle lies, and its files with their contents.
struct Model {
    root: PathBuf,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// A folder of this process's own.
fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("sealcheck-fuzz-{}", std::process::id()))
}

/// Removes what the bundle was written to; no target may run afterwards.
pub fn tidy() {
    let _ = fs::remove_dir_all(scratch());
}

/// Built once.
fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let folder = scratch();
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder for the bundle");
        let root = super::support::bundle::acme(&folder);
        let mut files = Vec::new();
        let mut pending = vec![root.clone()];
        while let Some(folder) = pending.pop() {
            let entries = fs::read_dir(&folder).expect("the bundle");
            for entry in entries.flatten() {
                let kind = entry.file_type().expect("the bundle");
                if kind.is_dir() {
                    pending.push(entry.path());
                } else if kind.is_file() {
                    files.push((entry.path(), fs::read(entry.path()).expect("the bundle")));
                }
            }
        }
        files.sort();
        Model { root, files }
    })
}

/// Edits of an app's files: each takes eight bytes (file, operation, offset, length, value).
pub fn bundle(data: &[u8]) {
    let model = model();
    let mut touched = Vec::new();
    for edit in data.chunks_exact(8).take(8) {
        let index = usize::from(edit[0]) % model.files.len();
        let (path, original) = &model.files[index];
        let mut bytes = fs::read(path).unwrap_or_else(|_| original.clone());
        let at = u32::from_be_bytes([0, edit[2], edit[3], edit[4]]) as usize % (bytes.len() + 1);
        let end = (at + usize::from(edit[5])).min(bytes.len());
        match edit[1] % 6 {
            0 => bytes[at..end].fill(edit[6]),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, vec![edit[6]; usize::from(edit[5])])),
            3 => drop(bytes.drain(at..end)),
            4 => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= edit[6]),
            _ => {
                let other = &model.files[usize::from(edit[6]) % model.files.len()].1;
                bytes.clone_from(other);
            }
        }
        touched.push(index);
        put(path, &bytes);
    }
    everything(&model.root);
    for index in touched {
        let (path, original) = &model.files[index];
        put(path, original);
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the bundle can be written");
}

/// All that can be said about an item, in every format.
fn everything(path: &Path) {
    let options = Options {
        at: NOW,
        ..Options::default()
    };
    let Ok((evidence, survey)) = examine_item(&Item::at(path), &options) else {
        return;
    };
    let advice = sealcheck::rule::advise(
        &evidence,
        &survey,
        None,
        &sealcheck::rule::Expectations::default(),
    );
    let gatekeeper = assess(&evidence, fitting_operation(&evidence));
    let mut outcome = Outcome::new(evidence, survey, advice);
    outcome.gatekeeper = Some(gatekeeper);
    let settings = Settings {
        host_architecture: HostArchitecture::Arm64,
        at: NOW,
        requirement: None,
        expected: &[],
        config: None,
        config_place: None,
        has_apple_anchor: false,
        target: Some(Target::DeveloperId),
        has_findings: true,
        is_assessment: false,
        deep: true,
        strict: true,
    };
    let style = Style {
        unicode: true,
        verbosity: 2,
        quiet: false,
        width: 80,
    };
    let mut out = Vec::new();
    let _ = codesign_lines(&outcome, 4);
    let _ = write_human(&outcome, style, &mut out);
    let _ = Json::new(settings).add(&outcome, &mut out);
}
