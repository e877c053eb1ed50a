//! The readers of tar, gzip and asar: forms that writers use, and what was made to confuse.

use sealcheck::container::{
    Asar, AsarError, Gunzip, GzipError, Stream, StreamError, Tar, TarError, TarMember,
};
use serde_json::json;

use crate::support::archive::{TarEntry, asar_of, gzip, pax, tar, tar_file};

/// What the reader makes of an archive: names, sizes and whether they are files.
fn listed(bytes: &[u8]) -> Result<Vec<TarMember>, TarError> {
    let mut tar = Tar::new(Stream::plain(bytes, 1 << 20));
    let mut members = Vec::new();
    while let Some(member) = tar.next_member()? {
        members.push(member);
    }
    Ok(members)
}

fn names(bytes: &[u8]) -> Vec<String> {
    let members = listed(bytes).unwrap().into_iter();
    members
        .map(|member| String::from_utf8(member.name).unwrap())
        .collect()
}

#[test]
fn names_and_sizes_in_tar() {
    let last = tar_file("last", b"last");
    let with_prefix = TarEntry {
        prefix: b"a/long/way".to_vec(),
        ..tar_file("name", b"1")
    };
    // GNU has other fields where the prefix is.
    let gnu = TarEntry {
        magic: b"ustar  \0",
        ..with_prefix.clone()
    };
    let binary = TarEntry {
        size: [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0].to_vec(),
        ..tar_file("binary", &[7; 512])
    };
    let long = tar_file("././@LongLink", b"gnu/long/name\0").of_kind(b'L');
    let target = tar_file("././@LongLink", &[b'x'; 600]).of_kind(b'K');
    let sizeless = TarEntry {
        size: b"00000000000\0".to_vec(),
        ..tar_file("short", &[7; 700])
    };
    let archive = tar(&[
        with_prefix,
        gnu,
        binary,
        long,
        target,
        tar_file("cut off", b"2"),
        pax(b'g', &[("comment", "of all")]),
        pax(b'x', &[("mtime", "1.5"), ("path", "pax/näme"), ("size", "700")]),
        sizeless.clone(),
        pax(b'x', &[("size", "700")]),
        sizeless.of_kind(b'Z'),
        tar_file("old folder/", b""),
        tar_file("label", b"").of_kind(b'V'),
        last.clone(),
    ]);
    let expected = [
        "a/long/way/name",
        "name",
        "binary",
        "gnu/long/name",
        "pax/näme",
        "short",
        "old folder/",
        "last",
    ];
    assert_eq!(names(&archive), expected);
    let members = listed(&archive).unwrap();
    let sizes: Vec<u64> = members.iter().map(|member| member.size).collect();
    assert_eq!(sizes, [1, 1, 512, 1, 700, 700, 0, 4]);
    let files: Vec<bool> = members.iter().map(|member| member.is_file).collect();
    assert_eq!(files, [true, true, true, true, true, true, false, true]);

    // A hard link tells the size of its target, unless the archive has pax headers: then it may have contents.
    let link = TarEntry {
        body: Vec::new(),
        ..tar_file("link", b"four").of_kind(b'1')
    };
    assert_eq!(names(&tar(&[link, last.clone()])), ["link", "last"]);
    let link = tar_file("link", b"four").of_kind(b'1');
    let archive = tar(&[pax(b'x', &[("mtime", "1")]), link, last.clone()]);
    assert_eq!(names(&archive), ["link", "last"]);
    assert!(listed(&archive).unwrap()[0].is_file);

    // Sparse files: GNU's older form with a map that goes on in another block, and the newer one.
    let mut older = tar_file("older", b"").of_kind(b'S').bytes();
    older[482] = 1;
    let sum: u32 = older[..148]
        .iter()
        .chain(&older[156..512])
        .map(|byte| u32::from(*byte))
        .sum::<u32>()
        + 8 * 32;
    older[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    older.extend([0; 512]);
    let newer = [("GNU.sparse.name", "newer"), ("path", "GNUSparseFile/newer")];
    let archive = [
        older,
        tar(&[pax(b'x', &newer), tar_file("x", &[b'1'; 512]), last]),
    ]
    .concat();
    assert_eq!(names(&archive), ["older", "newer", "last"]);
    let sparse: Vec<bool> = listed(&archive)
        .unwrap()
        .iter()
        .map(|member| member.is_sparse)
        .collect();
    assert_eq!(sparse, [true, true, false]);
}

#[test]
fn tar_archives_that_were_made_to_confuse() {
    let file = tar_file("a", b"text");
    let good = tar(std::slice::from_ref(&file));
    let mut flipped = [file.bytes(), good.clone()].concat();
    flipped[1024 + 3] ^= 1;
    assert_eq!(listed(&flipped), Err(TarError::Header { offset: 1024 }));
    // No blocks of zeros at the end, and a last block that is not full.
    assert_eq!(names(&good[..1024]), ["a"]);
    assert_eq!(names(&good[..516]), ["a"]);
    assert_eq!(listed(&good[..515]), Err(TarError::Truncated));
    assert_eq!(
        listed(&[&good[..1024], &good[..300]].concat()),
        Err(TarError::Header { offset: 1024 })
    );
    // Behind the end there is nothing.
    assert_eq!(names(&[good.as_slice(), &good].concat()), ["a"]);
    let negative = TarEntry {
        size: vec![0xff; 12],
        ..file.clone()
    };
    assert_eq!(listed(&tar(&[negative])), Err(TarError::Header { offset: 0 }));
    let huge = TarEntry {
        size: [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff].to_vec(),
        ..file.clone()
    };
    assert_eq!(
        listed(&tar(std::slice::from_ref(&huge))),
        Err(TarError::Truncated)
    );
    let size = u64::MAX;
    assert_eq!(
        listed(&tar(&[huge.of_kind(b'x')])),
        Err(TarError::TooLong { offset: 0, size })
    );
    assert_eq!(
        listed(&tar(&[pax(b'g', &[("path", "all")]), file.clone()])),
        Err(TarError::Ambiguous { offset: 0 })
    );
    assert_eq!(
        listed(&tar(&[tar_file("x", b"9 size=x\n").of_kind(b'x')])),
        Err(TarError::Header { offset: 0 })
    );
    assert_eq!(listed(&tar(&[file.of_kind(b'M')])), Err(TarError::Volume));
}

fn gunzipped(bytes: &[u8]) -> Result<Vec<u8>, GzipError> {
    let mut out = Vec::new();
    let mut gunzip = Gunzip::new(bytes)?;
    loop {
        let piece = gunzip.piece(1000)?;
        if piece.is_empty() {
            return Ok(out);
        }
        assert!(piece.len() <= 1000);
        out.extend_from_slice(piece);
    }
}

#[test]
fn gzip_in_pieces() {
    // More than a window, and nothing that repeats within one.
    let mut number = 1_u32;
    let long: Vec<u8> = std::iter::repeat_with(|| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        number.to_be_bytes()[0]
    })
    .take(100_000)
    .collect();
    let again = [long.as_slice(), &long[70_000..], &[0; 200_000]].concat();
    let packed = gzip(&again);
    assert_eq!(gunzipped(&packed).as_deref(), Ok(again.as_slice()));
    // One file behind the other, and something else behind both.
    let both = [packed.as_slice(), &gzip(b""), &gzip(b"end"), b"\0\0garbage"].concat();
    assert_eq!(
        gunzipped(&both),
        Ok([again.as_slice(), b"end".as_slice()].concat())
    );
    // Everything that a header can have.
    let flags = [
        b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x03\0abcname\0comment\0hc".as_slice(),
        &gzip(b"text")[15..],
    ]
    .concat();
    assert_eq!(gunzipped(&flags).as_deref(), Ok(b"text".as_slice()));

    let mut reserved = gzip(b"text");
    reserved[3] |= 0x80;
    assert_eq!(gunzipped(&reserved), Err(GzipError::Header));
    assert_eq!(gunzipped(&packed[..12]), Err(GzipError::Header));
    assert_eq!(gunzipped(&packed[..packed.len() - 9]), Err(GzipError::Deflate));
    assert_eq!(gunzipped(&packed[..packed.len() - 1]), Err(GzipError::Size));
    let mut size = packed.clone();
    *size.last_mut().unwrap() ^= 1;
    assert_eq!(gunzipped(&size), Err(GzipError::Size));
    let mut checksum = packed.clone();
    let place = checksum.len() - 8;
    checksum[place] ^= 1;
    assert!(matches!(gunzipped(&checksum), Err(GzipError::Checksum { .. })));
}

