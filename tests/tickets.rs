//! Notarization tickets: the layout, who signed them and when, where they lie, and what they cover.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sealcheck::hash::HashType;
use sealcheck::requirement::Requirement;
use sealcheck::ticket::{Ticket, TicketError, TicketFault};
use sealcheck::time::UnixTime;
use sealcheck::trust::{Anchors, Cache, PathProblem, Root};
use sealcheck::verify::{
    Coverage, Evidence, Options, SuppliedTicket, TicketOrigin, TicketProblem, every_slice_satisfies,
    ticket_coverage, verify_at,
};

use crate::command_line::sealcheck;
use crate::support::bundle::{self, store_info_plist, write, write_executable};
use crate::support::cms::{Authority, CmsSigner};
use crate::support::macho::{self, Thin, arm64};
use crate::support::pki::{self, Key, basic_constraints, key_usage};
use crate::support::signature::{Bound, RUNTIME, SHA1, SHA256, Signer, adhoc, blob, certified};
use crate::support::ticket::{
    ISSUED, SYSTEM_INTEGRATION_CA, TICKET_SIGNING, TicketMaker, integration_ca, marker, notary, ticket_signer,
};
use crate::support::{real_app, ticket};

pub fn options() -> Options {
    let mut anchors = Anchors::default();
    anchors.trust_as_apple(&pki::root().self_signed().der).unwrap();
    Options {
        anchors,
        at: UnixTime::from_rfc3339("2028-01-01").unwrap(),
        ..Options::default()
    }
}

/// A developer under the test root, signing like Developer ID.
pub fn developer(identifier: &str) -> Signer {
    let root = pki::root().self_signed();
    let authority = pki::developer_id_ca().issued_by(&root);
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&authority);
    let cms = CmsSigner {
        timestamp: Some(Authority::new(&pki::timestamp_authority().issued_by(&root))),
        ..CmsSigner::new(&leaf)
    };
    Signer {
        team: Some("ABCDE12345".into()),
        flags: RUNTIME,
        version: 0x20500,
        hash_types: vec![SHA1, SHA256],
        ..certified(identifier, cms)
    }
}

/// An app with a library and a service; everything has two architectures but the library.
pub struct Product {
    pub root: PathBuf,
    /// Of the app's slices, the library's, the service's.
    pub cdhashes: [Vec<Vec<u8>>; 3],
}

impl Product {
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.cdhashes.concat()
    }

    pub fn staple(&self, ticket: &[u8]) {
        write(&self.root.join("Contents/CodeResources"), ticket);
    }
}

/// `library` signs the library.
pub fn product(folder: &Path, library: &Signer) -> Product {
    let root = folder.join("Acme.app");
    let contents = root.join("Contents");
    write(
        &contents.join("Info.plist"),
        &store_info_plist("Acme", "com.example.acme"),
    );
    write(&contents.join("Resources/config.json"), b"{}\n");
    let thin = Thin {
        file_type: macho::DYLIB,
        ..arm64(b"library")
    };
    let (bytes, library) = library.sign_all(&[thin], Bound::default());
    write_executable(&contents.join("Frameworks/libextra.dylib"), &bytes);
    let service = bundle::contents_bundle(
        &contents.join("XPCServices/Service.xpc"),
        "Service",
        "XPC!",
        &developer("com.example.service"),
    );
    let nested = BTreeMap::from([
        ("Frameworks/libextra.dylib".to_owned(), library.clone()),
        ("XPCServices/Service.xpc".to_owned(), service.clone()),
    ]);
    let code = bundle::slices("main ", macho::EXECUTE);
    let app = bundle::sign(
        &contents,
        "MacOS/Acme",
        &code,
        &developer("com.example.acme"),
        &nested,
    );
    Product {
        root,
        cdhashes: [app, library, service],
    }
}

fn judged(path: &Path) -> Evidence {
    let evidence = verify_at(path, &options()).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
    evidence
}

fn coverage(evidence: &Evidence) -> BTreeMap<String, Vec<Coverage>> {
    let all = ticket_coverage(&evidence.code, &evidence.tickets);
    evidence
        .code
        .iter()
        .map(|object| object.path.clone())
        .zip(all)
        .collect()
}

fn is_notarized(evidence: &Evidence) -> Option<bool> {
    every_slice_satisfies(&evidence.code[0], &Requirement::from_text("notarized").unwrap()).unwrap()
}

