//! Gatekeeper's verdict: every rule of specification 9.2, the course of 9.3, and the words of `spctl`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealcheck::gatekeeper::{GatekeeperVerdict, Operation, Ruling, assess, fitting_operation};
use sealcheck::report::spctl_lines;
use sealcheck::time::UnixTime;
use sealcheck::trust::Anchors;
use sealcheck::verify::{CodesignFlags, Evidence, Options, verify_at};

use crate::support::bundle::{info_plist, sign, write, write_executable};
use crate::support::cms::{Authority, CmsSigner};
use crate::support::der::{null, utf8};
use crate::support::flip;
use crate::support::macho::{self, Thin, arm64, i386, powerpc, x86_64};
use crate::support::pki::{self, CODE_SIGNING, Issued, Key, Template, key_usage, marker, purposes};
use crate::support::signature::{Bound, Signer, adhoc, certified};

/// When Developer ID accounts begin to need notarization (specification 9.2).
const CUT: &str = "20190408000000Z";

/// The same certificate, valid from before notarization began.
fn since_2018(template: Template) -> Template {
    Template {
        validity: ("20180101000000Z", "20400101000000Z"),
        ..template
    }
}

struct Apple {
    root: Issued,
    _folder: tempfile::TempDir,
    app: PathBuf,
}

impl Apple {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            root: since_2018(pki::root()).self_signed(),
            app: folder.path().join("Acme.app"),
            _folder: folder,
        }
    }

    /// A Developer ID of an account that was made then.
    fn developer(&self, account: Option<&str>) -> Signer {
        let authority = pki::developer_id_ca().issued_by(&self.root);
        let date = account.map(|date| pki::extension("1.2.840.113635.100.6.1.33", false, &utf8(date)));
        let leaf = pki::developer_id(Key::P256(3))
            .with(&date.into_iter().collect::<Vec<_>>())
            .issued_by(&authority);
        certified("com.example.acme", CmsSigner::new(&leaf))
    }

    /// The same, with a secure timestamp.
    fn stamped(&self, account: Option<&str>, time: &'static str) -> Signer {
        let authority = since_2018(pki::developer_id_ca()).issued_by(&self.root);
        let date = account.map(|date| pki::extension("1.2.840.113635.100.6.1.33", false, &utf8(date)));
        let leaf = since_2018(pki::developer_id(Key::P256(3))).with(&date.into_iter().collect::<Vec<_>>());
        let timestamp = Authority {
            time,
            ..Authority::new(&since_2018(pki::timestamp_authority()).issued_by(&self.root))
        };
        let cms = CmsSigner {
            timestamp: Some(timestamp),
            ..CmsSigner::new(&leaf.issued_by(&authority))
        };
        certified("com.example.acme", cms)
    }

    /// By a certificate with one marker, under an authority with another.
    fn marked(&self, leaf: &str, authority: &str) -> Signer {
        let authority = Template::new("Test Authority", Key::P256(5))
            .with(&[pki::basic_constraints(true, None), marker(authority)])
            .issued_by(&self.root);
        let leaf = Template::new("Somebody", Key::P256(4))
            .with(&[key_usage(0x80), purposes(&[CODE_SIGNING]), marker(leaf)])
            .issued_by(&authority);
        certified("com.example.acme", CmsSigner::new(&leaf))
    }

    /// An app with a library, each signed so.
    fn app(&self, signer: &Signer, library: &Signer) -> Evidence {
        self.app_of(&[x86_64(&[1; 5000]), arm64(&[2; 5000])], signer, library)
    }

    /// An app of these slices with a library.
    fn app_of(&self, code: &[Thin], signer: &Signer, library: &Signer) -> Evidence {
        let contents = self.app.join("Contents");
        write(
            &contents.join("Info.plist"),
            &info_plist("Acme", "com.example.acme", "APPL"),
        );
        write(&contents.join("Resources/a.txt"), b"a");
        let thin = Thin {
            file_type: macho::DYLIB,
            ..arm64(b"library")
        };
        let (bytes, hashes) = library.sign_all(&[thin], Bound::default());
        write_executable(&contents.join("Frameworks/lib.dylib"), &bytes);
        let nested = BTreeMap::from([("Frameworks/lib.dylib".to_owned(), hashes)]);
        sign(&contents, "MacOS/Acme", code, signer, &nested);
        self.evidence(&self.app)
    }

    fn evidence(&self, path: &Path) -> Evidence {
        let mut anchors = Anchors::default();
        anchors.trust_as_apple(&self.root.der).unwrap();
        let options = Options {
            anchors,
            at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
            ..Options::default()
        };
        verify_at(path, &options).unwrap()
    }
}

