//! Rules about notarization tickets: each fires on its case and keeps silent on a near miss.

use std::fs;
use std::path::Path;

use sealcheck::finding::{Finding, Severity, Target};
use sealcheck::rule::{Advice, Expectations, Family, find};
use sealcheck::time::UnixTime;
use sealcheck::verify::{Options, SuppliedTicket};

use crate::support::bundle::{self, info_plist, write};
use crate::support::examined::{advise, examine};
use crate::support::macho::{Thin, arm64, powerpc, x86_64};
use crate::support::pki::{self, Key};
use crate::support::signature::{Bound, adhoc};
use crate::support::ticket::{ISSUED, TicketMaker, integration_ca, notary, ticket_signer};
use crate::support::{flip, real_app};
use crate::tickets::{Product, developer, options, product};

fn advice(path: &Path) -> Advice {
    advise(
        &examine(path, &options()).unwrap(),
        None,
        &Expectations::default(),
    )
}

/// Something done to a ticket.
type Change<'a> = &'a dyn Fn(&mut TicketMaker);
/// Rule, severity, path, architecture.
type Short<'a> = (&'static str, Severity, &'a str, Option<&'a str>);

/// Every finding.
fn found(advice: &Advice) -> Vec<Short<'_>> {
    advice
        .findings
        .iter()
        .map(|finding| {
            (
                finding.rule,
                finding.severity,
                finding.path.as_str(),
                finding.architecture.as_deref(),
            )
        })
        .collect()
}

fn only<'a>(advice: &'a Advice, rule: &str) -> &'a Finding {
    match advice.findings.as_slice() {
        [finding] if finding.rule == rule => finding,
        other => panic!("{rule}: {other:#?}"),
    }
}

struct Case {
    _folder: tempfile::TempDir,
    product: Product,
}

/// A product with nothing wrong about it, and no ticket yet.
fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &developer("libextra"));
    Case {
        product,
        _folder: folder,
    }
}

impl Case {
    fn ticket(&self) -> TicketMaker {
        TicketMaker::new(&notary(), &self.product.all())
    }

    /// What is said with this ticket stapled.
    fn with(&self, change: impl Fn(&mut TicketMaker)) -> Advice {
        let mut maker = self.ticket();
        change(&mut maker);
        self.product.staple(&maker.build());
        advice(&self.product.root)
    }
}

const STAPLED: &str = "Contents/CodeResources";

#[test]
fn good_tickets_are_not_mentioned() {
    let case = case();
    // Of 2019 as well, without filling, and by a certificate that has expired since.
    for advice in [
        case.with(|_| {}),
        case.with(|maker| maker.flags = 2),
        case.with(|maker| maker.signature_space = 0),
        case.with(|maker| maker.records.reverse()),
    ] {
        assert_eq!(advice.findings, Vec::new());
        assert_eq!(advice.unknown, Vec::new());
    }
    let evidence = examine(
        &real_app(),
        &Options {
            at: options().at,
            ..Options::default()
        },
    )
    .unwrap();
    let advice = advise(&evidence, None, &Expectations::default());
    assert!(
        advice
            .findings
            .iter()
            .all(|finding| !finding.rule.contains("ticket")),
        "{:#?}",
        advice.findings
    );
}

#[test]
fn nothing_is_stapled() {
    let case = case();
    let advice = advice(&case.product.root);
    let finding = only(&advice, "ticket-missing");
    assert_eq!(finding.severity, Severity::Warning);
    for text in [&finding.message, &finding.remedy.to_string()] {
        assert!(!text.contains("not notarized"), "{text}");
    }
    assert!(
        finding.remedy.to_string().contains("Acme.app"),
        "{}",
        finding.remedy
    );
    // Not for what stays here or goes to the App Store, nor for what cannot be stapled or be notarized.
    for target in [Target::Local, Target::MacAppStore] {
        let advice = advise(
            &examine(&case.product.root, &options()).unwrap(),
            Some(target),
            &Expectations::default(),
        );
        let is_of_tickets = |finding: &&Finding| find(finding.rule).unwrap().family == Family::Ticket;
        assert_eq!(advice.findings.iter().find(is_of_tickets), None, "{target:?}");
    }
    flip(&case.product.root.join("Contents/Resources/config.json"), 0);
    only(&self::advice(&case.product.root), "sealed-resource-broken");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Plain.xpc");
    bundle::contents_bundle(&root, "Plain", "XPC!", &adhoc("plain"));
    let advice = self::advice(&root);
    assert!(
        advice
            .findings
            .iter()
            .all(|finding| finding.rule == "adhoc-signed"),
        "{:#?}",
        advice.findings
    );
}

