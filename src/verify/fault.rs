//! What can be wrong with code, as facts: no severity, no advice.
//!
//! [`Fault::status`] is the OSStatus that Apple's static validation answers to the fault by itself, and
//! [`Fault::stage`] the step of specification 11.2 in which it is met. A fault without status is one that
//! macOS tolerates ([HARDEN] in the specification).

use super::{ComponentError, LinkProblem, Oddity, OsStatus, RequirementFault};
use crate::blob::{BlobError, Slot};
use crate::budget::OverBudget;
use crate::bundle::{LayoutError, LayoutFault, ScanFault, SealError};
use crate::codedir::CodeDirectoryError;
use crate::entitlements::{AmfiError, Difference, EntitlementsError};
use crate::macho::{FatFault, MachOError};
use crate::plist::PlistError;
use crate::source::SourceError;
use crate::trust::IdentityFault;

/// The steps of static validation, in Apple's order (specification 11.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The code object could not be created.
    Creation,
    /// Signature, CodeDirectories and CMS.
    Signature,
    /// Special slots except CodeResources.
    SpecialSlots,
    /// Code pages.
    Pages,
    /// The requirement that the surrounding seal demands.
    Requirement,
    /// CodeResources against its slot, and reading it.
    Seal,
    /// Weak rules and obsolete envelopes; strict.
    WeakSeal,
    /// Faults of the resource scan that end it.
    Scan,
    /// Files added, modified, missing.
    Resources,
    /// The disk representation under strict rules.
    Strict,
}

/// How a special slot and its component disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotProblem {
    /// The digests differ.
    Modified,
    /// The slot holds a digest, but there is no such component.
    Missing,
    /// The top directory lists other components than there are (`validateTopDirectory`).
    OtherList,
}

/// What carries an attribute that strict validation refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SidebandPlace {
    /// A file or nested code under the seal.
    Resource,
    /// The bundle's directory.
    Root,
    /// The main executable.
    Executable,
}

/// One kind of fault with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// No signature.
    Unsigned,
    /// The file or slice starts like Mach-O but cannot be read as such.
    MachO(MachOError),
    /// Verification does not need what is wrong here; the kernel or the dynamic linker refuses it.
    Unloadable(MachOError),
    /// The layout of a universal file is suspicious.
    Fat(FatFault),
    /// `LC_CODE_SIGNATURE` leads to no readable SuperBlob.
    SuperBlob(BlobError),
    /// The detached signature cannot be used for this slice (`DetachedRep::DetachedRep`).
    Detached(BlobError),
    /// A component cannot be used.
    Component {
        /// Its slot.
        slot: Slot,
        /// What is wrong.
        error: ComponentError,
    },
    /// A CodeDirectory is malformed.
    CodeDirectory {
        /// The slot it came from.
        slot: Slot,
        /// What is wrong.
        error: CodeDirectoryError,
        /// Whether there is a CMS slot; without one, macOS calls the code unsigned (specification 4.1).
        has_cms: bool,
    },
    /// Two CodeDirectories of one hash type.
    DuplicateHashType,
    /// No CodeDirectory has a hash type that macOS can compute.
    NoUsableHashType,
    /// A special slot and its component disagree.
    SpecialSlot {
        /// The slot.
        slot: Slot,
        /// How.
        problem: SlotProblem,
    },
    /// A component that no special slot binds, so anybody can change it.
    SlotUnbound {
        /// The slot.
        slot: Slot,
    },
    /// A component is not the blob that belongs in its slot; the kernel refuses it.
    SlotMagic {
        /// The slot.
        slot: Slot,
        /// What it is instead.
        error: BlobError,
    },
    /// Code pages differ from their digests.
    Pages {
        /// How many.
        bad: u64,
        /// Of how many.
        total: u64,
        /// The number of the first.
        first: u64,
        /// Its offset in the slice, in bytes.
        offset: u64,
    },
    /// The slice's team identifier is not the first slice's.
    TeamDiffersBetweenSlices {
        /// Team of the primary slice.
        primary: Option<String>,
        /// Team of this slice.
        other: Option<String>,
    },
    /// Signed bytes do not end where the signature begins.
    CodeLimit {
        /// `codeLimit`, in bytes.
        limit: u64,
        /// Where the signature begins.
        extent: u64,
    },
    /// `__LINKEDIT` does not end at the end of the slice: there are bytes that nothing covers.
    LinkeditEnd {
        /// Where it ends, if there is one.
        end: Option<u64>,
        /// Length of the slice.
        length: u64,
    },
    /// The signature's place reaches past the end of the slice; the kernel refuses it.
    SignatureOutsideSlice,
    /// The signature does not end the slice.
    BytesAfterSignature {
        /// How many bytes follow.
        count: u64,
    },
    /// More than one `LC_CODE_SIGNATURE`.
    SecondCodeSignature {
        /// How many there are.
        count: u32,
    },
    /// A bound entitlements blob cannot be decoded.
    EntitlementsMalformed {
        /// Which form: slot 5 or slot 7.
        slot: Slot,
        /// What is wrong.
        error: EntitlementsError,
    },
    /// The bound XML entitlements can be decoded, but not by AMFI's stricter reader, or not by every other.
    EntitlementsForm(AmfiError),
    /// The two forms of the entitlements say different things.
    EntitlementsDiffer(Vec<Difference>),
    /// A directory that is no bundle.
    Bundle(LayoutError),
    /// The bundle has no seal, or its signature binds none.
    SealAbsent,
    /// The seal cannot be read.
    Seal(SealError),
    /// The seal is of version 1.
    SealVersion1,
    /// The seal's rules leave out more than Apple's do.
    SealWeak,
    /// Files differ from the seal; paths are relative to the item.
    Resources {
        /// Files that the seal does not know.
        added: Vec<String>,
        /// Files that changed.
        modified: Vec<String>,
        /// Files that are gone.
        missing: Vec<String>,
        /// Nested code among the changed files: it does not satisfy the requirement that the seal demands.
        nested: Vec<String>,
    },
    /// A requirement cannot be evaluated on this code.
    Requirement(RequirementFault),
    /// A fault that ends the scan of resources.
    Scan(ScanFault),
    /// A sealed link that the system would not open (ENOENT, ELOOP, ENOTDIR); strict only.
    LinkUnopened(LinkProblem),
    /// A sealed link that leads where the seal does not reach; strict only.
    LinkDestination,
    /// A sealed link to a place outside of the item, which strict validation allows and macOS opens: it is not known
    /// here whether there is anything.
    AssumedLink {
        /// Where it leads.
        target: String,
    },
    /// A resource fork or Finder information; strict only.
    Sideband {
        /// The attribute.
        attribute: &'static str,
        /// What carries it.
        on: SidebandPlace,
    },
    /// Another version of a nested framework does not verify; strict only.
    FrameworkVersion {
        /// Path of the version, relative to the item.
        version: String,
        /// The status of an error of the system, which is passed on as it is (`validateOtherVersions`).
        system: Option<OsStatus>,
    },
    /// Slices behind a fault in the layout of a universal file, which macOS does not measure.
    UnmeasuredSlices,
    /// There is no slice of the architecture that was asked for.
    NoSuchArchitecture,
    /// Nested code satisfies its requirement but is not the code that was sealed.
    NestedReplaced,
    /// A fault of the bundle's layout.
    Layout(LayoutFault),
    /// Nested deeper than the budget.
    TooDeep {
        /// The budget.
        limit: u64,
    },
    /// The budget of the item is spent: it is not judged as a whole.
    Budget(OverBudget),
    /// Info.plist is beyond a budget for property lists.
    InfoPlist(PlistError),
    /// The certificate signature.
    Identity(IdentityFault),
    /// Certificates are not valid at the time of signing, and the caller or the code itself minds.
    Expired,
    /// Something could not be read, so nothing follows from it.
    Unreadable(SourceError),
    /// Alternate CodeDirectories cover other bytes than the chosen one.
    AlternatesDisagree,
    /// Something that macOS tolerates.
    Oddity(Oddity),
}