/// As a ticket would have it that lists the slices of these code objects.
fn notarize(evidence: &mut Evidence, objects: &[usize]) {
    for object in objects {
        for slice in &mut evidence.code[*object].slices {
            slice.notarized = Some(true);
        }
    }
}

fn execute(evidence: &Evidence) -> GatekeeperVerdict {
    assess(evidence, Operation::Execute)
}

/// Returns true if a rule depends on what only Apple's servers know.
fn is_open(verdict: &GatekeeperVerdict) -> bool {
    matches!(verdict.ruling, Ruling::Undetermined(_))
}

/// What `spctl -a -vv` prints.
fn said(verdict: &GatekeeperVerdict) -> Vec<String> {
    spctl_lines("Acme.app", verdict, 2)
}

const ORIGIN: &str = "origin=Developer ID Application: Example (ABCDE12345)";

#[test]
fn notarized_developer_id() {
    let apple = Apple::new();
    let signer = apple.developer(Some("20260101000000Z"));
    let mut evidence = apple.app(&signer, &signer);
    // Without a ticket at hand, Apple's servers decide.
    let verdict = execute(&evidence);
    assert!(is_open(&verdict), "{verdict:?}");
    assert_eq!((verdict.accepted(), verdict.exit_status()), (None, 3));
    assert_eq!(
        said(&verdict),
        ["Acme.app: rejected", "source=Unnotarized Developer ID", ORIGIN]
    );
    let condition = verdict.condition().unwrap();
    for slice in &evidence.code[0].slices {
        let cdhash = slice.cdhashes.last().unwrap().truncated().to_string();
        assert!(condition.contains(&cdhash), "{condition}");
    }
    // A ticket for the app alone leaves the library open.
    notarize(&mut evidence, &[0]);
    let verdict = execute(&evidence);
    assert!(is_open(&verdict), "{verdict:?}");
    assert_eq!(
        verdict.subcomponent.as_deref(),
        Some("Contents/Frameworks/lib.dylib")
    );
    notarize(&mut evidence, &[1]);
    let verdict = execute(&evidence);
    assert_eq!(verdict.exit_status(), 0);
    assert_eq!(
        said(&verdict),
        ["Acme.app: accepted", "source=Notarized Developer ID", ORIGIN]
    );
    assert_eq!(spctl_lines("Acme.app", &verdict, 0), Vec::<String>::new());
    // One slice that no ticket lists is enough.
    evidence.code[0].slices[1].notarized = None;
    assert!(is_open(&execute(&evidence)));
}

#[test]
fn accounts_from_before_notarization() {
    let apple = Apple::new();
    for (account, is_old) in [(None, true), (Some("20190407235959Z"), true), (Some(CUT), false)] {
        let signer = apple.stamped(account, "20190531235959Z");
        let verdict = execute(&apple.app(&signer, &signer));
        let source = match is_old {
            true => "Developer ID",
            false => "Unnotarized Developer ID",
        };
        assert_eq!(verdict.accepted(), is_old.then_some(true), "{account:?}");
        assert_eq!(is_open(&verdict), !is_old, "{account:?}");
        assert_eq!(verdict.source, Some(source), "{account:?}");
    }
    // To install it, `legacy` would have to be asked of Apple's list.
    let signer = apple.developer(None);
    let verdict = assess(&apple.app(&signer, &signer), Operation::Install);
    assert!(is_open(&verdict), "{verdict:?}");
}

