//! What a verdict leaves out, because the caller asked for that, or takes for granted, because only a Mac knows it.
//!
//! A valid answer with a reservation is true of less than the whole item, so every report shows the reservation.

use super::{CodesignFlags, Evidence, FaultKind};

/// One thing that was left out or taken for granted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// The place in the item, relative to it; empty for the item itself.
    pub path: String,
    /// A sentence for people.
    pub text: String,
}

impl CodesignFlags {
    /// What these options leave out of `codesign --verify --deep --strict`.
    fn left_out(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.resources {
            out.push("resources and nested code were not verified (--ignore-resources)".to_owned());
        } else if !self.deep {
            out.push("pages and resources of nested code were not verified (--no-deep)".to_owned());
        }
        if !self.strict {
            out.push("strict rules were not applied (--no-strict)".to_owned());
        } else {
            if !self.restrict_symlinks {
                out.push("the destinations of links were not verified (--strict)".to_owned());
            }
            if !self.restrict_sideband {
                out.push("resource forks and Finder information were not looked for (--strict)".to_owned());
            }
        }
        if let Some(name) = &self.architecture {
            out.push(format!("only the slice for {name} was verified (--arch)"));
        }
        if let Some(version) = &self.bundle_version {
            out.push(format!("only version {version} was verified (--bundle-version)"));
        }
        out
    }
}

impl Evidence {
    /// What the verdicts leave out or take for granted, the options first.
    #[must_use]
    pub fn reservations(&self) -> Vec<Reservation> {
        let options = self.flags.left_out().into_iter().map(|text| Reservation {
            path: String::new(),
            text,
        });
        // Without resources no link was followed.
        let code = self.code.iter().filter(|_| self.flags.resources);
        let links = code
            .flat_map(|object| &object.faults)
            .filter_map(|fault| match &fault.kind {
                FaultKind::AssumedLink { target } => Some(Reservation {
                    path: fault.path.clone(),
                    text: format!("this sealed link leads to {target}, which is assumed to exist on the Mac"),
                }),
                _ => None,
            });
        options.chain(links).collect()
    }
}