/// The faults of a ticket that can be read.
fn faults(maker: &TicketMaker) -> Vec<TicketFault> {
    let ticket = Ticket::parse(&maker.build()).unwrap();
    ticket.verify(&options().anchors, &Cache::default()).faults
}

fn maker() -> TicketMaker {
    TicketMaker::new(&notary(), &[vec![1; 20], vec![2; 20]])
}

#[test]
fn a_real_ticket_is_apples_and_covers_every_slice() {
    let bytes = fs::read(real_app().join("Contents/CodeResources")).unwrap();
    let ticket = Ticket::parse(&bytes).unwrap();
    assert_eq!((ticket.flags, ticket.records.len(), ticket.length), (0, 4, 1716));
    assert_eq!(ticket.time.to_string(), "2026-10-22T00:43:30Z");
    assert!(ticket.records.iter().all(|record| record.hash_type == 2));
    let signer = ticket.verify(&Anchors::default(), &Cache::default());
    assert_eq!((signer.root, signer.faults.as_slice()), (Root::Apple, &[][..]));
    let names: Vec<_> = signer.chain.iter().map(|found| found.summary()).collect();
    assert_eq!(
        names,
        [
            "Software Ticket Signing",
            "Apple System Integration CA 4",
            "Apple Root CA - G3"
        ]
    );

    let evidence = verify_at(&real_app(), &Options::default()).unwrap();
    let [found] = evidence.tickets.as_slice() else {
        panic!("{:?}", evidence.tickets)
    };
    assert_eq!(found.origin, TicketOrigin::Stapled);
    assert_eq!(
        (found.path.as_str(), found.owner.as_deref()),
        ("Contents/CodeResources", Some(""))
    );
    assert!(found.valid().is_some());
    let all: Vec<_> = coverage(&evidence).into_values().flatten().collect();
    assert_eq!(all, [Coverage::Covered; 4]);
    assert_eq!(is_notarized(&evidence), Some(true));
    for slice in evidence.code.iter().flat_map(|object| &object.slices) {
        assert_eq!(slice.notarized, Some(true));
    }
}

/// Every bit of a real ticket counts: with any byte changed it is no ticket any more, or not Apple's.
#[test]
fn no_byte_of_a_real_ticket_can_be_changed() {
    let bytes = fs::read(real_app().join("Contents/CodeResources")).unwrap();
    let cache = Cache::default();
    let anchors = Anchors::default();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let is_valid = Ticket::parse(&changed).is_ok_and(|ticket| ticket.verify(&anchors, &cache).is_valid());
        assert!(!is_valid, "byte {at} may be changed");
    }
    for end in 0..bytes.len() {
        assert!(Ticket::parse(&bytes[..end]).is_err(), "{end}");
    }
}

/// Tickets of flat packages lie behind the archive, between two trailers (specification 9.6), and list the checksum of
/// its table of contents as type 1.
#[test]
fn real_tickets_of_packages_are_apples() {
    let Some(folder) = crate::corpus::unpacked() else {
        return;
    };
    let expected = [("1.10.0", "2020-10-23"), ("7.3.0", "2026-06-17")];
    for (version, day) in expected {
        let name = format!("karabiner-vhid/Karabiner-DriverKit-VirtualHIDDevice-{version}.pkg");
        let bytes = fs::read(folder.path().join(name)).unwrap();
        let trailer = bytes.len() - 16;
        assert_eq!(&bytes[trailer..trailer + 8], b"t8lr\x01\0\x02\0");
        let length = u32::from_le_bytes(bytes[trailer + 8..trailer + 12].try_into().unwrap());
        let ticket = Ticket::parse(&bytes[trailer - length as usize..trailer]).unwrap();
        let signer = ticket.verify(&Anchors::default(), &Cache::default());
        assert_eq!(
            (signer.root, signer.faults),
            (Root::Apple, Vec::new()),
            "{version}"
        );
        assert_eq!((ticket.flags, &ticket.time.to_string()[..10]), (0, day));
        let types: Vec<_> = ticket.records.iter().map(|record| record.hash_type).collect();
        assert_eq!(types[0], 1, "{version}");
        assert!(
            types.len() > 1 && types[1..].iter().all(|found| *found == 2),
            "{types:?}"
        );
    }
}