/// What is passed over is paid for where it must be inflated.
#[test]
fn budgets_of_streams() {
    let packed = gzip(&[7; 1000]);
    let mut out = Vec::new();
    let mut stream = Stream::gzip(&packed, 100).unwrap();
    assert_eq!(stream.skip(60), Ok(60));
    assert_eq!(stream.read(41, &mut out), Err(StreamError::TooLarge));
    let mut stream = Stream::gzip(&packed, 1000).unwrap();
    assert_eq!(stream.skip(990), Ok(990));
    assert_eq!(stream.read_to_end(9, &mut out), Err(StreamError::TooLarge));
    let mut stream = Stream::gzip(&packed, 1000).unwrap();
    out.clear();
    assert_eq!(stream.read_to_end(1000, &mut out), Ok(()));
    assert_eq!((out.len(), *stream.budget()), (1000, 0));
    assert_eq!(stream.skip(1), Err(StreamError::TooLarge));
    let mut stream = Stream::plain(&[7; 1000], 100);
    assert_eq!(stream.skip(990), Ok(990));
    out.clear();
    assert_eq!(stream.read(20, &mut out), Ok(()));
    assert_eq!((out.len(), *stream.budget()), (10, 90));
}

#[test]
fn asar_archives_that_were_made_to_confuse() {
    let node = |offset: &str| json!({"files": {"a": {"size": 4, "offset": offset}}});
    let read_of = |bytes: &[u8], most| Asar::parse(bytes, most).map(|found| found.members.len());
    let read = |bytes: &[u8]| read_of(bytes, 2);
    let good = asar_of(&node("0"), b"text");
    assert_eq!(read(&good), Ok(1));
    for at in [0, 4, 12] {
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&0x0fff_ffff_u32.to_le_bytes());
        assert_eq!(read(&bad), Err(AsarError::Header), "{at}");
    }
    let mut large = good.clone();
    large[12..16].fill(0xff);
    let size = u64::from(u32::MAX);
    assert_eq!(read(&large), Err(AsarError::TooLong { size }));
    assert_eq!(read(&good[..30]), Err(AsarError::Header));

    let many = json!({"files": {"a": node("0"), "b": node("0"), "c": node("0")}});
    let deep = (0..100).fold(json!({}), |inner, _| json!({"files": {"a": inner}}));
    let long: serde_json::Map<_, _> = (0..100)
        .map(|number| (number.to_string(), json!({"size": 4, "offset": "0"})))
        .collect();
    let long = json!({"files": {"x".repeat(700_000): {"files": long}}});
    let error = read_of(&asar_of(&long, b"text"), 1000).unwrap_err().to_string();
    assert!(error.contains("its paths are too long"), "{error}");
    for (reason, directory) in [
        ("(archive-members)", many),
        ("recursion limit", deep),
        ("invalid digit", node("-1")),
        ("invalid type", json!({"files": []})),
        ("invalid type", json!([])),
    ] {
        let found = read(&asar_of(&directory, b"text")).unwrap_err().to_string();
        assert!(found.contains(reason), "{reason}: {found}");
    }
}

