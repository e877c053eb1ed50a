//! A second reader of archives in ZIP form, which goes from front to back as tools do that read from a pipe, must find the same in every
//! archive to which there is no objection, however it was changed.
//!
//! `SEALCHECK_STREAMS=N` sets the number of changes; they are the same in every run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use sealcheck::container::{Inflater, Zip, ZipArchive, ZipTree};
use sealcheck::limits::Limits;
use sealcheck::source::{Bytes, Kind, Tree};

use crate::support::notice;
use crate::support::zip::{Member, end, end64, parts, zip};

/// Changes in an ordinary run.
const CHANGES: u64 = 20_000;

/// Paths and contents, or the texts of links.
type Found = BTreeMap<String, Vec<u8>>;

fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)),
    )
}

/// Where a stream ends, and what it holds.
fn inflated(packed: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut contents = vec![0; 1 << 20];
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, read, written) = decompress(&mut DecompressorOxide::new(), packed, &mut contents, 0, flags);
    contents.truncate(written);
    (status == TINFLStatus::Done).then_some((read, contents))
}

/// What a reader finds that knows local headers only; `None` where it gives up.
fn streamed(bytes: &[u8]) -> Option<Found> {
    let mut found = Found::new();
    let mut at = 0;
    loop {
        // Whatever is no header is passed over.
        let marks: [&[u8]; 4] = [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06"];
        while !marks.iter().any(|mark| bytes[at..].starts_with(mark)) {
            at += 1;
            if at >= bytes.len() {
                return Some(found);
            }
        }
        if !bytes[at..].starts_with(marks[0]) {
            return Some(found);
        }
        let (flags, method) = (number(bytes, at + 6, 2)?, number(bytes, at + 8, 2)?);
        let (name_length, extra_length) = (number(bytes, at + 26, 2)?, number(bytes, at + 28, 2)?);
        let name = bytes.get(at + 30..at + 30 + name_length)?;
        let extra = bytes.get(at + 30 + name_length..at + 30 + name_length + extra_length)?;
        let data = at + 30 + name_length + extra_length;
        let mut size = number(bytes, at + 18, 4)?;
        if size == 0xffff_ffff && extra.starts_with(&[1, 0, 16, 0]) {
            size = number(extra, 12, 8)?;
        }
        let contents;
        (contents, at) = match (flags & 8 != 0, method) {
            (false, 0) => (bytes.get(data..data.checked_add(size)?)?.to_vec(), data + size),
            (false, 8) => {
                let packed = bytes.get(data..data.checked_add(size)?)?;
                (inflated(packed)?.1, data + size)
            }
            (true, 0) => {
                let fits = |end: &usize| {
                    bytes[*end..].starts_with(b"PK\x07\x08") && number(bytes, end + 8, 4) == Some(end - data)
                };
                let end = (data..bytes.len()).find(fits)?;
                (bytes[data..end].to_vec(), end)
            }
            (true, 8) => {
                let (read, contents) = inflated(bytes.get(data..)?)?;
                (contents, data + read)
            }
            _ => return None,
        };
        let name = String::from_utf8_lossy(name).into_owned();
        if !name.ends_with('/') {
            found.insert(name.trim_start_matches("./").to_owned(), contents);
        }
    }
}

/// What a reader finds that takes the first end which reaches the end of the file, believes its offset, and skips what it has already.
fn offset_by_offset(bytes: &[u8]) -> Option<Found> {
    let fits = |at: &usize| {
        bytes[*at..].starts_with(b"PK\x05\x06") && number(bytes, at + 20, 2) == Some(bytes.len() - at - 22)
    };
    let end = (0..bytes.len().checked_sub(21)?).find(fits)?;
    let record = || number(bytes, end - 12, 8);
    let count = match number(bytes, end + 10, 2)? {
        0xffff => number(bytes, record()? + 32, 8)?,
        count => count,
    };
    let mut at = match number(bytes, end + 16, 4)? {
        0xffff_ffff => number(bytes, record()? + 48, 8)?,
        at => at,
    };
    let mut found = Found::new();
    for _ in 0..count {
        let field = |offset: usize, size| number(bytes, at + offset, size);
        let (name_length, extra, comment) = (field(28, 2)?, field(30, 2)?, field(32, 2)?);
        let header = field(42, 4)?;
        let data = header + 30 + number(bytes, header + 26, 2)? + number(bytes, header + 28, 2)?;
        let packed = bytes.get(data..data.checked_add(field(20, 4)?)?)?;
        let contents = match field(10, 2)? {
            0 => packed.to_vec(),
            8 => inflated(packed)?.1,
            _ => return None,
        };
        let name = String::from_utf8_lossy(bytes.get(at + 46..at + 46 + name_length)?).into_owned();
        if !name.ends_with('/') {
            found
                .entry(name.trim_start_matches("./").to_owned())
                .or_insert(contents);
        }
        at += 46 + name_length + extra + comment;
    }
    Some(found)
}

/// What is judged, where there is no objection to the archive and everything in it can be read.
fn judged(bytes: &[u8]) -> Option<Found> {
    let limits = Limits::default();
    let archive = ZipArchive::of(Bytes::from(bytes.to_vec()), Path::new("a.zip"), &limits).ok()?;
    let zip = Zip::parse(bytes, 1000).ok()?;
    let tree = ZipTree::new(Arc::new(archive), Path::new(""), &limits).ok()?;
    let container = tree.container()?;
    if !container.faults.is_empty() || !container.modeless.is_empty() || !tree.gaps().is_empty() {
        return None;
    }
    let mut found = Found::new();
    // Companions are in no listing.
    for member in zip
        .members
        .iter()
        .filter(|member| member.name.starts_with(b"__MACOSX"))
    {
        let contents = zip.contents(member, &mut Inflater::default(), u64::MAX);
        found.insert(member.text(), contents.ok()?);
    }
    for id in tree.listing().ids() {
        let contents = match tree.node(id).kind {
            Kind::File => {
                let mut contents = Vec::new();
                tree.for_each_chunk(id, &mut |piece| contents.extend(piece))
                    .ok()?;
                contents
            }
            Kind::Symlink => tree.link_target(id)?.to_vec(),
            Kind::Directory => continue,
            Kind::Other => return None,
        };
        found.insert(tree.path(id), contents);
    }
    Some(found)
}

/// Archives with everything in them that this reader knows.
pub fn seeds() -> Vec<Vec<u8>> {
    let deflated = |name: &str, contents: &[u8]| Member {
        is_deflated: true,
        ..Member::file(name, contents)
    };
    let mut folder = Member::file("a.app/", b"");
    folder.mode = 0o040_755;
    let mut link = Member::file("a.app/link", b"text");
    link.mode = 0o120_777;
    let inner = zip(&[Member::file("x", b"x").streamed(true, false)]);
    let plain = vec![
        folder,
        deflated("a.app/text", &b"some text ".repeat(9)),
        Member::file("a.app/stored", b"stored"),
        link,
        Member::file("a.app/inner.zip", &inner),
        Member::file("__MACOSX/a.app/._text", b"none"),
        deflated("notes", b"no text"),
    ];
    let stream = |member: &Member| match member.contents.is_empty() {
        true => member.clone(),
        false => member.clone().streamed(true, false),
    };
    let streamed: Vec<_> = plain.iter().map(stream).collect();
    let mut wide = plain.clone();
    for member in &mut wide {
        let [checksum, compressed, size] = member.numbers();
        member.local_numbers = Some([checksum, u32::MAX, u32::MAX]);
        member.local_extra = [1_u16, 16].map(u16::to_le_bytes).concat();
        for value in [size, compressed] {
            member.local_extra.extend(u64::from(value).to_le_bytes());
        }
    }
    let (file, directory) = parts(&wide, 0);
    let records = end64(wide.len() as u64, directory.len() as u64, file.len() as u64);
    let short = end(
        wide.len() as u16,
        directory.len() as u32,
        file.len() as u32,
        b"comment",
    );
    // Room for a header between members.
    let apart: Vec<_> = plain
        .iter()
        .map(|member| Member {
            gap: vec![0; 100],
            ..member.clone()
        })
        .skip(1)
        .collect();
    let apart = [&plain[..1], &apart].concat();
    vec![
        zip(&plain),
        zip(&streamed),
        zip(&apart),
        [file, directory, records, short].concat(),
    ]
}

/// Numbers that are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % bound.max(1)
    }
}