#[test]
fn malformed_tickets_are_refused_with_numbers() {
    let error = |change: fn(&mut TicketMaker)| {
        let mut maker = maker();
        change(&mut maker);
        Ticket::parse(&maker.build()).unwrap_err()
    };
    let length = maker().build().len() as u64;
    assert_eq!(
        error(|maker| maker.envelope_magic = *b"s8cx"),
        TicketError::Magic { found: *b"s8cx" }
    );
    assert_eq!(
        error(|maker| maker.contents_magic = *b"g8tx"),
        TicketError::ContentsMagic { found: *b"g8tx" }
    );
    assert_eq!(
        error(|maker| maker.contents_length_error = 1000),
        TicketError::Truncated {
            needed: length - 72 + 1000,
            available: length
        }
    );
    assert!(matches!(
        error(|maker| maker.certificates_length_error = -1),
        TicketError::Certificates(_)
    ));
    assert_eq!(
        error(|maker| maker.count_error = 1),
        TicketError::Count { count: 3, length: 66 }
    );
    assert_eq!(
        error(|maker| maker.count_error = -1),
        TicketError::Count { count: 1, length: 66 }
    );
    // 21 × 0x8000_0000 is far more than 32 bits hold.
    assert!(matches!(
        error(|maker| maker.count_error = 0x7fff_fffe),
        TicketError::Count {
            count: 0x8000_0000,
            ..
        }
    ));
    assert_eq!(
        error(|maker| maker.contents_length_error = -46),
        TicketError::ContentsTooShort { length: 20 }
    );
    assert_eq!(
        error(|maker| maker.trailing = vec![0]),
        TicketError::TrailingBytes { count: 1 }
    );
    assert_eq!(
        error(|maker| {
            maker.signature_space = 0;
            maker.trailing = vec![7];
        }),
        TicketError::TrailingBytes { count: 1 }
    );
    assert_eq!(
        error(|maker| maker.certificates = Vec::new()),
        TicketError::CertificateCount { count: 0 }
    );
    assert_eq!(
        error(|maker| maker.certificates = vec![maker.certificates[0].clone(); 9]),
        TicketError::CertificateCount { count: 9 }
    );
    assert!(matches!(
        error(|maker| maker.certificates[1] = vec![0x30, 0]),
        TicketError::Certificate { index: 1, .. }
    ));
    assert!(matches!(
        Ticket::parse(b"s8ch\x01"),
        Err(TicketError::Truncated {
            needed: 16,
            available: 5
        })
    ));
    assert!(Ticket::parse(b"<?xml version").unwrap_err().is_property_list());
}

/// A signature without filling, or with less, is as good.
#[test]
fn the_filling_of_the_signature_may_be_missing() {
    let maker = TicketMaker {
        signature_space: 0,
        ..maker()
    };
    assert_eq!(faults(&maker), []);
}

#[test]
fn unknown_kinds_are_not_judged() {
    let error = |change: fn(&mut TicketMaker)| {
        let mut maker = maker();
        change(&mut maker);
        Ticket::parse(&maker.build()).unwrap_err()
    };
    let unknown = [
        error(|maker| maker.envelope_version = 2),
        error(|maker| maker.version = 3),
        error(|maker| maker.hash_length = 32),
    ];
    assert_eq!(
        unknown,
        [
            TicketError::EnvelopeVersion { version: 2 },
            TicketError::ContentsVersion { version: 3 },
            TicketError::HashLength { length: 32 },
        ]
    );
    assert!(unknown.iter().all(TicketError::is_unknown_kind));
    assert!(!error(|maker| maker.count_error = 1).is_unknown_kind());

    let mut maker = maker();
    maker.records.push((9, vec![9; 20]));
    let ticket = Ticket::parse(&maker.build()).unwrap();
    assert_eq!(ticket.covers(&[1; 20], HashType::Sha256), Some(true));
    assert_eq!(ticket.covers(&[9; 20], HashType::Sha256), None);
    assert_eq!(ticket.covers(&[5; 20], HashType::Sha256), None);
}

#[test]
fn a_record_counts_for_its_own_hash_type_only() {
    let mut maker = maker();
    maker.records.push((1, vec![3; 20]));
    let ticket = Ticket::parse(&maker.build()).unwrap();
    assert_eq!(ticket.covers(&[1; 20], HashType::Sha256), Some(true));
    assert_eq!(ticket.covers(&[1; 20], HashType::Sha1), Some(false));
    assert_eq!(ticket.covers(&[3; 20], HashType::Sha1), Some(true));
    assert_eq!(ticket.covers(&[3; 20], HashType::Sha256), Some(false));
    assert_eq!(ticket.covers(&[1; 32], HashType::Sha256), Some(false));
}

