//! Load commands, as far as a signature and the rules are concerned with them.
//!
//! Constants are goblin's; the walk is our own and goes as Apple's does (`MachOBase::initCommands`, `nextCommand`): by `sizeofcmds`,
//! never by `ncmds`; a command must fit when it is reached, and a length of zero ends the walk with an error. What else the kernel and
//! the dynamic linker demand is a fact for the rules.

use super::MachOError;
use crate::limits::LOAD_COMMANDS;
use crate::octets::{Endian, range};
use crate::source::View;

/// One load command with its header.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadCommand<'a> {
    /// Its number in the list.
    pub(super) index: u32,
    /// Where it begins, in bytes from the start of the slice.
    pub(super) offset: u64,
    /// The command number, the required bit included.
    pub(super) command: u32,
    /// The `cmdsize` field.
    pub(super) size: u32,
    /// The whole command, header included; less where the first command is longer than the list.
    pub(super) data: &'a [u8],
}

impl LoadCommand<'_> {
    /// The error of one that is too short, or of another wrong length.
    pub(super) fn error(&self) -> MachOError {
        MachOError::LoadCommand {
            index: self.index,
            offset: self.offset,
            size: self.size,
        }
    }

    /// Returns true if the command has at least `length` bytes, all of them in the list.
    pub(super) fn has(&self, length: u32) -> bool {
        let available = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        self.size.min(available) >= length
    }

    /// Returns true if the kernel and the dynamic linker take a command of this length.
    pub(super) fn is_whole(&self) -> bool {
        self.has(8) && self.has(self.size) && self.size.is_multiple_of(4)
    }
}

/// The load commands of one slice, in their order.
#[derive(Debug)]
pub(super) struct Commands<'a> {
    area: &'a [u8],
    endian: Endian,
    /// Where the list begins in the slice.
    start: u64,
    next: Next,
}

/// Where the next command is in the list.
#[derive(Debug, Clone, Copy)]
enum Next {
    At {
        index: u32,
        at: u64,
    },
    /// The command before it has a length of zero.
    Nowhere(MachOError),
    Ended,
}

impl<'a> Commands<'a> {
    /// The `size` bytes of commands that begin at `start` of `slice`.
    ///
    /// # Errors
    /// [`MachOError`] where the list is not in the slice, or has no room for one command.
    pub(super) fn of(slice: View<'a>, endian: Endian, start: u64, size: u32) -> Result<Self, MachOError> {
        let area = slice.range(start, u64::from(size)).ok_or(MachOError::Truncated {
            what: "load commands",
        })?;
        if area.len() < 8 {
            return Err(MachOError::LoadCommand {
                index: 0,
                offset: start,
                size: 0,
            });
        }
        Ok(Self {
            area,
            endian,
            start,
            next: Next::At { index: 0, at: 0 },
        })
    }

    /// The next command.
    ///
    /// # Errors
    /// [`MachOError`] where it does not fit; the walk ends there.
    pub(super) fn advance(&mut self) -> Result<Option<LoadCommand<'a>>, MachOError> {
        let (index, at) = match std::mem::replace(&mut self.next, Next::Ended) {
            Next::At { index, at } => (index, at),
            Next::Nowhere(error) => return Err(error),
            Next::Ended => return Ok(None),
        };
        if index >= LOAD_COMMANDS {
            return Err(MachOError::TooManyCommands { limit: LOAD_COMMANDS });
        }
        let offset = self.start.saturating_add(at);
        let field = |at: u64| self.endian.u32(self.area, at);
        let (Some(command), Some(size)) = (field(at), field(at.saturating_add(4))) else {
            return Err(MachOError::LoadCommand {
                index,
                offset,
                size: 0,
            });
        };
        let length = u64::try_from(self.area.len()).unwrap_or(u64::MAX);
        let available = length.saturating_sub(at);
        let error = MachOError::LoadCommand { index, offset, size };
        // Nothing looks whether the first one fits.
        if index > 0 && u64::from(size) > available {
            return Err(error);
        }
        let following = at.saturating_add(u64::from(size));
        self.next = match size {
            0 => Next::Nowhere(error),
            _ if following >= length => Next::Ended,
            _ => Next::At {
                index: index.saturating_add(1),
                at: following,
            },
        };
        let data = range(self.area, at, u64::from(size).min(available)).ok_or(error)?;
        Ok(Some(LoadCommand {
            index,
            offset,
            command,
            size,
            data,
        }))
    }
}