/// Where something stands that all readers go by: around the header fields, where the bytes count.
fn place(bytes: &[u8], numbers: &mut Numbers) -> usize {
    let heads: Vec<usize> = (0..bytes.len() - 4)
        .filter(|at| bytes[*at..].starts_with(b"PK"))
        .collect();
    let at = match numbers.below(4) {
        0 => numbers.below(bytes.len()),
        _ => heads[numbers.below(heads.len())] + numbers.below(60),
    };
    at.min(bytes.len() - 1)
}

fn change(bytes: &mut Vec<u8>, hidden: &[u8], numbers: &mut Numbers) {
    let at = place(bytes, numbers);
    match numbers.below(10) {
        0 => drop(bytes.splice(at..at, hidden.iter().copied())),
        1 => {
            let from = place(bytes, numbers);
            let piece = bytes[from..(from + numbers.below(120)).min(bytes.len())].to_vec();
            let end = (at + piece.len() * numbers.below(2)).min(bytes.len());
            drop(bytes.splice(at..end, piece));
        }
        2 => bytes[at] = [0, 1, 8, 0x20, 0x2f, 0x50, 0xff][numbers.below(7)],
        3 => {
            let end = (at + [1, 2, 4, 8][numbers.below(4)]).min(bytes.len());
            bytes[at..end].fill([0, 0xff][numbers.below(2)]);
        }
        4 => drop(bytes.splice(at..at, [0; 3])),
        6 => {
            let end = (at + hidden.len()).min(bytes.len());
            drop(bytes.splice(at..end, hidden.iter().copied()));
        }
        5 => {
            // A number becomes another that stands somewhere.
            let from = place(bytes, numbers);
            for offset in 0..4 {
                if let (Some(byte), true) = (bytes.get(from + offset).copied(), at + offset < bytes.len()) {
                    bytes[at + offset] = byte;
                }
            }
        }
        _ => bytes[at] ^= 1 << numbers.below(8),
    }
}