#[test]
fn damaged_tickets() {
    let case = case();
    for change in [
        (|maker| maker.count_error = 1) as fn(&mut TicketMaker),
        |maker| maker.envelope_magic = *b"nope",
        |maker| maker.trailing = vec![b'\n'],
        |maker| maker.contents_length_error = 5000,
    ] {
        let advice = case.with(change);
        let finding = only(&advice, "ticket-malformed");
        assert_eq!(
            (finding.severity, finding.path.as_str()),
            (Severity::Error, STAPLED),
            "{}",
            finding.message
        );
    }
    // The seal where the ticket belongs.
    fs::copy(
        case.product.root.join("Contents/_CodeSignature/CodeResources"),
        case.product.root.join(STAPLED),
    )
    .unwrap();
    let advice = advice(&case.product.root);
    let finding = only(&advice, "ticket-malformed");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.message.contains("property list"), "{}", finding.message);
}

#[test]
fn forged_tickets() {
    let case = case();
    let mut root = pki::root();
    root.key = Key::P256(40);
    let foreign = ticket_signer().issued_by(&integration_ca().issued_by(&root.self_signed()));
    let bad: [(&str, Change<'_>); 4] = [
        ("does not verify with the key", &|maker| {
            maker.alters_record = true
        }),
        ("does not verify with the key", &|maker| {
            maker.breaks_signature = true
        }),
        ("its signature does not verify", &|maker| {
            *maker = TicketMaker::new(&foreign, &case.product.all());
        }),
        ("is not valid at the time", &|maker| {
            maker.time = ISSUED + 40_000_000
        }),
    ];
    for (text, change) in bad {
        let advice = case.with(change);
        let finding = only(&advice, "ticket-signature-invalid");
        assert_eq!(
            (finding.severity, finding.path.as_str()),
            (Severity::Error, STAPLED)
        );
        assert!(finding.message.contains(text), "{}", finding.message);
    }
}

#[test]
fn tickets_of_another_version() {
    let case = case();
    let code = &case.product.cdhashes;
    // One architecture of the app was signed again.
    let advice = case.with(|maker| maker.records[0].1[0] ^= 1);
    let finding = only(&advice, "ticket-does-not-cover-main");
    assert_eq!(
        found(&advice),
        [(
            "ticket-does-not-cover-main",
            Severity::Error,
            "Contents/MacOS/Acme",
            Some("x86_64")
        )]
    );
    assert!(
        finding.remedy.to_string().contains("notarytool submit"),
        "{}",
        finding.remedy
    );
    // Another product's ticket: of everything, the app first.
    let advice = case.with(|maker| maker.records = vec![(2, vec![7; 20])]);
    let rules: Vec<_> = advice.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(
        rules,
        [
            "ticket-does-not-cover-main",
            "ticket-does-not-cover-main",
            "ticket-does-not-cover-nested",
            "ticket-does-not-cover-nested",
            "ticket-does-not-cover-nested"
        ]
    );
    // Right hash, wrong type.
    let advice = case.with(|maker| maker.records[0].0 = 1);
    only(&advice, "ticket-does-not-cover-main");
    // Only the library is not listed.
    let advice = case.with(|maker| maker.records.retain(|(_, hash)| *hash != code[1][0]));
    assert_eq!(
        found(&advice),
        [(
            "ticket-does-not-cover-nested",
            Severity::Error,
            "Contents/Frameworks/libextra.dylib",
            Some("arm64")
        )]
    );
    let finding = &advice.findings[0];
    assert_eq!(finding.code, "Contents/Frameworks/libextra.dylib");
    assert!(
        finding.remedy.to_string().ends_with("Acme.app"),
        "{}",
        finding.remedy
    );
}

/// One cause, one error: who signed the library is told, not that it is in no ticket.
#[test]
fn a_library_that_was_signed_ad_hoc_after_notarization() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &adhoc("libextra"));
    let mut maker = TicketMaker::new(&notary(), &product.cdhashes[0]);
    maker
        .records
        .extend(product.cdhashes[2].iter().map(|hash| (2, hash.clone())));
    product.staple(&maker.build());
    let advice = advice(&product.root);
    let finding = only(&advice, "adhoc-signed");
    assert!(
        finding.consequences.contains(&"ticket-does-not-cover-nested"),
        "{:?}",
        finding.consequences
    );
}

