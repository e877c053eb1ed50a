//! Remedies whose names, keys, values and places are all known from the item.

use sealcheck::rule::{Expectations, ExpectedEntitlement, all};

use super::Bench;
use super::cases::Case;
use crate::support::bundle::write;
use crate::support::foundry::{
    Code, app, app_extension, driver, framework, library, system_extension, tool, xpc_service,
};
use crate::support::macho::{IDENTITY, Thin};
use crate::support::plist::{Entries, entries, xml};

const GROUPS: &str = "com.apple.security.application-groups";
const APP_ID: &str = "com.apple.application-identifier";
const JIT: &str = "com.apple.security.cs.allow-jit";
const BUILD: &str = "/Users/runner/build/lib";

fn acme() -> Code {
    app("com.example.acme")
}

fn claiming(claims: Entries) -> Code {
    acme().entitlements(claims)
}

/// With something where a profile belongs: which claims it grants is another rule's matter.
fn provisioned(claims: Entries) -> Code {
    claiming(claims).file("embedded.provisionprofile", b"profile")
}

fn with_extension(place: &str) -> Bench {
    let install = entries! { "com.apple.developer.system-extension.install" => true };
    Bench::of(&provisioned(install).nested(place, system_extension("com.example.acme.net")))
}

fn with_library(change: impl Fn(&mut Thin)) -> Bench {
    let codec = library("codec").macho(change);
    let links = acme().links(&["@executable_path/../Frameworks/codec.dylib"]);
    Bench::of(&links.nested("Frameworks/codec.dylib", codec))
}

fn named(name: &str) -> impl Fn(&mut Thin) {
    move |thin| thin.paths.push((IDENTITY, 24, name.to_owned()))
}

fn with_service(dictionary: &str, key: &str) -> Bench {
    let service = entries! { key => "com.example.service" };
    let extension = system_extension("com.example.acme.net")
        .info(entries! { dictionary => service })
        .entitlements(entries! { GROUPS => ["ABCDE12345.com.example"] });
    let place = "Library/SystemExtensions/com.example.acme.net.systemextension";
    Bench::of(&acme().nested(place, extension))
}

fn expected(key: &str, value: Option<&str>) -> Expectations {
    Expectations {
        entitlements: vec![ExpectedEntitlement {
            key: key.to_owned(),
            value: value.map(str::to_owned),
        }],
        ..Expectations::default()
    }
}

