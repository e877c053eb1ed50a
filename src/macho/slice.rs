//! One slice: header, load commands, and where its signature is.
//!
//! Specification 2.4–2.8. Commands are read as macOS needs them: up to the one that gives the end of the slice
//! (`MachO::validateStructure`) and the first `LC_CODE_SIGNATURE` (`MachOBase::findCodeSignature`) a command that is too short makes the
//! slice unreadable; after them, and of other kinds, it is a fact for the rules ([`Slice::unloadable`]). So is a second
//! `LC_CODE_SIGNATURE` ([`Slice::code_signature_count`]). Offsets are in bytes from the start of the slice.

use goblin::mach::{header, load_command as lc};

use super::load_command::{Commands, LoadCommand};
use super::{Architecture, BuildVersion, LinkedPath, LinkedPathKind, MachOError, Segment};
use crate::octets::{Endian, c_string, range, u32_be};
use crate::source::View;

/// `filetype` of a Mach-O header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileType(pub u32);

impl FileType {
    /// An object file.
    pub const OBJECT: Self = Self(header::MH_OBJECT);
    /// Debug symbols.
    pub const DSYM: Self = Self(header::MH_DSYM);

    /// Whether `codesign` treats this type as code; others are generic files (`MachORep::candidate`).
    #[must_use]
    pub fn is_code(self) -> bool {
        matches!(self.0, 2 | 5 | 6 | 7 | 8 | 11)
    }

    /// Whether this is a program (`MH_EXECUTE`).
    #[must_use]
    pub fn is_execute(self) -> bool {
        self.0 == header::MH_EXECUTE
    }

    /// Whether this is a kernel extension (`MH_KEXT_BUNDLE`).
    #[must_use]
    pub fn is_kext_bundle(self) -> bool {
        self.0 == header::MH_KEXT_BUNDLE
    }

    /// A word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            header::MH_OBJECT => "object file",
            header::MH_EXECUTE => "executable",
            5 => "preload",
            header::MH_DYLIB => "library",
            header::MH_DYLINKER => "dynamic linker",
            header::MH_BUNDLE => "loadable bundle",
            header::MH_DSYM => "debug symbols",
            header::MH_KEXT_BUNDLE => "kernel extension",
            _ => "Mach-O",
        }
    }
}

/// `LC_CODE_SIGNATURE`: where the signature lies. It need not lie inside the slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkeditData {
    /// `dataoff`.
    pub offset: u32,
    /// `datasize`; 0 means without limit to Apple's reader.
    pub size: u32,
}

/// One architecture of a Mach-O file.
#[derive(Debug, Clone)]
pub struct Slice<'a> {
    /// The bytes of the slice that are in the file.
    pub data: View<'a>,
    /// Length of the slice in bytes, by the universal header if there is one.
    pub size: u64,
    /// Why macOS cannot read the slice; nothing else is known then.
    pub fault: Option<MachOError>,
    /// What the kernel and the dynamic linker refuse, though the signature can be verified.
    pub unloadable: Option<MachOError>,
    /// Offset of the slice in its file, in bytes.
    pub offset: u64,
    /// CPU type and subtype of the slice's own header.
    pub architecture: Architecture,
    /// The same in the universal header, by which macOS chooses slices and tells them apart; of a thin file, those of its own.
    pub entry: Architecture,
    /// File type.
    pub file_type: FileType,
    /// `MH_` flags.
    pub flags: u32,
    /// Segments in command order.
    pub segments: Vec<Segment>,
    /// The first `LC_CODE_SIGNATURE`.
    pub code_signature: Option<LinkeditData>,
    /// How many `LC_CODE_SIGNATURE` commands there are.
    pub code_signature_count: u32,
    /// `LC_BUILD_VERSION`, or the older `LC_VERSION_MIN_…`.
    pub build_version: Option<BuildVersion>,
    /// Libraries, run paths, the dynamic linker and settings for it.
    pub linked_paths: Vec<LinkedPath>,
    /// `LC_UUID`.
    pub uuid: Option<[u8; 16]>,
    /// Section `__TEXT,__info_plist`.
    pub info_plist: Option<&'a [u8]>,
    /// Section `__TEXT,__launchd_plist`.
    pub launchd_plist: Option<&'a [u8]>,
    /// `cryptid` of `LC_ENCRYPTION_INFO`; anything but 0 means that the code is encrypted.
    pub encryption: Option<u32>,
    /// Where the first `__LINKEDIT` or symbol table command says that the slice ends.
    pub linkedit_end: Option<u64>,
}

