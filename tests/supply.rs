//! The locked crates keep to `deny.toml`: nothing banned, one registry, known licences.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{notice, project};

/// The values of `key = "…"` in a text.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let mark = format!("{key} = \"");
    text.split(mark.as_str())
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn nothing_banned_and_one_registry() {
    let policy = fs::read_to_string(project().join("deny.toml")).unwrap();
    let banned = values(&policy, "crate");
    assert!(banned.contains(&"ring") && banned.len() > 5, "{banned:?}");
    let lock = fs::read_to_string(project().join("Cargo.lock")).unwrap();
    let names = values(&lock, "name");
    assert!(names.contains(&"goblin") && names.contains(&"criterion"));
    for name in &banned {
        assert!(!names.contains(name), "{name} is banned");
    }
    let sources = values(&lock, "source");
    assert!(sources.len() > 100);
    assert!(
        sources.iter().all(|source| *source == sources[0]),
        "several sources"
    );
}

/// Whether an SPDX expression can be fulfilled with the allowed licences. All that crates have is `AND` of `OR`, or `OR`.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|licence| allowed.contains(&licence.trim()))
    })
}

#[test]
fn known_licences() {
    let policy = fs::read_to_string(project().join("deny.toml")).unwrap();
    let list = policy
        .split("allow = [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    let allowed: Vec<_> = list.split('"').skip(1).step_by(2).collect();
    assert!(is_allowed("MIT/Apache-2.0", &allowed) && !is_allowed("GPL-3.0", &allowed));
    assert!(!is_allowed("MIT AND GPL-3.0", &allowed));
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(project())
        .output()
        .unwrap();
    if !output.status.success() {
        notice("not all crates are at hand, licences not tested");
        return;
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence, &allowed), "{}: {licence}", package["name"]);
    }
}