#[test]
fn readers_from_front_to_back_find_the_same() {
    let asked = std::env::var("SEALCHECK_STREAMS").ok();
    let count = asked
        .as_deref()
        .and_then(|text| text.parse().ok())
        .unwrap_or(CHANGES);
    let seeds = seeds();
    for seed in &seeds {
        let good = judged(seed).unwrap();
        assert_eq!(good.len(), 6);
        assert_eq!(streamed(seed).unwrap(), good);
        assert_eq!(offset_by_offset(seed).unwrap(), good);
    }
    let hidden = parts(&[Member::file("a.app/evil", b"x")], 0).0;
    let mut numbers = Numbers(0x5eed);
    let (mut accepted, mut changed) = (0, 0);
    for _ in 0..count {
        let seed = &seeds[numbers.below(seeds.len())];
        let mut bytes = seed.clone();
        for _ in 0..=numbers.below(3) {
            change(&mut bytes, &hidden, &mut numbers);
        }
        let Some(found) = judged(&bytes) else { continue };
        accepted += 1;
        changed += u64::from(&bytes != seed);
        for other in [streamed(&bytes), offset_by_offset(&bytes)] {
            if other.as_ref() != Some(&found) {
                if let Some(folder) = std::env::var_os("SEALCHECK_STREAMS_AT") {
                    std::fs::write(Path::new(&folder).join("differs.zip"), &bytes).unwrap();
                }
                panic!("{found:?}\n is not {other:?}");
            }
        }
    }
    assert!(changed > count / 50, "{changed} of {count}");
    if asked.is_some() {
        notice(&format!("{count} changes, {accepted} archives without objection"));
    }
}