impl<'a> Slice<'a> {
    /// Reads the slice at `offset` of its file, whose length is `size`; `data` is what is there of it.
    ///
    /// # Errors
    /// [`MachOError`], when the header or a load command that is needed is malformed.
    pub fn parse(data: View<'a>, offset: u64, size: u64) -> Result<Self, MachOError> {
        let truncated = MachOError::Truncated {
            what: "Mach-O header",
        };
        // The longer one of the two headers.
        let head = data.head(32);
        let magic = u32_be(head, 0).ok_or(truncated)?;
        let (endian, is_64) = match magic {
            header::MH_MAGIC => (Endian::Big, false),
            header::MH_CIGAM => (Endian::Little, false),
            header::MH_MAGIC_64 => (Endian::Big, true),
            header::MH_CIGAM_64 => (Endian::Little, true),
            _ => return Err(MachOError::Magic { magic }),
        };
        let field = |at| endian.u32(head, at).ok_or(truncated);
        let architecture = Architecture::new(field(4)?, field(8)?);
        let mut slice = Self {
            file_type: FileType(field(12)?),
            flags: field(24)?,
            ..Self::empty(data, offset, size, architecture)
        };
        let counted = field(16)?;
        let start = if is_64 { 32 } else { 28 };
        let mut commands = Commands::of(data, endian, start, field(20)?)?;
        let mut found = 0u32;
        loop {
            let command = match commands.advance() {
                Ok(Some(command)) => command,
                Ok(None) => break,
                Err(error) if slice.is_searched() || error.is_limit() => return Err(error),
                Err(error) => {
                    slice.unloadable.get_or_insert(error);
                    break;
                }
            };
            found = found.saturating_add(1);
            slice.find(endian, command).ok_or_else(|| command.error())?;
            // The kernel and the dynamic linker go by the number as well.
            let is_read = command.index >= counted || slice.read(endian, command).is_some();
            if !is_read || !command.is_whole() {
                slice.unloadable.get_or_insert(command.error());
            }
        }
        if found != counted {
            slice
                .unloadable
                .get_or_insert(MachOError::CommandCount { counted, found });
        }
        Ok(slice)
    }

    /// A slice that cannot be read.
    pub(super) fn unreadable(data: View<'a>, offset: u64, size: u64, fault: MachOError) -> Self {
        Self {
            fault: Some(fault),
            ..Self::empty(data, offset, size, Architecture::new(0, 0))
        }
    }

    fn empty(data: View<'a>, offset: u64, size: u64, architecture: Architecture) -> Self {
        Self {
            data,
            size,
            fault: None,
            unloadable: None,
            offset,
            architecture,
            entry: architecture,
            file_type: FileType(0),
            flags: 0,
            segments: Vec::new(),
            code_signature: None,
            code_signature_count: 0,
            build_version: None,
            linked_paths: Vec::new(),
            uuid: None,
            info_plist: None,
            launchd_plist: None,
            encryption: None,
            linkedit_end: None,
        }
    }

    /// Returns true while macOS still looks for the end of the slice or for the signature. Of a slice without length, the end is not
    /// looked for.
    fn is_searched(&self) -> bool {
        (self.linkedit_end.is_none() && self.size != 0) || self.code_signature_count == 0
    }