/// A fault and its place inside the code object that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The file it concerns, relative to the item, `/` between components.
    pub path: String,
    /// Index of the slice, where it concerns one.
    pub slice: Option<usize>,
}

impl Fault {
    /// The step of validation in which Apple's code meets the fault.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.kind {
            // A slice is read when it is its turn, and so is its part of a detached signature; the code object is made for the first.
            FaultKind::MachO(_) if self.slice.is_some() => Stage::Signature,
            FaultKind::Detached(_) if self.slice.is_some_and(|slice| slice > 0) => Stage::Signature,
            FaultKind::Detached(_) => Stage::Creation,
            FaultKind::MachO(_)
            | FaultKind::Bundle(_)
            | FaultKind::TooDeep { .. }
            | FaultKind::Budget(_)
            | FaultKind::InfoPlist(_)
            | FaultKind::Unreadable(_)
            | FaultKind::NoSuchArchitecture => Stage::Creation,
            FaultKind::SealAbsent | FaultKind::Seal(_) => Stage::Seal,
            FaultKind::SealVersion1 | FaultKind::SealWeak => Stage::WeakSeal,
            FaultKind::Scan(_) | FaultKind::LinkUnopened(_) => Stage::Scan,
            FaultKind::Resources { .. }
            | FaultKind::LinkDestination
            | FaultKind::Sideband {
                on: SidebandPlace::Resource,
                ..
            } => Stage::Resources,
            FaultKind::Layout(_) | FaultKind::Sideband { .. } | FaultKind::FrameworkVersion { .. } => {
                Stage::Strict
            }
            FaultKind::SpecialSlot {
                slot: Slot::RESOURCE_DIRECTORY,
                ..
            } => Stage::Seal,
            FaultKind::SpecialSlot { .. } => Stage::SpecialSlots,
            FaultKind::Pages { .. } => Stage::Pages,
            FaultKind::Requirement(_) => Stage::Requirement,
            FaultKind::Fat(_) | FaultKind::CodeLimit { .. } | FaultKind::LinkeditEnd { .. } => Stage::Strict,
            _ => Stage::Signature,
        }
    }

    /// Returns true if the fault could come from a name that was not seen.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match &self.kind {
            FaultKind::Unsigned
            | FaultKind::Bundle(_)
            | FaultKind::SealAbsent
            | FaultKind::LinkUnopened(_)
            | FaultKind::Layout(_)
            | FaultKind::SpecialSlot {
                problem: SlotProblem::Missing,
                ..
            } => true,
            FaultKind::Resources { added, modified, .. } => added.is_empty() && modified.is_empty(),
            _ => false,
        }
    }
}
