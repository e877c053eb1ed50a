//! Archives in ZIP form from which another tool could unpack something else: every way is objected to, and what only looks like one is not.

use sealcheck::source::ContainerFaultKind;
use sealcheck::subject::Origin;
use sealcheck::verify::NotJudged;

use crate::command_line::{sealcheck, stdout};
use crate::support::examined::examine;
use crate::support::foundry::of;
use crate::support::zip::{Member, end, end64, members, parts, zip};
use crate::support::{advise_unstapled, flat};
use crate::zip_operand::{HYGIENE, MODES, Packed, acme, finder_information, named, options, packed, written};

const TEXT: &str = "acme.app/Contents/Resources/text";
const EVIL: &str = "acme.app/Contents/Resources/evil";

/// The good members, and what is said of them after a change.
struct Bench {
    good: Vec<Member>,
}

impl Bench {
    fn new() -> Self {
        let good = members(&acme().path);
        assert_eq!(said(&packed(&good)), Vec::<&str>::new());
        Self { good }
    }

    fn with(&self, change: impl Fn(&mut Vec<Member>)) -> Packed {
        let mut all = self.good.clone();
        change(&mut all);
        packed(&all)
    }

    /// The change makes an archive to which there is this one objection. The item in it is not judged, since a Mac may get another one.
    fn fires(&self, words: &str, change: impl Fn(&mut Vec<Member>)) {
        let archive = self.with(change);
        let verdict = archive.evidence().codesign;
        assert_eq!(verdict.not_judged(), Some(NotJudged::ContainerFaults), "{words}");
        let said = said(&archive);
        assert!(said.len() == 1 && said[0].contains(words), "{words}: {said:?}");
    }

    /// To what the change makes nothing is to be said.
    fn is_quiet(&self, change: impl Fn(&mut Vec<Member>)) {
        let archive = self.with(change);
        assert_eq!(archive.evidence().codesign.valid(), Some(true));
        assert_eq!(said(&archive), Vec::<&str>::new());
    }
}

fn said(archive: &Packed) -> Vec<String> {
    archive.said(HYGIENE)
}

fn change_name(mut member: Member, local_name: &str) -> Member {
    member.local_name = Some(local_name.into());
    member
}

/// What lies beside the item ends in it.
#[test]
fn members_beside_the_item() {
    let bench = Bench::new();
    let beside = |member: Member| move |all: &mut Vec<Member>| all.push(member.clone());
    let is_quiet = |name: &str| bench.is_quiet(beside(Member::file(name, b"x")));
    bench.fires(
        "beside their data",
        beside(change_name(Member::file("notes.txt", b"x"), EVIL)),
    );
    let companion = Member::file("__MACOSX/acme.app/Contents/Resources/._text", b"none");
    bench.is_quiet(beside(companion.clone()));
    bench.fires("beside their data", beside(change_name(companion.clone(), EVIL)));
    bench.fires("several members", |all| {
        all.extend([companion.clone(), companion.clone()])
    });
    let mut link = Member::file("l", b"acme.app");
    link.mode = 0o120_777;
    bench.is_quiet(beside(link.clone()));
    bench.fires("go through", |all| {
        all.extend([link.clone(), Member::file("l/Contents/Resources/evil", b"x")])
    });
    bench.fires(
        "backslash",
        beside(Member::file("acme.app\\Contents\\Resources\\evil", b"x")),
    );
    bench.fires("several members", |all| {
        all.extend([Member::file("notes.txt", b"1"), Member::file("./notes.txt", b"2")])
    });
    is_quiet("acme.app.txt");
    is_quiet("acme.apps/Contents/Resources/evil");
    // The folder itself, as some programs write it.
    bench.is_quiet(|all| {
        let mut root = Member::file("./", b"");
        root.mode = 0o040_755;
        all.insert(0, root);
    });
}

