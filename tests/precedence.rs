//! Two faults in one bundle: which of them codesign reports (specification 11.2 and 11.3).
//!
//! Every pair of the kinds below is built. What is expected is computed from the steps of validation as the specification
//! lists them, written down here once more: nothing of the verdict's own order is used.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::bundle::{RULES, contents_bundle, framework, write};
use crate::support::codesign::Parent;
use crate::support::flip;
use crate::support::judge::judge;
use crate::support::macho::{EXECUTE, Thin, arm64, x86_64};
use crate::support::signature::{Signer, adhoc};

/// A step of `SecStaticCode::staticValidate`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    /// The code object is created.
    Creation,
    /// SuperBlob and CodeDirectories of the primary slice.
    Signature,
    /// Special slots, from the highest: the number is 11 minus the slot.
    Slot(u8),
    /// Pages of the primary slice.
    Pages,
    /// The other slices, in the same steps.
    OtherSlice,
    /// The seal against its slot.
    Seal,
    /// Its rules.
    WeakRules,
    /// What ends the walk over the resources, in the order of the walk.
    Thrown,
    /// What is gathered in it, in the same order; what is missing is noticed behind it.
    Collected,
    Missing,
    /// Strict rules: what was recorded about the bundle, by its number, then the executable.
    Recorded(i32),
    SigningLimit,
    Layout,
}

struct Kind {
    name: &'static str,
    step: Step,
    /// Where it lies, from the item: where there is a walk, this is its order.
    place: &'static str,
    status: i32,
    is_nested: bool,
    architecture: Option<&'static str>,
    /// The list in which its place stands.
    list: Option<List>,
    apply: Change,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Added,
    Modified,
    Missing,
}

#[derive(Clone, Copy)]
enum Change {
    /// Before the bundle is sealed and signed.
    Before(fn(&mut Parent)),
    After(fn(&Parent)),
}

const BASE: Kind = Kind {
    name: "",
    step: Step::Creation,
    place: "",
    status: 0,
    is_nested: false,
    architecture: None,
    list: None,
    apply: Change::After(|_| {}),
};

const MAIN: &str = "Contents/MacOS/hello";

