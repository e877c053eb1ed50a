//! Reads and changes Mach-O files that are on disk: slices, load commands, signatures.

use super::Refusal;

const SIGNATURE: u32 = 0x1d;

/// One architecture of a file.
#[derive(Clone)]
pub struct Slice {
    pub cpu: (u32, u32),
    pub bytes: Vec<u8>,
}

fn big(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The slices of a file, and whether it is universal.
pub fn slices(file: &[u8]) -> Result<(Vec<Slice>, bool), Refusal> {
    if file.len() < 32 {
        return Err("not a Mach-O file".into());
    }
    if big(file, 0) == 0xcafe_babe {
        let all = (0..big(file, 4) as usize).map(|index| {
            let at = 8 + 20 * index;
            let (offset, size) = (big(file, at + 8) as usize, big(file, at + 12) as usize);
            Slice {
                cpu: (big(file, at), big(file, at + 4)),
                bytes: file[offset..offset + size].to_vec(),
            }
        });
        return Ok((all.collect(), true));
    }
    let slice = Slice {
        cpu: (0, 0),
        bytes: file.to_vec(),
    };
    let image = Image::of(&slice.bytes)?;
    let cpu = (image.word(4), image.word(8));
    Ok((vec![Slice { cpu, ..slice }], false))
}

/// Joins slices, each at a multiple of 16 KiB.
pub fn join(slices: &[Slice]) -> Vec<u8> {
    let mut header: Vec<u8> = [0xcafe_babe_u32, slices.len() as u32]
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect();
    let mut body: Vec<u8> = Vec::new();
    for slice in slices {
        body.resize(body.len().next_multiple_of(0x4000), 0);
        let offset = 0x4000 + body.len();
        for value in [
            slice.cpu.0,
            slice.cpu.1,
            offset as u32,
            slice.bytes.len() as u32,
            14,
        ] {
            header.extend(value.to_be_bytes());
        }
        body.extend(&slice.bytes);
    }
    header.resize(0x4000, 0);
    [header, body].concat()
}

/// A thin file.
pub struct Image {
    pub bytes: Vec<u8>,
    is_big: bool,
    is_64: bool,
}

impl Image {
    pub fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        let magic = bytes.get(..4).map(|bytes| big(bytes, 0));
        let (is_big, is_64) = match magic {
            Some(0xfeed_facf) => (true, true),
            Some(0xfeed_face) => (true, false),
            Some(0xcffa_edfe) => (false, true),
            Some(0xcefa_edfe) => (false, false),
            _ => return Err("not a Mach-O file".into()),
        };
        Ok(Self {
            bytes: bytes.to_vec(),
            is_big,
            is_64,
        })
    }

    pub fn word(&self, at: usize) -> u32 {
        let bytes = self.bytes[at..at + 4].try_into().unwrap();
        match self.is_big {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        }
    }

    pub fn encoded(&self, value: u32) -> [u8; 4] {
        match self.is_big {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        }
    }

    fn put(&mut self, at: usize, value: u32) {
        let bytes = self.encoded(value);
        self.bytes[at..at + 4].copy_from_slice(&bytes);
    }

    fn header(&self) -> usize {
        if self.is_64 { 32 } else { 28 }
    }

    /// Offset, number and length of every load command.
    pub fn commands(&self) -> Vec<(usize, u32, usize)> {
        let mut at = self.header();
        (0..self.word(16))
            .map(|_| {
                let found = (at, self.word(at), self.word(at + 4) as usize);
                at += found.2;
                found
            })
            .collect()
    }

    /// Puts other load commands in the place of all.
    pub fn replace_commands(&mut self, commands: &[Vec<u8>]) -> Result<(), Refusal> {
        let start = self.header();
        let old = self.word(20) as usize;
        let all = commands.concat();
        let room = self.bytes[start + old..]
            .iter()
            .take_while(|byte| **byte == 0)
            .count();
        if all.len() > old + room {
            return Err("larger updated load commands do not fit".into());
        }
        self.bytes[start..start + old].fill(0);
        self.bytes[start..start + all.len()].copy_from_slice(&all);
        self.put(16, commands.len() as u32);
        self.put(20, all.len() as u32);
        Ok(())
    }

    /// The load commands as bytes.
    pub fn raw_commands(&self) -> Vec<Vec<u8>> {
        let commands = self.commands();
        let raw = commands
            .iter()
            .map(|(at, _, size)| self.bytes[*at..at + size].to_vec());
        raw.collect()
    }

    /// The bytes of the signature.
    pub fn signature(&self) -> Option<&[u8]> {
        let (at, ..) = *self.commands().iter().find(|found| found.1 == SIGNATURE)?;
        let (offset, size) = (self.word(at + 8) as usize, self.word(at + 12) as usize);
        self.bytes.get(offset..offset + size)
    }

    /// The code with room for a signature of this size, which follows it.
    pub fn with_room(&self, room: usize) -> Result<Self, Refusal> {
        let mut image = Self {
            bytes: self.bytes.clone(),
            ..*self
        };
        let found = image.commands().into_iter().find(|found| found.1 == SIGNATURE);
        let (at, limit) = match found {
            Some((at, ..)) => (at, image.word(at + 8) as usize),
            None => {
                let mut commands = image.raw_commands();
                let limit = image.bytes.len().next_multiple_of(16);
                let values = [SIGNATURE, 16, limit as u32, 0];
                commands.push(values.iter().flat_map(|value| image.encoded(*value)).collect());
                image.replace_commands(&commands)?;
                (image.commands().last().unwrap().0, limit)
            }
        };
        image.bytes.resize(limit, 0);
        image.put(at + 12, room as u32);
        image.stretch((limit + room) as u32);
        Ok(image)
    }

    /// Lets `__LINKEDIT` end at an offset in the file.
    fn stretch(&mut self, end: u32) {
        for (at, command, _) in self.commands() {
            if !matches!(command, 1 | 0x19) || &self.bytes[at + 8..at + 18] != b"__LINKEDIT" {
                continue;
            }
            let (memory, offset, size) = match self.is_64 {
                true => (at + 32, at + 40, at + 48),
                false => (at + 28, at + 32, at + 36),
            };
            let low = |at: usize, image: &Self| if image.is_64 && image.is_big { at + 4 } else { at };
            let length = end - self.word(low(offset, self));
            for field in [memory, size] {
                let field = low(field, self);
                self.put(field, length);
            }
        }
    }

    /// The bytes of a section of `__TEXT`.
    pub fn section(&self, name: &str) -> Option<Vec<u8>> {
        for (at, command, size) in self.commands() {
            let (header, section) = match command {
                0x19 => (72, 80),
                1 => (56, 68),
                _ => continue,
            };
            for start in (at + header..at + size).step_by(section) {
                let text = &self.bytes[start..start + 16];
                if text.split(|byte| *byte == 0).next() == Some(name.as_bytes()) {
                    let (length, offset) = match self.is_64 {
                        true => (self.word(start + 40), self.word(start + 48)),
                        false => (self.word(start + 36), self.word(start + 40)),
                    };
                    return Some(self.bytes[offset as usize..(offset + length) as usize].to_vec());
                }
            }
        }
        None
    }
}