#[test]
fn paths_that_differ_in_case() {
    let bench = Bench::new();
    let beside = |name: &'static str| move |all: &mut Vec<Member>| all.push(Member::file(name, b"x"));
    bench.fires("differ in case", beside("ACME.app/Contents/Resources/evil"));
    bench.fires("differ in case", beside("Acme.app"));
    bench.fires("differ in case", beside("__MACOSX/._Acme.app"));
    bench.is_quiet(beside("ACME/Contents/Resources/text"));
    bench.is_quiet(beside("__MACOSX/._Other.app"));
    bench.fires("differ in case", |all| {
        all.extend(["caf\u{c9}/a", "caf\u{e9}/b"].map(|name| Member::file(name, b"x")))
    });
    // Folders that no member stands for.
    bench.fires("differ in case", |all| {
        all.extend(["a/B/c", "a/b/d"].map(|name| Member::file(name, b"x")))
    });
    bench.is_quiet(|all| all.extend(["a/B/c", "a/B/d", "b/b/c"].map(|name| Member::file(name, b"x"))));
}

#[test]
fn companions_that_cannot_be_read() {
    let bench = Bench::new();
    let good = Member::file("__MACOSX/._acme.app", b"none");
    let with = |change: &dyn Fn(&mut Member)| {
        let mut companion = good.clone();
        change(&mut companion);
        bench.with(|all| all.push(companion.clone()))
    };
    for (words, reason, archive) in [
        ("checksum", "checksum", with(&|member| member.damage = 1)),
        ("password", "encrypted", with(&|member| member.flags = 1)),
        (
            "compressed",
            "method 12",
            with(&|member| member.method = Some(12)),
        ),
    ] {
        let evidence = archive.evidence();
        assert_eq!(evidence.codesign.valid(), None, "{words}");
        let [unread] = &evidence.unread[..] else {
            panic!("{:?}", evidence.unread);
        };
        assert!(
            unread.reason.contains("extended attributes") && unread.reason.contains(reason),
            "{unread:?}"
        );
        let said = said(&archive);
        assert!(said.len() == 1 && said[0].contains(words), "{words}: {said:?}");
    }
    let damaged = with(&|member| member.damage = 1).evidence();
    let faults = damaged.container.unwrap().own;
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].member.as_deref(), Some("__MACOSX/._acme.app"));
    // More than may be unpacked: the companion is the last that is counted.
    let archive = with(&|_| ());
    let sizes = bench.good.iter().map(|member| member.contents.len() as u64);
    let mut options = options();
    options.limits.archive_bytes = sizes.sum();
    let cut = examine(&archive.path.join("acme.app"), &options).unwrap();
    assert_eq!(cut.codesign.valid(), None);
    options.limits.archive_bytes += 4;
    let whole = examine(&archive.path.join("acme.app"), &options).unwrap();
    assert_eq!(whole.codesign.valid(), Some(true));
}

/// Finder information as an attribute like others, behind many: it is attached all the same.
#[test]
fn attributes_by_their_names() {
    let companion = |name: &str| {
        let mut double = finder_information();
        double[38..70].fill(0);
        double.extend([0; 2]);
        double.extend(b"ATTR");
        double.extend([0; 30]);
        let names = std::iter::repeat_n("x", 1000).chain([name]);
        double.extend(1001_u16.to_be_bytes());
        for name in names {
            double.extend([0_u32, 4].map(u32::to_be_bytes).concat());
            double.extend([0, 0, name.len() as u8 + 1]);
            double.extend(name.as_bytes());
            double.push(0);
            double.resize(double.len().next_multiple_of(4), 0);
        }
        Member::file("__MACOSX/._acme.app", &double)
    };
    let bench = Bench::new();
    let valid = |name: &str| {
        let archive = bench.with(|all| all.push(companion(name)));
        archive.evidence().codesign.valid()
    };
    assert_eq!(valid("com.apple.FinderInfo"), Some(false));
    assert_eq!(valid("com.apple.lastuseddate#PS"), Some(true));
}

