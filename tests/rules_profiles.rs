//! Rules about provisioning profiles: a realistic app for each, and a near miss.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sealcheck::finding::{Finding, Severity, Target};
use sealcheck::rule::{Expectations, Family, find};
use sealcheck::time::UnixTime;
use sealcheck::verify::Options;
use serde_json::{Value, json};

use crate::command_line::sealcheck;
use crate::support::bundle::{self, store_info_plist, write};
use crate::support::cms::{Authority, CmsSigner};
use crate::support::examined::{Examined, advise, examine};
use crate::support::flat;
use crate::support::macho::{DYLIB, EXECUTE};
use crate::support::pki::{self, Issued};
use crate::support::profile::{Der, Profile, TEAM, World, claims};
use crate::support::real_app;
use crate::support::signature::{Bound, RUNTIME, Signer, adhoc, certified};

const NETWORK: &str = "com.apple.developer.networking.networkextension";
const APP_ID: &str = "com.apple.application-identifier";
const TEAM_ID: &str = "com.apple.developer.team-identifier";

/// What `Acme.app` claims.
fn claimed() -> Value {
    json!({
        APP_ID: "ABCDE12345.com.example.acme",
        TEAM_ID: TEAM,
        "keychain-access-groups": ["ABCDE12345.shared"],
        "com.apple.security.app-sandbox": true,
        NETWORK: ["packet-tunnel-provider-systemextension"],
    })
}

/// What its profile grants: more than that.
fn granted() -> Value {
    json!({
        APP_ID: "ABCDE12345.com.example.acme",
        TEAM_ID: TEAM,
        "keychain-access-groups": ["ABCDE12345.*"],
        "com.apple.developer.system-extension.install": true,
        NETWORK: ["dns-proxy-systemextension", "packet-tunnel-provider-systemextension"],
    })
}

