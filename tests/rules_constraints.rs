//! Rules about launch environment and library constraints.

use sealcheck::finding::Severity::{self, Error, Warning};

use crate::rules_services::expect;
use crate::support::foundry::{By, Code, TEAM, app, library, tool};
use crate::support::plist::{Entries, Plist, der, entries, xml};
use crate::support::signature::blob;

const SELF: u32 = 8;
const PARENT: u32 = 9;
const RESPONSIBLE: u32 = 10;
const LIBRARY: u32 = 11;

/// A constraint as codesign writes it.
fn envelope(facts: Entries) -> Entries {
    entries! { "ccat" => 0, "comp" => 1, "reqs" => facts, "vers" => 1 }
}

fn sealed(envelope: &Entries) -> Vec<u8> {
    blob(0xfade_8181, &der(envelope))
}

/// An app with a constraint in this slot.
fn constrained(slot: u32, facts: Entries) -> Code {
    app("com.example.acme").special(slot, sealed(&envelope(facts)))
}

fn query(operations: Vec<Plist>) -> Entries {
    entries! { "entitlements" => entries! { "$query" => operations } }
}

/// One operation of a query.
fn operation(code: i64, operand: impl Into<Plist>) -> Plist {
    Plist::List(vec![Plist::Integer(code), operand.into()])
}

#[test]
fn constraints_that_nobody_can_read() {
    let rule = "constraint-malformed";
    let good = entries! {
        "team-identifier" => TEAM,
        "$or" => entries! { "signing-identifier" => "com.example.acme", "validation-category" => entries! { "$in" => [1, 6] } },
        "$and-array" => vec![Plist::List(vec!["$or".into(), entries! { "team-identifier" => TEAM }.into()])],
        "launch-type" => entries! { "$gte" => 0, "$optional" => entries! { "$lt" => 9 } },
        // One that Apple may have added.
        "is-of-tomorrow" => 3,
    };
    expect(&constrained(SELF, good), rule, &[]);
    for (facts, reason) in [
        (Entries::new(), "the constraint is empty"),
        (entries! { "$or" => Entries::new() }, "$or is empty"),
        (
            entries! { "$nor" => entries! { "team-identifier" => TEAM } },
            "$nor is no operator that may stand in the constraint",
        ),
        (
            entries! { "team-identifier" => 1 },
            "team-identifier is of type integer, where a string belongs",
        ),
        (
            entries! { "cdhash" => "00" },
            "cdhash is of type string, where data belongs",
        ),
        (
            entries! { "team-identifier" => entries! { "$in" => [1] } },
            "team-identifier is of type integer, where a string belongs",
        ),
        (
            entries! { "team-identifier" => entries! { "$in" => Vec::<Plist>::new() } },
            "$in is of type array, where an array with values belongs",
        ),
        (
            entries! { "team-identifier" => entries! { "$lt" => 1 } },
            "$lt is of type integer, where an integer, of a fact that is one, belongs",
        ),
        (
            entries! { "team-identifier" => entries! { "$query" => [1] } },
            "$query is no operator that may stand in team-identifier",
        ),
        (
            entries! { "$or-array" => vec![Plist::from("$or")] },
            "$or-array is of type string, where an array of $and, $or or $optional and a dictionary belongs",
        ),
        (
            query(vec![operation(12, "x")]),
            "$query: operation 0 has the unknown code 12",
        ),
        (
            query(vec![operation(1, "x"), operation(5, 1)]),
            "$query: operation 1 has an operand of the wrong type",
        ),
    ] {
        let message = format!("self constraint: {reason}");
        expect(&constrained(SELF, facts), rule, &[(Error, &message)]);
    }
    let with = |bytes: Vec<u8>| app("com.example.acme").special(LIBRARY, bytes);
    let mut other = envelope(entries! { "team-identifier" => TEAM });
    other.insert("name".into(), "x".into());
    expect(
        &with(sealed(&other)),
        rule,
        &[(Error, "library constraint: it has the unknown key name")],
    );
    other.remove("name");
    other.remove("reqs");
    expect(
        &with(sealed(&other)),
        rule,
        &[(
            Error,
            "library constraint: reqs is missing, or is not of the right type",
        )],
    );
    expect(
        &with(blob(0xfade_8181, b"no DER")),
        rule,
        &[(Error, "library constraint: its DER cannot be decoded")],
    );
    let mut deep = entries! { "team-identifier" => TEAM };
    for _ in 0..40 {
        deep = entries! { "$and" => deep };
    }
    assert_eq!(constrained(SELF, deep).advice().findings[0].rule, rule);
}