/// Attributes beside the file: `ditto` attaches them, `tar` leaves a file.
#[test]
fn companions_beside_their_file() {
    let bench = Bench::new();
    let with =
        |name: &'static str| move |all: &mut Vec<Member>| all.push(Member::file(name, &finder_information()));
    bench.fires("attributes beside", with("._acme.app"));
    bench.is_quiet(with("._other.app"));
    bench.is_quiet(|all| {
        all.extend([Member::file("notes", b"x"), Member::file("._notes", b"x")]);
    });
}

#[test]
fn headers_that_differ_from_the_directory() {
    let bench = Bench::new();
    let with = |change: &'static dyn Fn(&mut Member)| move |all: &mut Vec<Member>| change(named(all, TEXT));
    let ambiguous = |change| bench.fires("beside their data", with(change));
    for at in [0, 1, 2] {
        bench.fires("beside their data", |all| {
            let text = named(all, TEXT);
            let mut numbers = text.numbers();
            numbers[at] ^= 1;
            text.local_numbers = Some(numbers);
        });
    }
    ambiguous(&|text| text.local_flags = Some(1 << 11));
    ambiguous(&|text| text.local_numbers = Some([0; 3]));
    // Descriptors in all their forms, whatever the directory says of them.
    for (has_magic, is_wide) in [(true, false), (false, false), (true, true), (false, true)] {
        let stream = |all: &mut Vec<Member>| {
            for member in all.iter_mut().filter(|member| !member.contents.is_empty()) {
                *member = member.clone().streamed(has_magic, is_wide);
            }
        };
        bench.is_quiet(stream);
        bench.is_quiet(|all| {
            stream(all);
            let text = named(all, TEXT);
            (text.flags, text.local_flags) = (0, Some(8));
        });
        bench.fires("beside their data", |all| {
            stream(all);
            named(all, TEXT).descriptor[5] ^= 1;
        });
    }
    ambiguous(&|text| {
        *text = text.clone().streamed(true, false);
        text.descriptor.clear();
    });
    // Stored data has no end of its own.
    let stored = |has_magic| Member::file("notes", b"some text").streamed(has_magic, false);
    bench.is_quiet(|all| all.push(stored(true)));
    bench.fires("beside their data", |all| all.push(stored(false)));
    // As newer versions of the Finder write it.
    bench.is_quiet(with(&|text| {
        let size = text.numbers()[2];
        *text = text.clone().streamed(true, false);
        text.local_numbers = Some([0, 0, size]);
    }));
    ambiguous(&|text| {
        let size = text.numbers()[2];
        *text = text.clone().streamed(true, false);
        text.local_numbers = Some([0, 0, size + 1]);
    });
    // Sizes of 64 bits in front of the data only.
    let widen = |text: &mut Member, more: u64| {
        let [checksum, compressed, size] = text.numbers();
        text.local_numbers = Some([checksum, u32::MAX, u32::MAX]);
        text.local_extra = [1_u16, 16].map(u16::to_le_bytes).concat();
        for value in [u64::from(size), u64::from(compressed) + more] {
            text.local_extra.extend(value.to_le_bytes());
        }
    };
    bench.is_quiet(|all| widen(named(all, TEXT), 0));
    bench.fires("beside their data", |all| widen(named(all, TEXT), 1 << 32));
    bench.fires("beside their data", |all| {
        widen(named(all, TEXT), 0);
        named(all, TEXT).local_extra[0] = 2;
    });
}