/// Each is built, found, repaired with the commands of the report, and judged again.
pub const CASES: &[Case] = &[
    ("minimum-system-too-low", || {
        Bench::of(&acme().info(entries! { "LSMinimumSystemVersion" => "10.15" }))
    }),
    ("minimum-system-too-low", || {
        Bench::of(&acme().info(entries! { "LSMinimumSystemVersion" => "10.15.x" }))
    }),
    ("minimum-system-too-low", || {
        let versions = entries! { "x86_64" => "10.13" };
        Bench::of(&acme().info(
            entries! { "LSMinimumSystemVersion" => "12.0", "LSMinimumSystemVersionByArchitecture" => versions },
        ))
    }),
    ("system-extension-name", || {
        with_extension("Library/SystemExtensions/net.systemextension")
    }),
    ("system-extension-misplaced", || {
        with_extension("PlugIns/com.example.acme.net.systemextension")
    }),
    ("system-extension-description", || {
        let extension = system_extension("com.example.acme.net");
        let extension = extension.info(entries! { "NSSystemExtensionUsageDescription" => "" });
        let place = "Library/SystemExtensions/com.example.acme.net.systemextension";
        Bench::of(&acme().nested(place, extension))
    }),
    ("system-extension-description", || {
        let driver = driver("com.example.acme.driver").info(entries! { "OSBundleUsageDescription" => "" });
        Bench::of(&acme().nested("Library/SystemExtensions/com.example.acme.driver.dext", driver))
    }),
    ("xpc-service-misplaced", || {
        Bench::of(&acme().nested("Helpers/service.xpc", xpc_service("com.example.acme.service")))
    }),
    ("network-extension-mach-service", || {
        with_service("NetworkExtension", "NEMachServiceName")
    }),
    ("camera-extension-mach-service", || {
        with_service("CMIOExtension", "CMIOExtensionMachServiceName")
    }),
    ("legacy-plugins", || {
        Bench::of(&acme().nested("Library/QuickLook/a.qlgenerator", app("com.example.preview")))
    }),
    ("bundle-root-unsealed", || {
        let bench = Bench::of(&acme());
        write(&bench.at("README.txt"), b"read me");
        bench
    }),
    ("bundle-root-unsealed", || {
        let kit = framework("com.example.kit");
        let bench = Bench::of(&acme().nested("Frameworks/kit.framework", kit));
        write(&bench.at("Contents/Frameworks/kit.framework/notes.txt"), b"notes");
        bench
    }),
    ("build-path-leak", || Bench::of(&acme().run_paths(&[BUILD]))),
    ("build-path-leak", || {
        with_library(named(&format!("{BUILD}/codec.dylib")))
    }),
    ("duplicate-rpath", || {
        with_library(|thin| {
            thin.run_paths = vec![
                "@loader_path".into(),
                "@loader_path".into(),
                "@loader_path".into(),
            ]
        })
    }),
    ("gatekeeper-dangling-rpath", || {
        let codec = library("codec").macho(named("@rpath/codec.dylib"));
        let links = acme().links(&["@rpath/codec.dylib"]);
        Bench::of(
            &links
                .run_paths(&["@executable_path/../Frameworks", BUILD])
                .nested("Frameworks/codec.dylib", codec),
        )
    }),
    ("install-name-absolute", || {
        with_library(named("/Developer/lib/codec.dylib"))
    }),
    ("app-group-format", || {
        Bench::of(&claiming(
            entries! { GROUPS => ["com.example.shared", "ABCDE12345.own", "ZZZZZ99999.other"] },
        ))
    }),
    ("keychain-group-prefix", || {
        Bench::of(&provisioned(
            entries! { "keychain-access-groups" => ["com.example.shared", "com.apple.token"] },
        ))
    }),
    ("application-identifier-mismatch", || {
        Bench::of(&provisioned(
            entries! { APP_ID => "ABCDE12345.com.example.other" },
        ))
    }),
    ("application-identifier-mismatch", || {
        let renamed = entries! { "CFBundleIdentifier" => "com.example.renamed" };
        Bench::of(&provisioned(entries! { APP_ID => "ABCDE12345.com.example.acme" }).info(renamed))
    }),
    ("team-identifier-mismatch", || {
        Bench::of(&provisioned(
            entries! { "com.apple.developer.team-identifier" => "ZZZZZ99999" },
        ))
    }),
    ("ios-application-identifier", || {
        Bench::of(&provisioned(
            entries! { "application-identifier" => "ABCDE12345.com.example.acme" },
        ))
    }),
    ("embedded-info-plist-mismatch", || {
        let list = xml(&entries! { "CFBundleIdentifier" => "com.example.other" });
        Bench::of(&tool("com.example.tool").macho(|thin| thin.info_plist = Some(list.clone())))
    }),
    ("identifier-unexpected", || {
        Bench::of(&tool("com.example.tool")).expecting(Expectations {
            identifier: Some("com.example.other".into()),
            ..Expectations::default()
        })
    }),
    ("entitlement-unmet", || {
        Bench::of(&acme()).expecting(expected(JIT, None))
    }),
    ("entitlement-unmet", || {
        Bench::of(&claiming(entries! { JIT => false })).expecting(expected(JIT, Some("true")))
    }),
    ("entitlement-unmet", || {
        Bench::of(&acme()).expecting(expected("com.example.level", Some("3")))
    }),
    ("entitlement-unmet", || {
        Bench::of(&acme()).expecting(expected("com.example.name", Some("a name")))
    }),
    ("entitlement-forbidden", || {
        Bench::of(&claiming(entries! { JIT => true, "com.example.own" => true })).expecting(Expectations {
            forbidden_entitlements: vec![JIT.into(), "com.example.own".into()],
            ..Expectations::default()
        })
    }),
];