/// A segment command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Name, such as `__LINKEDIT`.
    pub name: String,
    /// Offset of its contents in the slice, in bytes.
    pub file_offset: u64,
    /// Length of its contents in bytes.
    pub file_size: u64,
    /// Whether the segment is 64-bit; 32-bit ends are computed in 32 bits.
    pub is_64: bool,
    /// `maxprot`: the most that the segment may ever be allowed, as bits of [`Segment::WRITE`] and the like.
    pub most_protection: u32,
    /// `initprot`: what the segment is allowed when it is mapped.
    pub first_protection: u32,
}

impl Segment {
    /// `VM_PROT_WRITE`.
    pub const WRITE: u32 = 2;
    /// `VM_PROT_EXECUTE`.
    pub const EXECUTE: u32 = 4;

    /// Whether this protection lets the same memory be written and executed.
    #[must_use]
    pub fn is_writable_code(protection: u32) -> bool {
        let both = Self::WRITE | Self::EXECUTE;
        protection & both == both
    }
}

/// Platform, minimum system and SDK of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildVersion {
    /// Platform number: 1 macOS, 2 iOS, 6 Mac Catalyst, 10 DriverKit, …
    pub platform: u32,
    /// Minimum system as 0xMMMMmmpp.
    pub min_os: u32,
    /// SDK as 0xMMMMmmpp.
    pub sdk: u32,
}

impl BuildVersion {
    /// `10.15` or `10.15.1` for a packed version.
    #[must_use]
    pub fn text(packed: u32) -> String {
        let (major, minor, patch) = (packed >> 16, (packed >> 8) & 0xff, packed & 0xff);
        if patch == 0 {
            format!("{major}.{minor}")
        } else {
            format!("{major}.{minor}.{patch}")
        }
    }

    /// Name of the platform.
    #[must_use]
    pub fn platform_name(&self) -> &'static str {
        match self.platform {
            1 => "macOS",
            2 => "iOS",
            3 => "tvOS",
            4 => "watchOS",
            5 => "bridgeOS",
            6 => "Mac Catalyst",
            7 => "iOS simulator",
            8 => "tvOS simulator",
            9 => "watchOS simulator",
            10 => "DriverKit",
            11 => "visionOS",
            12 => "visionOS simulator",
            _ => "unknown",
        }
    }
}

/// What a path in a load command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkedPathKind {
    /// A library that must load (`LC_LOAD_DYLIB`).
    Library,
    /// A library that may be missing (`LC_LOAD_WEAK_DYLIB`).
    WeakLibrary,
    /// A library whose symbols count as the image's own (`LC_REEXPORT_DYLIB`).
    ReexportedLibrary,
    /// A library that loads this one (`LC_LOAD_UPWARD_DYLIB`).
    UpwardLibrary,
    /// A library that loads when it is first used (`LC_LAZY_LOAD_DYLIB`).
    LazyLibrary,
    /// The library's own name (`LC_ID_DYLIB`).
    Identity,
    /// A run path (`LC_RPATH`).
    RunPath,
    /// The dynamic linker (`LC_LOAD_DYLINKER`).
    DynamicLinker,
    /// A setting for the dynamic linker such as `DYLD_FRAMEWORK_PATH=…` (`LC_DYLD_ENVIRONMENT`).
    LinkerEnvironment,
}

impl LinkedPathKind {
    /// Whether it names a library to be loaded.
    #[must_use]
    pub fn is_dependency(self) -> bool {
        matches!(
            self,
            Self::Library
                | Self::WeakLibrary
                | Self::ReexportedLibrary
                | Self::UpwardLibrary
                | Self::LazyLibrary
        )
    }
}

/// A path in a load command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedPath {
    /// What it is for.
    pub kind: LinkedPathKind,
    /// The path, such as `@rpath/Sparkle.framework/Versions/B/Sparkle`.
    pub path: String,
}
