//! The arguments of the program. `sealcheck PATH…` is `sealcheck check PATH…`.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::config::Choices;
use super::expected::Expected;
use super::help;
use super::values::{
    Assessor, Colour, Destination, Form, Format, Host, InspectFormat, Manner, RESTRICT_SIDEBAND,
    RESTRICT_SYMLINKS, ReportFile, ReportFormat, RequirementForm, Strict, Subject, parse_architecture,
    parse_context, parse_kernel, parse_limit, parse_operation, parse_report, parse_strict, parse_subject,
    parse_time, parse_written,
};
use crate::finding::Target;
use crate::gatekeeper::Operation;
use crate::hash::Kernel;
use crate::time::UnixTime;
use crate::verify::CodesignFlags;

/// Say what macOS would say about signed code, on any system.
#[derive(Debug, Parser)]
#[command(name = "sealcheck", version, max_term_width = 80, override_usage = help::USAGE, after_help = help::CHECK_SHORT, after_long_help = help::CHECK)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) global: Global,
}

impl Arguments {
    /// Returns true if the answer is that of Apple's tool, to which a container is a file like others.
    pub(super) fn is_in_style_of_apple(&self) -> bool {
        match &self.command {
            Command::Verify { reports, style, .. } => {
                matches!(reports.format, ReportFormat::Human) && *style == Manner::Codesign
            }
            Command::Inspect { style, .. } => *style == Manner::Codesign,
            Command::Assess { reports, style, .. } => {
                matches!(reports.format, ReportFormat::Human) && *style == Assessor::Spctl
            }
            _ => false,
        }
    }
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Global {
    /// Show more; twice shows digests and slots
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Show nothing but problems
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Write the report to this file; - is standard output [default: -]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Colour::Auto)]
    pub(super) color: Colour,
}

/// Options of every command that reads code.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Reading")]
pub(super) struct Reading {
    /// Number of threads; by default one for each processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// The Mac whose architecture decides which slice comes first
    #[arg(long, value_enum, value_name = "ARCH", default_value_t = Host::Arm64)]
    pub(super) host_arch: Host,
    /// The time for which to judge, such as 2026-11-24T12:00:00Z; by default now
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(super) at: Option<UnixTime>,
    /// Root certificates that may complete a chain: one in DER, or any number in PEM
    #[arg(long, value_name = "FILE")]
    pub(super) trust_anchor: Vec<PathBuf>,
    /// Root certificates that count as Apple's, in the same forms; every report says so
    #[arg(long, value_name = "FILE")]
    pub(super) apple_anchor: Vec<PathBuf>,
    /// Another limit than usual for what is read; a wrong name lists all
    #[arg(long, value_name = "NAME=NUMBER", value_parser = parse_limit)]
    pub(super) limit: Vec<(String, u64)>,
    /// Which implementation computes digests; for tests and measurements
    #[arg(long, value_name = "KERNEL", value_parser = parse_kernel, default_value = "auto", hide = true)]
    pub(super) hash_kernel: Kernel,
}