/// The rules for execution ask for a ticket only where the certificate is of an account from after 2019-04-08. macOS 10.15 and later
/// ask for one of everything that was signed after 2019-06-01: without a ticket at hand it is not known whether Apple's servers hold one.
#[test]
fn code_of_old_accounts_that_was_signed_since_needs_a_ticket() {
    let apple = Apple::new();
    for account in [None, Some("20190407235959Z")] {
        for (time, is_old) in [
            (Some("20190531235959Z"), true),
            (Some("20190601000000Z"), false),
            (Some("20260101000000Z"), false),
            (None, false),
        ] {
            let signer = match time {
                Some(time) => apple.stamped(account, time),
                None => apple.developer(account),
            };
            let mut evidence = apple.app(&signer, &signer);
            let verdict = execute(&evidence);
            assert_eq!(verdict.accepted(), is_old.then_some(true), "{account:?} {time:?}");
            assert_eq!(is_open(&verdict), !is_old, "{account:?} {time:?}");
            if !is_old {
                assert_eq!(verdict.source, Some("Unnotarized Developer ID"));
                assert!(verdict.condition().unwrap().contains("Apple's servers"));
            }
            notarize(&mut evidence, &[0, 1]);
            assert_eq!(execute(&evidence).source, Some("Notarized Developer ID"));
        }
    }
    // One library that was signed later is enough.
    let old = apple.stamped(None, "20190501000000Z");
    let new = apple.stamped(None, "20190701000000Z");
    let verdict = execute(&apple.app(&old, &new));
    assert!(is_open(&verdict), "{verdict:?}");
    assert_eq!(
        verdict.subcomponent.as_deref(),
        Some("Contents/Frameworks/lib.dylib")
    );
}

#[test]
fn other_certificates_of_apple() {
    let apple = Apple::new();
    let wwdr = "1.2.840.113635.100.6.2.1";
    for (leaf, source) in [
        ("1.2.840.113635.100.6.1.9", Some("Mac App Store")),
        ("1.2.840.113635.100.6.1.25.1", Some("Testflight")),
        // Development, distribution: no rule matches, and there is no source.
        ("1.2.840.113635.100.6.1.12", None),
        ("1.2.840.113635.100.6.1.7", None),
    ] {
        let signer = apple.marked(leaf, wwdr);
        let verdict = execute(&apple.app(&signer, &signer));
        assert_eq!(verdict.source, source, "{leaf}");
        assert_eq!(verdict.accepted(), Some(source.is_some()), "{leaf}");
        assert_eq!(verdict.origin.as_deref(), Some("Somebody"));
    }
    // Apple's own software.
    let authority = Template::new("Apple Code Signing Certification Authority", Key::P256(5));
    let authority = Template {
        subject: vec![
            (
                pki::COMMON_NAME,
                "Apple Code Signing Certification Authority".into(),
            ),
            (pki::ORGANIZATION, "Apple Inc.".into()),
        ],
        ..authority.with(&[pki::basic_constraints(true, None)])
    }
    .issued_by(&apple.root);
    let leaf = Template::new("Software Signing", Key::P256(4))
        .with(&[
            key_usage(0x80),
            purposes(&[CODE_SIGNING]),
            pki::extension("1.2.840.113635.100.6.22", false, &null()),
        ])
        .issued_by(&authority);
    let signer = certified("com.apple.acme", CmsSigner::new(&leaf));
    let evidence = apple.app(&signer, &signer);
    assert_eq!(execute(&evidence).source, Some("Apple System"));
    assert_eq!(
        assess(&evidence, Operation::Install).ruling,
        Ruling::Rejected(None)
    );
}

#[test]
fn signatures_of_nobody() {
    let apple = Apple::new();
    let signer = adhoc("com.example.acme");
    let verdict = execute(&apple.app(&signer, &signer));
    assert_eq!(said(&verdict), ["Acme.app: rejected"]);
    assert_eq!(verdict.exit_status(), 3);
    // Names and markers of Apple's under a root of somebody else.
    let root = Template::new("Apple Root CA", Key::P256(6))
        .with(&[pki::basic_constraints(true, None), key_usage(0x06)])
        .self_signed();
    let forged = pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root));
    let signer = certified("com.example.acme", CmsSigner::new(&forged));
    let mut evidence = apple.app(&signer, &signer);
    notarize(&mut evidence, &[0, 1]);
    assert_eq!(said(&execute(&evidence)), ["Acme.app: rejected", ORIGIN]);
    // Not signed at all.
    let thin = arm64(&[2; 5000]).build(None);
    write_executable(&apple.app.join("Contents/MacOS/Acme"), &thin);
    assert_eq!(
        said(&execute(&apple.evidence(&apple.app))),
        ["Acme.app: rejected", "source=no usable signature"]
    );
}