/// A file that a command reads is one that another command of the remedy wrote, or one that the words tell the user to bring.
#[test]
fn the_file_with_entitlements_is_written_before_it_is_used() {
    for rule in all() {
        let remedy = rule.general_remedy().to_string();
        let Some(used) = remedy.find("--entitlements NAME.entitlements -") else {
            // Written with `codesign -d`, or not used.
            continue;
        };
        let written = remedy.find("codesign -d --entitlements NAME.entitlements");
        assert!(
            written.is_some_and(|written| written <= used),
            "{}: {remedy}",
            rule.id
        );
    }
    for rule in all() {
        let remedy = rule.general_remedy().to_string();
        let signs = remedy
            .lines()
            .position(|line| line.contains("codesign -f") && line.contains("--entitlements"));
        let writes = remedy
            .lines()
            .position(|line| line.contains("codesign -d --entitlements"));
        if let Some(signs) = signs {
            assert!(
                writes.is_some_and(|writes| writes < signs),
                "{}: {remedy}",
                rule.id
            );
        }
    }
}

/// The place of a profile: in Contents of an app, in a driver itself, which has none.
#[test]
fn the_place_of_a_profile_depends_on_the_bundle() {
    let vpn = "com.apple.developer.networking.vpn.api";
    let bench = Bench::of(&claiming(entries! { vpn => ["allow-vpn"] }));
    let remedy = bench.remedy("restricted-entitlement-without-profile");
    assert!(
        remedy.contains("acme.app/Contents/embedded.provisionprofile"),
        "{remedy}"
    );
    let claims = entries! { "com.apple.developer.driverkit" => true };
    let bench = Bench::of(&driver("com.example.driver").entitlements(claims));
    let remedy = bench.remedy("restricted-entitlement-without-profile");
    assert!(
        remedy.contains("driver.dext/embedded.provisionprofile") && !remedy.contains("Contents"),
        "{remedy}"
    );
}

/// Where the right value is known, no command has a word in its place.
#[test]
fn known_values_are_in_the_commands() {
    const PLACEHOLDERS: [&str; 9] = [
        "IDENTIFIER",
        "TEAMID",
        "GROUP.NAME",
        "FOLDER",
        "@rpath/NAME",
        "VERSION",
        "KEY",
        "VALUE",
        "PLACE",
    ];
    for (rule, bench) in CASES {
        let bench = bench();
        for finding in bench
            .advice()
            .findings
            .iter()
            .filter(|finding| finding.rule == *rule)
        {
            for command in finding.remedy.commands() {
                let words = command.words();
                let open: Vec<_> = words
                    .iter()
                    .filter(|word| PLACEHOLDERS.contains(&word.as_str()))
                    .collect();
                assert!(open.is_empty(), "{rule}: {command}");
            }
        }
    }
}

/// The profile of nested code is in its own bundle.
#[test]
fn an_extension_keeps_its_profile_in_its_own_contents() {
    let vpn = "com.apple.developer.networking.vpn.api";
    let share = app_extension("com.example.acme.share")
        .entitlements(entries! { "com.apple.security.app-sandbox" => true, vpn => ["allow-vpn"] });
    let bench = Bench::of(&acme().nested("PlugIns/share.appex", share));
    let remedy = bench.remedy("restricted-entitlement-without-profile");
    assert!(
        remedy.contains("PlugIns/share.appex/Contents/embedded.provisionprofile"),
        "{remedy}"
    );
}
