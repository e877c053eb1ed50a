//! JSON output against its published schema.

use serde_json::Value;

use crate::command_line::sealcheck;
use crate::support::bundle::acme;
use crate::support::{flip, project, real_app};

/// The published schema allows more fields, as the contract does; here each field must be described.
pub fn close(schema: &mut Value) {
    if let Value::Object(map) = schema {
        let is_object = map.get("properties").is_some();
        if is_object && !map.contains_key("additionalProperties") {
            map.insert("additionalProperties".into(), false.into());
        }
        map.values_mut().for_each(close);
    }
    if let Value::Array(items) = schema {
        items.iter_mut().for_each(close);
    }
}

#[test]
fn reports_keep_to_the_published_schema() {
    let text = std::fs::read(project().join("docs/report.schema.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&text).unwrap();
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broken = acme(folder.path());
    flip(&broken.join("Contents/Resources/config.json"), 0);
    flip(&broken.join("Contents/MacOS/Acme"), 0x5010);
    let readme = project().join("README.md");
    let arguments = [
        "--timings".as_ref(),
        "--format".as_ref(),
        "json".as_ref(),
        real_app().into_os_string().as_os_str(),
        broken.as_os_str(),
        readme.as_os_str(),
    ]
    .map(std::ffi::OsStr::to_owned);
    let output = sealcheck(&arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(report["items"].as_array().unwrap().len(), 3);
    // It is written piece by piece, and looks as if it were not.
    let whole = format!("{}\n", serde_json::to_string_pretty(&report).unwrap());
    assert_eq!(String::from_utf8_lossy(&output.stdout), whole);
    let nothing = sealcheck(&["--format", "json", "/does/not/exist"]);
    let empty: Value = serde_json::from_slice(&nothing.stdout).unwrap();
    assert!(validator.is_valid(&empty), "{empty}");
    assert_eq!(empty["unreadable"][0]["path"], "/does/not/exist");
    assert_eq!(empty["summary"]["exit_status"], 4);
    assert!(nothing.stdout.starts_with(b"{\n  \"schema_version\": 1,\n"));
    assert!(!report["items"][1]["findings"].as_array().unwrap().is_empty());
    let wrong = serde_json::json!({"schema_version": 2});
    assert!(!validator.is_valid(&wrong));
}