#[test]
fn the_signature_covers_everything_before_it() {
    assert_eq!(faults(&maker()), []);
    let is_signature =
        |maker: &TicketMaker| matches!(faults(maker).as_slice(), [TicketFault::Signature { .. }]);
    assert!(is_signature(&TicketMaker {
        alters_record: true,
        ..maker()
    }));
    assert!(is_signature(&TicketMaker {
        breaks_signature: true,
        ..maker()
    }));
    // Somebody else's key under the right certificates.
    let mut other = maker();
    other.signer.key = Key::P256(7);
    assert!(is_signature(&other));
    // A leaf on another curve: what it signs does not fit, and what fits it has not signed.
    let authority = integration_ca().issued_by(&pki::root().self_signed());
    let mut template = ticket_signer();
    template.key = Key::P384(6);
    let mut other = TicketMaker::new(&template.issued_by(&authority), &[vec![1; 20]]);
    let error = Ticket::parse(&other.build()).unwrap_err();
    assert!(matches!(error, TicketError::TrailingBytes { .. }), "{error}");
    other.signer.key = Key::P256(6);
    assert!(is_signature(&other));
}

#[test]
fn time_is_the_tickets_own() {
    // The leaf expired long before `options().at`, and that does not matter.
    assert!(UnixTime::from_generalized(ticket::THIRTEEN_MONTHS.1.as_bytes()).unwrap() < options().at);
    assert_eq!(faults(&maker()), []);
    for time in [ISSUED - 20_000_000, ISSUED + 40_000_000, u64::MAX] {
        let late = TicketMaker { time, ..maker() };
        let found = faults(&late);
        let [TicketFault::Path(fault)] = found.as_slice() else {
            panic!("{time}: {found:?}")
        };
        assert_eq!((fault.problem, fault.certificate), (PathProblem::Expired, 0));
    }
}

#[test]
fn names_and_markers_do_not_make_a_chain_apples() {
    // The same names and markers under another root.
    let mut template = pki::root();
    template.key = Key::P256(40);
    let foreign = template.self_signed();
    let signer = ticket_signer().issued_by(&integration_ca().issued_by(&foreign));
    let found = faults(&TicketMaker::new(&signer, &[]));
    let [TicketFault::Path(fault)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (fault.subject.as_str(), fault.problem),
        (
            "Apple System Integration CA 4",
            PathProblem::Invalid("its signature does not verify")
        )
    );
    // Under a root of another name, which is sent along.
    let mut template = pki::root();
    template.subject[0].1 = "Apple Root CA - G9".into();
    let foreign = template.self_signed();
    let signer = ticket_signer().issued_by(&integration_ca().issued_by(&foreign));
    let mut maker = TicketMaker::new(&signer, &[]);
    maker.certificates.push(foreign.der.clone());
    let subject = "Apple Root CA - G9".to_owned();
    assert_eq!(faults(&maker), [TicketFault::NotApple { subject }]);
    // Without the intermediate.
    let mut maker = maker_without_intermediate();
    maker.flags = 2;
    let subject = || "Software Ticket Signing".to_owned();
    assert_eq!(
        faults(&maker),
        [
            TicketFault::NotApple { subject: subject() },
            TicketFault::Issuer { subject: subject() }
        ]
    );
    // Only under an anchor that counts as Apple's.
    let ticket = Ticket::parse(&self::maker().build()).unwrap();
    let mut anchors = Anchors::default();
    anchors.trust(&pki::root().self_signed().der).unwrap();
    let signer = ticket.verify(&anchors, &Cache::default());
    assert_eq!(signer.root, Root::Trusted);
    assert!(matches!(signer.faults.as_slice(), [TicketFault::NotApple { .. }]));
}

fn maker_without_intermediate() -> TicketMaker {
    let mut maker = maker();
    maker.certificates.pop();
    maker
}

