//! Rules about privileged helpers, agents and daemons.

use sealcheck::finding::Severity::{Error, Warning};

use crate::rules_services::expect;
use crate::support::foundry::{Code, TEAM, app, of, tool};
use crate::support::plist::{Entries, entries, xml};

const LABEL: &str = "com.example.helper";
const PLACE: &str = "Library/LaunchServices/com.example.helper";

fn acme() -> Code {
    app("com.example.acme")
}

/// Code with this identifier of the test's developer.
fn requirement(identifier: &str, team: &str) -> String {
    format!(
        "identifier \"{identifier}\" and anchor apple generic and certificate leaf[field.1.2.840.113635.100.6.1.13] \
         and certificate leaf[subject.OU] = {team}"
    )
}

/// An app that demands this of its helper.
fn demands(requirement: &str) -> Code {
    acme().info(entries! { "SMPrivilegedExecutables" => entries! { LABEL => requirement } })
}

/// A helper with these two lists.
fn helper(info: &Entries, job: &Entries) -> Code {
    tool(LABEL).macho(|thin| {
        thin.info_plist = Some(xml(info));
        thin.launchd_plist = Some(xml(job));
    })
}

fn info(clients: &[&str]) -> Entries {
    entries! {
        "CFBundleIdentifier" => LABEL,
        "CFBundleVersion" => "1",
        "SMAuthorizedClients" => clients.to_vec(),
    }
}

fn job() -> Entries {
    entries! { "Label" => LABEL, "MachServices" => entries! { LABEL => true } }
}

#[test]
fn privileged_helpers_exist() {
    let rule = "privileged-helper-missing";
    let app = demands("anchor apple");
    expect(
        &app,
        rule,
        &[(
            Error,
            "SMPrivilegedExecutables names com.example.helper, and there is no Contents/Library/LaunchServices/com.example.helper",
        )],
    );
    expect(&app.nested(PLACE, tool(LABEL)), rule, &[]);
}

#[test]
fn app_and_privileged_helper_accept_each_other() {
    let rule = "privileged-helper-requirement";
    let of_helper = requirement(LABEL, TEAM);
    let of_app = requirement("com.example.acme", TEAM);
    let right = helper(&info(&["identifier other", &of_app]), &job());
    let good = demands(&of_helper).nested(PLACE, right.clone());
    expect(&good, rule, &[]);
    expect(&good, "privileged-helper-sections", &[]);
    // Another team.
    let message = "com.example.helper does not satisfy the requirement in SMPrivilegedExecutables";
    let other = demands(&requirement(LABEL, "OTHERTEAM1")).nested(PLACE, right.clone());
    expect(&other, rule, &[(Error, message)]);
    let advice = other.advice();
    let [found] = of(&advice, rule)[..] else {
        panic!("{advice:#?}");
    };
    assert_eq!(found.path, "Contents/Info.plist");
    // The other direction.
    for (clients, reason) in [
        (
            &["identifier other"][..],
            "no requirement in SMAuthorizedClients allows this app",
        ),
        (&[], "no requirement in SMAuthorizedClients allows this app"),
    ] {
        let code = demands(&of_helper).nested(PLACE, helper(&info(clients), &job()));
        expect(&code, rule, &[(Error, reason)]);
    }
    let mut without = info(&[]);
    without.remove("SMAuthorizedClients");
    let code = demands(&of_helper).nested(PLACE, helper(&without, &job()));
    expect(
        &code,
        rule,
        &[(Error, "its Info.plist has no SMAuthorizedClients")],
    );
    // What nobody can read.
    let broken = demands("identifier and").nested(PLACE, right);
    let advice = broken.advice();
    let [found] = of(&advice, rule)[..] else {
        panic!("{advice:#?}");
    };
    assert!(
        found.message.starts_with(
            "the requirement for com.example.helper in SMPrivilegedExecutables cannot be used: "
        ),
        "{}",
        found.message
    );
    let code = demands(&of_helper).nested(PLACE, helper(&info(&["identifier and"]), &job()));
    let advice = code.advice();
    assert!(of(&advice, rule)[0].message.contains("one cannot be used"));
    // What depends on a ticket that is not at hand.
    let code = demands("notarized").nested(PLACE, helper(&info(&[&of_app]), &job()));
    expect(&code, rule, &[]);
    let unknown = code.advice().unknown;
    let unknown: Vec<_> = unknown.iter().filter(|unknown| unknown.rule == rule).collect();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
}