/// APPNOTE 4.6.9: a name in UTF-8, by which some tools go.
#[test]
fn another_name_in_an_extra_field() {
    let bench = Bench::new();
    let field = |name: &str| {
        let mut field = 0x7075_u16.to_le_bytes().to_vec();
        field.extend((name.len() as u16 + 5).to_le_bytes());
        field.extend([1, 0, 0, 0, 0]);
        field.extend(name.as_bytes());
        field
    };
    let times = [0x55, 0x54, 5, 0, 1, 1, 2, 3, 4];
    for (is_local, is_central) in [(true, false), (false, true)] {
        let put = |name: &str, all: &mut Vec<Member>| {
            let text = named(all, TEXT);
            let extra = [&times[..], &field(name)].concat();
            if is_local {
                text.local_extra.clone_from(&extra);
            }
            if is_central {
                text.extra = extra;
            }
        };
        bench.fires("beside their data", |all| put(EVIL, all));
        bench.is_quiet(|all| put(TEXT, all));
    }
}

#[test]
fn members_that_seem_to_end_earlier() {
    let bench = Bench::new();
    let deflated = |all: &mut Vec<Member>, more: &[u8]| {
        let text = named(all, TEXT);
        let packed = miniz_oxide::deflate::compress_to_vec(&text.contents, 6);
        text.packed = Some([packed.as_slice(), more].concat());
    };
    bench.is_quiet(|all| deflated(all, b""));
    let damaged = bench.with(|all| deflated(all, b"more"));
    assert_eq!(damaged.evidence().codesign.valid(), None);
    assert!(said(&damaged)[0].contains("broken data"));
    // Beside the item nobody reads the data: only what could be a header in it matters, and only where no size is in front.
    let hidden = zip(&[Member::file(EVIL, b"x")]);
    let beside = |more: &[u8], is_streamed: bool| {
        let contents = b"some text ".repeat(100);
        let packed = miniz_oxide::deflate::compress_to_vec(&contents, 6);
        let member = Member {
            packed: Some([packed.as_slice(), more].concat()),
            is_deflated: true,
            ..Member::file("notes.txt", &contents)
        };
        match is_streamed {
            true => member.streamed(true, false),
            false => member,
        }
    };
    bench.fires("beside their data", |all| all.push(beside(&hidden, true)));
    bench.is_quiet(|all| all.push(beside(b"", true)));
    // Stored, with a descriptor in the middle that fits; and an archive in the archive, which has its own.
    let stored = |contents: &[u8]| Member::file("inner.zip", contents).streamed(true, false);
    let mut early = Member::file("x", b"first").streamed(true, false);
    let inner = zip(std::slice::from_ref(&early));
    bench.is_quiet(|all| all.push(stored(&inner)));
    early.contents.extend(&early.descriptor);
    early.contents.extend(&hidden);
    bench.fires("beside their data", |all| all.push(stored(&early.contents)));
}

#[test]
fn folders_by_name_or_by_attributes() {
    let bench = Bench::new();
    let without_slash = |all: &mut Vec<Member>| {
        named(all, "acme.app/Contents/Resources/").name.pop();
    };
    bench.fires("folders by their names", without_slash);
    let mut file = Member::file("sub/", b"data");
    bench.fires("folders by their names", |all| all.push(file.clone()));
    // With nothing in it, everyone makes a folder of it.
    file.contents.clear();
    bench.is_quiet(|all| all.extend([file.clone(), Member::file("sub/x", b"x")]));
}

