//! Writers of tar, gzip and asar archives.

use miniz_oxide::deflate::compress_to_vec;
use serde_json::{Value, json};

/// A header of tar, and what stands behind it; fields may lie.
#[derive(Clone)]
pub struct TarEntry {
    pub name: Vec<u8>,
    pub prefix: Vec<u8>,
    pub kind: u8,
    /// The twelve bytes of the size.
    pub size: Vec<u8>,
    pub magic: &'static [u8],
    pub body: Vec<u8>,
}

/// A regular file in the form of POSIX.
pub fn tar_file(name: &str, body: &[u8]) -> TarEntry {
    TarEntry {
        name: name.as_bytes().to_vec(),
        prefix: Vec::new(),
        kind: b'0',
        size: format!("{:011o}\0", body.len()).into_bytes(),
        magic: b"ustar\x0000",
        body: body.to_vec(),
    }
}

impl TarEntry {
    pub fn of_kind(mut self, kind: u8) -> Self {
        self.kind = kind;
        self
    }

    /// The header and the body, filled up to whole blocks.
    pub fn bytes(&self) -> Vec<u8> {
        let mut header = vec![0; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name);
        put(100, b"0000755\0");
        put(124, &self.size);
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, &[self.kind]);
        put(257, self.magic);
        put(345, &self.prefix);
        let sum: u32 = header.iter().copied().map(u32::from).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header.extend(&self.body);
        header.resize(header.len().next_multiple_of(512), 0);
        header
    }
}

/// One record of a pax header.
pub fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while format!("{length}{rest}").len() != length {
        length += 1;
    }
    format!("{length}{rest}")
}

/// A pax header for the next member (`x`) or for all (`g`).
pub fn pax(kind: u8, records: &[(&str, &str)]) -> TarEntry {
    let body: String = records
        .iter()
        .map(|(key, value)| pax_record(key, value))
        .collect();
    tar_file("PaxHeaders/x", body.as_bytes()).of_kind(kind)
}

/// The archive of these entries.
pub fn tar(entries: &[TarEntry]) -> Vec<u8> {
    let mut file: Vec<u8> = entries.iter().flat_map(TarEntry::bytes).collect();
    file.extend([0; 1024]);
    file
}

/// The bytes compressed with gzip, with a name in the header.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut file = b"\x1f\x8b\x08\x08\0\0\0\0\x02\x03name\0".to_vec();
    file.extend(compress_to_vec(bytes, 6));
    file.extend(super::zip::crc32(bytes).to_le_bytes());
    file.extend((bytes.len() as u32).to_le_bytes());
    file
}

/// An asar archive: its directory, as it is to be written, and the bytes behind it.
pub fn asar_of(directory: &Value, contents: &[u8]) -> Vec<u8> {
    let text = directory.to_string().into_bytes();
    let padded = text.len().next_multiple_of(4);
    let mut file = Vec::new();
    for number in [4, padded + 8, padded + 4, text.len()] {
        file.extend((number as u32).to_le_bytes());
    }
    file.extend(&text);
    file.resize(16 + padded, 0);
    file.extend(contents);
    file
}

/// An asar archive of these files, all in folders of the path's.
pub fn asar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut directory = json!({"files": {}});
    let mut contents = Vec::new();
    for (path, bytes) in files {
        let mut node = &mut directory;
        for name in path.split('/') {
            node = &mut node["files"][name];
        }
        *node = json!({"size": bytes.len(), "offset": contents.len().to_string(), "executable": true});
        contents.extend(*bytes);
    }
    asar_of(&directory, &contents)
}