/// Where code is meant to go.
#[derive(Debug, Args, Default)]
pub(super) struct Aim {
    /// Where the code is meant to go; auto: what its certificate is for, else to users who download it
    #[arg(long, value_enum, value_name = "TARGET", default_value_t = Destination::Auto)]
    pub(super) target: Destination,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in a run")]
pub(super) enum Command {
    /// Check signed code and report every problem (the default)
    #[command(after_help = help::CHECK_SHORT, after_long_help = help::CHECK)]
    Check {
        /// Bundles and Mach-O files, and folders and ZIP archives of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        reports: Reports,
        #[command(flatten)]
        demands: Demands,
        /// Leave out files that are neither code nor a container, for hooks that name every changed file
        #[arg(long)]
        only_code: bool,
        #[command(flatten)]
        expected: Expected,
        #[command(flatten)]
        choices: Choices,
        #[command(flatten)]
        aim: Aim,
        #[command(flatten)]
        reading: Reading,
    },
    /// Give the verdict of `codesign --verify --deep --strict` only, in Apple's words
    #[command(after_help = help::VERIFY)]
    Verify {
        /// Bundles and Mach-O files, and folders and ZIP archives of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        reports: Reports,
        /// Whose output: ours on standard output, or the lines, streams and exit status of codesign
        #[arg(long, value_enum, default_value_t = Manner::Sealcheck)]
        style: Manner,
        /// Verify nested code completely (the default)
        #[arg(long, conflicts_with = "no_deep")]
        deep: bool,
        /// Verify (the default), as codesign --verify
        #[arg(long)]
        verify: bool,
        #[command(flatten)]
        demands: Demands,
        #[command(flatten)]
        aim: Aim,
        #[command(flatten)]
        reading: Reading,
    },
    /// Give the verdict of Gatekeeper only, in the words of `spctl --assess`
    #[command(after_help = help::ASSESS)]
    Assess {
        /// Bundles and Mach-O files, and folders and ZIP archives of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// What is to be done with it: execute for apps, install for tools and installers, open for documents
        #[arg(long = "type", short = 't', value_name = "TYPE", default_value = "execute", value_parser = parse_operation)]
        operation: Operation,
        /// Assess (the default), as spctl -a
        #[arg(long, short = 'a', hide = true)]
        assess: bool,
        /// The context of an assessment of type open, as for spctl
        #[arg(long, hide = true, value_name = "CONTEXT", value_parser = parse_context)]
        context: Option<String>,
        #[command(flatten)]
        reports: Reports,
        /// Whose output: ours on standard output, or that of spctl or syspolicy_check with its streams and exit status
        #[arg(long, value_enum, default_value_t = Assessor::Sealcheck)]
        style: Assessor,
        #[command(flatten)]
        elsewhere: Elsewhere,
        #[command(flatten)]
        aim: Aim,
        #[command(flatten)]
        reading: Reading,
    },
    /// Show what the signature says, as `codesign -d -vvvv -r-` does
    #[command(after_help = help::INSPECT)]
    Inspect {
        /// Bundles and Mach-O files, and folders and ZIP archives of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Only this architecture, such as arm64; the host's by default
        #[arg(long, short = 'a', alias = "architecture", value_parser = parse_architecture)]
        arch: Option<String>,
        /// Display (the default), as codesign -d
        #[arg(long, short = 'd', hide = true)]
        display: bool,
        /// Format of the output
        #[arg(long, value_enum, default_value_t = InspectFormat::Human, conflicts_with_all = ["style", "requirements", "entitlements"])]
        format: InspectFormat,
        /// Whose output: everything on standard output, or what `codesign -d` prints at this verbosity, and where
        #[arg(long, value_enum, default_value_t = Manner::Sealcheck)]
        style: Manner,
        /// In the style of codesign: print the requirements, as -r-
        #[arg(long, short = 'r')]
        requirements: bool,
        /// In the style of codesign: print the entitlements, as --entitlements -
        #[arg(long)]
        entitlements: bool,
        /// The version of a framework; the current one by default
        #[arg(long, value_name = "VERSION")]
        bundle_version: Option<String>,
        #[command(flatten)]
        reading: Reading,
    },
    /// Show, compile and test code requirements
    #[command(subcommand)]
    Requirement(RequirementCommand),
    /// Show provisioning profiles: what they grant, and whether that is what the code claims
    #[command(after_help = help::PROFILE)]
    Profile {
        /// Bundles and profiles, and folders and ZIP archives of bundles
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Format of the report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
        #[command(flatten)]
        reading: Reading,
    },
    /// Print the entitlements that the code claims
    #[command(after_help = help::ENTITLEMENTS)]
    Entitlements {
        /// Bundles and Mach-O files, and folders and ZIP archives of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// Only this architecture, such as arm64; the host's by default
        #[arg(long, alias = "architecture", value_parser = parse_architecture)]
        arch: Option<String>,
        #[command(flatten)]
        reading: Reading,
    },
    /// Show notarization tickets, who signed them, and which code they cover
    #[command(after_help = help::TICKET)]
    Ticket {
        /// Bundles, Mach-O files and ticket files, and folders and ZIP archives of bundles
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Format of the output
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
        #[command(flatten)]
        elsewhere: Elsewhere,
        #[command(flatten)]
        reading: Reading,
    },
    /// List all rules
    #[command(after_help = help::PRINTED)]
    Rules {
        /// Format of the list
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Print a script that completes commands, options and their values in a shell
    #[command(after_help = help::PRINTED)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write it and one for each command into a folder
    #[command(after_help = help::PRINTED)]
    Man {
        /// The folder, such as /usr/local/share/man/man1
        #[arg(long, value_name = "FOLDER", value_parser = OsStringValueParser::new().try_map(|text| parse_written(&text)))]
        directory: Option<PathBuf>,
    },
    /// Explain one rule, or a status of codesign
    #[command(after_help = help::PRINTED)]
    Explain {
        /// Id of the rule, such as signature-broken-pages; or the number, the name or the text of a status, such as -67054
        #[arg(value_name = "RULE", value_parser = parse_subject, allow_negative_numbers = true)]
        subject: Subject,
    },
}

impl Command {
    /// Returns how the command reports, where it judges code.
    pub(super) fn reports(&self) -> Option<&Reports> {
        match self {
            Self::Check { reports, .. } | Self::Verify { reports, .. } | Self::Assess { reports, .. } => {
                Some(reports)
            }
            _ => None,
        }
    }
}

impl Command {
    /// The operands.
    pub(super) fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Check { paths, .. }
            | Self::Verify { paths, .. }
            | Self::Assess { paths, .. }
            | Self::Inspect { paths, .. }
            | Self::Profile { paths, .. }
            | Self::Entitlements { paths, .. }
            | Self::Ticket { paths, .. }
            | Self::Requirement(
                RequirementCommand::Show { paths, .. } | RequirementCommand::Test { paths, .. },
            ) => paths,
            Self::Requirement(RequirementCommand::Parse { .. })
            | Self::Rules { .. }
            | Self::Explain { .. }
            | Self::Completions { .. }
            | Self::Man { .. } => &[],
        }
    }