#[test]
fn other_certificates_of_apples_sign_no_tickets() {
    let root = pki::root().self_signed();
    let subject = || "Software Ticket Signing".to_owned();
    let without = |id: &str, template: pki::Template| {
        let mut template = template;
        let marker = marker(id);
        template.extensions.retain(|extension| *extension != marker);
        template
    };
    let signer = without(TICKET_SIGNING, ticket_signer()).issued_by(&integration_ca().issued_by(&root));
    assert_eq!(
        faults(&TicketMaker::new(&signer, &[])),
        [TicketFault::NotForTickets { subject: subject() }]
    );
    let authority = without(SYSTEM_INTEGRATION_CA, integration_ca()).issued_by(&root);
    let signer = ticket_signer().issued_by(&authority);
    assert_eq!(
        faults(&TicketMaker::new(&signer, &[])),
        [TicketFault::Issuer { subject: subject() }]
    );
    // An authority that is none, and a leaf that may not sign.
    let replaced = |template: pki::Template, old: &[u8], new: Vec<u8>| {
        let mut template = template;
        for extension in &mut template.extensions {
            if extension == old {
                *extension = new.clone();
            }
        }
        template
    };
    let constraints = basic_constraints(true, Some(0));
    let authority = replaced(integration_ca(), &constraints, basic_constraints(false, None)).issued_by(&root);
    let problem = |signer: &pki::Issued| match faults(&TicketMaker::new(signer, &[])).as_slice() {
        [TicketFault::Path(fault)] => fault.problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        problem(&ticket_signer().issued_by(&authority)),
        PathProblem::InvalidCa
    );
    let leaf = replaced(ticket_signer(), &key_usage(0x80), key_usage(0x20));
    let authority = integration_ca().issued_by(&root);
    assert_eq!(problem(&leaf.issued_by(&authority)), PathProblem::KeyUsage);
}

#[test]
fn a_stapled_ticket_notarizes_every_slice_that_it_lists() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &developer("libextra"));
    // Without a ticket nothing is known.
    let evidence = judged(&product.root);
    assert!(evidence.tickets.is_empty());
    assert_eq!(is_notarized(&evidence), None);
    assert!(
        coverage(&evidence)
            .values()
            .flatten()
            .all(|found| *found == Coverage::NotCovered)
    );
    // With one.
    product.staple(&TicketMaker::new(&notary(), &product.all()).build());
    let evidence = judged(&product.root);
    assert_eq!(is_notarized(&evidence), Some(true));
    let found = coverage(&evidence);
    assert_eq!(found.len(), 3);
    assert_eq!(found.values().flatten().count(), 5);
    assert!(found.values().flatten().all(|found| *found == Coverage::Covered));
    // With all but one slice of the app: not notarized, as far as anybody here knows.
    product.staple(&TicketMaker::new(&notary(), &product.all()[1..]).build());
    let evidence = judged(&product.root);
    assert_eq!(is_notarized(&evidence), None);
    let not_covered = |found: &&Coverage| **found == Coverage::NotCovered;
    assert_eq!(coverage(&evidence)[""].iter().filter(not_covered).count(), 1);
}

#[test]
fn nothing_that_is_wrong_with_a_ticket_notarizes_or_breaks_a_signature() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &developer("libextra"));
    let good = TicketMaker::new(&notary(), &product.all());
    let mut foreign = pki::root();
    foreign.key = Key::P256(40);
    let foreign = ticket_signer().issued_by(&integration_ca().issued_by(&foreign.self_signed()));
    let bad = [
        TicketMaker {
            breaks_signature: true,
            ..good.clone()
        },
        TicketMaker {
            alters_record: true,
            ..good.clone()
        },
        TicketMaker {
            time: ISSUED + 40_000_000,
            ..good.clone()
        },
        TicketMaker {
            envelope_magic: *b"????",
            ..good.clone()
        },
        TicketMaker {
            version: 3,
            ..good.clone()
        },
        TicketMaker::new(&foreign, &product.all()),
    ];
    for maker in bad {
        product.staple(&maker.build());
        let evidence = judged(&product.root);
        assert_eq!(evidence.tickets.len(), 1);
        assert!(evidence.tickets[0].valid().is_none());
        assert_eq!(is_notarized(&evidence), None);
        let expected = if maker.version == 3 {
            Coverage::CannotJudge
        } else {
            Coverage::NotCovered
        };
        assert!(
            coverage(&evidence)
                .values()
                .flatten()
                .all(|found| *found == expected)
        );
    }
}

