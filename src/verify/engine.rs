//! Looks at one operand and gathers its evidence.
//!
//! Today: a file. Slices are examined in parallel; within a slice, pages are. The primary slice, whose facts
//! stand for the object, is the host's (specification 2.3); the others follow in the order of architectures.

use std::path::Path;

use rayon::prelude::*;

use super::{
    BoundFiles, CodeKind, CodeObject, CodesignVerdict, Fault, FaultKind, SignatureKind, examine, fold,
};
use crate::macho::{Architecture, MachO, Slice, is_macho};
use crate::source::{DirectoryTree, Limits, SourceError, Tree};

/// What to verify and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Budgets for reading.
    pub limits: Limits,
}

/// Numbers about the work done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Files read.
    pub files: u64,
    /// Slices examined.
    pub slices: u64,
    /// Bytes hashed.
    pub bytes_hashed: u64,
}

/// Everything known about one item.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The operand as given.
    pub path: String,
    /// The item's code objects: itself first, then nested code.
    pub code: Vec<CodeObject>,
    /// What `codesign` would answer.
    pub codesign: CodesignVerdict,
    /// Numbers about the work.
    pub statistics: Statistics,
}

/// Verifies the code at `path`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify(path: &Path, options: &Options) -> Result<Evidence, SourceError> {
    let tree = DirectoryTree::open(path, &options.limits)?;
    let root = tree.root();
    let bytes = tree.bytes(root)?;
    let object = file(&bytes);
    let statistics = Statistics {
        files: 1,
        slices: object.slices.iter().fold(0, |count, _| count.saturating_add(1)),
        bytes_hashed: object
            .slices
            .iter()
            .fold(0, |sum, slice| sum.saturating_add(slice.bytes_hashed)),
    };
    let code = vec![object];
    let codesign = fold(&code);
    Ok(Evidence {
        path: path.to_string_lossy().into_owned(),
        code,
        codesign,
        statistics,
    })
}

/// The evidence about a file that belongs to no bundle.
fn file(bytes: &[u8]) -> CodeObject {
    let mut object = CodeObject {
        path: String::new(),
        kind: CodeKind::Generic,
        format: "generic".to_owned(),
        parent: None,
        slices: Vec::new(),
        seal: None,
        faults: Vec::new(),
    };
    let mut fault = |kind, slice| {
        object.faults.push(Fault {
            kind,
            path: String::new(),
            slice,
        })
    };
    if !is_macho(bytes) {
        fault(FaultKind::Unsigned, None);
        return object;
    }
    object.kind = CodeKind::MachO;
    let macho = match MachO::parse(bytes) {
        Ok(macho) => macho,
        Err(error) => {
            fault(FaultKind::MachO(error), None);
            return object;
        }
    };
    if let Some(fat) = &macho.fat {
        fat.faults
            .iter()
            .for_each(|layout| fault(FaultKind::Fat(*layout), None));
    }
    let slices = in_order(&macho);
    let examined: Vec<_> = slices
        .par_iter()
        .map(|slice| examine(slice, BoundFiles::default()))
        .collect();
    for (index, (facts, faults)) in examined.into_iter().enumerate() {
        faults.into_iter().for_each(|kind| fault(kind, Some(index)));
        object.slices.push(facts);
    }
    let primary = object
        .slices
        .first()
        .map(|slice| (slice.team_id.clone(), slice.signature));
    for (index, slice) in object.slices.iter().enumerate().skip(1) {
        let Some((team, signature)) = &primary else {
            continue;
        };
        let both_signed = *signature != SignatureKind::Unsigned && slice.signature != SignatureKind::Unsigned;
        if both_signed && slice.team_id != *team {
            let kind = FaultKind::TeamDiffersBetweenSlices {
                primary: team.clone(),
                other: slice.team_id.clone(),
            };
            object.faults.push(Fault {
                kind,
                path: String::new(),
                slice: Some(index),
            });
        }
    }
    object.format = format(&macho);
    object
}

/// The primary slice first, then the others by architecture.
fn in_order<'m, 'a>(macho: &'m MachO<'a>) -> Vec<&'m Slice<'a>> {
    let mut slices: Vec<_> = macho.slices.iter().collect();
    // An Apple silicon host prefers arm64e, which sorts before arm64; without either, the first in the file.
    let primary = slices
        .iter()
        .filter(|slice| slice.architecture.is_arm64())
        .map(|slice| slice.architecture)
        .min()
        .or_else(|| slices.first().map(|slice| slice.architecture));
    slices.sort_by_key(|slice| (Some(slice.architecture) != primary, slice.architecture));
    slices
}

/// `Mach-O thin (arm64)` or `Mach-O universal (x86_64 arm64)`.
fn format(macho: &MachO<'_>) -> String {
    let mut architectures: Vec<Architecture> = macho.slices.iter().map(|slice| slice.architecture).collect();
    architectures.sort();
    architectures.dedup();
    let names: Vec<_> = architectures.iter().map(ToString::to_string).collect();
    let word = if macho.fat.is_some() { "universal" } else { "thin" };
    format!("Mach-O {word} ({})", names.join(" "))
}