    /// The files that the run writes.
    pub(super) fn written(&self, global: &Global) -> Vec<PathBuf> {
        let reports = self.reports().map(|reports| reports.report.as_slice());
        let reports = reports.unwrap_or_default().iter().map(|wanted| &wanted.path);
        let baseline = match self {
            Self::Check { choices, .. } => choices.write_baseline.as_ref(),
            _ => None,
        };
        let all = global.output.iter().chain(reports).chain(baseline);
        all.cloned().collect()
    }

    /// The name of a command that gives one verdict, without what a project expects.
    pub(super) fn verdict(&self) -> Option<&'static str> {
        match self {
            Self::Verify { .. } => Some("verify"),
            Self::Assess { .. } => Some("assess"),
            _ => None,
        }
    }
}

/// In which formats a command reports, and how.
#[derive(Debug, Args)]
pub(super) struct Reports {
    /// Format of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub(super) format: ReportFormat,
    /// Write one more report to a file, such as sarif=sealcheck.sarif; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = OsStringValueParser::new().try_map(|text| parse_report(&text)))]
    pub(super) report: Vec<ReportFile>,
    /// The folder to which paths in SARIF and GitHub reports are relative [default: $GITHUB_WORKSPACE, $CI_PROJECT_DIR or the
    /// working folder]
    #[arg(long, value_name = "FOLDER")]
    pub(super) source_root: Option<PathBuf>,
    /// Print on standard error how long each phase of the work took, item by item
    ///
    /// The time of a phase is that of all threads together, so that it may be more than has passed; with --jobs 1 the phases add up to the
    /// time that has passed. Rates are those of one thread. A report in JSON has the same numbers in stats.phases.
    #[arg(long)]
    pub(super) timings: bool,
}

impl Arguments {
    /// Returns how code is read, where the command reads code.
    pub(super) fn reading(&self) -> Option<&Reading> {
        match &self.command {
            Command::Check { reading, .. }
            | Command::Verify { reading, .. }
            | Command::Assess { reading, .. }
            | Command::Inspect { reading, .. }
            | Command::Profile { reading, .. }
            | Command::Entitlements { reading, .. }
            | Command::Ticket { reading, .. }
            | Command::Requirement(
                RequirementCommand::Show { reading, .. } | RequirementCommand::Test { reading, .. },
            ) => Some(reading),
            Command::Requirement(RequirementCommand::Parse { .. })
            | Command::Rules { .. }
            | Command::Explain { .. }
            | Command::Completions { .. }
            | Command::Man { .. } => None,
        }
    }

    /// Returns where the code is meant to go, as the command line says.
    pub(super) fn target(&self) -> Option<Target> {
        match &self.command {
            Command::Check { aim, .. } | Command::Verify { aim, .. } | Command::Assess { aim, .. } => {
                aim.target.target()
            }
            _ => None,
        }
    }

    /// Returns what code is asked for, where the command asks for something.
    fn demands(&self) -> Option<&Demands> {
        match &self.command {
            Command::Check { demands, .. } | Command::Verify { demands, .. } => Some(demands),
            _ => None,
        }
    }

    /// Returns the first word of `--strict` that is none.
    pub(super) fn wrong_strict_word(&self) -> Option<&str> {
        self.demands()?.strict.iter().find_map(|value| match value {
            Strict::Wrong(word) => Some(word.as_str()),
            Strict::None | Strict::Restrict(_) => None,
        })
    }