/// Where the slice of this number begins in the main executable.
fn slice(parent: &Parent, number: usize) -> usize {
    let bytes = fs::read(parent.path(MAIN)).unwrap();
    let at = 16 + 20 * number;
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Where `needle` stands in the arm64 slice, the primary one.
fn in_primary(parent: &Parent, needle: &[u8]) -> usize {
    let start = slice(parent, 1);
    let bytes = fs::read(parent.path(MAIN)).unwrap();
    start + crate::support::position(&bytes[start..], needle)
}

/// Another version in an Info.plist, of the same length.
fn new_version(info: &Path) {
    let text = fs::read_to_string(info).unwrap();
    write(info, text.replace("1.2.3", "1.2.4").as_bytes());
}

fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            name: "two slices at one offset",
            status: -2070,
            apply: Change::After(|p| {
                let mut bytes = fs::read(p.path(MAIN)).unwrap();
                // A third entry like the second, of another CPU.
                bytes.copy_within(28..48, 48);
                bytes[7] = 3;
                bytes[51] = 7;
                fs::write(p.path(MAIN), bytes).unwrap();
            }),
            ..BASE
        },
        Kind {
            name: "no SuperBlob",
            step: Step::Signature,
            status: -67045,
            architecture: Some("arm64"),
            apply: Change::After(|p| flip(&p.path(MAIN), in_primary(p, &[0xfa, 0xde, 0x0c, 0xc0]))),
            ..BASE
        },
        Kind {
            name: "entitlements",
            step: Step::Slot(11 - 5),
            status: -67061,
            architecture: Some("arm64"),
            apply: Change::After(|p| {
                flip(&p.path(MAIN), in_primary(p, &[0xfa, 0xde, 0x71, 0x71]) + 40);
            }),
            ..BASE
        },
        Kind {
            name: "Info.plist",
            step: Step::Slot(11 - 1),
            status: -67030,
            architecture: Some("arm64"),
            apply: Change::After(|p| new_version(&p.path("Contents/Info.plist"))),
            ..BASE
        },
        Kind {
            name: "a page",
            step: Step::Pages,
            status: -67061,
            architecture: Some("arm64"),
            apply: Change::After(|p| flip(&p.path(MAIN), slice(p, 1) + 0xff0)),
            ..BASE
        },
        Kind {
            name: "a page of the other slice",
            step: Step::OtherSlice,
            status: -67061,
            architecture: Some("x86_64"),
            apply: Change::After(|p| flip(&p.path(MAIN), slice(p, 0) + 0xff0)),
            ..BASE
        },
        Kind {
            name: "the seal",
            step: Step::Seal,
            status: -67023,
            apply: Change::After(|p| {
                let seal = p.path("Contents/_CodeSignature/CodeResources");
                let text = fs::read(&seal).unwrap();
                write(&seal, &[&text[..], b"\n"].concat());
            }),
            ..BASE
        },
        Kind {
            name: "weak rules",
            step: Step::WeakRules,
            status: -67013,
            apply: Change::Before(|p| {
                p.rules = RULES.replace(
                    "<key>^.*</key><true/>",
                    "<key>^.*</key><true/><key>^x$</key><false/>",
                );
            }),
            ..BASE
        },
        Kind {
            name: "a page of nested code",
            step: Step::Thrown,
            place: "Contents/Helpers/tool",
            status: -67061,
            is_nested: true,
            architecture: Some("arm64"),
            apply: Change::After(|p| flip(&p.path("Contents/Helpers/tool"), 0xff0)),
            ..BASE
        },
        Kind {
            name: "a stranger in the root of a nested framework",
            step: Step::Thrown,
            place: "Contents/Frameworks/F.framework",
            status: -67008,
            is_nested: true,
            apply: Change::After(|p| write(&p.path("Contents/Frameworks/F.framework/README"), b"x")),
            ..BASE
        },
        Kind {
            name: "a link .DS_Store",
            step: Step::Thrown,
            place: "Contents/Resources/.DS_Store",
            status: -67012,
            apply: Change::After(|p| symlink("a", p.resource(".DS_Store")).unwrap()),
            ..BASE
        },
        Kind {
            name: "a link to nowhere",
            step: Step::Thrown,
            place: "Contents/Resources/nowhere",
            status: 100_002,
            apply: Change::Before(|p| symlink("absent", p.resource("nowhere")).unwrap()),
            ..BASE
        },
        Kind {
            name: "a pipe",
            step: Step::Thrown,
            place: "Contents/Resources/pipe",
            status: -67016,
            apply: Change::After(|p| {
                let made = std::process::Command::new("mkfifo")
                    .arg(p.resource("pipe"))
                    .status();
                assert!(made.unwrap().success());
            }),
            ..BASE
        },
        Kind {
            name: "nested code that is another",
            step: Step::Collected,
            place: "Contents/Helpers/other",
            status: -67021,
            list: Some(List::Modified),
            apply: Change::Before(|p| p.nested.get_mut("Helpers/other").unwrap()[0][0] ^= 1),
            ..BASE
        },
        Kind {
            name: "a file added",
            step: Step::Collected,
            place: "Contents/Resources/new",
            status: -67054,
            list: Some(List::Added),
            apply: Change::After(|p| write(&p.resource("new"), b"x")),
            ..BASE
        },
        Kind {
            name: "a file changed",
            step: Step::Collected,
            place: "Contents/Resources/b",
            status: -67054,
            list: Some(List::Modified),
            apply: Change::After(|p| write(&p.resource("b"), b"x")),
            ..BASE
        },
        Kind {
            name: "a link out of the bundle",
            step: Step::Collected,
            place: "Contents/Resources/escape",
            status: -67003,
            list: Some(List::Modified),
            apply: Change::Before(|p| symlink("../../../outside", p.resource("escape")).unwrap()),
            ..BASE
        },
        Kind {
            name: "a file removed",
            step: Step::Missing,
            place: "Contents/Resources/a",
            status: -67054,
            list: Some(List::Missing),
            apply: Change::After(|p| fs::remove_file(p.resource("a")).unwrap()),
            ..BASE
        },
        Kind {
            name: "a stranger in the root",
            step: Step::Recorded(-67014),
            status: -67014,
            apply: Change::After(|p| write(&p.path("notes"), b"x")),
            ..BASE
        },
        Kind {
            name: "Info.plist is a link",
            step: Step::Recorded(-67015),
            status: -67015,
            apply: Change::After(|p| {
                fs::rename(p.path("Contents/Info.plist"), p.path("Contents/_MASReceipt")).unwrap();
                symlink("_MASReceipt", p.path("Contents/Info.plist")).unwrap();
            }),
            ..BASE
        },
        Kind {
            name: "unsigned code behind the limit",
            step: Step::SigningLimit,
            status: -67045,
            apply: Change::Before(|p| {
                p.signer.patch = Some(|directory| {
                    directory[28..32].copy_from_slice(&1u32.to_be_bytes());
                    directory[32..36].copy_from_slice(&4096u32.to_be_bytes());
                });
            }),
            ..BASE
        },
        Kind {
            name: "bytes behind the slices",
            step: Step::Layout,
            status: -67010,
            apply: Change::After(|p| {
                let mut bytes = fs::read(p.path(MAIN)).unwrap();
                bytes.extend([0; 8]);
                fs::write(p.path(MAIN), bytes).unwrap();
            }),
            ..BASE
        },
    ]
}