#[test]
fn privileged_helpers_carry_their_lists() {
    let rule = "privileged-helper-sections";
    let of_app = requirement("com.example.acme", TEAM);
    let with = |code: Code| demands(&requirement(LABEL, TEAM)).nested(PLACE, code);
    expect(
        &with(tool(LABEL)),
        rule,
        &[
            (Error, "it has no section __TEXT,__info_plist"),
            (Error, "it has no section __TEXT,__launchd_plist"),
        ],
    );
    let mut labelled = job();
    labelled.insert("Label".into(), "com.example.other".into());
    expect(
        &with(helper(&info(&[&of_app]), &labelled)),
        rule,
        &[(
            Error,
            "the Label of its launchd property list is com.example.other, its name is com.example.helper",
        )],
    );
    let mut started = job();
    started.insert("Program".into(), "/usr/local/bin/helper".into());
    expect(
        &with(helper(&info(&[&of_app]), &started)),
        rule,
        &[(
            Warning,
            "its launchd property list has Program, which SMJobBless sets",
        )],
    );
    let mut named = info(&[&of_app]);
    named.insert("CFBundleIdentifier".into(), "com.example.tool".into());
    expect(
        &with(helper(&named, &job())),
        rule,
        &[(
            Warning,
            "CFBundleIdentifier in its Info.plist is com.example.tool, its name is com.example.helper",
        )],
    );
    let padded = helper(&info(&[&of_app]), &job()).macho(|thin| {
        thin.launchd_plist.as_mut().unwrap().extend([0; 7]);
    });
    expect(&with(padded), rule, &[]);
    let malformed = helper(&info(&[&of_app]), &job()).macho(|thin| {
        thin.launchd_plist = Some(b"no list".to_vec());
    });
    expect(
        &with(malformed),
        rule,
        &[(
            Error,
            "its section __TEXT,__launchd_plist holds no property list with a dictionary",
        )],
    );
    // A file of another kind there is no helper that the app names.
    let stranger = acme().nested(
        "Library/LaunchServices/com.example.other",
        tool("com.example.other"),
    );
    expect(&stranger, rule, &[]);
}

/// An app with a list for launchd, and a program that it may start.
fn with_job(folder: &str, list: &Entries) -> Code {
    acme()
        .nested("Helpers/agent", tool("com.example.acme.agent"))
        .file(
            &format!("Library/{folder}/com.example.acme.agent.plist"),
            &xml(list),
        )
}

fn agent() -> Entries {
    entries! {
        "Label" => "com.example.acme.agent",
        "BundleProgram" => "Contents/Helpers/agent",
        "AssociatedBundleIdentifiers" => ["com.example.acme"],
        "MachServices" => entries! { "com.example.acme.agent" => true },
        "LimitLoadToSessionType" => ["Aqua", "Background"],
    }
}

/// The same with one value replaced, or removed.
fn changed(key: &str, value: Option<crate::support::plist::Plist>) -> Entries {
    let mut list = agent();
    list.remove(key);
    list.extend(value.map(|value| (key.to_owned(), value)));
    list
}