    /// Takes from one command what macOS needs; `None` when the command is too short for that.
    fn find(&mut self, endian: Endian, command: LoadCommand<'a>) -> Option<()> {
        let data = command.data;
        let field = |at| endian.u32(data, at);
        let is_end = |name: Option<String>| name.as_deref() == Some("__LINKEDIT");
        let needs_end = self.linkedit_end.is_none() && self.size != 0;
        match command.command {
            lc::LC_SEGMENT if needs_end => {
                command.has(56).then_some(())?;
                if is_end(fixed_name(data, 8)) {
                    // Apple adds in 32 bits.
                    let end = field(32)?.wrapping_add(field(36)?);
                    self.linkedit_end = Some(u64::from(end));
                }
            }
            lc::LC_SEGMENT_64 if needs_end => {
                command.has(72).then_some(())?;
                if is_end(fixed_name(data, 8)) {
                    let end = endian.u64(data, 40)?.wrapping_add(endian.u64(data, 48)?);
                    self.linkedit_end = Some(end);
                }
            }
            lc::LC_SYMTAB if needs_end => {
                command.has(24).then_some(())?;
                let end = field(16)?.wrapping_add(field(20)?);
                self.linkedit_end = Some(u64::from(end));
            }
            lc::LC_CODE_SIGNATURE => {
                self.code_signature_count = self.code_signature_count.saturating_add(1);
                if self.code_signature.is_none() {
                    command.has(16).then_some(())?;
                    self.code_signature = Some(LinkeditData {
                        offset: field(8)?,
                        size: field(12)?,
                    });
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Takes what the rules ask for from one command; `None` when the command is too short for its structure.
    fn read(&mut self, endian: Endian, command: LoadCommand<'a>) -> Option<()> {
        let data = command.data;
        let field = |at| endian.u32(data, at);
        match command.command {
            lc::LC_CODE_SIGNATURE => command.has(16).then_some(())?,
            lc::LC_SYMTAB => command.has(24).then_some(())?,
            lc::LC_SEGMENT | lc::LC_SEGMENT_64 => self.read_segment(endian, command)?,
            lc::LC_UUID => self.uuid = Some(*data.get(8..)?.first_chunk::<16>()?),
            lc::LC_BUILD_VERSION => {
                self.build_version = Some(BuildVersion {
                    platform: field(8)?,
                    min_os: field(12)?,
                    sdk: field(16)?,
                });
            }
            lc::LC_VERSION_MIN_MACOSX => self.version_min(1, field(8)?, field(12)?),
            lc::LC_VERSION_MIN_IPHONEOS => self.version_min(2, field(8)?, field(12)?),
            lc::LC_VERSION_MIN_TVOS => self.version_min(3, field(8)?, field(12)?),
            lc::LC_VERSION_MIN_WATCHOS => self.version_min(4, field(8)?, field(12)?),
            lc::LC_ENCRYPTION_INFO | lc::LC_ENCRYPTION_INFO_64 => self.encryption = Some(field(16)?),
            lc::LC_LOAD_DYLIB => self.path(endian, data, LinkedPathKind::Library)?,
            lc::LC_REEXPORT_DYLIB => self.path(endian, data, LinkedPathKind::ReexportedLibrary)?,
            lc::LC_LOAD_UPWARD_DYLIB => self.path(endian, data, LinkedPathKind::UpwardLibrary)?,
            lc::LC_LAZY_LOAD_DYLIB => self.path(endian, data, LinkedPathKind::LazyLibrary)?,
            lc::LC_LOAD_WEAK_DYLIB => self.path(endian, data, LinkedPathKind::WeakLibrary)?,
            lc::LC_ID_DYLIB => self.path(endian, data, LinkedPathKind::Identity)?,
            lc::LC_RPATH => self.path(endian, data, LinkedPathKind::RunPath)?,
            lc::LC_LOAD_DYLINKER => self.path(endian, data, LinkedPathKind::DynamicLinker)?,
            lc::LC_DYLD_ENVIRONMENT => self.path(endian, data, LinkedPathKind::LinkerEnvironment)?,
            _ => {}
        }
        Some(())
    }

    /// `LC_BUILD_VERSION` wins over the older commands.
    fn version_min(&mut self, platform: u32, min_os: u32, sdk: u32) {
        self.build_version.get_or_insert(BuildVersion {
            platform,
            min_os,
            sdk,
        });
    }

    fn path(&mut self, endian: Endian, data: &[u8], kind: LinkedPathKind) -> Option<()> {
        let start = usize::try_from(endian.u32(data, 8)?).ok()?;
        let text = data.get(start..)?;
        // The name may fill the command to its end without a NUL.
        let text = text.split(|byte| *byte == 0).next()?;
        self.linked_paths.push(LinkedPath {
            kind,
            path: String::from_utf8_lossy(text).into_owned(),
        });
        Some(())
    }

    fn read_segment(&mut self, endian: Endian, command: LoadCommand<'a>) -> Option<()> {
        let data = command.data;
        let is_64 = command.command == lc::LC_SEGMENT_64;
        let name = fixed_name(data, 8)?;
        let protections = if is_64 { 56 } else { 40 };
        let (file_offset, file_size, count, sections, section_size) = if is_64 {
            (
                endian.u64(data, 40)?,
                endian.u64(data, 48)?,
                endian.u32(data, 64)?,
                72u64,
                80u64,
            )
        } else {
            let offset = u64::from(endian.u32(data, 32)?);
            (
                offset,
                u64::from(endian.u32(data, 36)?),
                endian.u32(data, 48)?,
                56u64,
                68u64,
            )
        };
        // `MachOBase::findSection`: the first segment of this name, whose sections must all fit, and the first section of its name in
        // it, wherever that leads.
        let is_first = || self.segments.iter().all(|segment| segment.name != "__TEXT");
        let end = sections.saturating_add(u64::from(count).saturating_mul(section_size));
        let fits = range(data, 0, end).is_some();
        if name == "__TEXT" && fits && is_first() {
            let mut seen = [false; 2];
            for index in 0..u64::from(count) {
                let at = sections.saturating_add(index.saturating_mul(section_size));
                let section = range(data, at, section_size)?;
                let [has_info, has_launchd] = &mut seen;
                let (has_known, known) = match fixed_name(section, 0)?.as_str() {
                    "__info_plist" => (has_info, &mut self.info_plist),
                    "__launchd_plist" => (has_launchd, &mut self.launchd_plist),
                    _ => continue,
                };
                if !std::mem::replace(has_known, true) {
                    let (size, offset) = if is_64 {
                        (endian.u64(section, 40)?, endian.u32(section, 48)?)
                    } else {
                        (u64::from(endian.u32(section, 36)?), endian.u32(section, 40)?)
                    };
                    *known = self.data.range(u64::from(offset), size);
                }
            }
        }
        self.segments.push(Segment {
            name,
            file_offset,
            file_size,
            is_64,
            most_protection: endian.u32(data, protections)?,
            first_protection: endian.u32(data, protections.saturating_add(4))?,
        });
        Some(())
    }

    /// Length in bytes of what is in the file of the slice.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.data.len()
    }

    /// The bytes from the signature's offset on, at most `datasize` of them and never past the slice.
    ///
    /// `None` without `LC_CODE_SIGNATURE`. Apple reads past the slice end where the command says so; nothing
    /// legitimate lies there, and the kernel refuses it (specification 2.6).
    #[must_use]
    pub fn signature_space(&self) -> Option<&'a [u8]> {
        let place = self.code_signature?;
        let available = self.length().saturating_sub(u64::from(place.offset));
        let size = if place.size == 0 {
            available
        } else {
            u64::from(place.size).min(available)
        };
        Some(self.data.range(u64::from(place.offset), size).unwrap_or_default())
    }

    /// Where signed bytes must end: at the signature, or at the end of an unsigned slice
    /// (`MachORep::signingLimit`).
    #[must_use]
    pub fn signing_extent(&self) -> u64 {
        self.code_signature
            .map_or(self.size, |place| u64::from(place.offset))
    }

    /// Whether `__LINKEDIT` ends exactly at the end of the slice (`MachO::isSuspicious` is the contrary). macOS does not ask where the
    /// universal header gives no length.
    #[must_use]
    pub fn linkedit_is_last(&self) -> bool {
        self.size == 0 || self.linkedit_end == Some(self.size)
    }
}

/// A name in a field of 16 bytes, which need not end in NUL.
fn fixed_name(data: &[u8], at: u64) -> Option<String> {
    let field = range(data, at, 16)?;
    let name = c_string(field, 0).unwrap_or(field);
    Some(String::from_utf8_lossy(name).into_owned())
}
