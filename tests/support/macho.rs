//! Writes small Mach-O files: 32- and 64-bit, both byte orders, thin and universal.

/// One architecture of a file to be built.
#[derive(Clone)]
pub struct Thin {
    pub cpu_type: u32,
    pub cpu_subtype: u32,
    pub file_type: u32,
    pub is_64: bool,
    pub is_big: bool,
    /// Contents of `__text`.
    pub text: Vec<u8>,
    /// Contents of `__TEXT,__info_plist`.
    pub info_plist: Option<Vec<u8>>,
    /// Contents of `__TEXT,__launchd_plist`.
    pub launchd_plist: Option<Vec<u8>>,
    pub libraries: Vec<String>,
    pub run_paths: Vec<String>,
    /// Other load commands with a path: command number, length of what is before the path, path.
    pub paths: Vec<(u32, u32, String)>,
    /// Other load commands, as the values after their number and length.
    pub commands: Vec<(u32, Vec<u32>)>,
    /// `LC_UUID`.
    pub uuid: Option<[u8; 16]>,
    /// `MH_` flags.
    pub header_flags: u32,
    /// `maxprot` and `initprot` of `__TEXT`.
    pub protections: (u32, u32),
    /// Platform, minimum system and SDK of `LC_BUILD_VERSION`.
    pub build_version: (u32, u32, u32),
}

pub const WEAK: u32 = 0x8000_0018;
pub const REEXPORT: u32 = 0x8000_001f;
pub const IDENTITY: u32 = 0xd;
pub const ENVIRONMENT: u32 = 0x27;

pub const EXECUTE: u32 = 2;
pub const DYLIB: u32 = 6;

pub fn x86_64(text: &[u8]) -> Thin {
    Thin {
        cpu_type: 0x0100_0007,
        cpu_subtype: 3,
        file_type: EXECUTE,
        is_64: true,
        is_big: false,
        text: text.to_vec(),
        info_plist: None,
        launchd_plist: None,
        libraries: vec!["/usr/lib/libSystem.B.dylib".into()],
        run_paths: Vec::new(),
        paths: Vec::new(),
        commands: Vec::new(),
        uuid: Some(uuid(text)),
        header_flags: 0x0020_0085,
        protections: (7, 5),
        build_version: (1, 0x000b_0000, 0x001a_0000),
    }
}

/// As the linker does it: other code has another one.
fn uuid(text: &[u8]) -> [u8; 16] {
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut uuid = [0xaa; 16];
    uuid[..8].copy_from_slice(&hash.to_be_bytes());
    uuid
}

pub fn arm64(text: &[u8]) -> Thin {
    Thin {
        cpu_type: 0x0100_000c,
        cpu_subtype: 0,
        ..x86_64(text)
    }
}

pub fn i386(text: &[u8]) -> Thin {
    Thin {
        cpu_type: 7,
        cpu_subtype: 3,
        is_64: false,
        ..x86_64(text)
    }
}

pub fn powerpc(text: &[u8]) -> Thin {
    Thin {
        cpu_type: 18,
        cpu_subtype: 0,
        is_64: false,
        is_big: true,
        ..x86_64(text)
    }
}

struct Writer {
    bytes: Vec<u8>,
    is_big: bool,
    is_64: bool,
}

impl Writer {
    fn u32(&mut self, value: u32) {
        let bytes = if self.is_big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.bytes.extend(bytes);
    }

    /// A field of the machine's word size.
    fn word(&mut self, value: u64) {
        if !self.is_64 {
            return self.u32(value as u32);
        }
        let bytes = if self.is_big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.bytes.extend(bytes);
    }

    fn name(&mut self, text: &str) {
        let mut field = [0u8; 16];
        field[..text.len()].copy_from_slice(text.as_bytes());
        self.bytes.extend(field);
    }

    fn segment(
        &mut self,
        name: &str,
        (offset, size): (u64, u64),
        protections: (u32, u32),
        sections: &[(&str, u64, u64)],
    ) {
        let (command, header, section) = if self.is_64 { (0x19, 72, 80) } else { (1, 56, 68) };
        self.u32(command);
        self.u32(header + section * sections.len() as u32);
        self.name(name);
        self.word(offset); // address
        self.word(size); // size in memory
        self.word(offset);
        self.word(size);
        self.u32(protections.0);
        self.u32(protections.1);
        self.u32(sections.len() as u32);
        self.u32(0);
        for (section, offset, size) in sections {
            self.name(section);
            self.name(name);
            self.word(*offset);
            self.word(*size);
            self.u32(*offset as u32);
            for _ in 0..6 {
                self.u32(0);
            }
            if self.is_64 {
                self.u32(0);
            }
        }
    }

    fn path(&mut self, command: u32, fixed: u32, path: &str) {
        let size = (fixed as usize + path.len() + 1).next_multiple_of(8) as u32;
        self.u32(command);
        self.u32(size);
        self.u32(fixed);
        for _ in 3..fixed / 4 {
            self.u32(0);
        }
        let mut text = path.as_bytes().to_vec();
        text.resize((size - fixed) as usize, 0);
        self.bytes.extend(text);
    }
}

