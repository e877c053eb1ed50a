//! The worst that each budget lets through, measured: time for one input at its limit, and beyond it a precise refusal.
//!
//! `SEALCHECK_BUDGETS=1 cargo test --release budgets` prints the table of `docs/security.md`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sealcheck::blob::{SuperBlob, magic};
use sealcheck::budget::Budget;
use sealcheck::bundle::Seal;
use sealcheck::limits::Limits;
use sealcheck::plist;
use sealcheck::requirement::{Context, Requirement};
use sealcheck::trust::{Anchors, Cache, Certificate, Path, Purpose, Signed, evaluate};

use crate::support::cms::CmsSigner;
use crate::support::notice;
use crate::support::pki::{self, Key, Template, basic_constraints};
use crate::support::signature::{SHA256, blob, digest, superblob};
use crate::targets::NOW;

/// No input within the budgets may take longer, also in a slow build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn measured(what: &str, run: impl FnOnce() -> String) {
    let start = Instant::now();
    let came_to = run();
    let took = start.elapsed();
    assert!(took < PATIENCE, "{what}: {took:?}");
    if std::env::var_os("SEALCHECK_BUDGETS").is_some() {
        notice(&format!("| {what} | {came_to} | {took:.1?} |"));
    }
}

fn xml(body: &str) -> Vec<u8> {
    format!("<plist version=\"1.0\">{body}</plist>").into_bytes()
}

/// A disjunction of `2^(levels - 1)` times `never`, as flat as can be.
fn balanced(levels: u32, out: &mut Vec<u8>) {
    if levels == 1 {
        return out.extend(0u32.to_be_bytes());
    }
    out.extend(7u32.to_be_bytes());
    balanced(levels - 1, out);
    balanced(levels - 1, out);
}

#[test]
fn worst_cases() {
    measured("property list of 4,000,001 values", || {
        let text = xml(&format!("<array>{}</array>", "<true/>".repeat(4_000_000)));
        plist::parse(&text).unwrap_err().to_string()
    });
    measured("property list nested 100,000 deep", || {
        let text = xml(&("<array>".repeat(100_000) + &"</array>".repeat(100_000)));
        plist::parse(&text).unwrap_err().to_string()
    });
    measured("SuperBlob with 100,000 entries", || {
        let entries: Vec<(u32, Vec<u8>)> = (0..100_000).map(|slot| (slot, blob(7, &[]))).collect();
        let bytes = superblob(0xfade_0cc0, &entries);
        SuperBlob::parse(&bytes, magic::EMBEDDED_SIGNATURE)
            .unwrap_err()
            .to_string()
    });
    // or(or(…), or(…))
    measured("requirement of 131,071 operations", || {
        let mut expression = Vec::new();
        balanced(17, &mut expression);
        let blob = blob(0xfade_0c00, &[&1u32.to_be_bytes()[..], &expression].concat());
        Requirement::from_blob(&blob).unwrap_err().to_string()
    });
    measured("requirement of 150,000 levels", || {
        // or(false, or(false, …
        let mut expression = Vec::new();
        for _ in 0..150_000 {
            expression.extend(7u32.to_be_bytes());
            expression.extend(0u32.to_be_bytes());
        }
        expression.extend(0u32.to_be_bytes());
        let blob = blob(0xfade_0c00, &[&1u32.to_be_bytes()[..], &expression].concat());
        let found = Requirement::from_blob(&blob).unwrap();
        let context = Context {
            identifier: b"x",
            cdhash: &[],
            platform: 0,
            info: None,
            entitlements: None,
            chain: &[],
            is_apple: false,
            is_notarized: None,
            timestamp: None,
        };
        found.evaluate(&context).unwrap_err().to_string()
    });
    measured("CodeResources with 100 rules of 1,200 bytes", || {
        let rules: String = (0..100)
            .map(|number| format!("<key>^({}){number}+$</key><true/>", "(a|b)*".repeat(200)))
            .collect();
        let text = xml(&format!(
            "<dict><key>files</key><dict/><key>files2</key><dict/><key>rules</key><dict/><key>rules2</key><dict>{rules}</dict></dict>"
        ));
        let seal = Seal::parse(&text, &Limits::default()).unwrap();
        format!("{} rules compiled", seal.rules.len())
    });
    measured(
        "100 rules of 20 bytes that would backtrack, on 2,000 paths",
        || {
            let rules: String = (0..100)
                .map(|number| format!("<key>^(a*)*(a*)*(a|aa)+{number}$</key><true/>"))
                .collect();
            let text = xml(&format!(
                "<dict><key>files</key><dict/><key>files2</key><dict/><key>rules</key><dict/><key>rules2</key><dict>{rules}</dict></dict>"
            ));
            let seal = Seal::parse(&text, &Limits::default()).unwrap();
            let path = "a".repeat(200);
            let matched = (0..2000).filter(|_| seal.rules.find(&path).is_some()).count();
            format!("{matched} matches")
        },
    );
    certificates();
}

fn certificates() {
    let loop_of = |count: u8| -> Vec<Arc<Certificate>> {
        // Everybody has the same name and issued everybody else.
        let template =
            |number| Template::new("Loop", Key::P256(number)).with(&[basic_constraints(true, None)]);
        let root = template(1).self_signed();
        (1..=count)
            .map(|number| template(number).issued_by(&root).der)
            .map(|der| Arc::new(Certificate::parse(&der).unwrap()))
            .collect()
    };
    measured("200 certificates that all issued each other", || {
        let all = loop_of(200);
        let path = Path::build(&all[7], &all, &Anchors::default(), &Cache::default());
        let fault = path.fault(Purpose::CodeSigning, NOW);
        format!("{} in the path, {}", path.certificates.len(), fault.is_some())
    });
    measured("CMS with 3,000 certificates and 3,000 signers", || {
        let leaf = pki::self_signed(Key::P256(3)).self_signed();
        let mut signer = CmsSigner::new(&leaf);
        signer.certificates = vec![leaf.der.clone(); 3000];
        signer.more_signers = 3000;
        let base = b"a CodeDirectory";
        let cms = signer.sign(base, &[(SHA256, digest(SHA256, base))]);
        let budget = Budget::default();
        let signed = Signed {
            budget: &budget,
            cms: &cms,
            base,
            base_sha256: None,
            directories: &[(SHA256, None)],
            best: sealcheck::hash::HashType::Sha256,
            team_id: None,
        };
        let identity = evaluate(signed, &Anchors::default(), &Cache::default(), NOW);
        identity.faults[0].to_string()
    });
}
