//! Options that leave out a part of the item: what is said about the rest stays true.
//!
//! `codesign -a` looks at one architecture of the item's main executable (`SecStaticCode::staticValidateCore` of the one
//! `kSecCodeAttributeArchitecture` names), and `--arch` does so, too. The others are not read, so nothing is said about them.

use std::collections::BTreeSet;

use sealcheck::Target;
use sealcheck::rule::{Advice, Demand, Expectations};
use sealcheck::time::UnixTime;
use sealcheck::verify::{CodesignFlags, Options};

use crate::remedies::cases::CASES;
use crate::support::examined::{Examined, advise, examine};
use crate::support::foundry::{app, framework, options, system_extension};
use crate::support::macho::x86_64;
use crate::support::real_app;

/// Rules that are silent about code with a broken signature. They are about the item, whatever is wrong with its other architectures.
const ONLY_OF_SOUND_CODE: [&str; 2] = ["ticket-missing", "tool-cannot-be-stapled"];

/// Reports that part of the item was left out.
const LEFT_OUT: &str = "not-all-verified";

fn with(flags: CodesignFlags) -> Options {
    Options { flags, ..options() }
}

fn only(architecture: &str) -> Options {
    with(CodesignFlags {
        architecture: Some(architecture.to_owned()),
        ..CodesignFlags::default()
    })
}

fn asked(evidence: &Examined, target: Option<Target>) -> Advice {
    advise(evidence, target, &Expectations::default())
}

/// Rules and paths of all findings but the one about what was left out.
fn found(advice: &Advice) -> BTreeSet<(&'static str, String)> {
    let findings = advice.findings.iter().filter(|finding| finding.rule != LEFT_OUT);
    findings
        .map(|finding| (finding.rule, finding.path.clone()))
        .collect()
}

/// Every fixture whose remedy is tested, for each of its architectures: a problem that all architectures together do not have is not a
/// problem of one.
#[test]
fn an_architecture_alone_has_no_problem_that_the_file_does_not_have() {
    for (rule, bench) in CASES {
        let bench = bench();
        let whole = asked(&examine(&bench.path, &options()).unwrap(), bench.target);
        for architecture in ["x86_64", "arm64"] {
            let evidence = examine(&bench.path, &only(architecture)).unwrap();
            if evidence.code.first().is_none_or(|item| item.slices.is_empty()) {
                // There is no such architecture in it.
                continue;
            }
            let part = found(&asked(&evidence, bench.target));
            let whole = found(&whole);
            let is_new = |found: &&(&str, String)| !ONLY_OF_SOUND_CODE.contains(&found.0);
            let new: Vec<_> = part.difference(&whole).filter(is_new).collect();
            assert!(new.is_empty(), "{rule}, {architecture}: {new:?}");
        }
    }
}

/// The other options change what the verdict of codesign minds. What is wrong with the item stays wrong, and nothing is added.
#[test]
fn options_of_the_verdict_add_no_problem() {
    let default = CodesignFlags::default;
    let all = [
        CodesignFlags {
            deep: false,
            ..default()
        },
        CodesignFlags {
            resources: false,
            ..default()
        },
        CodesignFlags {
            strict: false,
            ..default()
        },
    ];
    for (rule, bench) in CASES {
        let bench = bench();
        let whole = found(&asked(&examine(&bench.path, &options()).unwrap(), bench.target));
        for flags in &all {
            let evidence = examine(&bench.path, &with(flags.clone())).unwrap();
            let part = found(&asked(&evidence, bench.target));
            assert_eq!(part, whole, "{rule}, {flags:?}");
        }
    }
}

/// A real universal app with a ticket for all of its code: "is for x86_64 only" and "records are about code that is not here" are about
/// architectures that were not read.
#[test]
fn a_real_universal_app_has_no_problem_in_one_architecture() {
    for architecture in ["x86_64", "arm64"] {
        let options = Options {
            flags: only(architecture).flags,
            at: UnixTime::from_rfc3339("2026-11-25").unwrap(),
            ..Options::default()
        };
        let advice = asked(&examine(&real_app(), &options).unwrap(), None);
        assert_eq!(found(&advice), BTreeSet::new(), "{architecture}");
        assert!(advice.findings.iter().any(|finding| finding.rule == LEFT_OUT));
        let open: Vec<_> = advice.unknown.iter().map(|open| open.rule).collect();
        assert!(open.contains(&"ticket-extra-records"), "{open:?}");
    }
}