/// The blobs of an embedded signature by their slots.
pub fn blobs(signature: &[u8]) -> Vec<(u32, Vec<u8>)> {
    if signature.len() < 12 || big(signature, 0) != 0xfade_0cc0 {
        return Vec::new();
    }
    let count = big(signature, 8) as usize;
    let blob = |index: usize| {
        let at = big(signature, 12 + 8 * index + 4) as usize;
        let length = big(signature, at + 4) as usize;
        (
            big(signature, 12 + 8 * index),
            signature[at..at + length].to_vec(),
        )
    };
    (0..count).map(blob).collect()
}

/// The identifier in a CodeDirectory.
pub fn identifier(directory: &[u8]) -> String {
    let text = &directory[big(directory, 20) as usize..];
    let end = text.iter().position(|byte| *byte == 0).unwrap();
    String::from_utf8_lossy(&text[..end]).into_owned()
}

/// What macOS calls the cdhash of a signature.
pub fn cdhash(signature: &[u8]) -> Option<Vec<u8>> {
    use crate::support::signature::{SHA1, SHA256, SHA256_TRUNCATED, SHA384, digest};
    let blobs = blobs(signature);
    let directories = blobs
        .iter()
        .filter(|(slot, _)| *slot == 0 || (0x1000..0x1005).contains(slot));
    let strength = |kind: u8| {
        [SHA1, SHA256_TRUNCATED, SHA256, SHA384]
            .iter()
            .position(|known| *known == kind)
    };
    let best = directories.max_by_key(|(_, directory)| strength(directory[37]))?;
    Some(digest(best.1[37], &best.1)[..20].to_vec())
}