#[test]
fn agents_and_daemons_can_be_registered() {
    let rule = "launchd-list";
    for folder in ["LaunchAgents", "LaunchDaemons"] {
        expect(&with_job(folder, &agent()), rule, &[]);
        for (list, expected) in [
            (changed("Label", None), (Error, "it has no Label")),
            (
                changed("BundleProgram", None),
                (Error, "it names no program: it has no BundleProgram"),
            ),
            (
                changed("BundleProgram", Some("Contents/MacOS/agent".into())),
                (
                    Error,
                    "BundleProgram is Contents/MacOS/agent, and there is no such file in the app",
                ),
            ),
            (
                changed("BundleProgram", Some("Contents/Helpers".into())),
                (Error, "BundleProgram is Contents/Helpers, which is a folder"),
            ),
            (
                changed("BundleProgram", Some(["x"].into())),
                (Error, "BundleProgram is of type array"),
            ),
            (
                changed("AssociatedBundleIdentifiers", Some(true.into())),
                (
                    Warning,
                    "AssociatedBundleIdentifiers is neither a text nor a list of texts",
                ),
            ),
            (
                changed("MachServices", Some(["x"].into())),
                (
                    Warning,
                    "MachServices is of type array, where a dictionary belongs",
                ),
            ),
        ] {
            expect(&with_job(folder, &list), rule, &[expected]);
        }
    }
    // A program outside of the app, a script, a leading slash.
    let mut outside = changed("BundleProgram", None);
    outside.insert("ProgramArguments".into(), ["/usr/bin/true"].into());
    expect(&with_job("LaunchAgents", &outside), rule, &[]);
    let script = changed("BundleProgram", Some("/Contents/Resources/run.sh".into()));
    let code = with_job("LaunchAgents", &script).file("Resources/run.sh", b"#!/bin/sh\n");
    expect(&code, rule, &[]);
    let broken = acme().file("Library/LaunchAgents/a.plist", b"no list");
    expect(
        &broken,
        rule,
        &[(Error, "it is no property list with a dictionary")],
    );
    // Elsewhere lists mean nothing.
    expect(&acme().file("Resources/LaunchAgents/a.plist", b"x"), rule, &[]);
}

#[test]
fn settings_that_launchd_passes_over() {
    let rule = "launchd-list-key";
    expect(&with_job("LaunchAgents", &agent()), rule, &[]);
    let list = changed("LimitLoadToSessionType", Some("aqua".into()));
    expect(
        &with_job("LaunchAgents", &list),
        rule,
        &[(
            Warning,
            "LimitLoadToSessionType is aqua, which is none of Aqua, Background, LoginWindow, StandardIO, System",
        )],
    );
    let variables = entries! { "DYLD_LIBRARY_PATH" => "/opt/lib", "PATH" => "/opt/bin" };
    let list = changed("EnvironmentVariables", Some(variables.into()));
    expect(
        &with_job("LaunchAgents", &list),
        rule,
        &[(
            Warning,
            "it sets DYLD_LIBRARY_PATH, which the hardened runtime takes away",
        )],
    );
    let allowed = tool("com.example.acme.agent").entitlements(entries! {
        "com.apple.security.cs.allow-dyld-environment-variables" => true,
    });
    for program in [allowed, tool("com.example.acme.agent").with_flags(0)] {
        let code = acme()
            .nested("Helpers/agent", program)
            .file("Library/LaunchAgents/a.plist", &xml(&list));
        expect(&code, rule, &[]);
    }
}

#[test]
fn daemons_are_not_sandboxed() {
    let rule = "sandboxed-daemon";
    let sandboxed =
        || tool("com.example.acme.agent").entitlements(entries! { "com.apple.security.app-sandbox" => true });
    let code = |folder: &str, program: Code| {
        acme()
            .nested("Helpers/agent", program)
            .file(&format!("Library/{folder}/a.plist"), &xml(&agent()))
    };
    expect(
        &code("LaunchDaemons", sandboxed()),
        rule,
        &[(
            Warning,
            "Contents/Library/LaunchDaemons/a.plist starts it as a daemon, and it claims com.apple.security.app-sandbox",
        )],
    );
    expect(&code("LaunchAgents", sandboxed()), rule, &[]);
    expect(&code("LaunchDaemons", tool("com.example.acme.agent")), rule, &[]);
}