/// Another architecture of the app may claim what this one does not.
#[test]
fn whether_the_app_may_install_its_extension_is_not_decided() {
    const RULE: &str = "sysext-install-missing";
    let extension = system_extension("com.example.acme.network");
    let code = app("com.example.acme").nested(
        "Library/SystemExtensions/com.example.acme.network.systemextension",
        extension,
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(code.file_name());
    code.write(&path);
    let whole = asked(&examine(&path, &options()).unwrap(), None);
    assert!(
        found(&whole).iter().any(|(rule, _)| *rule == RULE),
        "{:?}",
        found(&whole)
    );
    let part = asked(&examine(&path, &only("arm64")).unwrap(), None);
    assert!(!found(&part).iter().any(|(rule, _)| *rule == RULE));
    let open = part.unknown.iter().find(|open| open.rule == RULE).unwrap();
    assert_eq!(open.reason, "with --arch, no other architecture was looked at");
}

/// A library that has both architectures lacks none because one of them was not read.
#[test]
fn a_program_in_a_framework_finds_its_architecture() {
    let helper = app("com.example.helper").links(&["@loader_path/../../../../inner"]);
    let code = framework("com.example.inner").nested("Helpers/helper.app", helper);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(code.file_name());
    code.write(&path);
    let whole = found(&asked(&examine(&path, &options()).unwrap(), None));
    for architecture in ["x86_64", "arm64"] {
        let part = found(&asked(&examine(&path, &only(architecture)).unwrap(), None));
        assert!(part.is_subset(&whole), "{part:?} {whole:?}");
    }
}

/// A file with that architecture only is judged as a whole.
#[test]
fn a_thin_file_is_judged_as_a_whole() {
    let mut code = app("com.example.acme");
    code.slices = vec![x86_64(b"one")];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(code.file_name());
    code.write(&path);
    let evidence = examine(&path, &only("x86_64")).unwrap();
    assert!(
        found(&asked(&evidence, None))
            .iter()
            .any(|(rule, _)| *rule == "no-arm64")
    );
    let expectations = Expectations {
        required: vec![Demand::from_name("arch:arm64").unwrap()],
        ..Expectations::default()
    };
    let advice = advise(&evidence, None, &expectations);
    assert!(
        found(&advice)
            .iter()
            .any(|(rule, _)| *rule == "required-architecture-missing")
    );
    assert!(!advice.has_open_expectation());
}

/// A demand is about the product that users get: what was not looked at is not known to meet it.
#[test]
fn a_demand_is_open_where_options_leave_code_out() {
    let demands = [
        Demand::Notarized,
        Demand::DeveloperId,
        Demand::HardenedRuntime,
        Demand::Timestamp,
    ];
    for demand in demands {
        let expectations = Expectations {
            required: vec![demand],
            ..Expectations::default()
        };
        let asked = |options: Options| {
            let options = Options {
                at: UnixTime::from_rfc3339("2026-11-24").unwrap(),
                anchors: Options::default().anchors,
                ..options
            };
            let evidence = examine(&real_app(), &options).unwrap();
            advise(&evidence, None, &expectations)
        };
        let whole = asked(options());
        assert!(!whole.has_open_expectation(), "{demand}: {:?}", whole.unknown);
        for architecture in ["arm64", "x86_64"] {
            assert!(asked(only(architecture)).has_open_expectation(), "{demand}");
        }
        for (resources, deep) in [(false, true), (true, false)] {
            let flags = CodesignFlags {
                resources,
                deep,
                ..CodesignFlags::default()
            };
            assert!(asked(with(flags)).has_open_expectation(), "{demand} {resources}");
        }
    }
}