/// Gatekeeper leaves PowerPC out.
#[test]
fn architectures_that_nobody_runs() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Old.app");
    let contents = root.join("Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("Old", "com.example.old", "APPL"),
    );
    let code: Vec<Thin> = vec![x86_64(&[1; 5000]), powerpc(&[2; 5000])];
    let cdhashes = bundle::sign(
        &contents,
        "MacOS/Old",
        &code,
        &developer("com.example.old"),
        &std::collections::BTreeMap::new(),
    );
    write(
        &root.join(STAPLED),
        &TicketMaker::new(&notary(), &cdhashes[..1]).build(),
    );
    let advice = advice(&root);
    assert!(
        advice
            .findings
            .iter()
            .all(|finding| finding.rule != "ticket-does-not-cover-main"),
        "{:#?}",
        advice.findings
    );
    write(
        &root.join(STAPLED),
        &TicketMaker::new(&notary(), &cdhashes[1..]).build(),
    );
    let rules: Vec<_> = self::advice(&root)
        .findings
        .iter()
        .map(|finding| finding.rule)
        .collect();
    assert!(rules.contains(&"ticket-does-not-cover-main"), "{rules:?}");
}

#[test]
fn records_of_code_that_is_not_here() {
    let case = case();
    let advice = case.with(|maker| maker.records.push((2, vec![7; 20])));
    let finding = only(&advice, "ticket-extra-records");
    assert_eq!(finding.severity, Severity::Note);
    assert!(
        finding.message.starts_with("1 of 6 records"),
        "{}",
        finding.message
    );
    // Beside code that is not listed, it is the same news.
    let advice = case.with(|maker| maker.records[0].1[0] ^= 1);
    only(&advice, "ticket-does-not-cover-main");
}

#[test]
fn times_that_do_not_fit() {
    let case = case();
    let signed = UnixTime::from_rfc3339("2026-06-01T12:01:00Z").unwrap().0 as u64;
    let finding = |time| {
        let advice = case.with(|maker| maker.time = time);
        match advice.findings.as_slice() {
            [] => None,
            [finding] => Some((finding.rule, finding.severity)),
            other => panic!("{other:#?}"),
        }
    };
    let rule = "ticket-time";
    // No party compares them, and the ticket lists this very code.
    assert_eq!(finding(signed - 301), Some((rule, Severity::Warning)));
    assert_eq!(finding(signed - 299), None);
    assert_eq!(finding(signed + 30 * 86_400), None);
    assert_eq!(finding(signed + 30 * 86_400 + 1), Some((rule, Severity::Note)));
    // From the future.
    case.product.staple(&case.ticket().build());
    let early = Options {
        at: UnixTime(ISSUED as i64 - 1),
        ..options()
    };
    let advice = advise(
        &examine(&case.product.root, &early).unwrap(),
        None,
        &Expectations::default(),
    );
    assert_eq!(only(&advice, rule).severity, Severity::Warning);
    let now = Options {
        at: UnixTime(ISSUED as i64),
        ..options()
    };
    let advice = advise(
        &examine(&case.product.root, &now).unwrap(),
        None,
        &Expectations::default(),
    );
    assert_eq!(found(&advice), []);
}

#[test]
fn unknown_kinds_are_notes_and_nothing_follows() {
    let case = case();
    for change in [
        (|maker| maker.envelope_version = 7) as fn(&mut TicketMaker),
        |maker| maker.version = 3,
        |maker| maker.hash_length = 32,
    ] {
        let advice = case.with(change);
        assert_eq!(only(&advice, "ticket-flags-unknown").severity, Severity::Note);
        let mut rules: Vec<_> = advice.unknown.iter().map(|unknown| unknown.rule).collect();
        rules.dedup();
        assert_eq!(
            rules,
            ["ticket-does-not-cover-main", "ticket-does-not-cover-nested"]
        );
    }
    only(&case.with(|maker| maker.flags = 4), "ticket-flags-unknown");
    // A record of an unknown type may be about code that is not listed otherwise.
    let advice = case.with(|maker| maker.records[0].0 = 9);
    only(&advice, "ticket-flags-unknown");
    assert_eq!(advice.unknown.len(), 1);
}

