//! Steps of a remedy, as a rule states them for all items.

/// One step of a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What people do or decide themselves, or what the next commands do.
    Say(&'static str),
    /// A command. It is repeated for each record of the finding where it names a value of these.
    Run(&'static [Word]),
    /// Writes the entitlements of the code into a file and changes them there, for the next [`Step::Sign`].
    Claim(&'static [Edit]),
    /// Signs the code, then the code around it. Another vendor's program is not signed again; notarized code is notarized again.
    Sign(Sign),
    /// Notarizes the item and staples the ticket.
    Notarize,
    /// Steps for items that meet a condition, and steps for the others.
    If(Condition, &'static [Step], &'static [Step]),
    /// What follows is another way to the same end.
    Or,
}

/// A word of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// This text.
    Text(&'static str),
    /// The path of the code.
    Code,
    /// A path in the folder of a bundle that its Info.plist and its seal belong to: `Contents`, the version of a framework, or the
    /// bundle itself.
    Support(&'static str),
    /// The place of the provisioning profile of a bundle.
    Profile,
    /// A name in the folder of the code, which the finding may know.
    Beside(&'static str),
    /// The path of the file that the finding is about.
    File,
    /// The folder with that file.
    Folder,
    /// A value by its name, which the finding may know.
    Value(&'static str),
    /// The file with the entitlements.
    Claims,
    /// The archive that the item is in, or that it is. A command about it is not run on what was unpacked.
    Archive,
}

/// How code is signed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// Where the code is by then.
    pub at: Word,
    /// Which entitlements it gets.
    pub claims: Claims,
    /// Which identifier it gets, if not the one that it has.
    pub identifier: Option<Word>,
    /// Further options.
    pub options: &'static [Word],
}

/// Which entitlements code gets when it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claims {
    /// Those that it has.
    Kept,
    /// Those of the file that [`Step::Claim`] wrote, or that the user has.
    File,
    /// None.
    None,
}

/// A change to a file with entitlements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Removes a key.
    Remove(Word),
    /// Sets a key to a value of this kind.
    Set(Word, Kind, Word),
    /// Removes all keys.
    Clear,
}

/// The kind of a value, as `plutil` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A boolean.
    Bool,
    /// A whole number.
    Integer,
    /// JSON.
    Json,
}

/// A precondition of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The file has several architectures.
    Universal,
    /// The code is a program: a process starts with it.
    Program,
    /// The code is a bundle.
    Bundle,
    /// The item is for the App Store.
    ForStore,
    /// Another team than that of the item signed the code.
    OfVendor,
    /// The item is signed with a certificate.
    Certified,
    /// The finding knows a value of this name.
    Knows(&'static str),
}

/// Signs with the entitlements and the identifier that the code has.
pub(crate) const SIGN: Step = Step::Sign(Sign::KEPT);
/// Signs with a file of entitlements.
pub(crate) const SIGN_EDITED: Step = Step::Sign(Sign {
    claims: Claims::File,
    ..Sign::KEPT
});
/// Signs without entitlements.
pub(crate) const SIGN_WITHOUT_CLAIMS: Step = Step::Sign(Sign {
    claims: Claims::None,
    ..Sign::KEPT
});

/// Claims the App Sandbox.
pub(crate) const CLAIM_SANDBOX: Edit = claim("com.apple.security.app-sandbox");
/// Claims the sandbox of the process that starts the code.
pub(crate) const CLAIM_INHERITANCE: Edit = claim("com.apple.security.inherit");

const fn claim(key: &'static str) -> Edit {
    Edit::Set(Word::Text(key), Kind::Bool, Word::Text("true"))
}

impl Sign {
    /// As it was signed.
    pub const KEPT: Self = Self {
        at: Word::Code,
        claims: Claims::Kept,
        identifier: None,
        options: &[],
    };
}

/// `run!["chmod" "+x" File]`, `run!["mv" Code (Beside "NAME")]`: a command.
macro_rules! run {
    (@word ($kind:ident $name:literal)) => { $crate::remedy::Word::$kind($name) };
    (@word $text:literal) => { $crate::remedy::Word::Text($text) };
    (@word $word:ident) => { $crate::remedy::Word::$word };
    ($($word:tt)+) => { $crate::remedy::Step::Run(&[$($crate::remedy::run!(@word $word)),+]) };
}
pub(crate) use run;