#[test]
fn nested_code_of_nobody() {
    let apple = Apple::new();
    let signer = apple.developer(Some(CUT));
    let mut evidence = apple.app(&signer, &adhoc("lib"));
    notarize(&mut evidence, &[0]);
    let verdict = execute(&evidence);
    assert_eq!(verdict.ruling, Ruling::Rejected(None));
    assert_eq!(verdict.source, None);
    assert_eq!(
        verdict.subcomponent.as_deref(),
        Some("Contents/Frameworks/lib.dylib")
    );
    // Rejected whatever the servers know about the app.
    let evidence = apple.app(&signer, &adhoc("lib"));
    assert_eq!(execute(&evidence).ruling, Ruling::Rejected(None));
}

#[test]
fn broken_code_is_an_error() {
    let apple = Apple::new();
    let signer = apple.developer(Some(CUT));
    let mut evidence = apple.app(&signer, &signer);
    notarize(&mut evidence, &[0, 1]);
    assert_eq!(execute(&evidence).accepted(), Some(true));
    flip(&apple.app.join("Contents/Resources/a.txt"), 0);
    let verdict = execute(&apple.evidence(&apple.app));
    assert_eq!(
        said(&verdict),
        ["Acme.app: a sealed resource is missing or invalid"]
    );
    assert_eq!(verdict.exit_status(), 1);
}

#[test]
fn strict_faults_are_rejections() {
    let apple = Apple::new();
    let signer = apple.developer(Some(CUT));
    apple.app(&signer, &signer);
    write(&apple.app.join("stranger"), b"x");
    let mut evidence = apple.evidence(&apple.app);
    // What the rules refuse is refused in their name; where they may accept, the fault is the reason.
    let reason = "Acme.app: rejected (unsealed contents present in the bundle root)";
    assert_eq!(said(&execute(&evidence)), [reason, ORIGIN]);
    notarize(&mut evidence, &[0, 1]);
    let verdict = execute(&evidence);
    assert_eq!(said(&verdict), [reason, ORIGIN]);
    assert_eq!(verdict.exit_status(), 3);
    let signer = adhoc("com.example.acme");
    apple.app(&signer, &signer);
    assert_eq!(
        said(&execute(&apple.evidence(&apple.app))),
        ["Acme.app: rejected"]
    );
}

#[test]
fn tools_are_no_apps() {
    let apple = Apple::new();
    let tool = apple.app.with_file_name("tool");
    let signer = apple.developer(Some(CUT));
    write_executable(&tool, &signer.sign(&arm64(&[2; 5000]), Bound::default()).0);
    let mut evidence = apple.evidence(&tool);
    notarize(&mut evidence, &[0]);
    let reason = "Acme.app: rejected (the code is valid but does not seem to be an app)";
    assert_eq!(said(&execute(&evidence)), [reason, ORIGIN]);
    assert_eq!(fitting_operation(&evidence), Operation::Install);
    let verdict = assess(&evidence, Operation::Install);
    assert_eq!(
        said(&verdict),
        ["Acme.app: accepted", "source=Notarized Developer ID", ORIGIN]
    );
    let verdict = assess(&evidence, Operation::Open);
    assert_eq!(
        said(&verdict),
        ["Acme.app: rejected", "source=Insufficient Context"]
    );
    let app = apple.app(&signer, &signer);
    assert_eq!(fitting_operation(&app), Operation::Execute);
}

#[test]
fn what_was_left_out_is_not_assessed() {
    let apple = Apple::new();
    let signer = apple.developer(None);
    let mut evidence = apple.app(&signer, &signer);
    evidence.flags = CodesignFlags {
        resources: false,
        ..CodesignFlags::default()
    };
    let verdict = assess(&evidence, Operation::Execute);
    assert_eq!((verdict.accepted(), verdict.exit_status()), (None, 4));
    assert_eq!(
        said(&verdict),
        ["Acme.app: not judged: the options leave out part of what Gatekeeper evaluates"]
    );
}

