//! The repair of one finding: words, and commands that can be pasted into a shell.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;

/// When a part of a repair is done. Where several findings are repaired, the parts of one stage come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The container of the item is unpacked.
    Unpack,
    /// The problem is repaired.
    Mend,
    /// The code around it is signed again.
    SignAround,
    /// The item is notarized again.
    Notarize,
    /// The item is packed again.
    Pack,
}

/// Begins paths in the new folder that [`Command::fresh_folder`] makes. No file has such a name.
pub(crate) const FRESH: &str = "\0unpacked";
/// The name of that folder for a shell, in the place of [`FRESH`].
const FRESH_IN_SHELL: &str = "$unpacked";

/// A command as its words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Command(pub(crate) Vec<String>);

/// Words, and the commands that they announce.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// When it is done.
    pub stage: Stage,
    /// Whether it is another way, to be taken in place of what is before it.
    pub is_alternative: bool,
    /// What to do, or what the commands do. Empty for commands that continue the part before them.
    pub words: String,
    /// In this order.
    pub commands: Vec<Command>,
}

/// The repair of one finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Repair {
    /// In this order.
    pub parts: Vec<Part>,
}

impl Command {
    /// A command of these words.
    #[must_use]
    pub(crate) fn of<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }

    /// Sends what was packed as `upload.zip` to the notary service, and waits for its answer.
    pub(crate) fn notarization() -> Self {
        Self::of([
            "xcrun",
            "notarytool",
            "submit",
            "upload.zip",
            "--keychain-profile",
            "NAME",
            "--wait",
        ])
    }

    /// Makes a new, empty folder for what is unpacked, so that nothing old is mixed into it.
    pub(crate) fn fresh_folder() -> Self {
        Self::of([FRESH])
    }

    /// Returns its words, unquoted.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Returns true if it signs code.
    #[must_use]
    pub fn is_signing(&self) -> bool {
        matches!(self.0.as_slice(), [tool, force, ..] if tool == "codesign" && force == "-f")
    }

    /// Returns the lines of at most `width` characters that a shell reads as this command. Words are not broken.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<String> {
        let whole = self.to_string();
        if whole.chars().count() <= width {
            return vec![whole];
        }
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in self.0.iter().map(|word| quoted(word)) {
            let needed = line.chars().count().saturating_add(word.chars().count());
            // A space before the word, a space and a backslash after it.
            if !line.trim().is_empty() && needed.saturating_add(3) > width {
                line.push_str(" \\");
                lines.push(std::mem::replace(&mut line, "  ".to_owned()));
            } else if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
        lines
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.0.as_slice(), [only] if only == FRESH) {
            return f.write_str("unpacked=$(mktemp -d)");
        }
        for (index, word) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", quoted(word))?;
        }
        Ok(())
    }
}

impl Repair {
    /// Returns the parts of several repairs that follow when all of them are made, each once, code further inside first.
    #[must_use]
    pub fn afterwards<'r>(repairs: impl IntoIterator<Item = &'r Self>) -> Vec<Part> {
        let mut parts: Vec<&Part> = Vec::new();
        let mut known = HashSet::new();
        for part in repairs.into_iter().flat_map(|repair| &repair.parts) {
            if part.stage > Stage::Mend && known.insert((part.stage, &part.commands)) {
                parts.push(part);
            }
        }
        parts.sort_by_key(|part| (part.stage, Reverse(part.depth())));
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match joined.last_mut() {
                Some(last) if last.stage == part.stage => last.commands.extend(part.commands.iter().cloned()),
                _ => joined.push(part.clone()),
            }
        }
        joined
    }

    /// Returns true if there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the bytes of its text, about.
    pub(crate) fn size(&self) -> usize {
        let words = self.parts.iter().map(|part| part.words.len());
        let commands = self.parts.iter().flat_map(|part| &part.commands);
        let commands = commands.flat_map(|command| &command.0);
        words
            .chain(commands.map(|word| word.len().saturating_add(size_of::<String>())))
            .fold(0, usize::saturating_add)
    }

    /// Returns the commands of the first way, in their order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        let mut is_first = true;
        self.parts
            .iter()
            .filter(move |part| {
                is_first = part.stage != Stage::Mend || (is_first && !part.is_alternative);
                is_first
            })
            .flat_map(|part| &part.commands)
    }
}