#[test]
fn tools_cannot_be_stapled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let (bytes, cdhash) = developer("tool").sign(&arm64(&[7; 5000]), Bound::default());
    fs::write(&path, bytes).unwrap();
    assert_eq!(
        only(&advice(&path), "tool-cannot-be-stapled").severity,
        Severity::Note
    );
    // With a ticket from elsewhere there is nothing to ask.
    let ticket = SuppliedTicket {
        path: "fetched".into(),
        bytes: TicketMaker::new(&notary(), &[cdhash]).build().into(),
    };
    let with = Options {
        tickets: vec![ticket],
        ..options()
    };
    assert_eq!(
        found(&advise(
            &examine(&path, &with).unwrap(),
            None,
            &Expectations::default()
        )),
        []
    );
    let other = SuppliedTicket {
        path: "fetched".into(),
        bytes: TicketMaker::new(&notary(), &[vec![1; 20]]).build().into(),
    };
    let with = Options {
        tickets: vec![other],
        ..options()
    };
    let rules: Vec<_> = advise(&examine(&path, &with).unwrap(), None, &Expectations::default())
        .findings
        .iter()
        .map(|finding| finding.rule)
        .collect();
    assert_eq!(rules, ["ticket-does-not-cover-main", "tool-cannot-be-stapled"]);
    // Nobody notarizes what is signed ad hoc.
    let (bytes, _) = adhoc("tool").sign(&arm64(&[7; 5000]), Bound::default());
    fs::write(&path, bytes).unwrap();
    only(&advice(&path), "adhoc-signed");
}

/// macOS ignores it: the outer ticket covers everything, so Gatekeeper accepts the app.
#[test]
fn a_broken_ticket_in_nested_code_is_a_note() {
    let case = case();
    let nested = "Contents/XPCServices/Service.xpc/Contents/CodeResources";
    write(
        &case.product.root.join(nested),
        b"s8ch\x01\0\0\0 and nothing else",
    );
    let advice = case.with(|_| {});
    let finding = only(&advice, "ticket-malformed");
    assert_eq!(
        (finding.severity, finding.path.as_str()),
        (Severity::Note, nested)
    );
}

#[test]
fn a_ticket_from_elsewhere_is_named() {
    let case = case();
    case.product.staple(&case.ticket().build());
    let ticket = SuppliedTicket {
        path: "fetched.ticket".into(),
        bytes: b"s8ch\x01\0\0\0 and nothing else".to_vec().into(),
    };
    let with = Options {
        tickets: vec![ticket],
        ..options()
    };
    let advice = advise(
        &examine(&case.product.root, &with).unwrap(),
        None,
        &Expectations::default(),
    );
    let finding = only(&advice, "ticket-malformed");
    // The app has another ticket, with which Gatekeeper accepts it.
    assert_eq!((finding.severity, finding.path.as_str()), (Severity::Note, ""));
    assert!(
        finding.message.starts_with("fetched.ticket: "),
        "{}",
        finding.message
    );
}

#[test]
fn a_seal_that_knows_the_ticket() {
    let case = case();
    case.product.staple(&case.ticket().build());
    let root = &case.product.root;
    let seal = root.join("Contents/_CodeSignature/CodeResources");
    // As another signer writes it; the app is signed with that seal.
    let text = fs::read_to_string(&seal).unwrap();
    assert!(!text.contains("<key>CodeResources</key>"));
    let text = text.replacen(
        "<key>files2</key><dict>",
        "<key>files2</key><dict><key>CodeResources</key><dict><key>hash2</key><data>AAAA</data></dict>",
        1,
    );
    fs::write(&seal, &text).unwrap();
    let rules: Vec<_> = advice(root).findings.iter().map(|finding| finding.rule).collect();
    // The seal itself was changed by this test, which is no matter here.
    assert!(rules.contains(&"ticket-in-seal"), "{rules:?}");
}
