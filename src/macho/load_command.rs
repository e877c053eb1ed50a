//! Load commands, as far as a signature and the rules are concerned with them.
//!
//! Constants are goblin's; the walk is our own (specification 2.6): `cmdsize` of at least 8, a multiple of 4,
//! every command inside `sizeofcmds`, and `sizeofcmds` inside the slice.

use super::MachOError;
use crate::octets::{Endian, range};

/// One load command with its header.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadCommand<'a> {
    /// The command number, the required bit included.
    pub(super) command: u32,
    /// The whole command, header included.
    pub(super) data: &'a [u8],
}

/// Walks `count` commands of `size` bytes in all that start at `start` of `slice`.
///
/// Apple reads up to `ncmds` commands; `count` is bounded by `size / 8`, which the slice bounds in turn.
pub(super) fn walk(
    slice: &[u8],
    endian: Endian,
    start: u64,
    count: u32,
    size: u32,
) -> Result<Vec<LoadCommand<'_>>, MachOError> {
    let area = range(slice, start, u64::from(size)).ok_or(MachOError::Truncated {
        what: "load commands",
    })?;
    let mut commands = Vec::new();
    let mut at = 0u64;
    for index in 0..count {
        let offset = start.saturating_add(at);
        let ended = MachOError::LoadCommand {
            index,
            offset,
            size: 0,
        };
        let command = endian.u32(area, at).ok_or(ended)?;
        let size = endian.u32(area, at.saturating_add(4)).ok_or(ended)?;
        let error = MachOError::LoadCommand { index, offset, size };
        if size < 8 || size % 4 != 0 {
            return Err(error);
        }
        let data = range(area, at, u64::from(size)).ok_or(error)?;
        commands.push(LoadCommand { command, data });
        at = at.saturating_add(u64::from(size));
    }
    Ok(commands)
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
