//! Rules about entitlements: each fires on its case and keeps silent on a near miss.
//!
//! A case is code as a developer ships it, with everything that the rules say about it: one cause, one finding.

use sealcheck::finding::{Severity, Target};

use crate::support::foundry::{
    By, CATALYST, Code, IOS, TEAM, app, app_extension, driver, found, framework, ios_app, library, of,
    system_extension, tool, xpc_service,
};
use crate::support::plist::{Entries, der, entries, xml};
use crate::support::signature::{RUNTIME, blob};

use Severity::{Error, Note, Warning};

const INSTALL: &str = "com.apple.developer.system-extension.install";

/// An app with a Developer ID and these entitlements.
fn claiming(entitlements: Entries) -> Code {
    app("com.example.acme").entitlements(entitlements)
}

/// The same with a profile, of which only the name counts here.
fn provisioned(entitlements: Entries) -> Code {
    claiming(entitlements).file("embedded.provisionprofile", b"profile")
}

/// What the rules of this family say; a profile's contents are not their business.
fn said(code: &Code) -> Vec<(&'static str, Severity)> {
    let mut all = code.found();
    all.retain(|(rule, _)| !rule.starts_with("profile-"));
    all
}

#[track_caller]
fn expect(code: &Code, expected: &[(&'static str, Severity)]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(said(code), expected, "{:#?}", code.advice().findings);
}

/// Everything that the foundry makes is, by itself, as Apple wants it.
#[test]
fn good_code_is_clean() {
    let sandbox = entries! { "com.apple.security.app-sandbox" => true };
    let inherit = entries! { "com.apple.security.app-sandbox" => true, "com.apple.security.inherit" => true };
    let share = app_extension("com.example.acme.share").entitlements(sandbox.clone());
    let work = xpc_service("com.example.acme.work").entitlements(sandbox.clone());
    let whole = app("com.example.acme")
        .entitlements(sandbox)
        .file("Resources/data.txt", b"data")
        .nested("Frameworks/Kit.framework", framework("com.example.Kit"))
        .nested("Frameworks/libx.dylib", library("com.example.libx"))
        .nested("PlugIns/share.appex", share)
        .nested("XPCServices/work.xpc", work)
        .nested("MacOS/helper", tool("com.example.helper").entitlements(inherit));
    expect(&whole, &[]);
    expect(&tool("com.example.tool"), &[]);
    expect(&app("com.example.acme").by(By::MacAppStore), &[]);
    expect(&app("com.example.acme").by(By::Apple), &[]);
    expect(&app("com.example.acme").by(By::Adhoc), &[("adhoc-signed", Error)]);
    for code in [
        system_extension("com.example.ext"),
        driver("com.example.driver"),
        ios_app("com.example.ios"),
    ] {
        let evidence = code.built().evidence();
        assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
    }
}

#[test]
fn restricted_without_profile() {
    const RULE: &str = "restricted-entitlement-without-profile";
    let push = || entries! { "com.apple.developer.aps-environment" => "production" };
    expect(&claiming(push()), &[(RULE, Error)]);
    expect(&provisioned(push()), &[]);
    // False needs a grant as well, and says nothing else.
    expect(
        &claiming(entries! { INSTALL => false }),
        &[(RULE, Error), ("entitlement-false", Note)],
    );
    // What anybody may claim, and other people's names.
    let free = entries! { "com.apple.security.network.client" => true, "com.example.own" => "x" };
    expect(&claiming(free), &[]);
    // The store has taken the profile out; Apple's own code needs none.
    expect(&claiming(push()).by(By::MacAppStore), &[]);
    expect(&claiming(push()).by(By::Apple), &[]);
    // Ad hoc it is killed just so, also where it was built.
    let adhoc = claiming(push()).by(By::Adhoc).built();
    assert_eq!(found(&adhoc.advice(Some(Target::Local))), [(RULE, Error)]);
    // Every nested bundle needs a profile of its own.
    let service = xpc_service("com.example.acme.work").entitlements(push());
    let outer = provisioned(push()).nested("XPCServices/work.xpc", service.clone());
    expect(&outer, &[(RULE, Error)]);
    let advice = outer.advice();
    assert_eq!(
        of(&advice, RULE)[0].path,
        "Contents/XPCServices/work.xpc/Contents/MacOS/work"
    );
    assert_eq!(
        of(&advice, RULE)[0].details,
        [("entitlements", "com.apple.developer.aps-environment".to_owned())]
    );
    let service = service.file("embedded.provisionprofile", b"profile");
    expect(&provisioned(push()).nested("XPCServices/work.xpc", service), &[]);
    // Catalyst and drivers.
    expect(
        &claiming(entries! { "aps-environment" => "production" }).platform(CATALYST),
        &[(RULE, Error)],
    );
    let keys = || entries! { "com.apple.developer.driverkit" => true };
    expect(
        &driver("com.example.driver").entitlements(keys()),
        &[(RULE, Error)],
    );
    let driver = driver("com.example.driver").entitlements(keys());
    expect(&driver.file("embedded.provisionprofile", b"profile"), &[]);
    // The special text for virtual machines.
    let machine = claiming(entries! { "com.apple.vm.networking" => true });
    assert!(
        of(&machine.advice(), RULE)[0]
            .message
            .contains("com.apple.security.virtualization")
    );
}

/// Sparkle's Autoupdate: an identifier without prefix, no profile, and it runs.
#[test]
fn a_bare_identifier_is_tolerated() {
    let name = "org.sparkle-project.Sparkle.Autoupdate";
    let own = |value: &str| entries! { "com.apple.application-identifier" => value };
    let rule = "restricted-entitlement-on-secondary-executable";
    let nested = |code: Code| app("com.example.acme").nested("Helpers/Autoupdate", code);
    expect(&nested(tool(name).entitlements(own(name))), &[(rule, Note)]);
    expect(
        &nested(tool("Autoupdate").entitlements(own(name))),
        &[(rule, Note)],
    );
    let prefixed = own("ABCDE12345.org.sparkle-project.Sparkle.Autoupdate");
    expect(&nested(tool(name).entitlements(prefixed)), &[(rule, Error)]);
    expect(
        &tool(name).entitlements(own(name)),
        &[("restricted-entitlement-on-standalone-tool", Note)],
    );
    expect(
        &app(name).entitlements(own(name)),
        &[("restricted-entitlement-without-profile", Note)],
    );
    let more = entries! { "com.apple.application-identifier" => name, INSTALL => true };
    expect(&nested(tool(name).entitlements(more)), &[(rule, Error)]);
}

#[test]
fn restricted_without_a_bundle() {
    let client = || entries! { "com.apple.developer.endpoint-security.client" => true };
    let second = "restricted-entitlement-on-secondary-executable";
    let helper = tool("com.example.helper").entitlements(client());
    expect(
        &provisioned(client()).nested("MacOS/helper", helper.clone()),
        &[(second, Error)],
    );
    let service = helper
        .clone()
        .entitlements(entries! { "com.apple.security.network.client" => true });
    expect(&provisioned(client()).nested("MacOS/helper", service), &[]);
    expect(&helper, &[("restricted-entitlement-on-standalone-tool", Error)]);
    // As Apple wants daemons: a bundle around the program, with its own profile.
    let wrapped = app("com.example.daemon")
        .entitlements(client())
        .file("embedded.provisionprofile", b"profile");
    expect(&provisioned(client()).nested("Helpers/daemon.app", wrapped), &[]);
    // Under Resources it is not sealed as code, and it is a program all the same.
    let hidden = provisioned(client()).nested("Resources/helper", helper);
    assert!(said(&hidden).contains(&(second, Error)));
}

#[test]
fn keys_that_do_not_exist() {
    let rule = "hallucinated-entitlement";
    expect(
        &claiming(entries! { "com.apple.developer.push-notifications" => true }),
        &[(rule, Error)],
    );
    let code = claiming(
        entries! { "com.apple.developer.app-groups" => ["group.a"], "UIBackgroundModes" => ["audio"] },
    );
    let advice = code.advice();
    let found = of(&advice, rule);
    assert!(
        found
            .iter()
            .any(|found| found.message.contains("UIBackgroundModes"))
    );
    assert!(found.iter().any(|found| {
        found
            .message
            .contains("claim com.apple.security.application-groups")
    }));
    // The App Store alone refuses the one that is a key of Info.plist.
    expect(&code, &[(rule, Error), (rule, Warning)]);
    expect(
        &claiming(entries! { "com.apple.security.device.print" => true }),
        &[(rule, Warning)],
    );
    expect(&claiming(entries! { "com.apple.security.print" => true }), &[]);
    expect(
        &claiming(entries! { "com.apple.security.accessibility" => true }).by(By::Apple),
        &[],
    );
}

#[test]
fn keys_of_apples_own() {
    let rule = "apple-private-entitlement";
    expect(
        &claiming(entries! { "com.apple.private.tcc.allow" => ["kTCCServiceCamera"] }),
        &[(rule, Error)],
    );
    expect(
        &claiming(entries! { "com.apple.private.security.no-sandbox" => false }),
        &[(rule, Error)],
    );
    expect(
        &tool("com.example.tool").entitlements(entries! { "task_for_pid-allow" => true }),
        &[(rule, Error)],
    );
    expect(
        &claiming(entries! { "com.apple.security.exception.files" => true }),
        &[(rule, Warning)],
    );
    expect(
        &claiming(entries! { "com.apple.private.tcc.allow" => true }).by(By::Apple),
        &[],
    );
    expect(&claiming(entries! { "com.example.private" => true }), &[]);
}

#[test]
fn keys_that_are_not_known() {
    let rule = "unknown-apple-entitlement";
    let slip = claiming(entries! { "com.apple.security.app-sandbxo" => true });
    expect(&slip, &[(rule, Warning)]);
    assert!(
        of(&slip.advice(), rule)[0]
            .message
            .contains("meant: com.apple.security.app-sandbox?")
    );
    expect(
        &claiming(entries! { "com.apple.developer.brand-new" => true }),
        &[(rule, Warning)],
    );
    expect(
        &claiming(entries! { "com.apple.security.brand-new" => true }),
        &[(rule, Note)],
    );
    expect(
        &claiming(entries! { "keychain-acess-groups" => ["x"] }),
        &[(rule, Warning)],
    );
    expect(&claiming(entries! { "com.example.brand-new" => true }), &[]);
    let many: Entries = (0..500)
        .map(|n| (format!("com.apple.security.x{n}"), true.into()))
        .collect();
    assert!(
        of(&claiming(many).advice(), rule)[0]
            .message
            .ends_with("and 494 more")
    );
}

#[test]
fn keys_of_other_platforms_and_stores() {
    let health = || entries! { "com.apple.developer.healthkit" => true };
    expect(&claiming(health()), &[("ios-only-entitlement", Error)]);
    expect(&provisioned(health()), &[("ios-only-entitlement", Warning)]);
    expect(
        &ios_app("com.example.ios")
            .entitlements(health())
            .file("embedded.mobileprovision", b"x"),
        &[],
    );
    let center = || entries! { "com.apple.developer.game-center" => true };
    expect(&provisioned(center()), &[("devid-unsupported-capability", Error)]);
    expect(&claiming(center()), &[("devid-unsupported-capability", Error)]);
    expect(
        &provisioned(center()).by(By::Distribution),
        &[
            ("app-store-distribution-signed", Note),
            ("app-store-sandbox-missing", Error),
        ],
    );
    expect(
        &claiming(entries! { "get-task-allow" => true }),
        &[("get-task-allow-ios-key", Warning)],
    );
    expect(
        &claiming(entries! { "com.apple.security.files.all" => true }),
        &[("deprecated-entitlement", Note)],
    );
    let old = entries! { "com.apple.vm.hypervisor" => true };
    expect(&provisioned(old), &[("deprecated-entitlement", Warning)]);
    let both = entries! { "com.apple.vm.hypervisor" => true, "com.apple.security.hypervisor" => true };
    expect(&provisioned(both), &[]);
}

/// In Apple's documentation, but without function: known, so nobody's invention, and named.
#[test]
fn the_virtual_device_of_drivers_has_no_function() {
    for (key, expected) in [
        (
            "com.apple.developer.driverkit.family.hid.virtual.device",
            &["deprecated-entitlement"][..],
        ),
        ("com.apple.developer.driverkit.family.hid.device", &[]),
        (
            "com.apple.developer.driverkit.family.hid.virtual.thing",
            &["unknown-apple-entitlement"],
        ),
    ] {
        let claims = entries! { "com.apple.developer.driverkit" => true, key => true };
        let advice = driver("com.example.driver").entitlements(claims).advice();
        let rules = ["deprecated-entitlement", "unknown-apple-entitlement"];
        let said: Vec<_> = rules
            .into_iter()
            .filter(|rule| !of(&advice, rule).is_empty())
            .collect();
        assert_eq!(said, expected, "{key}");
    }
}

#[test]
fn entitlements_on_libraries() {
    let rule = "entitlements-on-library-code";
    let jit = entries! { "com.apple.security.cs.allow-jit" => true };
    let groups =
        entries! { "keychain-access-groups" => ["ABCDE12345.a"], "com.apple.security.app-sandbox" => true };
    expect(
        &library("com.example.lib").entitlements(jit.clone()),
        &[(rule, Warning)],
    );
    expect(
        &library("com.example.lib").entitlements(groups.clone()),
        &[(rule, Error)],
    );
    expect(&library("com.example.lib").entitlements(Entries::new()), &[]);
    expect(
        &library("com.example.lib").entitlements(groups).by(By::Apple),
        &[],
    );
    let kit = framework("com.example.Kit").entitlements(jit);
    expect(
        &app("com.example.acme").nested("Frameworks/Kit.framework", kit),
        &[(rule, Warning)],
    );
}

#[test]
fn types_of_values() {
    let rule = "entitlement-wrong-type";
    expect(
        &claiming(entries! { "com.apple.security.app-sandbox" => "true" }),
        &[(rule, Error)],
    );
    expect(
        &claiming(entries! { "com.apple.security.cs.allow-jit" => "true" }),
        &[(rule, Warning)],
    );
    expect(
        &claiming(entries! { "com.apple.security.cs.allow-jit" => 1 }),
        &[(rule, Warning)],
    );
    expect(
        &provisioned(entries! { "keychain-access-groups" => "ABCDE12345.a" }),
        &[(rule, Error)],
    );
    expect(
        &provisioned(entries! { "keychain-access-groups" => ["ABCDE12345.a"] }),
        &[],
    );
    // Apple's documentation has an array, its sample a string.
    let access = "com.apple.developer.driverkit.userclient-access";
    expect(&provisioned(entries! { access => "com.example.driver" }), &[]);
    expect(
        &claiming(entries! { "com.apple.security.network.client" => false }),
        &[("entitlement-false", Note)],
    );
    expect(&claiming(entries! { "com.example.own" => false }), &[]);
}

/// XML entitlements as they are, without DER.
fn xml_only(text: &[u8]) -> Code {
    tool("com.example.tool").special(5, blob(0xfade_7171, text))
}

#[test]
fn forms_that_are_refused() {
    let list = |body: &str| format!("<plist version=\"1.0\"><dict>{body}</dict></plist>");
    let body = "<key>com.apple.security.network.client</key><true/>";
    let missing = ("der-entitlements-missing", Warning);
    let malformed = |severity| [("entitlements-malformed", severity), missing];
    expect(&xml_only(list(body).as_bytes()), &[missing]);
    expect(&xml_only(list("").as_bytes()), &[]);
    for text in [
        list(&format!("<!-- codesign --options runtime -->{body}")),
        list(&format!("{body}\r\n")),
        list(&body.replace("<true/>", "<true />")),
        list(&format!("{body}{body}")),
        list(&format!("{body}<key>a</key><string><![CDATA[x]]></string>")),
        format!("\u{feff}{}", list(body)),
    ] {
        expect(&xml_only(text.as_bytes()), &malformed(Error));
    }
    for text in [
        list(&format!("{body}<key>é</key><true/>")),
        format!("{}<!-- end -->", list(body)),
    ] {
        expect(&xml_only(text.as_bytes()), &malformed(Warning));
    }
    expect(
        &xml_only(list(&format!("<!-- a comment -->{body}")).as_bytes()),
        &[missing],
    );
    let broken = xml_only(b"<plist><dict><key>a</key>");
    expect(&broken, &[("entitlements-malformed", Error)]);
    let unknown = broken.advice().unknown;
    assert!(
        unknown
            .iter()
            .any(|unknown| unknown.rule == "restricted-entitlement-without-profile")
    );
    let message = &xml_only(list(&format!("\n<!-- -- -->{body}")).as_bytes())
        .advice()
        .findings[0]
        .message
        .clone();
    assert!(
        message.contains("line 2") && message.contains("syntax error near line 2"),
        "{message}"
    );
}

#[test]
fn forms_that_differ_or_are_old() {
    let jit = entries! { "com.apple.security.cs.allow-jit" => true };
    let signed = |xml_list: &Entries, der_bytes: &[u8]| {
        tool("com.example.tool")
            .special(5, blob(0xfade_7171, &xml(xml_list)))
            .special(7, blob(0xfade_7172, der_bytes))
    };
    expect(&signed(&jit, &der(&jit)), &[]);
    expect(
        &signed(&Entries::new(), &der(&jit)),
        &[("der-xml-disagree", Error)],
    );
    // The first version: a bare set of pairs.
    let pairs = &der(&jit)[7..];
    let old = [&[0x31, pairs.len() as u8][..], pairs].concat();
    expect(&signed(&jit, &old), &[("der-entitlements-missing", Warning)]);
    // iOS does not do without.
    let ios = xml_only(&xml(&jit)).platform(IOS);
    let asked = ios.built().advice(Some(Target::Local));
    assert!(found(&asked).contains(&("der-entitlements-missing", Error)));
    let cut = signed(&jit, &der(&jit)[..20]);
    expect(&cut, &[("entitlements-malformed", Error)]);
}

#[test]
fn build_variables() {
    let rule = "unexpanded-build-variable";
    let groups = "com.apple.security.application-groups";
    expect(
        &claiming(entries! { groups => ["$(TeamIdentifierPrefix)shared"] }),
        &[(rule, Error)],
    );
    let keys = entries! { "keychain-access-groups" => ["$(AppIdentifierPrefix)shared"] };
    expect(&provisioned(keys), &[(rule, Error)]);
    expect(
        &provisioned(entries! { "com.apple.application-identifier" => "${TEAM}.com.example.acme" }),
        &[(rule, Error)],
    );
    expect(
        &claiming(entries! { "com.example.own" => "$(PRODUCT_NAME)" }),
        &[(rule, Warning)],
    );
    expect(&claiming(entries! { groups => ["ABCDE12345.shared"] }), &[]);
}

#[test]
fn the_same_everywhere() {
    let rule = "same-entitlements-everywhere";
    let with = |claims: &Entries, second: &Entries| {
        claiming(claims.clone())
            .nested(
                "Helpers/one",
                tool("com.example.one").entitlements(claims.clone()),
            )
            .nested(
                "Helpers/two",
                tool("com.example.two").entitlements(second.clone()),
            )
    };
    let own = entries! { "com.apple.security.network.client" => true, "com.example.own" => true };
    let open =
        entries! { "com.apple.security.network.client" => true, "com.apple.security.network.server" => true };
    let runtime = entries! { "com.apple.security.cs.allow-jit" => true, "com.apple.security.device.audio-input" => true };
    expect(&with(&own, &own), &[(rule, Warning)]);
    expect(&with(&open, &open), &[(rule, Note)]);
    expect(&with(&open, &Entries::new()), &[]);
    let said = with(&runtime, &runtime).info(entries! { "NSMicrophoneUsageDescription" => "To listen." });
    expect(&said, &[]);
}

#[test]
fn identifiers() {
    let id = "com.apple.application-identifier";
    let team = "com.apple.developer.team-identifier";
    expect(
        &provisioned(entries! { id => "ABCDE12345.com.example.acme", team => TEAM }),
        &[],
    );
    // An App ID of the old kind has a prefix that is no team's.
    expect(
        &provisioned(entries! { id => "9ABCDE1234.com.example.acme", team => TEAM }),
        &[],
    );
    expect(
        &provisioned(entries! { id => "ABCDE12345.com.example.other" }),
        &[("application-identifier-mismatch", Error)],
    );
    expect(
        &provisioned(entries! { id => "ABCDE12345.*" }),
        &[("wildcard-in-claim", Error)],
    );
    expect(
        &provisioned(entries! { team => "ZZZZZ99999" }),
        &[("team-identifier-mismatch", Error)],
    );
    let renamed = provisioned(entries! { id => "ABCDE12345.com.example.acme" })
        .info(entries! { "CFBundleIdentifier" => "com.example.renamed" });
    assert!(said(&renamed).contains(&("application-identifier-mismatch", Error)));
    let ios = || entries! { "application-identifier" => "ABCDE12345.com.example.acme" };
    expect(&provisioned(ios()), &[("ios-application-identifier", Error)]);
    expect(&provisioned(ios()).platform(CATALYST), &[]);
    // With the app's entitlements on a helper, the place is the problem.
    let helper = tool("com.example.helper").entitlements(entries! { id => "ABCDE12345.com.example.acme" });
    let whole = app("com.example.acme").nested("MacOS/helper", helper);
    expect(
        &whole,
        &[("restricted-entitlement-on-secondary-executable", Error)],
    );
    let domains = "com.apple.developer.associated-domains";
    expect(
        &provisioned(entries! { domains => ["applinks:*.example.com"] }),
        &[],
    );
}

#[test]
fn groups() {
    let keychain = |group: &str| provisioned(entries! { "keychain-access-groups" => [group] });
    expect(&keychain("ABCDE12345.shared"), &[]);
    expect(&keychain("com.apple.token"), &[]);
    expect(
        &keychain("com.example.shared"),
        &[("keychain-group-prefix", Error)],
    );
    expect(&keychain("ABCDE12345.*"), &[("keychain-group-prefix", Error)]);
    expect(
        &keychain("ZZZZZ99999.shared"),
        &[("keychain-group-prefix", Warning)],
    );
    let old = provisioned(entries! {
        "com.apple.application-identifier" => "9ABCDE1234.com.example.acme",
        "keychain-access-groups" => ["9ABCDE1234.shared"],
    });
    expect(&old, &[]);
    let format = "app-group-format";
    let apps = |group: &str| claiming(entries! { "com.apple.security.application-groups" => [group] });
    expect(&apps("ABCDE12345.shared"), &[]);
    expect(&apps("ZZZZZ99999.shared"), &[(format, Warning)]);
    expect(&apps("com.example.shared"), &[(format, Warning)]);
    expect(&apps("group.shared"), &[("app-group-unprovisioned", Warning)]);
    expect(&apps("group.shared").file("embedded.provisionprofile", b"x"), &[]);
    expect(&apps("group.shared").by(By::MacAppStore), &[]);
    expect(
        &apps("group.shared").platform(CATALYST),
        &[("app-group-unprovisioned", Error)],
    );
    expect(
        &apps("ABCDE12345.shared").by(By::Adhoc),
        &[("adhoc-signed", Error), (format, Warning)],
    );
}

#[test]
fn environments_and_domains() {
    let push = |value: &str| provisioned(entries! { "com.apple.developer.aps-environment" => value });
    let rule = "development-environment";
    expect(&push("production"), &[]);
    expect(&push("development"), &[(rule, Warning)]);
    expect(
        &push("development").by(By::Development),
        &[("development-signed", Error)],
    );
    let store = push("development").by(By::Distribution);
    expect(
        &store,
        &[
            ("app-store-distribution-signed", Note),
            ("app-store-sandbox-missing", Error),
            (rule, Error),
        ],
    );
    let cloud = "com.apple.developer.icloud-container-environment";
    expect(
        &provisioned(entries! { cloud => "Development" }),
        &[(rule, Warning)],
    );
    expect(&provisioned(entries! { cloud => "Production" }), &[]);
    expect(
        &provisioned(entries! { "aps-environment" => "production" }),
        &[("aps-key-wrong-platform", Error)],
    );
    expect(
        &provisioned(entries! { "aps-environment" => "production" }).platform(CATALYST),
        &[],
    );
    let ios = ios_app("com.example.ios").file("embedded.mobileprovision", b"x");
    let wrong = ios.entitlements(entries! { "com.apple.developer.aps-environment" => "production" });
    let asked = wrong.built().advice(Some(Target::Local));
    assert!(found(&asked).contains(&("aps-key-wrong-platform", Error)));
    // Without a target, only the integrity of an iOS app is judged.
    expect(&wrong, &[]);
    let domains = |value: &str| provisioned(entries! { "com.apple.developer.associated-domains" => [value] });
    expect(&domains("applinks:example.com"), &[]);
    expect(&domains("example.com"), &[("associated-domains-mode", Warning)]);
    expect(
        &domains("applinks:example.com?mode=developer"),
        &[("associated-domains-mode", Warning)],
    );
}

#[test]
fn network_extensions() {
    let rule = "network-extension-value-vs-channel";
    let key = "com.apple.developer.networking.networkextension";
    let kind = |value: &str| provisioned(entries! { key => [value] });
    expect(&kind("packet-tunnel-provider"), &[(rule, Error)]);
    expect(&kind("packet-tunnel-provider-systemextension"), &[]);
    expect(&kind("relay"), &[]);
    expect(&kind("packet-tunnel"), &[(rule, Warning)]);
    let development = kind("packet-tunnel-provider").by(By::Development);
    expect(&development, &[("development-signed", Error)]);
    let development = kind("packet-tunnel-provider-systemextension").by(By::Development);
    expect(&development, &[("development-signed", Error), (rule, Error)]);
    let provider = |value: &str| {
        let claims = entries! { key => [value], "com.apple.security.app-sandbox" => true };
        let extension = app_extension("com.example.acme.vpn").entitlements(claims);
        provisioned(entries! { key => [value], "com.apple.security.app-sandbox" => true }).nested(
            "PlugIns/vpn.appex",
            extension.file("embedded.provisionprofile", b"x"),
        )
    };
    expect(
        &provider("packet-tunnel-provider-systemextension"),
        &[("network-extension-packaging", Warning)],
    );
    expect(&provider("dns-settings"), &[]);
}

#[test]
fn hardened_processes() {
    let rule = "hardened-process-orphans";
    let root = "com.apple.security.hardened-process";
    let heap = "com.apple.security.hardened-process.hardened-heap";
    let soft = "com.apple.security.hardened-process.checked-allocations.soft-mode";
    expect(&claiming(entries! { root => true, heap => true }), &[]);
    expect(&claiming(entries! { heap => true }), &[(rule, Warning)]);
    expect(
        &claiming(entries! { root => true, soft => true }),
        &[(rule, Warning)],
    );
    let version = "com.apple.security.hardened-process.enhanced-security-version";
    let text = "com.apple.security.hardened-process.enhanced-security-version-string";
    expect(
        &claiming(entries! { root => true, version => 1, text => "1" }),
        &[],
    );
    expect(
        &claiming(entries! { root => true, version => 1, text => "2" }),
        &[(rule, Warning)],
    );
}

#[test]
fn the_runtime_is_what_counts() {
    // Without the hardened runtime, which is its own finding, the rules about resources do not ask.
    let soft = app("com.example.acme")
        .with_flags(0)
        .info(entries! { "NSCameraUsageDescription" => "To see." });
    expect(&soft, &[("hardened-runtime-missing", Error)]);
    expect(
        &soft.with_flags(RUNTIME),
        &[("resource-access-entitlement-missing", Warning)],
    );
}