/// Archives that another program writes, in each of its forms.
#[test]
fn tar_archives_of_another_writer() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let deep = "folder/".repeat(9);
    let long = format!("{deep}{}", "n".repeat(90));
    let longer = format!("{deep}{}", "ü".repeat(120));
    std::fs::create_dir_all(root.join(&deep)).unwrap();
    let files = [
        ("a", vec![7; 512]),
        ("empty", Vec::new()),
        (long.as_str(), b"long".to_vec()),
        (longer.as_str(), b"longer".to_vec()),
    ];
    for (name, contents) in &files {
        std::fs::write(root.join(name), contents).unwrap();
    }
    symlink("a", root.join("link")).unwrap();
    std::fs::hard_link(root.join("a"), root.join("again")).unwrap();
    for (form, count) in [("v7", 2), ("ustar", 3), ("oldgnu", 4), ("gnu", 4), ("pax", 4)] {
        for is_compressed in [false, true] {
            let mut command = Command::new("tar");
            command.args(["--format", form, "--no-recursion", "-C"]);
            command.arg(root).arg("-c");
            if is_compressed {
                command.arg("-z");
            }
            let names = files.iter().take(count).map(|(name, _)| *name);
            command.args(names).args(["link", "again", "folder"]);
            let Ok(output) = command.output() else {
                return crate::support::notice("no tar, its archives are not read");
            };
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{form}: {said}");
            let bytes = output.stdout;
            let stream = if is_compressed {
                Stream::gzip(&bytes, 1 << 20).unwrap()
            } else {
                Stream::plain(&bytes, 1 << 20)
            };
            let mut tar = Tar::new(stream);
            let mut found = Vec::new();
            while let Some(member) = tar.next_member().unwrap() {
                let mut contents = Vec::new();
                tar.read(member.size, &mut contents).unwrap();
                if member.is_file {
                    found.push((String::from_utf8(member.name).unwrap(), contents));
                }
            }
            let read = found.iter().map(|(name, contents)| (name.as_str(), contents));
            let written = files.iter().map(|(name, contents)| (*name, contents)).take(count);
            assert_eq!(read.collect::<Vec<_>>(), written.collect::<Vec<_>>(), "{form}");
        }
    }
}
