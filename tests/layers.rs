//! Modules use only modules that stand left of them in the list of the crate's documentation.

mod files;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::project;

/// The layers in the crate's own documentation.
fn layers() -> Vec<String> {
    let text = fs::read_to_string(project().join("src/lib.rs")).unwrap();
    let list: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .skip_while(|line| !line.contains("`octets`"))
        .take_while(|line| !line.trim().is_empty())
        .collect();
    let layers: Vec<String> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(layers.len() > 12, "{layers:?}");
    layers
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// The modules named after `crate::` in one file, in `use` lists and in paths.
fn uses(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let name: String = rest
            .chars()
            .take_while(|character| character.is_alphanumeric() || *character == '_')
            .collect();
        assert!(
            !name.is_empty(),
            "lists after crate:: hide their modules from this test: {rest:.40}"
        );
        found.push(name);
    }
    found
}

#[test]
fn no_module_uses_one_to_its_right() {
    let layers = layers();
    let rank = |name: &str| layers.iter().position(|layer| layer == name);
    let source = project().join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let mut seen = 0;
    for file in files {
        let relative = file.strip_prefix(&source).unwrap();
        let first = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        let module = first.trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let own = rank(module).unwrap_or_else(|| panic!("{module} is not in the list of layers"));
        for used in uses(&fs::read_to_string(&file).unwrap()) {
            let other = rank(&used).unwrap_or_else(|| panic!("{used} is not in the list of layers"));
            assert!(
                other <= own,
                "{} uses {used}, which stands to its right",
                relative.display()
            );
            seen += 1;
        }
    }
    assert!(
        seen > 50,
        "only {seen} uses seen: the test looks at the wrong place"
    );
}

#[test]
fn the_test_itself_notices_a_wrong_import() {
    assert_eq!(
        uses("use crate::cli::run;\n// crate::report\nlet x = crate::rule::all();"),
        ["cli", "rule"]
    );
}

/// The library opens paths in one module only: trees give everything else its bytes.
#[test]
fn only_the_disk_and_the_program_open_paths() {
    let mut files = Vec::new();
    sources(&project().join("src"), &mut files);
    let (mut own, mut others) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let opens = |line: &str| {
            [
                "std::fs",
                "fs::",
                "File::open",
                ".canonicalize(",
                ".read_dir(",
                ".exists(",
            ]
            .iter()
            .any(|call| line.contains(call))
        };
        if !lines.any(opens) {
            continue;
        }
        match file.strip_prefix(project().join("src")).unwrap() {
            place if place.starts_with("source/disk") => own += 1,
            place if place.starts_with("cli") || place == Path::new("main.rs") => {}
            place => others.push(place.to_owned()),
        }
    }
    assert_eq!(others, Vec::<PathBuf>::new());
    assert!(own > 3, "the test looks for the wrong words");
}

#[test]
fn unsafe_code_is_in_named_files_only() {
    let mut files = Vec::new();
    sources(&project().join("src"), &mut files);
    let mut allowed: Vec<_> = files
        .iter()
        .filter(|file| fs::read_to_string(file).unwrap().contains("allow(unsafe_code)"))
        .map(|file| file.strip_prefix(project()).unwrap().to_str().unwrap().to_owned())
        .collect();
    allowed.sort();
    assert_eq!(
        allowed,
        ["src/hash/x86.rs", "src/main.rs", "src/source/disk/mapping.rs"]
    );
}