#[test]
fn the_sha1_directory_is_not_what_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let signer = Signer {
        hash_types: vec![SHA1],
        ..developer("org.example.tool")
    };
    let (bytes, sha1) = signer.sign(&arm64(&[7; 5000]), Bound::default());
    fs::write(&path, bytes).unwrap();
    let supplied = |hash_type| {
        let mut maker = TicketMaker::new(&notary(), &[]);
        maker.records.push((hash_type, sha1.clone()));
        let ticket = SuppliedTicket {
            path: "elsewhere".into(),
            bytes: maker.build().into(),
        };
        let options = Options {
            tickets: vec![ticket],
            ..options()
        };
        is_notarized(&verify_at(&path, &options).unwrap())
    };
    assert_eq!(supplied(1), Some(true));
    assert_eq!(supplied(2), None);
}

/// What a valid ticket lists is notarized, wherever the ticket lies.
#[test]
fn tickets_from_elsewhere_and_in_nested_bundles_count() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &developer("libextra"));
    let supplied = SuppliedTicket {
        path: "fetched.ticket".into(),
        bytes: TicketMaker::new(&notary(), &product.cdhashes[0]).build().into(),
    };
    let options = Options {
        tickets: vec![supplied],
        ..options()
    };
    let evidence = verify_at(&product.root, &options).unwrap();
    assert_eq!(evidence.tickets[0].origin, TicketOrigin::Supplied);
    assert_eq!(
        (evidence.tickets[0].path.as_str(), &evidence.tickets[0].owner),
        ("fetched.ticket", &None)
    );
    assert_eq!(is_notarized(&evidence), Some(true));
    assert_eq!(
        coverage(&evidence)["Contents/XPCServices/Service.xpc"],
        [Coverage::NotCovered; 2]
    );
    let nested = product
        .root
        .join("Contents/XPCServices/Service.xpc/Contents/CodeResources");
    write(
        &nested,
        &TicketMaker::new(&notary(), &product.cdhashes[2]).build(),
    );
    let evidence = verify_at(&product.root, &options).unwrap();
    assert_eq!(
        evidence.tickets[1].owner.as_deref(),
        Some("Contents/XPCServices/Service.xpc")
    );
    let found = coverage(&evidence);
    assert_eq!(found["Contents/XPCServices/Service.xpc"], [Coverage::Covered; 2]);
    assert_eq!(
        found["Contents/Frameworks/libextra.dylib"],
        [Coverage::NotCovered]
    );
    assert_eq!(evidence.codesign.valid(), Some(true));
}

#[test]
fn a_framework_has_its_ticket_in_the_version() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Inner.framework");
    let cdhashes = bundle::framework(&root, "Inner", "inner ", &developer("com.example.inner"));
    let ticket = TicketMaker::new(&notary(), &cdhashes).build();
    write(&root.join("Versions/A/CodeResources"), &ticket);
    let evidence = judged(&root);
    assert_eq!(evidence.tickets[0].path, "Versions/A/CodeResources");
    assert_eq!(evidence.tickets[0].owner.as_deref(), Some(""));
    assert_eq!(is_notarized(&evidence), Some(true));
}

/// Old bundles have a link to the seal where a ticket may lie, and it is no ticket.
#[test]
fn a_seal_is_no_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &developer("libextra"));
    let place = product.root.join("Contents/CodeResources");
    std::os::unix::fs::symlink("_CodeSignature/CodeResources", &place).unwrap();
    assert!(judged(&product.root).tickets.is_empty());
    fs::remove_file(&place).unwrap();
    fs::copy(product.root.join("Contents/_CodeSignature/CodeResources"), &place).unwrap();
    let evidence = judged(&product.root);
    let Err(TicketProblem::Format(error)) = &evidence.tickets[0].ticket else {
        panic!("{:?}", evidence.tickets)
    };
    assert!(error.is_property_list());
    assert!(!evidence.tickets[0].is_unknown());
    // Among resources it is a file like any other.
    fs::remove_file(&place).unwrap();
    write(&product.root.join("Contents/Resources/CodeResources"), b"s8ch");
    assert!(verify_at(&product.root, &options()).unwrap().tickets.is_empty());
}

