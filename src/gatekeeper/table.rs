//! Gatekeeper's default rules, in the order in which they are tried (specification 9.2).
//!
//! `scan_authority` after all upgrades: by priority, descending. The requirements are Apple's, as text.

use crate::requirement::Requirement;

/// What is to be done with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Run it.
    Execute,
    /// Install it. Command-line tools are judged so, too.
    Install,
    /// Open it as a document.
    Open,
}

impl Operation {
    /// The word of `spctl --type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Install => "install",
            Self::Open => "open",
        }
    }
}

/// One rule.
pub(super) struct Row {
    /// What `source=` says.
    pub(super) label: &'static str,
    /// For which operations; all of them where this is empty.
    operations: &'static [Operation],
    /// Whether code that satisfies the requirement is allowed.
    pub(super) allows: bool,
    requirement: &'static str,
}

use Operation::{Execute, Install, Open};

/// Developer ID for programs and documents; `1.13` is the marker of Developer ID Application.
macro_rules! application {
    ($more:literal) => {
        concat!(
            "anchor apple generic and certificate 1[field.1.2.840.113635.100.6.2.6] exists ",
            "and certificate leaf[field.1.2.840.113635.100.6.1.13] exists",
            $more
        )
    };
}

/// Developer ID for installers: of either kind.
macro_rules! installer {
    ($more:literal) => {
        concat!(
            "anchor apple generic and certificate 1[field.1.2.840.113635.100.6.2.6] exists ",
            "and (certificate leaf[field.1.2.840.113635.100.6.1.14] exists ",
            "or certificate leaf[field.1.2.840.113635.100.6.1.13] exists)",
            $more
        )
    };
}

const ROWS: [Row; 14] = [
    Row {
        label: "Apple System",
        operations: &[Execute, Open],
        allows: true,
        requirement: "anchor apple",
    },
    Row {
        label: "Apple Installer",
        operations: &[Install],
        allows: true,
        requirement: "anchor apple generic and certificate 1[subject.CN] = \"Apple Software Update Certification Authority\"",
    },
    Row {
        label: "Mac App Store",
        operations: &[Execute],
        allows: true,
        requirement: "anchor apple generic and certificate leaf[field.1.2.840.113635.100.6.1.9] exists",
    },
    Row {
        label: "Mac App Store",
        operations: &[Install],
        allows: true,
        requirement: "anchor apple generic and certificate leaf[field.1.2.840.113635.100.6.1.10] exists",
    },
    Row {
        label: "Testflight",
        operations: &[Execute],
        allows: true,
        requirement: "anchor apple generic and certificate 1[field.1.2.840.113635.100.6.2.1] exists and certificate leaf[field.1.2.840.113635.100.6.1.25.1] exists",
    },
    Row {
        label: "Notarized Developer ID",
        operations: &[Execute, Open],
        allows: true,
        requirement: application!(" and notarized"),
    },
    Row {
        label: "Notarized Developer ID",
        operations: &[Install],
        allows: true,
        requirement: installer!(" and notarized"),
    },
    Row {
        label: "Developer ID",
        operations: &[Execute],
        allows: true,
        requirement: application!(
            " and (certificate leaf[timestamp.1.2.840.113635.100.6.1.33] absent or certificate leaf[timestamp.1.2.840.113635.100.6.1.33] < timestamp \"20190408000000Z\")"
        ),
    },
    Row {
        label: "Developer ID",
        operations: &[Install],
        allows: true,
        requirement: installer!(" and legacy"),
    },
    Row {
        label: "Developer ID",
        operations: &[Open],
        allows: true,
        requirement: application!(" and legacy"),
    },
    Row {
        label: "Unnotarized Developer ID",
        operations: &[Execute],
        allows: false,
        requirement: application!(
            " and certificate leaf[timestamp.1.2.840.113635.100.6.1.33] >= timestamp \"20190408000000Z\""
        ),
    },
    Row {
        label: "Unnotarized Developer ID",
        operations: &[Install],
        allows: false,
        requirement: installer!(""),
    },
    Row {
        label: "Unnotarized Developer ID",
        operations: &[Open],
        allows: false,
        requirement: application!(""),
    },
    Row {
        label: "",
        operations: &[],
        allows: false,
        requirement: "always",
    },
];

/// The rules for an operation with their requirements, in order. The last one matches everything.
pub(super) fn rows(operation: Operation) -> impl Iterator<Item = (&'static Row, Requirement)> {
    ROWS.iter()
        .filter(move |row| row.operations.is_empty() || row.operations.contains(&operation))
        .filter_map(|row| Some((row, Requirement::from_text(row.requirement).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_compiles() {
        for row in &ROWS {
            let compiled = Requirement::from_text(row.requirement);
            assert!(compiled.is_ok(), "{}: {compiled:?}", row.requirement);
        }
        assert_eq!(rows(Execute).count(), 7);
        assert_eq!(rows(Install).count(), 6);
        assert_eq!(rows(Open).count(), 5);
    }
}
