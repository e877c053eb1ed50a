//! Provisioning profiles: real ones, made ones of every kind, and every way in which one can be wrong.

use std::path::PathBuf;

use sealcheck::budget::Budget;
use sealcheck::limits::Limits;
use sealcheck::plist::Value;
use sealcheck::profile::{Answer, Profile, ProfileError, ProfileKind, ProfileSigner, grant};
use sealcheck::trust::{Anchors, AttachedFault, Cache};
use serde_json::json;

use crate::corpus;
use crate::support::cms::CmsSigner;
use crate::support::profile::{self as made, Der, TEAM, World};
use crate::support::{pki, real_app};

fn read(bytes: &[u8], anchors: &Anchors) -> Result<Profile, ProfileError> {
    Profile::read(
        bytes,
        anchors,
        &Cache::default(),
        &Limits::default(),
        &Budget::default(),
    )
}

fn extension() -> PathBuf {
    real_app().join(
        "Contents/Library/SystemExtensions/org.mitmproxy.macos-redirector.network-extension.systemextension",
    )
}

#[test]
fn real_profiles_lead_to_apple_in_both_forms() {
    for (folder, name, app_id) in [
        (
            real_app(),
            "Mitmproxy Redirector",
            "S8XHQB96PW.org.mitmproxy.macos-redirector",
        ),
        (
            extension(),
            "Mitmproxy Redirector Network Extension",
            "S8XHQB96PW.org.mitmproxy.macos-redirector.network-extension",
        ),
    ] {
        let bytes = std::fs::read(folder.join("Contents/embedded.provisionprofile")).unwrap();
        let profile = read(&bytes, &Anchors::default()).unwrap();
        assert_eq!(profile.signer.faults, []);
        assert!(profile.is_sound());
        assert_eq!(profile.signer.name(), "Mac OS X Provisioning Profile Signing");
        assert_eq!(profile.signed_by(), ProfileSigner::Mac);
        assert_eq!(profile.kind(), ProfileKind::DeveloperId);
        let der = profile.der.as_ref().unwrap();
        let signer = der.signer.as_ref().unwrap();
        assert_eq!(signer.faults, []);
        assert_eq!(signer.name(), "WWDR Provisioning Profile Signing");
        assert_eq!(ProfileSigner::of(signer), ProfileSigner::Der);
        let sound = der.sound().unwrap();
        assert_eq!(profile.contents.differences(sound), Vec::<&str>::new());
        assert_eq!(
            (sound.name.as_str(), sound.app_id(), sound.all_devices),
            (name, Some(app_id), true)
        );
        assert_eq!(sound.team_ids, ["S8XHQB96PW"]);
        assert_eq!(sound.platforms, ["OSX"]);
        assert_eq!(sound.expires.to_utc().0, 2041);
        assert_eq!(profile.contents.certificates.len(), 1);
        let label = profile.contents.certificates[0].label();
        assert_eq!(label, "Developer ID Application: Maximilian Hils (S8XHQB96PW)");
    }
}

#[test]
fn real_profiles_of_the_corpus() {
    let Some(folder) = corpus::unpacked() else { return };
    let read = |path: &str| {
        let bytes = std::fs::read(folder.path().join(path)).unwrap();
        read(&bytes, &Anchors::default()).unwrap()
    };
    for name in [
        "DriverKitVirtualHIDDevice",
        "VirtualHIDDeviceDaemon",
        "VirtualHIDDeviceManager",
    ] {
        let profile = read(&format!(
            "karabiner-vhid-src/Developer_ID_Karabiner{name}.provisionprofile"
        ));
        assert!(profile.is_sound(), "{name}");
        assert_eq!(profile.kind(), ProfileKind::DeveloperId, "{name}");
        let sound = profile.der.as_ref().unwrap().sound().unwrap();
        assert_eq!(profile.contents.differences(sound), Vec::<&str>::new(), "{name}");
    }
    let store = read("gh-rocketchat/Desktop.provisionprofile");
    assert!(store.is_sound());
    assert_eq!(store.kind(), ProfileKind::AppStore);
    let domains = Value::Array(vec![Value::String("applinks:open.rocket.chat".into())]);
    assert!(grant("com.apple.developer.associated-domains", &domains, &store).is_granted());
    // Made by its project's own authority, for iOS.
    let own = read("gh-isign/test.mobileprovision");
    assert!(!own.is_sound());
    assert_eq!(own.signed_by(), ProfileSigner::NotApple);
    assert_eq!(own.kind(), ProfileKind::Development);
    assert_eq!(own.contents.devices.as_ref().unwrap().len(), 2);
    assert!(own.der.is_none());
    let faults: Vec<_> = own.signer.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["signed by \"isign_tests\", not by Apple"]);
}

#[test]
fn made_profiles_of_every_kind() {
    let world = World::new();
    let grants = json!({"com.apple.application-identifier": "ABCDE12345.*"});
    let ios = |profile: made::Profile, entitlements| made::Profile {
        platforms: vec!["iOS".into()],
        entitlements,
        ..profile
    };
    for (profile, kind) in [
        (world.for_developer_id(grants.clone()), ProfileKind::DeveloperId),
        (world.for_development(grants.clone()), ProfileKind::Development),
        (world.for_app_store(grants.clone()), ProfileKind::AppStore),
        (
            ios(
                world.for_development(grants.clone()),
                json!({"get-task-allow": true}),
            ),
            ProfileKind::Development,
        ),
        (
            ios(
                world.for_development(grants.clone()),
                json!({"get-task-allow": false}),
            ),
            ProfileKind::AdHoc,
        ),
        (
            made::Profile {
                all_devices: true,
                ..ios(world.for_app_store(grants.clone()), grants.clone())
            },
            ProfileKind::InHouse,
        ),
    ] {
        let read = read(&profile.build(), &world.anchors()).unwrap();
        assert_eq!((read.kind(), read.is_sound()), (kind, true), "{kind:?}");
        let sound = read.der.as_ref().unwrap().sound().unwrap();
        assert_eq!(read.contents.differences(sound), Vec::<&str>::new(), "{kind:?}");
        assert_eq!(sound.team_ids, [TEAM]);
    }
}