/// An app with a universal executable, two tools, a child and a framework; with these faults.
fn build(faults: &[&Kind]) -> Parent {
    let mut parent = Parent::new();
    parent.slices = [x86_64(&[1; 9000]), arm64(&[2; 9000])]
        .into_iter()
        .map(|thin| Thin {
            file_type: EXECUTE,
            ..thin
        })
        .collect();
    parent.signer = Signer {
        entitlements: Some([("com.example.a".to_owned(), true.into())].into()),
        ..adhoc("org.example.parent")
    };
    parent.add_tool("Helpers/tool", &adhoc("tool"));
    parent.add_tool("Helpers/other", &adhoc("other"));
    let child = parent.path("Contents/PlugIns/Child.app");
    let hashes = contents_bundle(&child, "Child", "APPL", &adhoc("child"));
    parent.nested.insert("PlugIns/Child.app".into(), hashes);
    let inner = parent.path("Contents/Frameworks/F.framework");
    let hashes = framework(&inner, "F", "f ", &adhoc("f"));
    parent.nested.insert("Frameworks/F.framework".into(), hashes);
    for fault in faults {
        if let Change::Before(change) = fault.apply {
            change(&mut parent);
        }
    }
    let parent = parent.seal();
    for fault in faults {
        if let Change::After(change) = fault.apply {
            change(&parent);
        }
    }
    parent
}

/// Status, subcomponent, architecture, and the three lists.
type Answer = (i32, Option<String>, Option<String>, [Vec<String>; 3]);

fn expected(faults: &[&Kind]) -> Answer {
    let first = faults
        .iter()
        .min_by_key(|kind| (kind.step, kind.place.split('/').collect::<Vec<_>>()))
        .unwrap();
    let is_gathered = |kind: &Kind| matches!(kind.step, Step::Collected | Step::Missing);
    let list = |which: List| {
        let mut paths: Vec<_> = faults
            .iter()
            .filter(|kind| is_gathered(first) && is_gathered(kind) && kind.list == Some(which))
            .map(|kind| kind.place.to_owned())
            .collect();
        paths.sort();
        paths
    };
    (
        first.status,
        first.is_nested.then(|| first.place.to_owned()),
        first.architecture.map(str::to_owned),
        [list(List::Added), list(List::Modified), list(List::Missing)],
    )
}

fn found(parent: &Parent) -> Answer {
    let judged = judge(&parent.app());
    let (status, subcomponent, architecture) = judged.verdict();
    (
        status,
        subcomponent.map(str::to_owned),
        architecture.map(str::to_owned),
        judged.files().map(<[String]>::to_vec),
    )
}

#[test]
fn one_fault_is_reported_as_itself() {
    judge(&build(&[]).app()).assert_clean();
    for kind in kinds() {
        assert_eq!(found(&build(&[&kind])), expected(&[&kind]), "{}", kind.name);
    }
}

#[test]
fn of_two_faults_the_earlier_step_is_reported() {
    let kinds = kinds();
    let mut pairs = 0;
    for (index, one) in kinds.iter().enumerate() {
        for other in &kinds[index + 1..] {
            let faults = [one, other];
            let names = format!("{} and {}", one.name, other.name);
            assert_eq!(found(&build(&faults)), expected(&faults), "{names}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 22 * 21 / 2);
}

/// Code that fails the requirement of its seal is reported as that, unless something earlier in it fails.
#[test]
fn nested_code_that_is_another_and_broken_as_well() {
    let judged = |change: &dyn Fn(&Parent)| {
        let mut parent = Parent::new();
        let child = parent.path("Contents/PlugIns/Child.app");
        write(&child.join("Contents/Resources/a"), b"a");
        contents_bundle(&child, "Child", "APPL", &adhoc("child"));
        // The seal demands other code.
        parent
            .nested
            .insert("PlugIns/Child.app".into(), vec![vec![0; 20]]);
        let parent = parent.seal();
        change(&parent);
        let judged = judge(&parent.app());
        (judged.status(), judged.evidence.codesign.subcomponent().is_some())
    };
    let child = "Contents/PlugIns/Child.app/Contents";
    assert_eq!(judged(&|_| {}), (-67021, false));
    // Behind the requirement: resources and strict rules of the child.
    assert_eq!(
        judged(&|p| write(&p.path(child).join("Resources/a"), b"x")),
        (-67021, false)
    );
    assert_eq!(
        judged(&|p| write(&p.path("Contents/PlugIns/Child.app/notes"), b"x")),
        (-67021, false)
    );
    // In front of it: its Info.plist, the pages of its first slice.
    assert_eq!(
        judged(&|p| new_version(&p.path(child).join("Info.plist"))),
        (-67030, true)
    );
    let second = |p: &Parent| {
        let bytes = fs::read(p.path(child).join("MacOS/Child")).unwrap();
        u32::from_be_bytes(bytes[36..40].try_into().unwrap()) as usize
    };
    assert_eq!(
        judged(&|p| flip(&p.path(child).join("MacOS/Child"), second(p) + 0xff0)),
        (-67061, true)
    );
    // The pages of its other slice come behind the requirement of the first.
    assert_eq!(
        judged(&|p| flip(&p.path(child).join("MacOS/Child"), 0x4000 + 0xff0)),
        (-67021, false)
    );
}