    /// Returns true if the exit status is that of Apple's codesign.
    pub(super) fn is_codesign_style(&self) -> bool {
        match &self.command {
            Command::Verify { reports, style, .. } => {
                *style == Manner::Codesign && reports.format == ReportFormat::Human
            }
            Command::Inspect { style, .. } => *style == Manner::Codesign,
            _ => false,
        }
    }
}

/// What code is asked for beyond its signature.
#[derive(Debug, Args, Default)]
pub(super) struct Demands {
    /// A requirement that every architecture must satisfy: =TEXT, or a file with its text or binary form
    #[arg(
        short = 'R',
        long,
        visible_alias = "test-requirement",
        value_name = "REQUIREMENT",
        allow_hyphen_values = true
    )]
    pub(super) requirement: Option<String>,
    /// Verify nested code only as far as its own signature, as codesign without --deep
    #[arg(long)]
    pub(super) no_deep: bool,
    /// Without strict rules
    #[arg(long)]
    pub(super) no_strict: bool,
    /// Strict rules for all, symlinks, sideband or none of: destinations of links, attached data
    #[arg(long, value_name = "RULES", require_equals = true, num_args = 0..=1, default_missing_value = "all", value_parser = parse_strict)]
    pub(super) strict: Vec<Strict>,
    /// Leave out resources and nested code
    #[arg(long)]
    pub(super) ignore_resources: bool,
    /// Only this architecture, such as arm64; all by default
    #[arg(long, short = 'a', alias = "architecture", value_name = "ARCH", value_parser = parse_architecture)]
    pub(super) arch: Option<String>,
    /// All architectures (the default)
    #[arg(long, conflicts_with = "arch")]
    pub(super) all_architectures: bool,
    /// The version of a framework; the current one by default
    #[arg(long, value_name = "VERSION")]
    pub(super) bundle_version: Option<String>,
    /// A file with the signature, in place of the one in the code
    #[arg(long, short = 'D', value_name = "FILE")]
    pub(super) detached: Option<PathBuf>,
    #[command(flatten)]
    pub(super) elsewhere: Elsewhere,
    /// Fail for an expired certificate also where the signature has no timestamp
    #[arg(long)]
    pub(super) check_expiration: bool,
}

/// What does not come with the code.
#[derive(Debug, Args, Default)]
pub(super) struct Elsewhere {
    /// A notarization ticket that was fetched elsewhere, such as from Apple's servers; also as base64 text
    #[arg(long, value_name = "FILE")]
    pub(super) ticket: Vec<PathBuf>,
}

impl Demands {
    /// The flags of the verdict (native observation 5.1): values accumulate, `none` is final, and without any value
    /// all restrictions apply.
    pub(super) fn flags(&self) -> CodesignFlags {
        let bits = self.strict.iter().fold(0, |bits, value| match value {
            Strict::Restrict(more) => bits | more,
            Strict::None | Strict::Wrong(_) => bits,
        });
        let restricts = |bit| self.strict.is_empty() || bits & bit != 0;
        CodesignFlags {
            deep: !self.no_deep,
            strict: !self.no_strict && !self.strict.contains(&Strict::None),
            restrict_symlinks: restricts(RESTRICT_SYMLINKS),
            restrict_sideband: restricts(RESTRICT_SIDEBAND),
            resources: !self.ignore_resources,
            architecture: self.arch.clone(),
            bundle_version: self.bundle_version.clone(),
        }
    }
}

/// What to do with requirements.
#[derive(Debug, Subcommand)]
pub(super) enum RequirementCommand {
    /// Print the requirements of signed code
    #[command(after_help = help::REQUIREMENT_SHOW)]
    Show {
        /// Bundles and Mach-O files, and folders and ZIP archives of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Only this architecture, such as arm64; the host's by default
        #[arg(long, alias = "architecture", value_parser = parse_architecture)]
        arch: Option<String>,
        /// With parentheses, so that the text compiles to the same bytes
        #[arg(long)]
        source: bool,
        #[command(flatten)]
        reading: Reading,
    },
    /// Compile a requirement or a set of requirements, and print it in another form
    #[command(after_help = help::REQUIREMENT_PARSE)]
    Parse {
        /// Text, a file with text or binary form, or - for standard input
        #[arg(allow_hyphen_values = true)]
        requirement: String,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = RequirementForm::Text)]
        format: RequirementForm,
    },
    /// Check whether signed code satisfies a requirement, architecture by architecture
    #[command(after_help = help::REQUIREMENT_TEST)]
    Test {
        /// Text, a file with text or binary form, or - for standard input
        #[arg(allow_hyphen_values = true)]
        requirement: String,
        /// Bundles and Mach-O files, and folders and ZIP archives of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        reading: Reading,
    },
}
