//! What the help of each command says at its end: how a run can end, and examples.

/// Which of several items counts.
macro_rules! order {
    () => {
        "With several items, 1 takes precedence over 3, 3 over 4, and 4 over 0."
    };
}

/// `check` is meant where no command is named.
pub(super) const USAGE: &str = "sealcheck [OPTIONS] <PATHS>...\n       sealcheck <COMMAND> ...";

/// The end of the help of the program, of `check`, and of the manual page.
pub(super) const CHECK: &str = concat!(
    "\
Exit status:
  0  good
  1  verification failed, or there are error findings, such as a demand that is
     not met
  2  wrong usage
  3  the signature is good but a code requirement (-R) is not met, or assess
     does not find the item accepted
  4  not judged, not readable, or it is not known whether an expectation is met
",
    order!(),
    "

Examples:
  sealcheck Acme.app
  sealcheck --require notarized,timestamp --expect-team ABCDE12345 Acme.zip
  sealcheck --format sarif --output sealcheck.sarif dist
  sealcheck explain sealed-resource-broken"
);

/// The end of the short help.
pub(super) const CHECK_SHORT: &str = "\
Examples:
  sealcheck Acme.app
  sealcheck --require notarized,timestamp --expect-team ABCDE12345 Acme.zip
  sealcheck explain sealed-resource-broken

--help shows all options, and what the exit status means.";

pub(super) const VERIFY: &str = concat!(
    "\
Exit status:
  0  valid on disk
  1  not valid, or the archive that the item is in can be read in several ways
  2  wrong usage
  3  valid, but a code requirement (-R) or its own designated requirement is
     not met
  4  not judged, not readable, or the requirement depends on what only a Mac
     knows
",
    order!(),
    "
With --style codesign, the statuses are those of codesign, and the first one
that is not 0 counts.

Examples:
  sealcheck verify Acme.app
  sealcheck verify -R '=anchor apple generic' Acme.app"
);

pub(super) const ASSESS: &str = concat!(
    "\
Exit status:
  0  accepted
  1  Gatekeeper cannot assess the item, such as a broken one, or the archive
     that it is in can be read in several ways
  2  wrong usage
  3  rejected, or only Apple's servers know whether it is notarized
  4  not judged or not readable
",
    order!(),
    "

Examples:
  sealcheck assess Acme.app
  sealcheck assess --type install tool"
);

pub(super) const INSPECT: &str = concat!(
    "\
Exit status:
  0  shown; whether the code verifies is a question for verify
  1  not signed, no code, or no such architecture; with --format santa, also
     code that does not verify
  2  wrong usage
  4  not readable, or a container that sealcheck cannot open
",
    order!()
);

pub(super) const ENTITLEMENTS: &str = concat!(
    "\
Exit status:
  0  printed, also where nothing is claimed
  1  not signed, no code, no such architecture, or macOS cannot read the
     entitlements
  2  wrong usage
  4  not readable, or a container that sealcheck cannot open
",
    order!()
);

pub(super) const PROFILE: &str = concat!(
    "\
Exit status:
  0  every profile grants what the code claims, or no claim needs a profile
  1  a profile is not valid or does not grant what the code claims, or the
     operand is neither a profile nor code
  2  wrong usage
  4  not readable or not judged
",
    order!()
);

pub(super) const TICKET: &str = concat!(
    "\
Exit status:
  0  a ticket is valid and covers all code that needs one
  1  there is no valid ticket, or it does not cover all code
  2  wrong usage
  4  not readable, or the ticket is of a kind that is not known here
",
    order!()
);

pub(super) const REQUIREMENT_SHOW: &str = concat!(
    "\
Exit status:
  0  shown
  1  not signed, no code, or no such architecture
  2  wrong usage
  4  not readable, or a container that sealcheck cannot open
",
    order!()
);

pub(super) const REQUIREMENT_PARSE: &str = "\
Exit status:
  0  compiled
  1  not a requirement
  2  wrong usage
  4  not readable";

pub(super) const REQUIREMENT_TEST: &str = concat!(
    "\
Exit status:
  0  every architecture of every item satisfies the requirement
  1  not a requirement, or code that is not signed or does not verify
  2  wrong usage
  3  not satisfied
  4  not readable, not judged, or it depends on what only a Mac knows
",
    order!()
);

/// The end of the help of commands that read no code.
pub(super) const PRINTED: &str = "\
Exit status:
  0  printed or written
  2  wrong usage, such as an unknown name
  4  the output cannot be written";
