//! `inspect --format json` and `--format santa`, against what `inspect` shows people and what is in the files.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::endings::Items;
use crate::formats::{list, parsed};
use crate::schema::close;
use crate::support::bundle::{acme, hex};
use crate::support::program::program;
use crate::support::zip::{members, zip};
use crate::support::{flip, project, real_app};

fn run(arguments: &[&str], path: &Path) -> (String, String, i32) {
    let mut command: Command = program();
    let output = command.arg("inspect").args(arguments).arg(path).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code().unwrap(),
    )
}

fn json(path: &Path) -> (Value, i32) {
    let (text, _, status) = run(&["--format", "json"], path);
    // It is written piece by piece, and looks as if it were not.
    let document = parsed(&text);
    assert_eq!(
        text,
        format!("{}\n", serde_json::to_string_pretty(&document).unwrap())
    );
    (document, status)
}

fn sha256(path: &Path) -> String {
    hex(&Sha256::digest(fs::read(path).unwrap()))
}

/// The schema of reports describes this output, too, with every field of it.
#[test]
fn json_keeps_to_the_published_schema() {
    let text = fs::read(project().join("docs/report.schema.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&text).unwrap();
    close(&mut schema);
    let schema = serde_json::json!({"$ref": "#/$defs/inspection", "$defs": schema["$defs"]});
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broken = acme(folder.path());
    flip(&broken.join("Contents/Resources/config.json"), 0);
    for (path, expected) in [
        (real_app(), 0),
        (broken, 0),
        (project().join("README.md"), 1),
        (folder.path().join("missing"), 4),
    ] {
        let (document, status) = json(&path);
        let errors: Vec<_> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{path:?}");
        assert_eq!(status, expected, "{path:?}");
        let unreadable = list(&document, "/unreadable").len();
        assert_eq!(unreadable == 1, expected == 4, "{document:#}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"schema_version": 1})));
}

/// JSON says what the lines of `codesign -d` say, and has the digest of every executable file.
#[test]
fn json_says_what_people_are_shown() {
    let (document, _) = json(&real_app());
    let (text, _, _) = run(&[], &real_app());
    let value = |key: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key}=")));
        line.unwrap_or_else(|| panic!("no {key}: {text}"))
    };
    let item = &document["items"][0];
    let code = &item["code"][0];
    let slice = &code["slices"][0];
    assert_eq!(code["identifier"], value("Identifier"));
    assert_eq!(code["team_id"], value("TeamIdentifier"));
    assert_eq!(slice["cdhash"], value("CDHash"));
    assert_eq!(slice["authorities"][0], value("Authority"));
    assert!(text.contains(slice["requirements"].as_str().unwrap()), "{text}");
    let slots = list(slice, "/slots");
    assert!(
        !slots.is_empty() && slots.iter().any(|slot| slot["bound"] == true),
        "{slots:#?}"
    );
    assert_eq!(item["codesign"]["valid"], true);
    for code in list(item, "/code") {
        let file = real_app().join(code["executable"].as_str().unwrap());
        assert_eq!(code["executable_sha256"], sha256(&file));
    }
    // Reports about verdicts do not hash files for this.
    let output = program()
        .args(["--format", "json"])
        .arg(real_app())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let code = &report["items"][0]["code"][0];
    assert!(code.get("executable_sha256").is_none() && code["slices"][0].get("slots").is_none());
    // One architecture is one slice.
    let (text, _, _) = run(&["--format", "json", "--arch", "x86_64"], &real_app());
    let slices = parsed(&text)["items"][0]["code"][0]["slices"].clone();
    assert_eq!(
        (slices.as_array().unwrap().len(), &slices[0]["arch"]),
        (1, &"x86_64".into())
    );
}

/// Santa matches programs by these names ("Rules" in its documentation): the SHA-256 digest of the file, `TEAM:identifier`, the
/// cdhash of the slice that runs.
#[test]
fn santa_gets_every_program() {
    let (text, error, status) = run(&["--format", "santa"], &real_app());
    assert_eq!(status, 0, "{error}");
    let programs = parsed(&text);
    let programs = programs.as_array().unwrap();
    let (document, _) = json(&real_app());
    let all = list(&document, "/items/0/code");
    assert_eq!(programs.len(), all.len());
    for (program, code) in programs.iter().zip(all) {
        let path = program["Path"].as_str().unwrap();
        assert!(
            path.ends_with(code["executable"].as_str().unwrap()),
            "{program:#}"
        );
        assert_eq!(program["SHA-256"], sha256(Path::new(path)));
        let team = code["team_id"].as_str().unwrap();
        assert_eq!(program["Team ID"], team);
        assert_eq!(
            program["Signing ID"],
            format!("{team}:{}", code["identifier"].as_str().unwrap())
        );
        assert_eq!(program["CDHash"], code["slices"][0]["cdhash"]);
        for slice in list(code, "/slices") {
            let arch = slice["arch"].as_str().unwrap();
            assert_eq!(program["CDHashes"][arch], slice["cdhash"]);
        }
    }
    // In an archive, the same.
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("Acme.zip");
    fs::write(&archive, zip(&members(&real_app()))).unwrap();
    let (text, error, status) = run(&["--format", "santa"], &archive);
    assert_eq!(status, 0, "{error}");
    let packed = parsed(&text);
    assert_eq!(packed.as_array().unwrap().len(), programs.len());
    for (packed, program) in packed.as_array().unwrap().iter().zip(programs) {
        assert!(packed["Path"].as_str().unwrap().contains("Acme.zip/"));
        assert_eq!(
            (&packed["SHA-256"], &packed["CDHash"]),
            (&program["SHA-256"], &program["CDHash"])
        );
    }
}

/// A list of programs to be allowed is not good where code does not verify or is not judged. Who signs ad hoc has no team, and a
/// team that no certificate vouches for is none.
#[test]
fn santa_gets_nothing_unchecked() {
    let items = Items::new();
    let santa = |name: &str| {
        let (status, out, error) = items.bash(&format!("$S inspect --format santa {name}"));
        (status, parsed(&out), error)
    };
    let (status, good, _) = santa("good");
    assert_eq!(status, 0);
    assert_eq!(
        (&good[0]["Team ID"], &good[0]["Signing ID"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        good[0]["CDHash"].is_string() && good[0]["SHA-256"].is_string(),
        "{good:#}"
    );
    let (status, broken, error) = santa("broken");
    assert_eq!(status, 1);
    assert!(
        error.contains("broken: warning: the code does not verify"),
        "{error}"
    );
    assert_eq!(broken.as_array().unwrap().len(), 1);
    let (status, unsigned, _) = santa("unsigned");
    assert_eq!((status, &unsigned[0]["CDHash"]), (1, &Value::Null));
    assert_eq!(unsigned[0]["SHA-256"], sha256(&items.path("unsigned")));
    let (status, none, error) = santa("missing");
    assert_eq!((status, none), (4, Value::Array(Vec::new())), "{error}");
    assert_eq!(items.bash("$S inspect --format santa broken missing good").0, 1);
    assert_eq!(items.bash("$S inspect --format santa missing good").0, 4);
    assert_eq!(items.bash("$S inspect --format json --style codesign good").0, 2);
}
