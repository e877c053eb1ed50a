//! The words of a command line before the parser reads them: where no command is named, `check` is meant, and some habits from
//! Apple's tools are brought into the parser's form.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::arguments::Arguments;
use crate::entitlements::nearest_of;

/// Returns the command whose name is like a word that was taken for a path.
pub(super) fn nearest_command(word: &str) -> Option<String> {
    let command = Arguments::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    nearest_of(word, names).map(str::to_owned)
}

/// The program's own help: its commands, and the options of `check`, which is meant where no command is named.
///
/// The options are only in the long help (`--help`), since there are many.
pub(super) fn overview() -> clap::Command {
    let command = Arguments::command();
    let check: Vec<_> = command
        .find_subcommand("check")
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .filter(|argument| !argument.is_hide_set())
        .map(|argument| {
            argument
                .clone()
                .required(false)
                .hide_short_help(argument.get_id().as_str() != "paths")
        })
        .collect();
    command
        .subcommand_help_heading("Commands, each with --help (the options below are those of check)")
        .args(check)
}

/// Returns `--help` or `-h` if the words ask for help about the program as a whole; the long help if both occur.
pub(super) fn asks_for_overview(words: &[OsString]) -> Option<&'static str> {
    let options: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    if !options.iter().all(|word| word.starts_with('-')) {
        return None;
    }
    let has = |wanted: &str| options.iter().any(|word| word == wanted);
    ["--help", "-h"].into_iter().find(|word| has(word))
}

/// Brings the words of a command line into the form that the parser reads.
///
/// - Where no command is named, `check` is meant.
/// - Options before the command come behind it, since each command has its own. Options that take a value are known from the
///   parser's own description, so their values are not taken for operands.
/// - `-R=TEXT` keeps its equals sign, which says that it is text (`codesign -R`); the parser would take it for its own.
/// - `--verbose=4` is four times `-v`, as for codesign and spctl.
/// - Where no command is named, `--verify`, `--display` or `-d`, and `--assess` or `-a` name it, as they do for codesign and spctl.
/// - What codesign and spctl write after `-r` and `--entitlements` for standard output is left out, since there is no other place here, and
///   so are options of theirs that change nothing here.
pub(super) fn in_order(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.map(with_equals_sign).collect();
    let operands = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let operands = words.split_off(operands);
    words = without_places(words.into_iter().flat_map(verbosity));
    words.retain(|word| !WITHOUT_EFFECT.iter().any(|option| word == option));
    words.extend(operands);
    let command = Arguments::command();
    let subcommands = command.get_subcommands();
    let known: Vec<_> = command
        .get_arguments()
        .chain(subcommands.flat_map(clap::Command::get_arguments))
        .collect();
    let takes_value = |text: &str| {
        known.iter().any(|argument| {
            argument.get_action().takes_values()
                && !argument.is_require_equals_set()
                && text.strip_prefix("--").is_some_and(|name| {
                    let aliases = argument.get_all_aliases().unwrap_or_default();
                    argument.get_long() == Some(name) || aliases.contains(&name)
                })
        })
    };
    let mut first = None;
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.to_string_lossy();
        if !text.starts_with('-') || matches!(&*text, "-" | "--") {
            first = Some(text.into_owned());
            break;
        }
        at = at.saturating_add(if takes_value(&text) { 2 } else { 1 });
    }
    let Some(first) = first else {
        // An option without its value is one of `check`; without any word, and with these, there is an answer already.
        let answered = ["-h", "--help", "-V", "--version"];
        if words.len() > 1
            && !words
                .iter()
                .any(|word| answered.iter().any(|known| word == known))
        {
            words.insert(1, "check".into());
        }
        return words;
    };
    let is_command =
        |name: &str| name == "help" || command.get_subcommands().any(|known| known.get_name() == name);
    if !is_command(&first) {
        let options = words.iter().skip(1).take_while(|word| *word != "--");
        let options: Vec<String> = options.map(|word| word.to_string_lossy().into_owned()).collect();
        words.insert(1, verb(&options).unwrap_or("check").into());
    } else if let Some(before) = words.get_mut(1..=at) {
        before.rotate_right(1);
    }
    words
}

/// The command that does what options of Apple's tools say. `-a` is that of spctl where it has no value, or where a type stands beside it;
/// codesign's names an architecture.
fn verb(options: &[String]) -> Option<&'static str> {
    let has = |wanted: &[&str]| options.iter().any(|word| wanted.contains(&word.as_str()));
    let has_flag = |flag: char| {
        let is_cluster = |word: &&str| {
            let mut flags = word.chars();
            !word.is_empty() && flags.all(|found| found == flag || "vq".contains(found))
        };
        let mut clusters = options.iter().filter_map(|word| word.strip_prefix('-'));
        clusters.any(|word| is_cluster(&word) && word.contains(flag))
    };
    let is_followed_by_option = || {
        let after = options.iter().skip_while(|word| *word != "-a").nth(1);
        after.is_some_and(|word| word.starts_with('-'))
    };
    let has_type =
        || has(&["-t", "--type", "--context"]) || options.iter().any(|word| word.starts_with("--type="));
    if has(&["--verify"]) {
        Some("verify")
    } else if has(&["--display"]) || has_flag('d') {
        Some("inspect")
    } else if has(&["--assess"]) || has_flag('a') && (has_type() || !has(&["-a"]) || is_followed_by_option())
    {
        Some("assess")
    } else {
        None
    }
}