#[test]
fn headers_that_the_directory_does_not_know() {
    let bench = Bench::new();
    let hidden = parts(&[Member::file(EVIL, b"x")], 0).0;
    for gap in [&hidden[..], b"PK\x01\x02", b"and PK\x05\x06", b"\0\0PK\x06\x06"] {
        bench.fires("does not know", |all| gap.clone_into(&mut named(all, TEXT).gap));
        bench.fires("does not know", |all| {
            let text = named(all, TEXT);
            *text = text.clone().streamed(true, false);
            text.descriptor.extend(gap);
        });
    }
    bench.is_quiet(|all| named(all, TEXT).gap = vec![0; 4096]);
    bench.is_quiet(|all| named(all, TEXT).gap = b"APK Sig Block 42 PK".to_vec());
    // In front of the first member, and between the last one and the directory.
    let count = bench.good.len() as u16;
    let around = |front: &[u8], behind: &[u8]| {
        let (file, directory) = parts(&bench.good, front.len());
        let offset = front.len() + file.len() + behind.len();
        let end = end(count, directory.len() as u32, offset as u32, b"");
        said(&written(&[front, &file, behind, &directory, &end].concat()))
    };
    assert!(around(&hidden, b"")[0].contains("does not know"));
    assert!(around(b"", &hidden)[0].contains("does not know"));
    assert_eq!(around(b"", b""), Vec::<&str>::new());
    assert_eq!(around(b"", &[0; 64]), Vec::<&str>::new());
    // The member is named as it stands there.
    let archive = bench.with(|all| named(all, TEXT).gap.clone_from(&hidden));
    let faults = archive.evidence().container.unwrap().faults;
    assert_eq!(faults[0].kind, ContainerFaultKind::Hidden);
    assert_eq!(faults[0].member.as_deref(), Some(EVIL));
}

#[test]
fn ends_that_contradict_each_other() {
    let bench = Bench::new();
    let (file, directory) = parts(&bench.good, 0);
    let (count, size, offset) = (bench.good.len(), directory.len(), file.len());
    let with = |tail: &[u8]| said(&written(&[&file, &directory, tail].concat()));
    let short = |count: usize, size: usize, offset: usize, comment: &[u8]| {
        end(count as u16, size as u32, offset as u32, comment)
    };
    let good = short(count, size, offset, b"");
    let quiet = Vec::<&str>::new();
    assert_eq!(with(&good), quiet);
    assert_eq!(with(&short(count, size, offset, b"with a comment")), quiet);
    let contradicts = |tail: &[u8]| {
        let said = with(tail);
        let last = said.last().unwrap();
        assert!(last.contains("contradict"), "{said:?}");
    };
    // The comment of the first is another directory with its end.
    let second = short(count, size, offset + size + good.len(), b"");
    let second = [&directory[..], &second].concat();
    contradicts(&short(count, size, offset, &second));
    contradicts(&short(
        count,
        size,
        offset,
        b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff",
    ));
    // With 64 bits.
    let wide = end64(count as u64, size as u64, offset as u64);
    let both = |short: Vec<u8>| [wide.clone(), short].concat();
    assert_eq!(with(&both(good)), quiet);
    let none = short(0xffff, 0xffff_ffff, 0xffff_ffff, b"");
    assert_eq!(with(&both(none)), quiet);
    contradicts(&both(short(1, size, offset, b"")));
    contradicts(&both(short(count, size - 46, offset, b"")));
    contradicts(&both(short(count, size, offset + 1, b"")));
    // Split archives.
    let mut split = short(count, size, offset, b"");
    split[4] = 1;
    contradicts(&split);
    // An archive in the archive, stored right in front of the directory, has an end of its own.
    let inner = Member::file("inner.zip", &zip(&bench.good[..2]));
    bench.is_quiet(|all| all.push(inner.clone()));
}

#[test]
fn members_that_share_bytes() {
    let bench = Bench::new();
    let (file, directory) = parts(&bench.good, 0);
    // The last member reaches into the directory.
    let end = end(
        bench.good.len() as u16,
        directory.len() as u32,
        file.len() as u32 - 1,
        b"",
    );
    let cut = [&file[..file.len() - 1], &directory, &end].concat();
    let archive = written(&cut);
    let output = sealcheck(&["check".as_ref(), archive.path.as_os_str()]);
    assert_eq!(output.status.code(), Some(4));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(flat(&told).contains("shares bytes with another one"), "{told}");
}

/// Faults are said of every item, and no more of them than are worth naming.
#[test]
fn many_faults_are_one_list() {
    let bench = Bench::new();
    let archive = bench.with(|all| {
        all.extend((0..1000).map(|number| Member::file(&format!("a\\{number}"), b"x")));
    });
    let evidence = archive.evidence();
    assert_eq!(evidence.container.unwrap().faults.len(), 20);
    assert_eq!(said(&archive).len(), 1);
}

