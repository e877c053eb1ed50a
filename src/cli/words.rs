//! The words of a command line before the parser reads them: where no command is named, `check` is meant, and some habits from
//! Apple's tools are brought into the parser's form.

use std::ffi::OsString;

use clap::CommandFactory;

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
        .subcommand_help_heading(
            "Commands, each with --help (check is the default, and the options below are its own)",
        )
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
/// - Where no command is named, `--verify`, `--display` and `--assess` name it, as they do for codesign and spctl.
pub(super) fn in_order(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.map(with_equals_sign).collect();
    let operands = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let operands = words.split_off(operands);
    words = words.into_iter().flat_map(verbosity).chain(operands).collect();
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
    let Some(first) = first else { return words };
    let is_command =
        |name: &str| name == "help" || command.get_subcommands().any(|known| known.get_name() == name);
    if !is_command(&first) {
        let options = words.iter().take_while(|word| *word != "--");
        let verb = options.skip(1).find_map(|word| verb(word));
        if let Some((option, _)) = verb {
            words.retain(|word| word != option);
        }
        words.insert(1, verb.map_or("check", |(_, command)| command).into());
    } else if let Some(before) = words.get_mut(1..=at) {
        before.rotate_right(1);
    }
    words
}

/// The option of an Apple tool that says what to do, and the command that does the same.
fn verb(word: &OsString) -> Option<(&'static str, &'static str)> {
    let all = [
        ("--verify", "verify"),
        ("--display", "inspect"),
        ("--assess", "assess"),
    ];
    all.into_iter().find(|(option, _)| word == option)
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