#[test]
fn programs_satisfy_their_own_constraint() {
    let rule = "self-constraint-unsatisfied";
    let unmet = [(
        Error,
        "the program does not satisfy its own self constraint, so it is not started",
    )];
    let camera = || {
        vec![
            operation(1, "com.apple.security.device.camera"),
            operation(5, true),
        ]
    };
    for (facts, expected) in [
        (entries! { "team-identifier" => TEAM }, &[][..]),
        (entries! { "team-identifier" => "OTHERTEAM1" }, &unmet),
        (entries! { "signing-identifier" => "com.example.acme" }, &[]),
        (entries! { "signing-identifier" => "com.example" }, &unmet),
        (entries! { "validation-category" => 6 }, &[]),
        (entries! { "validation-category" => 3 }, &unmet),
        (
            entries! { "validation-category" => entries! { "$in" => [3, 6] } },
            &[],
        ),
        (
            entries! { "validation-category" => entries! { "$gt" => 5, "$lte" => 6 } },
            &[],
        ),
        (
            entries! { "validation-category" => entries! { "$gt" => 6 } },
            &unmet,
        ),
        (
            entries! { "$or" => entries! { "team-identifier" => "OTHERTEAM1", "validation-category" => 6 } },
            &[],
        ),
        (
            entries! { "$and" => entries! { "team-identifier" => "OTHERTEAM1", "validation-category" => 6 } },
            &unmet,
        ),
        (
            entries! { "$or-array" => vec![
                Plist::List(vec!["$and".into(), entries! { "team-identifier" => "OTHERTEAM1" }.into()]),
                Plist::List(vec!["$and".into(), entries! { "team-identifier" => TEAM }.into()]),
            ] },
            &[],
        ),
        (entries! { "on-system-volume" => true }, &unmet),
        // How it is launched only the Mac knows, but the rest decides.
        (entries! { "launch-type" => 1 }, &[]),
        (
            entries! { "launch-type" => 1, "team-identifier" => "OTHERTEAM1" },
            &unmet,
        ),
        (query(camera()), &[]),
        (
            query(vec![
                operation(1, "com.apple.security.device.camera"),
                operation(5, false),
            ]),
            &unmet,
        ),
        (
            query(vec![operation(1, "com.apple.security.device.microphone")]),
            &unmet,
        ),
        (
            query(vec![operation(9, "com.apple.security.device."), operation(11, 5)]),
            &[],
        ),
    ] {
        let code = constrained(SELF, facts.clone())
            .entitlements(entries! { "com.apple.security.device.camera" => true });
        let advice = code.advice();
        let said: Vec<(Severity, &str)> = advice
            .findings
            .iter()
            .filter(|finding| finding.rule == rule)
            .map(|finding| (finding.severity, finding.message.as_str()))
            .collect();
        assert_eq!(said, expected, "{facts:?}");
        let is_unknown = advice.unknown.iter().any(|unknown| unknown.rule == rule);
        let is_open = facts.contains_key("launch-type") && expected.is_empty();
        assert_eq!(is_unknown, is_open, "{facts:?}");
    }
    // Code without a team has no such fact, which an optional one may do without.
    let facts = || entries! { "team-identifier" => TEAM };
    let adhoc = |facts| constrained(SELF, facts).by(By::Adhoc);
    expect(&adhoc(facts()), rule, &unmet);
    expect(&adhoc(entries! { "$optional" => facts() }), rule, &[]);
    expect(
        &adhoc(entries! { "$or" => entries! { "$optional" => facts() } }),
        rule,
        &unmet,
    );
}

#[test]
fn some_program_may_be_the_parent() {
    let rule = "parent-or-responsible-impossible";
    // A tool in the app that only the app may start.
    let with = |slot, facts| {
        let tool = tool("com.example.acme.tool").special(slot, sealed(&envelope(facts)));
        app("com.example.acme").nested("Helpers/tool", tool)
    };
    for (slot, name) in [(PARENT, "parent"), (RESPONSIBLE, "responsible")] {
        let message = format!("no program of the item satisfies its {name} constraint");
        let expected = [(Warning, message.as_str())];
        for facts in [
            entries! { "signing-identifier" => "com.example.other", "team-identifier" => TEAM },
            entries! { "team-identifier" => "OTHERTEAM1" },
        ] {
            expect(&with(slot, facts), rule, &expected);
        }
        for facts in [
            entries! { "signing-identifier" => "com.example.acme", "team-identifier" => TEAM },
            entries! { "is-init-proc" => true },
            entries! { "$or" => entries! { "team-identifier" => "OTHERTEAM1", "validation-category" => 1 } },
            entries! { "signing-identifier" => "com.apple.Terminal", "validation-category" => 1 },
        ] {
            expect(&with(slot, facts), rule, &[]);
        }
    }
    // Who starts a tool that stands alone is not known.
    let alone = tool("tool").special(
        PARENT,
        sealed(&envelope(entries! { "team-identifier" => "OTHERTEAM1" })),
    );
    expect(&alone, rule, &[]);
}