#[test]
fn archives_without_items() {
    let bench = Bench::new();
    let check = |archive: &Packed| {
        let output = sealcheck(&["check".as_ref(), archive.path.as_os_str()]);
        (output.status.code(), stdout(&output))
    };
    // No item, but what is wrong with the archive.
    let doubled = [Member::file("notes", b"1"), Member::file("notes", b"2")];
    let (status, text) = check(&packed(&doubled));
    assert_eq!(status, Some(1));
    assert!(
        text.contains(HYGIENE) && text.contains("several members of one path"),
        "{text}"
    );
    assert!(!text.contains("codesign -f"), "{text}");
    let (_, text) = check(&packed(&[Member::file("notes", b"1")]));
    assert!(text.contains("in which no code was found"), "{text}");
    assert!(!text.contains(HYGIENE) && !text.contains("codesign -f"), "{text}");
    let mut modeless = Member::file("notes", b"1");
    (modeless.host, modeless.mode) = (0, 0);
    let (_, text) = check(&packed(&[modeless]));
    assert!(!text.contains(MODES), "a document needs no mode: {text}");
    // All of it encrypted, with an app and without.
    let lock = |all: &mut Vec<Member>| all.iter_mut().for_each(|member| member.flags = 1);
    for archive in [
        bench.with(lock),
        bench.with(|all| {
            all.retain(|member| member.name.ends_with(b"/MacOS/acme"));
            all[0].name = b"acme".to_vec();
            lock(all);
        }),
    ] {
        let (status, text) = check(&archive);
        assert!(matches!(status, Some(1 | 4)), "{status:?}");
        assert!(text.contains("a password protects"), "{text}");
        assert!(!text.contains("codesign -f"), "{text}");
    }
}

/// Names as some programs on Windows write them: that is said first.
#[test]
fn archives_from_windows() {
    let bench = Bench::new();
    let archive = bench.with(|all| {
        for member in all {
            let name = member
                .name
                .iter()
                .map(|byte| if *byte == b'/' { b'\\' } else { *byte });
            member.name = name.collect();
            (member.host, member.mode) = (0, 0);
        }
    });
    for item in Origin::default()
        .items(&archive.path, &options().search())
        .unwrap()
        .paths()
    {
        let advice = advise_unstapled(&examine(&item, &options()).unwrap(), None);
        let first = &advice.findings[0];
        assert!(
            first.rule == HYGIENE && first.message.contains("backslash"),
            "{first:?}"
        );
        assert!(
            first
                .remedy
                .to_string()
                .starts_with("pack the product of your build again"),
            "{}",
            first.remedy
        );
    }
}

/// No tool writes into an archive.
#[test]
fn remedies_for_what_lies_in_an_archive() {
    let bench = Bench::new();
    let archive = bench.with(|all| named(all, TEXT).contents[0] ^= 1);
    let advice = advise_unstapled(&archive.examined(), None);
    let broken = of(&advice, "sealed-resource-broken")[0];
    let path = archive.path.to_str().unwrap();
    let text = broken.remedy.to_string();
    let first =
        format!("unpack the archive first:\n  unpacked=$(mktemp -d)\n  ditto -x -k {path} \"$unpacked\"\n");
    let rest = text.strip_prefix(&first).expect(&text);
    let (mending, packing) = rest.split_once("then pack it again").expect(&text);
    assert!(
        mending.contains("codesign") && mending.contains(" \"$unpacked/acme.app\""),
        "{text}"
    );
    assert!(!mending.contains(path), "{text}");
    let last = format!("  ditto -c -k --sequesterRsrc \"$unpacked\" {path}");
    assert!(packing.ends_with(&last), "{text}");
}
