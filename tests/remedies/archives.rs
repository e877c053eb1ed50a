//! Remedies for what is in an archive: it is unpacked, repaired, and packed with a tool that keeps links and modes.

use std::fs;

use sealcheck::rule::Expectations;
use sealcheck::subject::Origin;

use super::Bench;
use crate::support::bundle::write;
use crate::support::examined::{advise, examine};
use crate::support::foundry::{app, framework, options};
use crate::support::tools::Shell;
use crate::support::zip::{members, zip};

/// No tool of Apple's signs in an archive: no command names a path into it.
#[test]
fn code_in_an_archive_is_unpacked_repaired_and_packed_with_its_links() {
    let inner = framework("com.example.inner");
    let bench = Bench::of(
        &app("com.example.acme")
            .file("Resources/a.txt", b"a")
            .nested("Frameworks/inner.framework", inner),
    );
    fs::write(bench.at("Contents/Resources/a.txt"), b"b").unwrap();
    let archive = bench.around().join("Acme Tools.zip");
    fs::write(&archive, zip(&members(&bench.path))).unwrap();
    fs::remove_dir_all(&bench.path).unwrap();
    let advice = || {
        let item = Origin::default()
            .items(&archive, &options().search())
            .unwrap()
            .paths()
            .remove(0);
        advise(
            &examine(&item, &options()).unwrap(),
            None,
            &Expectations::default(),
        )
    };
    let before = advice();
    let finding = before
        .findings
        .iter()
        .find(|finding| finding.rule == "sealed-resource-broken");
    // What somebody unpacked before is not mixed into it.
    write(&bench.around().join("unpacked/old.txt"), b"old");
    let shell = Shell::new(bench.around());
    for command in finding.unwrap().remedy.commands() {
        let line = command.to_string();
        assert!(!line.contains(".zip/"), "{line}");
        shell.run(&line).unwrap();
    }
    let all = fs::read(&archive).unwrap();
    assert!(!all.windows(7).any(|bytes| bytes == b"old.txt"));
    let errors = advice().findings;
    assert!(
        !errors
            .iter()
            .any(|finding| finding.severity == sealcheck::Severity::Error),
        "{errors:#?}"
    );
}