#[test]
fn cdhashes_are_those_of_this_build() {
    let rule = "constraint-by-cdhash";
    let helper = || tool("com.example.acme.tool");
    let folder = tempfile::tempdir().unwrap();
    let cdhashes = helper().write(&folder.path().join("tool"));
    let with = |hashes: Vec<Plist>| {
        let facts = entries! {
            "signing-identifier" => "com.example.acme.tool",
            "cdhash" => entries! { "$in" => hashes },
        };
        constrained(PARENT, facts).nested("Helpers/tool", helper())
    };
    let right: Vec<Plist> = cdhashes.into_iter().map(Plist::Data).collect();
    expect(&with(right.clone()), rule, &[]);
    // One of two architectures.
    expect(&with(right[..1].to_vec()), rule, &[]);
    let old = with(vec![Plist::Data(vec![7; 20])]);
    let message = "its parent constraint names a cdhash that Contents/Helpers/tool does not have";
    expect(&old, rule, &[(Error, message)]);
    // Told once.
    expect(&old, "parent-or-responsible-impossible", &[]);
}

#[test]
fn libraries_of_the_product_may_be_loaded() {
    let rule = "library-constraint-excludes-own-libraries";
    let with = |facts: Entries| {
        constrained(LIBRARY, facts)
            .links(&["@rpath/kit.dylib"])
            .run_paths(&["@executable_path/../Frameworks"])
            .nested("Frameworks/kit.dylib", library("com.example.kit"))
    };
    let message = "its library constraint keeps out Contents/Frameworks/kit.dylib";
    for (facts, expected) in [
        (entries! { "team-identifier" => TEAM }, &[][..]),
        (entries! { "signing-identifier" => "com.example.kit" }, &[]),
        (
            entries! { "signing-identifier" => "com.example.acme" },
            &[(Error, message)],
        ),
        (
            entries! { "team-identifier" => "OTHERTEAM1" },
            &[(Error, message)],
        ),
    ] {
        expect(&with(facts), rule, expected);
    }
    // A library that it does not link.
    let other = constrained(LIBRARY, entries! { "signing-identifier" => "com.example.acme" })
        .nested("Frameworks/kit.dylib", library("com.example.kit"));
    expect(&other, rule, &[]);
}

#[test]
fn validation_categories_fit() {
    let rule = "validation-category-inappropriate";
    let generated =
        "its parent constraint asks for validation category 7, which only code has that the system makes";
    let development = "its parent constraint asks for code signed for development (validation category 3), and this is a Developer ID build";
    let one_of = |numbers: &[i64]| {
        entries! { "validation-category" => entries! { "$in" => numbers.to_vec() } }
    };
    for (facts, expected) in [
        (one_of(&[6, 7]), &[(Warning, generated)][..]),
        (one_of(&[3]), &[(Warning, development)]),
        (one_of(&[3, 6]), &[]),
        (one_of(&[1, 2, 4, 6, 10]), &[]),
    ] {
        expect(&constrained(PARENT, facts), rule, expected);
    }
    let development = constrained(PARENT, one_of(&[3])).by(By::Development);
    expect(&development, rule, &[]);
}

#[test]
fn launchd_may_start_the_program() {
    let rule = "spawn-constraint";
    let with = |constraint: Plist| {
        let list = entries! {
            "Label" => "com.example.acme.agent",
            "BundleProgram" => "Contents/Helpers/agent",
            "SpawnConstraint" => constraint,
        };
        app("com.example.acme")
            .nested("Helpers/agent", tool("com.example.acme.agent"))
            .file("Library/LaunchAgents/com.example.acme.agent.plist", &xml(&list))
    };
    let unmet = "Contents/Helpers/agent does not satisfy the SpawnConstraint, so launchd does not start it";
    for (facts, expected) in [
        (
            entries! { "team-identifier" => TEAM, "signing-identifier" => "com.example.acme.agent" },
            &[][..],
        ),
        (
            entries! { "signing-identifier" => "com.example.acme" },
            &[(Error, unmet)],
        ),
        (
            entries! { "team-identifier" => 1 },
            &[(
                Error,
                "SpawnConstraint cannot be used: team-identifier is of type integer, where a string belongs",
            )],
        ),
    ] {
        expect(&with(facts.into()), rule, expected);
    }
    expect(
        &with("x".into()),
        rule,
        &[(
            Error,
            "SpawnConstraint is of type string, where a dictionary belongs",
        )],
    );
    let open = with(entries! { "is-sip-protected" => false }.into());
    expect(&open, rule, &[]);
    let unknown = open.advice().unknown;
    assert!(unknown.iter().any(|unknown| unknown.rule == rule), "{unknown:?}");
}