impl Thin {
    /// Where the signature begins: all before it is code.
    pub fn code_limit(&self) -> usize {
        self.layout().2
    }

    /// Offsets of `__text`, `__info_plist` and the signature.
    fn layout(&self) -> (usize, usize, usize) {
        let text = 0x1000;
        let info = text + self.text.len();
        let length = |plist: &Option<Vec<u8>>| plist.as_ref().map_or(0, Vec::len);
        let end = info + length(&self.info_plist) + length(&self.launchd_plist);
        (text, info, end.next_multiple_of(0x1000) + 64)
    }

    /// The file without its signature but with a place of `size` bytes for it, or without that command.
    pub fn build(&self, size: Option<usize>) -> Vec<u8> {
        let (text, info, limit) = self.layout();
        let linkedit = limit - 64;
        let end = limit + size.unwrap_or(0);
        let mut commands = Writer {
            bytes: Vec::new(),
            is_big: self.is_big,
            is_64: self.is_64,
        };
        let mut count = 3u32;
        let mut sections = vec![("__text", text as u64, self.text.len() as u64)];
        if let Some(plist) = &self.info_plist {
            sections.push(("__info_plist", info as u64, plist.len() as u64));
        }
        if let Some(plist) = &self.launchd_plist {
            let at = info + self.info_plist.as_ref().map_or(0, Vec::len);
            sections.push(("__launchd_plist", at as u64, plist.len() as u64));
        }
        commands.segment("__TEXT", (0, linkedit as u64), self.protections, &sections);
        let rest = (end - linkedit) as u64;
        commands.segment("__LINKEDIT", (linkedit as u64, rest), (7, 5), &[]);
        if let Some(uuid) = self.uuid {
            commands.u32(0x1b);
            commands.u32(24);
            commands.bytes.extend(uuid);
            count += 1;
        }
        let (platform, minimum, sdk) = self.build_version;
        for value in [0x32, 24, platform, minimum, sdk, 0] {
            commands.u32(value);
        }
        for library in &self.libraries {
            commands.path(0xc, 24, library);
            count += 1;
        }
        for path in &self.run_paths {
            commands.path(0x8000_001c, 12, path);
            count += 1;
        }
        for (command, fixed, path) in &self.paths {
            commands.path(*command, *fixed, path);
            count += 1;
        }
        for (command, values) in &self.commands {
            commands.u32(*command);
            commands.u32(8 + 4 * values.len() as u32);
            for value in values {
                commands.u32(*value);
            }
            count += 1;
        }
        if let Some(size) = size {
            for value in [0x1d, 16, limit as u32, size as u32] {
                commands.u32(value);
            }
            count += 1;
        }
        let mut file = Writer {
            bytes: Vec::new(),
            is_big: self.is_big,
            is_64: self.is_64,
        };
        file.u32(if self.is_64 { 0xfeed_facf } else { 0xfeed_face });
        file.u32(self.cpu_type);
        file.u32(self.cpu_subtype);
        file.u32(self.file_type);
        file.u32(count);
        file.u32(commands.bytes.len() as u32);
        file.u32(self.header_flags);
        if self.is_64 {
            file.u32(0);
        }
        let mut bytes = file.bytes;
        bytes.extend(commands.bytes);
        assert!(bytes.len() <= text, "load commands do not fit");
        bytes.resize(text, 0);
        bytes.extend(&self.text);
        bytes.extend(self.info_plist.iter().flatten());
        bytes.extend(self.launchd_plist.iter().flatten());
        bytes.resize(linkedit, 0);
        bytes.resize(limit, 0x5a);
        bytes
    }
}

/// Length of `__TEXT`, the first segment, and whether the file is a program; nothing for other files.
pub fn text_segment(code: &[u8]) -> (u64, bool) {
    let Some(magic) = code
        .get(..4)
        .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
    else {
        return (0, false);
    };
    let word = |at: usize| u32::from_le_bytes(code[at..at + 4].try_into().unwrap());
    let big = |at: usize| u32::from_be_bytes(code[at..at + 4].try_into().unwrap());
    match magic {
        0xfeed_facf => (u64::from(word(32 + 48)), word(12) == EXECUTE),
        0xfeed_face => (u64::from(word(28 + 36)), word(12) == EXECUTE),
        0xcefa_edfe => (u64::from(big(28 + 36)), big(12) == EXECUTE),
        _ => (0, false),
    }
}

/// Joins thin files as `lipo` does, each at a multiple of 16 KiB.
pub fn universal(slices: &[(&Thin, Vec<u8>)]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(0xcafe_babe_u32.to_be_bytes());
    header.extend((slices.len() as u32).to_be_bytes());
    let mut body: Vec<u8> = Vec::new();
    for (thin, bytes) in slices {
        let offset = (0x4000 + body.len()).next_multiple_of(0x4000);
        body.resize(offset - 0x4000, 0);
        for value in [
            thin.cpu_type,
            thin.cpu_subtype,
            offset as u32,
            bytes.len() as u32,
            14,
        ] {
            header.extend(value.to_be_bytes());
        }
        body.extend(bytes);
    }
    header.resize(0x4000, 0);
    header.extend(body);
    header
}