#[test]
fn a_profile_counts_only_if_a_service_of_apples_signed_it() {
    let world = World::new();
    let good = world.for_developer_id(json!({}));
    let faults = |profile: &made::Profile, anchors: &Anchors| {
        let read = read(&profile.build(), anchors).unwrap();
        assert!(!read.is_sound());
        read.signer.faults
    };
    let with = |change: &dyn Fn(&mut CmsSigner)| {
        let mut profile = good.clone();
        change(&mut profile.signer);
        profile
    };
    let changed = made::Profile {
        changes_content: true,
        ..good.clone()
    };
    assert_eq!(faults(&changed, &world.anchors()), [AttachedFault::MessageDigest]);
    let broken = with(&|signer| signer.breaks_signature = true);
    assert_eq!(faults(&broken, &world.anchors()), [AttachedFault::Signature]);
    let lonely = with(&|signer| signer.certificates.clear());
    assert_eq!(faults(&lonely, &world.anchors()), [AttachedFault::NoCertificate]);
    // The same profile where the root is nobody's.
    let found = faults(&good, &Anchors::default());
    assert!(
        matches!(found.as_slice(), [AttachedFault::NotApple { signer }] if signer == "Test Provisioning Profile Signing"),
        "{found:?}"
    );
    let incomplete = with(&|signer| signer.certificates.truncate(1));
    assert!(matches!(
        faults(&incomplete, &world.anchors()).as_slice(),
        [AttachedFault::Path(_)]
    ));
    // A signer that had expired when it signed; and one that expired since.
    let early = with(&|signer| signer.signing_time = Some("20190101000000Z"));
    assert!(matches!(
        faults(&early, &world.anchors()).as_slice(),
        [AttachedFault::Path(_)]
    ));
    // A developer can sign a CMS that leads to Apple, but no profile.
    let mut own = good.clone();
    own.signer = CmsSigner::new(&world.developer_id);
    let read = read(&own.build(), &world.anchors()).unwrap();
    assert_eq!(read.signer.faults, []);
    assert_eq!(read.signed_by(), ProfileSigner::Developer);
    assert!(!read.is_sound());
}

#[test]
fn what_is_no_profile_says_why() {
    let world = World::new();
    let good = world.for_developer_id(json!({}));
    let error = |bytes: &[u8]| read(bytes, &world.anchors()).unwrap_err().to_string();
    assert_eq!(
        error(b"not a profile"),
        "not signed: an ASN.1 element ends too early"
    );
    assert_eq!(
        error(&made::sign(&good.signer, b"text")),
        "the property list is of type string, not dictionary"
    );
    assert_eq!(
        error(&made::sign(&good.signer, b"more text")),
        "the content is no property list: malformed property list at line 1: ';' or '=' expected after a key"
    );
    assert_eq!(
        error(&made::sign(&good.signer, b"<plist><array/></plist>")),
        "the property list is of type array, not dictionary"
    );
    assert_eq!(
        error(&made::sign(&good.signer, b"<plist><dict/></plist>")),
        "ExpirationDate is missing"
    );
    assert_eq!(
        error(&made::sign(
            &good.signer,
            b"<plist><dict><key>Name</key><true/></dict></plist>"
        )),
        "Name is of type boolean, not a string"
    );
    let detached = good.signer.sign(b"x", &[]);
    assert_eq!(error(&detached), "the CMS holds no content");
    // Cut anywhere, it is refused or at fault, and nothing panics.
    let bytes = good.build();
    for end in (0..bytes.len()).step_by(7) {
        assert!(read(&bytes[..end], &world.anchors()).is_err(), "{end}");
    }
}

#[test]
fn the_der_form_counts_where_it_is_sound() {
    let world = World::new();
    let in_list = json!({"com.apple.developer.a": true});
    let in_der = json!({"com.apple.developer.b": true});
    let allows = |profile: &made::Profile, key: &str| {
        let read = read(&profile.build(), &world.anchors()).unwrap();
        grant(key, &Value::Boolean(true), &read) == Answer::Granted
    };
    let good = made::Profile {
        der: Der::Entitlements(in_der.clone()),
        ..world.for_developer_id(in_list)
    };
    assert!(allows(&good, "com.apple.developer.b"));
    assert!(!allows(&good, "com.apple.developer.a"));
    let differences = {
        let read = read(&good.build(), &world.anchors()).unwrap();
        read.contents
            .differences(read.der.as_ref().unwrap().sound().unwrap())
    };
    assert_eq!(differences, ["Entitlements"]);
    let mut forged = good.clone();
    forged.der_signer.breaks_signature = true;
    let mut foreign = good.clone();
    foreign.der_signer = CmsSigner::new(&pki::self_signed(pki::Key::P256(30)).self_signed());
    for unsound in [
        forged,
        foreign,
        made::Profile {
            der: Der::Absent,
            ..good.clone()
        },
        made::Profile {
            der: Der::Bytes(b"no CMS".to_vec()),
            ..good.clone()
        },
        made::Profile {
            der: Der::Content(b"no DER".to_vec()),
            ..good.clone()
        },
    ] {
        assert!(allows(&unsound, "com.apple.developer.a"));
        assert!(!allows(&unsound, "com.apple.developer.b"));
    }
}