#[test]
fn a_ticket_in_a_signature_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let thin = arm64(&[7; 5000]);
    // Nothing covers the slot, so the identity is the same with and without it; only the room must not change.
    let with = |ticket: &[u8]| {
        let mut signer = developer("org.example.tool");
        signer.unbound.insert(0x10002, blob(0xfade_0b01, ticket));
        signer
    };
    let empty = TicketMaker::new(&notary(), &[vec![0; 20]]).build();
    let (_, cdhash) = with(&empty).sign(&thin, Bound::default());
    let ticket = TicketMaker::new(&notary(), &[cdhash]).build();
    let (bytes, _) = with(&ticket).sign(&thin, Bound::default());
    fs::write(&path, bytes).unwrap();
    let evidence = verify_at(&path, &options()).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
    assert_eq!(evidence.tickets.len(), 1);
    assert_eq!(evidence.tickets[0].origin, TicketOrigin::Embedded);
    assert!(evidence.tickets[0].valid().is_some());
    assert_eq!(is_notarized(&evidence), Some(true));
    // Not wrapped as it must be: no ticket, and no fault of the signature.
    let mut signer = developer("org.example.tool");
    signer.unbound.insert(0x10002, blob(0xfade_7171, &ticket));
    fs::write(&path, signer.sign(&thin, Bound::default()).0).unwrap();
    let evidence = verify_at(&path, &options()).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(true));
    assert!(matches!(
        evidence.tickets[0].ticket,
        Err(TicketProblem::Wrapper(_))
    ));
}

#[test]
fn code_without_signature_has_nothing_to_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    fs::write(&path, arm64(&[7; 5000]).build(None)).unwrap();
    let evidence = verify_at(&path, &options()).unwrap();
    assert_eq!(coverage(&evidence)[""], [Coverage::Unsigned]);
    let (bytes, _) = adhoc("tool").sign(&arm64(&[7; 5000]), Bound::default());
    fs::write(&path, bytes).unwrap();
    assert_eq!(
        coverage(&verify_at(&path, &options()).unwrap())[""],
        [Coverage::NotCovered]
    );
}

/// What `sealcheck` prints, with the path of the operand as `X`, and its exit status.
fn said(arguments: &[&std::ffi::OsStr], path: &Path) -> (String, i32) {
    let anchor = tempfile::NamedTempFile::new().unwrap();
    fs::write(anchor.path(), pki::root().self_signed().der).unwrap();
    let all: Vec<&std::ffi::OsStr> = arguments
        .iter()
        .copied()
        .chain([
            "--apple-anchor".as_ref(),
            anchor.path().as_os_str(),
            path.as_os_str(),
        ])
        .collect();
    let output = sealcheck(&all);
    let text = String::from_utf8(output.stdout).unwrap();
    let path = path.display().to_string();
    (text.replace(&path, "X"), output.status.code().unwrap())
}

#[test]
fn the_command_shows_a_real_ticket() {
    let (text, status) = said(&["ticket".as_ref()], &real_app());
    let expected = "X
  a root of --apple-anchor counts as Apple's in this report
  ticket      Contents/CodeResources, stapled, 1716 bytes
  issued      2026-10-22 00:43:30 UTC, flags 0
  signed by   Software Ticket Signing  2026-02-25 to 2027-03-17
              Apple System Integration CA 4  2017-02-22 to 2032-02-18
              Apple Root CA - G3  2014-04-30 to 2039-04-30
  signature   ✓ Apple's notary service signed it
  records     4
    Mitmproxy Redirector.app
      arm64    1199e296327b3b09152edf4de0f41e9805d1273a  ✓
      x86_64   d594e3f6ce68cfaac8d08126a5d5123d5b35fc4a  ✓
    Contents/Library/SystemExtensions/org.mitmproxy.macos-redirector.network-extension.systemextension
      arm64    bdbc60f2a4c20bb964540107c600b0e5b125fe0d  ✓
      x86_64   87926be2855c359a3d63d76c6606e710eae13162  ✓

  covers      ✓ 4 of 4 slices
";
    assert_eq!((text.as_str(), status), (expected, 0));
    let (text, status) = said(&["ticket".as_ref()], &real_app().join("Contents/CodeResources"));
    assert!(text.contains("\n  ticket      by itself, 1716 bytes\n"), "{text}");
    assert!(
        text.ends_with("      sha256   87926be2855c359a3d63d76c6606e710eae13162\n"),
        "{text}"
    );
    assert_eq!(status, 0);
}