/// Every kind of item whose primary slice is PowerPC, signed by anyone: Gatekeeper evaluates that slice, and no rule
/// matches. It leaves PowerPC out only among the other slices (`SecStaticCode::staticValidate` with
/// `kSecCSCheckGatekeeperArchitectures`, as `PolicyEngine::evaluateCodeItem` calls it).
#[test]
fn a_powerpc_slice_is_evaluated_where_it_is_the_primary_one() {
    let apple = Apple::new();
    let anyone = pki::self_signed(Key::P256(3)).self_signed();
    let signers = [
        adhoc("com.example.acme"),
        certified("com.example.acme", CmsSigner::new(&anyone)),
    ];
    // With a variant in the bits of `CPU_ARCH_MASK`, which Gatekeeper does not look at.
    let variant = |cpu_type| Thin {
        cpu_type,
        ..powerpc(&[3; 5000])
    };
    let only = [
        vec![powerpc(&[1; 5000])],
        vec![variant(0x0100_0012)],
        vec![variant(0x0200_0012)],
    ];
    for signer in &signers {
        for code in only.iter().chain([&vec![powerpc(&[1; 5000]), i386(&[2; 5000])]]) {
            let (bytes, _) = signer.sign_all(code, Bound::default());
            let tool = apple.app.with_file_name("tool");
            write_executable(&tool, &bytes);
            let evidence = apple.evidence(&tool);
            assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
            let verdict = assess(&evidence, Operation::Install);
            assert_eq!(
                verdict.ruling,
                Ruling::Rejected(None),
                "{:?}",
                evidence.code[0].format
            );
            assert_eq!(verdict.source, None);
            let evidence = apple.app_of(code, signer, signer);
            assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
            assert_eq!(said(&execute(&evidence))[0], "Acme.app: rejected");
        }
    }
    // Signed with a Developer ID, the slice needs a ticket like any other.
    let evidence = apple.app_of(&only[0], &apple.developer(Some(CUT)), &apple.developer(Some(CUT)));
    assert!(is_open(&execute(&evidence)));
}

/// Among the other slices PowerPC does not count: the ticket need not list it, and neither must one of a variant.
#[test]
fn a_powerpc_slice_is_left_out_beside_the_primary_one() {
    let apple = Apple::new();
    let signer = apple.developer(Some(CUT));
    for cpu_type in [0x12, 0x0100_0012, 0x0200_0012] {
        let old = Thin {
            cpu_type,
            ..powerpc(&[1; 5000])
        };
        let mut evidence = apple.app_of(&[old, arm64(&[2; 5000])], &signer, &signer);
        notarize(&mut evidence, &[1]);
        let slices = &mut evidence.code[0].slices;
        let primary = slices[0].architecture.unwrap();
        assert!(primary.is_arm64() && slices[1].architecture.unwrap().is_powerpc());
        slices[0].notarized = Some(true);
        assert_eq!(execute(&evidence).accepted(), Some(true));
    }
}

/// Without a slice that was evaluated there is no accepted verdict, whatever the reason is: no row of the rules is
/// satisfied by nothing.
#[test]
fn nothing_that_was_evaluated_is_not_accepted() {
    let apple = Apple::new();
    let signer = apple.stamped(None, "20190501000000Z");
    let evidence = apple.app(&signer, &signer);
    assert_eq!(execute(&evidence).accepted(), Some(true));
    let without = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = evidence.clone();
        change(&mut evidence);
        for operation in [Operation::Execute, Operation::Install] {
            let verdict = assess(&evidence, operation);
            assert_eq!(
                (verdict.accepted(), verdict.exit_status()),
                (None, 4),
                "{verdict:?}"
            );
            assert_eq!(
                verdict.condition(),
                Some("not judged: no signature was evaluated")
            );
        }
    };
    without(&|evidence| evidence.code.clear());
    without(&|evidence| evidence.code[0].slices.clear());
    without(&|evidence| evidence.code[1].slices.clear());
    without(&|evidence| evidence.code[1].slices[0].hash_type = None);
}
