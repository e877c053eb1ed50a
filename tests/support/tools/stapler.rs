//! `xcrun notarytool submit` and `xcrun stapler staple`: a ticket for all code of the item, from the test's notary.

use std::fs;
use std::path::Path;

use super::codesign::cdhashes;
use super::{Refusal, Shell};
use crate::support::ticket::{TicketMaker, notary};

pub fn run(shell: &Shell, arguments: &[&str]) -> Result<(), Refusal> {
    match arguments {
        [
            "notarytool",
            "submit",
            file,
            "--keychain-profile",
            "NAME",
            "--wait",
        ] => shell.read(file).map(drop),
        ["stapler", "staple", path] => {
            let item = shell.at(path);
            let mut all = Vec::new();
            code(&item, &mut all);
            let support = item.join("Contents");
            if !support.is_dir() {
                return Err("this cannot be stapled".into());
            }
            shell.write(
                &support.join("CodeResources"),
                &TicketMaker::new(&notary(), &all).build(),
            )
        }
        _ => Err("no such tool".into()),
    }
}

/// The cdhashes of all code in a folder.
fn code(path: &Path, all: &mut Vec<Vec<u8>>) {
    if path.is_symlink() {
        return;
    }
    if path.is_dir() {
        let mut inner: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        inner.sort();
        inner.iter().for_each(|path| code(path, all));
    } else if let Ok(found) = cdhashes(path) {
        all.extend(found);
    }
}