#[test]
fn the_command_shows_what_a_ticket_does_not_cover() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &adhoc("libextra"));
    let (text, status) = said(&["ticket".as_ref()], &product.root);
    assert_eq!(
        (text.as_str(), status),
        (
            "X\n  a root of --apple-anchor counts as Apple's in this report\n  ✗ no ticket: nothing is stapled; whether Apple's servers hold one was not asked\n",
            1
        )
    );
    let mut covered = product.cdhashes[0].clone();
    covered.extend(product.cdhashes[2].clone());
    covered.push(vec![9; 20]);
    let good = TicketMaker::new(&notary(), &covered);
    product.staple(&good.build());
    let (text, status) = said(&["ticket".as_ref()], &product.root);
    let library = bundle::hex(&product.cdhashes[1][0]);
    assert!(
        text.contains(&format!(
            "    Contents/Frameworks/libextra.dylib\n      arm64    {library}  ✗ not in the ticket\n"
        )),
        "{text}"
    );
    let end = format!(
        "    covers nothing here\n      sha256   {}\n\n  covers      ✗ 4 of 5 slices\n",
        "09".repeat(20)
    );
    assert!(text.ends_with(&end), "{text}");
    assert_eq!(status, 1);
    let bad = TicketMaker {
        breaks_signature: true,
        ..good.clone()
    };
    product.staple(&bad.build());
    let (text, _) = said(&["ticket".as_ref()], &product.root);
    let line = "  signature   ✗ the signature does not verify with the key of \"Software Ticket Signing\"\n";
    assert!(text.contains(line), "{text}");
    assert!(text.ends_with("\n  covers      ✗ 0 of 5 slices\n"), "{text}");
    let unknown = TicketMaker { version: 3, ..good };
    product.staple(&unknown.build());
    let (text, status) = said(&["ticket".as_ref()], &product.root);
    let expected = "X
  a root of --apple-anchor counts as Apple's in this report
  ticket      Contents/CodeResources, stapled
  signature   ? the ticket's contents are of version 3, which is not known here

  covers      ? 0 of 5 slices
";
    assert_eq!((text.as_str(), status), (expected, 4));
}

/// A ticket from elsewhere, as Apple's servers give it out and as base64 text, for the commands that judge.
#[test]
fn tickets_from_elsewhere_are_options() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &developer("libextra"));
    let file = folder.path().join("fetched");
    let ticket = TicketMaker::new(&notary(), &product.all()).build();
    for bytes in [ticket.clone(), bundle::base64(&ticket).into_bytes()] {
        fs::write(&file, bytes).unwrap();
        let with = |arguments: &[&str]| {
            let mut all: Vec<&std::ffi::OsStr> = arguments.iter().map(std::ffi::OsStr::new).collect();
            all.extend(["--ticket".as_ref(), file.as_os_str()]);
            said(&all, &product.root)
        };
        let (text, status) = with(&["ticket"]);
        assert!(text.ends_with("covers      ✓ 5 of 5 slices\n"), "{text}");
        assert_eq!(status, 0);
        let (text, _) = with(&["check"]);
        assert!(text.contains(" · ticket covers 5 of 5 slices\n"), "{text}");
        let (text, status) = with(&["verify", "-R", "=notarized"]);
        assert!(text.ends_with("X: explicit requirement satisfied\n"), "{text}");
        assert_eq!(status, 0);
        let (text, status) = with(&["assess"]);
        assert!(
            text.starts_with("X: accepted\nsource=Notarized Developer ID\n"),
            "{text}"
        );
        assert_eq!(status, 0);
        let (text, _) = with(&["ticket", "--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let item = &report["items"][0];
        assert_eq!(item["tickets"][0]["valid"], true);
        assert_eq!(item["tickets"][0]["origin"], "supplied");
        assert_eq!(item["slices"].as_array().unwrap().len(), 5);
        assert_eq!(item["slices"][0]["coverage"], "covered");
        assert_eq!(item["tickets"][0]["listed"][2]["covers"][0]["arch"], "arm64");
    }
    let (text, _) = said(&["check".as_ref()], &product.root);
    assert!(text.contains(" · no ticket\n"), "{text}");
    fs::remove_file(&file).unwrap();
    let (text, status) = said(
        &["check".as_ref(), "--ticket".as_ref(), file.as_os_str()],
        &product.root,
    );
    assert_eq!((text.as_str(), status), ("", 4));
}

#[test]
fn inspect_says_what_codesign_says_about_a_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path(), &developer("libextra"));
    let (text, _) = said(&["inspect".as_ref()], &product.root);
    assert!(!text.contains("Notarization Ticket"), "{text}");
    product.staple(b"anything");
    let (text, _) = said(&["inspect".as_ref()], &product.root);
    let at = |line: &str| text.find(line).unwrap();
    assert!(at("Timestamp=") < at("\nNotarization Ticket=stapled\n"));
    assert!(at("Notarization Ticket=stapled") < at("Info.plist entries="));
}