impl Part {
    /// How deep the code is that it signs.
    fn depth(&self) -> usize {
        let path = self.commands.last().and_then(|command| command.0.last());
        path.map_or(0, |path| path.matches('/').count())
    }

    /// Returns the words with the punctuation that the commands need.
    #[must_use]
    pub fn announcement(&self) -> String {
        let words = self.words.trim_end_matches([':', '.']);
        let or = if self.is_alternative { "or " } else { "" };
        match self.commands.is_empty() || words.is_empty() {
            true => format!("{or}{}", self.words),
            false => format!("{or}{words}:"),
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_first = true;
        for part in &self.parts {
            for line in [part.announcement()].iter().filter(|line| !line.is_empty()) {
                write!(f, "{}{line}", if is_first { "" } else { "\n" })?;
                is_first = false;
            }
            for command in &part.commands {
                write!(f, "{}  {command}", if is_first { "" } else { "\n" })?;
                is_first = false;
            }
        }
        Ok(())
    }
}

/// Quotes a text as one word of a shell.
fn quoted(text: &str) -> String {
    if let Some(rest) = text.strip_prefix(FRESH) {
        let is_harmless =
            |character: char| character.is_alphanumeric() || " /.,:;()-_&'+@=*{}%".contains(character);
        return match rest.chars().all(is_harmless) {
            true => format!("\"{FRESH_IN_SHELL}{rest}\""),
            false => format!("\"{FRESH_IN_SHELL}\"{}", quoted(rest)),
        };
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@%=:,".contains(&byte);
    let is_harmless =
        |character: char| character.is_alphanumeric() || " /.,:;()-_&'+@=*{}%".contains(character);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else if text.chars().all(is_harmless) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Command {
        Command::of(words.iter().copied())
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        let all = ["mv", "a b", "it's $HOME", "", "com\\.apple"];
        assert_eq!(
            command(&all).to_string(),
            r#"mv "a b" 'it'\''s $HOME' "" 'com\.apple'"#
        );
    }

    /// The folder is named by a variable of the shell; a file with this name is not.
    #[test]
    fn new_folders_are_variables_of_the_shell() {
        assert_eq!(Command::fresh_folder().to_string(), "unpacked=$(mktemp -d)");
        let inside = |rest: &str| command(&["mv", &format!("{FRESH}{rest}")]).to_string();
        assert_eq!(inside("/A b.app"), "mv \"$unpacked/A b.app\"");
        assert_eq!(inside("/$HOME"), "mv \"$unpacked\"'/$HOME'");
        assert_eq!(command(&["mv", "$unpacked/a"]).to_string(), "mv '$unpacked/a'");
    }

    #[test]
    fn long_commands_are_broken_between_words() {
        let lines = command(&["codesign", "-f", "-s", "Some One", "Acme Tools.app"]).lines(22);
        assert_eq!(
            lines,
            ["codesign -f -s \\", "  \"Some One\" \\", "  \"Acme Tools.app\""]
        );
        assert_eq!(command(&["a", "b"]).lines(3), ["a b"]);
    }

    #[test]
    fn the_text_has_a_command_a_line() {
        let part = |words: &str, is_alternative, commands| Part {
            stage: Stage::Mend,
            is_alternative,
            words: words.to_owned(),
            commands,
        };
        let repair = Repair {
            parts: vec![
                part("make it executable", false, vec![command(&["chmod", "+x", "a"])]),
                part("leave it out.", true, Vec::new()),
            ],
        };
        assert_eq!(
            repair.to_string(),
            "make it executable:\n  chmod +x a\nor leave it out."
        );
        assert_eq!(repair.commands().count(), 1);
    }
}