/// Options of codesign and spctl that say what is so here anyway.
const WITHOUT_EFFECT: [&str; 3] = ["--continue", "--ignore-cache", "--no-cache"];

/// The words without the places for which codesign wants a name: `-r-`, `--entitlements -`, `--entitlements :-`.
fn without_places(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let is_place = |text: &OsString| text == "-" || text == ":-";
    let mut kept: Vec<OsString> = Vec::new();
    for word in words {
        let follows = kept.last().is_some_and(|last| last == "--entitlements");
        if follows && is_place(&word) {
            continue;
        }
        kept.push(match word.to_str() {
            Some("-r-") => "-r".into(),
            Some("-dr-") => "-dr".into(),
            Some("--entitlements=-" | "--entitlements=:-") => "--entitlements".into(),
            _ => word,
        });
    }
    kept
}

/// What is done here in another way, or not at all, of what codesign and spctl do by these options.
const ELSEWHERE: [(&[&str], &str); 7] = [
    (
        &["--check-notarization"],
        "it asks Apple's servers, which sealcheck does not do; sealcheck check --require notarized wants a proof: a stapled ticket, or one that --ticket FILE names",
    ),
    (
        &[
            "-s",
            "--sign",
            "-f",
            "--force",
            "--remove-signature",
            "--timestamp",
            "--options",
            "--preserve-metadata",
        ],
        "sealcheck does not sign; it checks what codesign or another tool has signed",
    ),
    (
        &["--xml", "--der"],
        "sealcheck entitlements --format xml, or der, prints entitlements in this form",
    ),
    (
        &["--extract-certificates"],
        "sealcheck writes no certificates; sealcheck inspect shows them with their SHA-256",
    ),
    (
        &["--raw"],
        "the form for programs is sealcheck assess --format json",
    ),
    (
        &["-d", "--display"],
        "what codesign -d shows is shown by sealcheck inspect",
    ),
    (
        &["--assess", "--context"],
        "what spctl --assess does is done by sealcheck assess",
    ),
];

/// The answer of the parser, or a better one about an option of codesign or spctl.
pub(super) fn answered(answer: clap::Error) -> clap::Error {
    let Some(ContextValue::String(option)) = answer.get(ContextKind::InvalidArg) else {
        return answer;
    };
    let elsewhere = ELSEWHERE
        .iter()
        .find(|(options, _)| options.contains(&option.as_str()));
    match elsewhere {
        Some((_, text)) if answer.kind() == ErrorKind::UnknownArgument => {
            Arguments::command().error(ErrorKind::UnknownArgument, format!("{option}: {text}"))
        }
        _ => answer,
    }
}

/// `-v` as often as `--verbose=NUMBER` says; any other word as it is.
fn verbosity(word: OsString) -> Vec<OsString> {
    let text = word.to_str().and_then(|text| text.strip_prefix("--verbose="));
    match text.and_then(|number| number.parse::<u8>().ok()) {
        Some(number) => vec!["-v".into(); usize::from(number)],
        None => vec![word],
    }
}

/// `-R=TEXT` with one more equals sign, which the parser takes away.
fn with_equals_sign(word: OsString) -> OsString {
    match word.to_str().and_then(|text| text.strip_prefix("-R=")) {
        Some(text) => format!("-R=={text}").into(),
        None => word,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser;

    use super::super::arguments::Command;
    use super::*;

    fn parse(words: &[&str]) -> Arguments {
        let words = words.iter().map(OsString::from);
        Arguments::try_parse_from(in_order(words)).unwrap()
    }

    #[test]
    fn paths_without_a_command_are_checked() {
        for words in [
            &["sealcheck", "a.app"][..],
            &["sealcheck", "-v", "--jobs", "2", "a.app"],
            &["sealcheck", "--format", "json", "a.app"],
            &["sealcheck", "--color=never", "--", "a.app"],
        ] {
            match parse(words).command {
                Command::Check { paths, .. } => assert_eq!(paths, [PathBuf::from("a.app")], "{words:?}"),
                other => panic!("{words:?}: {other:?}"),
            }
        }
        assert!(matches!(
            parse(&["sealcheck", "-q", "rules"]).command,
            Command::Rules { .. }
        ));
    }
}
