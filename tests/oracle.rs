//! The `object` crate reads the same signatures: every field of every CodeDirectory must agree.

use std::path::{Path, PathBuf};

use object::BigEndian;
use object::macho::{self, CsSlot};
use object::read::macho::{CodeSignature, MachHeader};
use sealcheck::blob::{Slot, SuperBlob, magic};
use sealcheck::codedir::CodeDirectory;
use sealcheck::macho::{MachO, Slice, is_macho};

use crate::corpus;
use crate::support::macho::{arm64, i386, powerpc};
use crate::support::real_app;
use crate::support::signature::{Bound, SHA1, SHA256, SHA384, Signer, adhoc};

/// Compares all CodeDirectories of one slice; gives their number.
fn compare(slice: &Slice<'_>, place: &str) -> usize {
    let Some(space) = slice.signature_space() else {
        return 0;
    };
    let Ok(ours) = SuperBlob::parse(space, magic::EMBEDDED_SIGNATURE) else {
        return 0;
    };
    let theirs = code_signature(slice.data.whole().unwrap())
        .unwrap_or_else(|| panic!("{place}: object finds no signature"));
    let mut count = 0;
    for blob in theirs.blobs() {
        let blob = blob.unwrap();
        let slot = Slot(blob.slot().0);
        let data = ours
            .find(slot)
            .unwrap_or_else(|| panic!("{place}: we find no {slot}"));
        assert_eq!(data, blob.data(), "{place}: {slot}");
        if let Some(theirs) = blob.code_directory().unwrap() {
            let ours = CodeDirectory::parse(data).unwrap();
            fields(&ours, &theirs, place);
            count += 1;
        }
    }
    count
}

fn code_signature(data: &[u8]) -> Option<CodeSignature<'_>> {
    fn of<'data, M: MachHeader>(data: &'data [u8]) -> Option<CodeSignature<'data>> {
        let header = M::parse(data, 0).ok()?;
        let endian = header.endian().ok()?;
        let mut commands = header.load_commands(endian, data, 0).ok()?;
        while let Some(command) = commands.next().ok()? {
            if command.cmd() == macho::LC_CODE_SIGNATURE {
                let place: &macho::LinkeditDataCommand<M::Endian> = command.data().ok()?;
                return place.code_signature(endian, data).ok()?.into();
            }
        }
        None
    }
    of::<macho::MachHeader64<object::Endianness>>(data)
        .or_else(|| of::<macho::MachHeader32<object::Endianness>>(data))
}

fn fields(ours: &CodeDirectory<'_>, theirs: &object::read::macho::CodeDirectory<'_>, place: &str) {
    let header = theirs.header();
    let big = BigEndian;
    let numbers = |values: [u32; 9]| values;
    assert_eq!(
        numbers([
            ours.version,
            ours.flags.0,
            ours.hash_offset,
            ours.identifier_offset,
            ours.special_slots,
            ours.code_slots,
            ours.code_limit32,
            u32::try_from(ours.data().len()).unwrap(),
            ours.team_offset,
        ]),
        numbers([
            header.version.get(big).0,
            header.flags.get(big).0,
            header.hash_offset.get(big),
            header.ident_offset.get(big),
            header.n_special_slots.get(big),
            header.n_code_slots.get(big),
            header.code_limit.get(big),
            header.length.get(big),
            theirs.team_offset().unwrap_or_default(),
        ]),
        "{place}"
    );
    assert_eq!(
        [
            ours.hash_size,
            ours.hash_type_raw,
            ours.platform,
            ours.page_size_log2
        ],
        [
            header.hash_size,
            header.hash_type.0,
            header.platform,
            header.page_size
        ],
        "{place}"
    );
    assert_eq!(ours.code_limit, theirs.code_limit(), "{place}");
    assert_eq!(ours.identifier, theirs.ident().unwrap(), "{place}");
    assert_eq!(ours.team_id, theirs.team_id().unwrap(), "{place}");
    let segment = theirs.exec_seg().map(|segment| {
        (
            segment.exec_seg_base.get(big),
            segment.exec_seg_limit.get(big),
            segment.exec_seg_flags.get(big).0,
        )
    });
    let our_segment = ours
        .exec_segment
        .map(|segment| (segment.base, segment.limit, segment.flags.0));
    assert_eq!(our_segment, segment, "{place}");
    assert_eq!(
        ours.scatter.is_empty(),
        theirs.scatter_offset().unwrap_or_default() == 0,
        "{place}"
    );
    let size = usize::from(ours.hash_size);
    for (index, digest) in ours.code_slot_table().chunks(size).enumerate() {
        let index = u32::try_from(index).unwrap();
        assert_eq!(
            digest,
            theirs.code_hash(index).unwrap(),
            "{place}: code slot {index}"
        );
    }
    for number in 1..=ours.special_slots.min(Slot::MAX_SPECIAL) {
        let theirs = theirs.special_hash(CsSlot(number)).unwrap();
        match ours.special_slot(Slot(number)) {
            Some(digest) => assert_eq!(digest.as_bytes(), theirs, "{place}: special slot {number}"),
            None => assert!(
                theirs.iter().all(|byte| *byte == 0),
                "{place}: special slot {number}"
            ),
        }
    }
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files(&path, out);
        } else if kind.is_file() {
            out.push(path);
        }
    }
}

/// Compares every Mach-O file below `folder`; gives the number of CodeDirectories.
fn compare_all(folder: &Path) -> usize {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let mut count = 0;
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        if !is_macho(&bytes) {
            continue;
        }
        let file = MachO::parse(&bytes).unwrap();
        for slice in &file.slices {
            count += compare(slice, &format!("{} ({})", path.display(), slice.architecture));
        }
    }
    count
}

#[test]
fn object_agrees_on_the_real_app() {
    assert_eq!(compare_all(&real_app()), 4);
}

#[test]
fn object_agrees_on_the_corpus() {
    if let Some(folder) = corpus::unpacked() {
        let count = compare_all(folder.path());
        assert!(count > 60, "only {count} CodeDirectories compared");
    }
}

#[test]
fn object_agrees_on_what_we_build() {
    for thin in [arm64(b"a"), i386(b"b"), powerpc(b"c")] {
        for version in [0x20001, 0x20100, 0x20200, 0x20300, 0x20400, 0x20500] {
            let signer = Signer {
                version,
                team: Some("TEAM123456".into()),
                hash_types: vec![SHA1, SHA256, SHA384],
                ..adhoc("com.example.tool")
            };
            let (bytes, _) = signer.sign(&thin, Bound::default());
            let file = MachO::parse(&bytes).unwrap();
            assert_eq!(compare(&file.slices[0], &format!("version {version:#x}")), 3);
        }
    }
}