struct Case {
    world: World,
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self {
            world: World::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn signer(&self, leaf: &Issued, claims_of: &Value) -> Signer {
        let identity = CmsSigner {
            timestamp: Some(Authority::new(
                &pki::timestamp_authority().issued_by(&self.world.root),
            )),
            ..CmsSigner::new(leaf)
        };
        let mut signer = Signer {
            team: Some(TEAM.into()),
            flags: RUNTIME,
            version: 0x20500,
            ..certified("com.example.acme", identity)
        };
        signer.special.extend(claims(claims_of));
        signer
    }

    /// `Acme.app` with this profile, signed so.
    fn app(&self, profile: Option<&Profile>, signer: &Signer) -> PathBuf {
        let root = self.folder.path().join("Acme.app");
        let _ = fs::remove_dir_all(&root);
        let contents = root.join("Contents");
        write(
            &contents.join("Info.plist"),
            &store_info_plist("Acme", "com.example.acme"),
        );
        if let Some(profile) = profile {
            write(&contents.join("embedded.provisionprofile"), &profile.build());
        }
        Self::sign(&root, signer);
        root
    }

    fn sign(root: &Path, signer: &Signer) {
        let code = bundle::slices("main ", EXECUTE);
        bundle::sign(
            &root.join("Contents"),
            "MacOS/Acme",
            &code,
            signer,
            &BTreeMap::new(),
        );
    }

    fn evidence(&self, path: &Path) -> Examined {
        let options = Options {
            anchors: self.world.anchors(),
            at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
            ..Options::default()
        };
        examine(path, &options).unwrap()
    }

    /// What rules about profiles find, and all errors of others; `codesign` must accept the app.
    #[track_caller]
    fn found(&self, path: &Path, target: Option<Target>) -> Vec<Finding> {
        let evidence = self.evidence(path);
        assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
        self.findings(&evidence, target)
    }

    fn findings(&self, evidence: &Examined, target: Option<Target>) -> Vec<Finding> {
        let advice = advise(evidence, target, &Expectations::default());
        let matters = |finding: &Finding| {
            finding.severity == Severity::Error || find(finding.rule).unwrap().family == Family::Profile
        };
        advice.findings.into_iter().filter(matters).collect()
    }

    /// Findings about an app with a Developer ID.
    #[track_caller]
    fn developer_id(&self, profile: &Profile, claims: &Value) -> Vec<Finding> {
        let signer = self.signer(&self.world.developer_id, claims);
        self.found(&self.app(Some(profile), &signer), None)
    }
}

/// Rule and severity of each.
fn ids(findings: &[Finding]) -> Vec<(&'static str, Severity)> {
    findings
        .iter()
        .map(|finding| (finding.rule, finding.severity))
        .collect()
}

/// The one finding, which must be an error of this rule.
#[track_caller]
fn only(findings: Vec<Finding>, rule: &str) -> Finding {
    assert_eq!(
        ids(&findings),
        [(find(rule).unwrap().id, Severity::Error)],
        "{findings:#?}"
    );
    findings.into_iter().next().unwrap()
}

/// R169: a profile that grants more than is claimed is as it should be.
#[test]
fn an_app_whose_claims_are_all_granted() {
    let case = Case::new();
    let profile = case.world.for_developer_id(granted());
    assert_eq!(case.developer_id(&profile, &claimed()), []);
    let mut more = granted();
    more["get-task-allow"] = json!(true);
    more["com.apple.developer.associated-domains"] = json!("*");
    assert_eq!(
        case.developer_id(&case.world.for_developer_id(more), &claimed()),
        []
    );
    // A pattern of App IDs is enough where nothing needs an explicit one.
    let mut wildcard = granted();
    wildcard[APP_ID] = json!("ABCDE12345.*");
    assert_eq!(
        case.developer_id(&case.world.for_developer_id(wildcard), &claimed()),
        []
    );
}

/// The app that codesign, spctl and the notary service accept, and that no user can start.
#[test]
fn the_app_that_passes_codesign_and_is_killed_at_launch() {
    let case = Case::new();
    let profile = case.world.for_developer_id(granted());
    let mut claims = claimed();
    claims["com.apple.developer.system-extension.install"] = json!(true);
    claims["com.apple.developer.endpoint-security.client"] = json!(true);
    let finding = only(case.developer_id(&profile, &claims), "profile-does-not-grant");
    assert_eq!(
        finding.message,
        "com.apple.developer.endpoint-security.client = true: the profile does not have this entitlement"
    );
    assert_eq!(finding.architecture, None, "both architectures claim it");
    let mut claims = claimed();
    claims["keychain-access-groups"] = json!(["ABCDE12345.shared", "ABCDE12345", "x"]);
    let finding = only(case.developer_id(&profile, &claims), "profile-does-not-grant");
    assert_eq!(
        finding.details,
        [
            ("entitlement", "keychain-access-groups".to_owned()),
            ("claim", r#"["ABCDE12345.shared","ABCDE12345","x"]"#.to_owned()),
            ("grant", r#"["ABCDE12345.*"]"#.to_owned()),
            (
                "difference",
                r#""ABCDE12345" is not covered by ["ABCDE12345.*"]"#.to_owned()
            ),
        ]
    );
}

#[test]
fn a_profile_that_is_none() {
    let case = Case::new();
    let good = case.world.for_developer_id(granted());
    let changed = Profile {
        changes_content: true,
        ..good.clone()
    };
    let finding = only(case.developer_id(&changed, &claimed()), "profile-unreadable");
    assert_eq!(finding.path, "Contents/embedded.provisionprofile");
    assert!(
        finding
            .message
            .ends_with("the content was changed after it was signed"),
        "{}",
        finding.message
    );
    let own = Profile {
        signer: CmsSigner::new(&case.world.developer_id),
        ..good.clone()
    };
    let finding = only(case.developer_id(&own, &claimed()), "profile-unreadable");
    assert!(
        finding.message.ends_with("which is a developer's certificate"),
        "{}",
        finding.message
    );
    let foreign = Profile {
        signer: CmsSigner::new(&pki::self_signed(pki::Key::P256(30)).self_signed()),
        ..good
    };
    only(case.developer_id(&foreign, &claimed()), "profile-unreadable");
}

#[test]
fn profiles_and_time() {
    let case = Case::new();
    let with = |expires: &str| Profile {
        expires: expires.into(),
        ..case.world.for_developer_id(granted())
    };
    let finding = only(
        case.developer_id(&with("20260614235959Z"), &claimed()),
        "profile-expired",
    );
    assert!(
        finding.message.ends_with("expired on 2026-06-14"),
        "{}",
        finding.message
    );
    let soon = [("profile-expires-soon", Severity::Warning)];
    for date in ["20260615000000Z", "20260814000000Z"] {
        assert_eq!(ids(&case.developer_id(&with(date), &claimed())), soon, "{date}");
    }
    assert_eq!(case.developer_id(&with("20260814000001Z"), &claimed()), []);
    // Nothing depends on it: no more than a warning.
    let free = json!({"com.apple.security.app-sandbox": true});
    assert_eq!(
        ids(&case.developer_id(&with("20260614235959Z"), &free)),
        [
            ("profile-expired", Severity::Warning),
            ("profile-unneeded", Severity::Note)
        ]
    );
}

#[test]
fn a_profile_that_nothing_needs() {
    let case = Case::new();
    let profile = case.world.for_developer_id(granted());
    let free = json!({"com.apple.security.app-sandbox": true});
    assert_eq!(
        ids(&case.developer_id(&profile, &free)),
        [("profile-unneeded", Severity::Note)]
    );
}

/// One cause, one error: all else follows from it.
#[test]
fn the_wrong_profile_altogether() {
    let case = Case::new();
    let other_team = json!({
        APP_ID: "ZZZZZ99999.com.other",
        TEAM_ID: "ZZZZZ99999",
        "keychain-access-groups": ["ZZZZZ99999.*"],
    });
    let of_team = Profile {
        teams: vec!["ZZZZZ99999".into()],
        prefixes: vec!["ZZZZZ99999".into()],
        certificates: vec![pki::self_signed(pki::Key::P256(30)).self_signed().der],
        ..case.world.for_developer_id(other_team)
    };
    let finding = only(case.developer_id(&of_team, &claimed()), "profile-team");
    assert!(
        finding
            .message
            .ends_with("is of team ZZZZZ99999, the code of team ABCDE12345"),
        "{}",
        finding.message
    );
    for consequence in [
        "profile-kind-vs-channel",
        "profile-app-id",
        "profile-certificate-mismatch",
        "profile-does-not-grant",
    ] {
        assert!(
            finding.consequences.contains(&consequence),
            "{consequence}: {finding:#?}"
        );
    }
    let for_ios = Profile {
        platforms: vec!["iOS".into()],
        ..case
            .world
            .for_development(json!({"application-identifier": "ABCDE12345.*", "get-task-allow": true}))
    };
    let found = case.developer_id(&for_ios, &claimed());
    assert_eq!(
        ids(&found),
        [
            ("profile-platform", Severity::Error),
            ("profile-device-list", Severity::Note)
        ]
    );
    // One for several platforms is right, and so is one from before platforms were named.
    for platforms in [vec!["iOS".to_owned(), "OSX".to_owned()], Vec::new()] {
        let several = Profile {
            platforms,
            ..case.world.for_developer_id(granted())
        };
        assert_eq!(case.developer_id(&several, &claimed()), []);
    }
}

#[test]
fn kinds_of_profiles_and_certificates() {
    let case = Case::new();
    let world = &case.world;
    // Network extensions have other names in each kind of profile.
    let without = |mut value: Value| {
        value.as_object_mut().unwrap().remove(NETWORK);
        value
    };
    let judge = |profile: &Profile, leaf: &Issued, target| {
        let signer = case.signer(leaf, &without(claimed()));
        ids(&case.found(&case.app(Some(profile), &signer), target))
    };
    let wrong = ("profile-kind-vs-channel", Severity::Error);
    let devices = ("profile-device-list", Severity::Note);
    let (developer_id, development, store) = (
        world.for_developer_id(granted()),
        world.for_development(granted()),
        world.for_app_store(granted()),
    );
    let local = Some(Target::Local);
    let mas = Some(Target::MacAppStore);
    assert_eq!(judge(&development, &world.developer_id, None), [wrong, devices]);
    assert_eq!(judge(&store, &world.developer_id, None), [wrong]);
    assert_eq!(judge(&developer_id, &world.development, local), [wrong]);
    assert_eq!(judge(&store, &world.development, local), [wrong]);
    assert_eq!(judge(&developer_id, &world.distribution, mas), [wrong]);
    assert_eq!(judge(&development, &world.distribution, mas), [wrong, devices]);
    // As they belong together.
    assert_eq!(judge(&development, &world.development, local), [devices]);
    assert_eq!(judge(&store, &world.distribution, mas), []);
}

/// R403.
#[test]
fn nested_code_by_a_certificate_that_the_profile_does_not_list() {
    let case = Case::new();
    let profile = case.world.for_app_store(granted());
    let judge = |nested: &Issued| {
        let mut claims = claimed();
        claims.as_object_mut().unwrap().remove(NETWORK);
        let signer = case.signer(&case.world.distribution, &claims);
        let app = case.app(Some(&profile), &signer);
        let library = Signer {
            identifier: "com.example.acme.library".into(),
            special: adhoc("").special,
            ..case.signer(nested, &json!({}))
        };
        let (bytes, cdhashes) = library.sign_all(&bundle::slices("library ", DYLIB), Bound::default());
        write(&app.join("Contents/Frameworks/liba.dylib"), &bytes);
        bundle::sign(
            &app.join("Contents"),
            "MacOS/Acme",
            &bundle::slices("main ", EXECUTE),
            &signer,
            &BTreeMap::from([("Frameworks/liba.dylib".to_owned(), cdhashes)]),
        );
        case.found(&app, Some(Target::MacAppStore))
    };
    let finding = only(judge(&case.world.renewed), "app-store-certificate-not-in-profile");
    assert_eq!(finding.path, "Contents/Frameworks/liba.dylib");
    assert_eq!(judge(&case.world.distribution), []);
}

#[test]
fn the_profile_of_another_app() {
    let case = Case::new();
    let mut grants = granted();
    grants[APP_ID] = json!("ABCDE12345.com.example.other");
    let finding = only(
        case.developer_id(&case.world.for_developer_id(grants.clone()), &claimed()),
        "profile-app-id",
    );
    assert!(
        finding
            .message
            .ends_with("is for ABCDE12345.com.example.other, the code is ABCDE12345.com.example.acme"),
        "{}",
        finding.message
    );
    // Without the claim, prefix and identifier say which it is.
    let mut claims = claimed();
    claims.as_object_mut().unwrap().remove(APP_ID);
    only(
        case.developer_id(&case.world.for_developer_id(grants), &claims),
        "profile-app-id",
    );
    assert_eq!(
        case.developer_id(&case.world.for_developer_id(granted()), &claims),
        []
    );
}

#[test]
fn the_certificate_is_not_in_the_profile() {
    let case = Case::new();
    let old =
        pki::developer_id(pki::Key::P256(31)).issued_by(&pki::developer_id_ca().issued_by(&case.world.root));
    let profile = Profile {
        certificates: vec![old.der.clone()],
        ..case.world.for_developer_id(granted())
    };
    let finding = only(
        case.developer_id(&profile, &claimed()),
        "profile-certificate-mismatch",
    );
    assert!(
        finding
            .message
            .starts_with("signed with \"Developer ID Application: Example (ABCDE12345)\" (")
    );
    // One of several is enough.
    let profile = Profile {
        certificates: vec![old.der, case.world.developer_id.der.clone()],
        ..profile
    };
    assert_eq!(case.developer_id(&profile, &claimed()), []);
    // Signed ad hoc, for this Mac only.
    let mut signer = adhoc("com.example.acme");
    signer.special.extend(claims(&claimed()));
    let good = case.world.for_developer_id(granted());
    let found = case.found(&case.app(Some(&good), &signer), Some(Target::Local));
    let finding = only(found, "profile-certificate-mismatch");
    assert!(
        finding.message.starts_with("signed ad hoc"),
        "{}",
        finding.message
    );
}

#[test]
fn capabilities_that_need_an_explicit_app_id() {
    let case = Case::new();
    let mut grants = granted();
    grants[APP_ID] = json!("ABCDE12345.*");
    let mut claims = claimed();
    claims["com.apple.developer.aps-environment"] = json!("production");
    claims["com.apple.developer.associated-domains"] = json!(["applinks:example.com"]);
    let finding = only(
        case.developer_id(&case.world.for_developer_id(grants.clone()), &claims),
        "wildcard-profile-explicit-capability",
    );
    assert!(
        finding.message.ends_with(
            "cannot grant com.apple.developer.aps-environment, com.apple.developer.associated-domains"
        ),
        "{}",
        finding.message
    );
    // With an explicit App ID it is an ordinary difference; granted, it is none.
    grants[APP_ID] = json!("ABCDE12345.com.example.acme");
    let found = case.developer_id(&case.world.for_developer_id(grants.clone()), &claims);
    assert_eq!(ids(&found), [("profile-does-not-grant", Severity::Error); 2]);
    grants["com.apple.developer.aps-environment"] = json!("production");
    grants["com.apple.developer.associated-domains"] = json!("*");
    assert_eq!(
        case.developer_id(&case.world.for_developer_id(grants), &claims),
        []
    );
}

#[test]
fn the_two_forms_of_a_profile() {
    let case = Case::new();
    let good = case.world.for_developer_id(granted());
    let warning = [("profile-der-mismatch", Severity::Warning)];
    let with = |der| Profile { der, ..good.clone() };
    // Apple's profiles from before 2021 have no such form, and nobody else can have left it out.
    assert!(ids(&case.developer_id(&with(Der::Absent), &claimed())).is_empty());
    for profile in [
        with(Der::Bytes(b"no CMS".to_vec())),
        with(Der::Content(b"no DER".to_vec())),
        Profile {
            der_signer: CmsSigner {
                breaks_signature: true,
                ..good.der_signer.clone()
            },
            ..good.clone()
        },
    ] {
        assert_eq!(ids(&case.developer_id(&profile, &claimed())), warning);
    }
    // What the DER form does not grant is not granted.
    let mut less = granted();
    less.as_object_mut().unwrap().remove(NETWORK);
    assert_eq!(
        ids(&case.developer_id(&with(Der::Entitlements(less)), &claimed())),
        [("profile-does-not-grant", Severity::Error), warning[0]]
    );
}

#[test]
fn a_profile_in_the_wrong_place() {
    let case = Case::new();
    let signer = case.signer(&case.world.developer_id, &claimed());
    let bytes = case.world.for_developer_id(granted()).build();
    let free = case.signer(&case.world.developer_id, &json!({}));
    for place in [
        "Contents/Resources/embedded.provisionprofile",
        "Contents/embedded.mobileprovision",
        "Contents/Embedded.provisionprofile",
        "Contents/Resources/Acme_Developer_ID.provisionprofile",
    ] {
        let root = case.app(None, &signer);
        write(&root.join(place), &bytes);
        Case::sign(&root, &signer);
        let finding = only(case.found(&root, None), "profile-misplaced");
        assert_eq!(finding.path, place);
        // Nothing depends on it.
        Case::sign(&root, &free);
        let expected: &[_] = if place.contains("Acme_") {
            &[]
        } else {
            &[("profile-misplaced", Severity::Warning)]
        };
        assert_eq!(ids(&case.found(&root, None)), expected, "{place}");
    }
}

#[test]
fn a_profile_that_came_after_signing() {
    let case = Case::new();
    let signer = case.signer(&case.world.developer_id, &claimed());
    let bytes = case.world.for_developer_id(granted()).build();
    let root = case.app(None, &signer);
    let place = root.join("Contents/embedded.provisionprofile");
    write(&place, &bytes);
    let evidence = case.evidence(&root);
    assert_eq!(evidence.codesign.valid(), Some(false));
    let finding = only(case.findings(&evidence, None), "profile-not-sealed");
    assert_eq!(finding.status.map(|status| status.0), Some(-67054));
    // Exchanged for another one.
    let root = case.app(Some(&case.world.for_developer_id(json!({}))), &signer);
    write(&place, &bytes);
    only(case.findings(&case.evidence(&root), None), "profile-not-sealed");
    // Where more was changed, it is one of many.
    write(&root.join("Contents/Resources/more.txt"), b"more");
    only(
        case.findings(&case.evidence(&root), None),
        "sealed-resource-broken",
    );
}

#[test]
fn testflight_wants_a_profile() {
    let case = Case::new();
    let signer = case.signer(
        &case.world.distribution,
        &json!({"com.apple.security.app-sandbox": true}),
    );
    let root = case.app(None, &signer);
    assert_eq!(
        ids(&case.found(&root, None)),
        [("testflight-needs-profile", Severity::Warning)]
    );
    let profile = case.world.for_app_store(granted());
    assert_eq!(case.found(&case.app(Some(&profile), &signer), None), []);
}

#[test]
fn every_restricted_claim_of_the_real_app_is_granted() {
    let evidence = examine(
        &real_app(),
        &Options {
            at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
            ..Options::default()
        },
    )
    .unwrap();
    let mut granted = 0;
    assert!(evidence.survey.misplaced_profiles.is_empty());
    for object in &evidence.code {
        let profile = object.profile.as_ref().and_then(|embedded| embedded.sound());
        assert!(profile.is_some(), "{}", object.path);
        for claim in object.slices.iter().flat_map(|slice| slice.claims(profile)) {
            if claim.needs_profile {
                assert!(
                    claim.answer.unwrap().is_granted(),
                    "{}: {}",
                    object.path,
                    claim.key
                );
                granted += 1;
            }
        }
    }
    assert!(granted >= 12, "{granted}");
    let advice = advise(&evidence, None, &Expectations::default());
    let about_profiles: Vec<_> = advice
        .findings
        .iter()
        .filter(|finding| find(finding.rule).unwrap().family == Family::Profile)
        .collect();
    assert!(about_profiles.is_empty(), "{about_profiles:#?}");
}

/// `sealcheck profile` on a bundle: claim by claim.
#[test]
fn the_command_shows_what_is_granted() {
    let case = Case::new();
    let anchor = case.folder.path().join("root.cer");
    fs::write(&anchor, &case.world.root.der).unwrap();
    let run = |path: &Path, format: &str| {
        let arguments = [
            "profile".as_ref(),
            "--at=2026-06-15".as_ref(),
            "--apple-anchor".as_ref(),
            anchor.as_os_str(),
            "--format".as_ref(),
            format.as_ref(),
            path.as_os_str(),
        ]
        .map(std::ffi::OsStr::to_owned);
        let output = sealcheck(&arguments);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let mut claims = claimed();
    claims[NETWORK] = json!(["packet-tunnel-provider"]);
    let signer = case.signer(&case.world.developer_id, &claims);
    let profile = case.world.for_developer_id(granted());
    let app = case.app(Some(&profile), &signer);
    let (status, text) = run(&app, "human");
    assert_eq!(status, Some(1), "{text}");
    for part in [
        "Example Profile",
        "Developer ID profile",
        "team ABCDE12345 (Example Inc.)",
        "valid 2026-01-01 to 2041-01-01",
        "signed this code",
        "needs no profile",
        "\"packet-tunnel-provider\" is not covered by [\"dns-proxy-systemextension\",\"packet-tunnel-provider-systemextension\"]",
    ] {
        assert!(flat(&text).contains(part), "{part}: {text}");
    }
    let (status, text) = run(&app, "json");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, Some(1));
    let claims = report["profiles"][0]["claims"].as_array().unwrap();
    let denied: Vec<_> = claims.iter().filter(|claim| claim["granted"] == false).collect();
    assert_eq!(denied.len(), 1, "{text}");
    assert_eq!(denied[0]["entitlement"], NETWORK);
    assert_eq!(denied[0]["claim"], json!(["packet-tunnel-provider"]));
    // The file alone, and an app that is as it should be.
    assert_eq!(
        run(&app.join("Contents/embedded.provisionprofile"), "human").0,
        Some(0)
    );
    let good = case.signer(&case.world.developer_id, &claimed());
    assert_eq!(run(&case.app(Some(&profile), &good), "human").0, Some(0));
    let (status, text) = run(&case.app(None, &good), "human");
    assert_eq!(status, Some(1));
    assert!(text.contains("no provisioning profile"), "{text}");
    let text_file = case.folder.path().join("no.provisionprofile");
    fs::write(&text_file, b"text").unwrap();
    let (status, text) = run(&text_file, "human");
    assert_eq!(status, Some(1));
    assert!(text.contains("the profile cannot be used: not signed"), "{text}");
}

/// R114: a profile grants groups of the form of iOS by name only.
#[test]
fn app_groups_by_name() {
    const GROUPS: &str = "com.apple.security.application-groups";
    let case = Case::new();
    let mut claims = claimed();
    claims[GROUPS] = json!(["group.acme"]);
    let is_warned = |groups: Value| {
        let mut grants = granted();
        grants[GROUPS] = groups;
        let signer = case.signer(&case.world.developer_id, &claims);
        let path = case.app(Some(&case.world.for_developer_id(grants)), &signer);
        let advice = advise(&case.evidence(&path), None, &Expectations::default());
        advice
            .findings
            .iter()
            .any(|finding| finding.rule == "app-group-unprovisioned")
    };
    assert!(!is_warned(json!(["group.acme"])));
    assert!(is_warned(json!(["ABCDE12345.*"])));
    assert!(is_warned(json!(["group.other"])));
}

/// R128: devices are compared as they stand, down to the last key; a narrower match is another one.
#[test]
fn a_driver_repeats_the_devices_of_its_profile() {
    const USB: &str = "com.apple.developer.driverkit.transport.usb";
    let case = Case::new();
    let said = |grant: Value, claim: Value| {
        let (mut granted, mut claimed) = (granted(), claimed());
        granted[USB] = grant;
        claimed[USB] = claim;
        let mut found = case.developer_id(&case.world.for_developer_id(granted), &claimed);
        // That these keys belong to drivers only is another rule.
        found.retain(|finding| finding.rule != "driverkit-base-missing");
        found
    };
    let vendor = || json!([{ "idVendor": 1234 }]);
    assert_eq!(said(vendor(), vendor()), []);
    let narrower = json!([{ "idVendor": 1234, "idProduct": 1 }]);
    let finding = only(said(vendor(), narrower), "driverkit-claim-not-literal");
    assert!(finding.message.starts_with(USB), "{}", finding.message);
    only(
        said(json!([{ "idVendor": "*" }]), vendor()),
        "driverkit-claim-not-literal",
    );
}

/// R167: an error for the App Store only. Where there are no attributes, nothing says that it was quarantined.
#[test]
fn a_profile_from_a_browser() {
    const RULE: &str = "profile-quarantined";
    let case = Case::new();
    let signer = case.signer(&case.world.developer_id, &claimed());
    let root = case.app(Some(&case.world.for_developer_id(granted())), &signer);
    let profile = root.join("Contents/embedded.provisionprofile");
    let advice = |target| advise(&case.evidence(&root), Some(target), &Expectations::default());
    let of = |target| {
        let found = advice(target)
            .findings
            .into_iter()
            .find(|finding| finding.rule == RULE);
        found.map(|finding| (finding.severity, finding.path))
    };
    assert_eq!(of(Target::MacAppStore), None);
    let is_open = |target| advice(target).unknown.iter().any(|unknown| unknown.rule == RULE);
    for target in [Target::MacAppStore, Target::DeveloperId] {
        assert!(!is_open(target), "{target:?}");
    }
    let set = |name: &str| {
        let value = b"0083;66000000;Safari;";
        rustix::fs::setxattr(&profile, name, value, rustix::fs::XattrFlags::empty()).is_ok()
    };
    let name = if cfg!(target_os = "macos") {
        "com.apple"
    } else {
        "user.com.apple"
    };
    if !set(&format!("{name}.lastuseddate")) {
        eprintln!("skipped: no extended attributes here");
        return;
    }
    assert_eq!(of(Target::MacAppStore), None, "another attribute");
    assert!(set(&format!("{name}.quarantine")));
    let path = "Contents/embedded.provisionprofile".to_owned();
    assert_eq!(of(Target::MacAppStore), Some((Severity::Error, path.clone())));
    assert_eq!(of(Target::DeveloperId), Some((Severity::Note, path)));
    assert!(!is_open(Target::MacAppStore));
}
