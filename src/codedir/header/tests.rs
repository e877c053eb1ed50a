use super::*;

/// A CodeDirectory of version 0x20400 over 5,000 bytes of zeros in pages of 4 KiB, with two special slots.
fn sample() -> Vec<u8> {
    let mut bytes = vec![0u8; 96];
    let identifier = bytes.len();
    bytes.extend(b"org.example\0");
    bytes.extend([0x11; 32]);
    bytes.extend([0; 32]);
    let hashes = bytes.len();
    bytes.extend(HashType::Sha256.digest(&[0; 4096]).as_bytes());
    bytes.extend(HashType::Sha256.digest(&[0; 904]).as_bytes());
    let length = bytes.len();
    let mut put = |at: usize, value: usize| {
        bytes[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_be_bytes());
    };
    put(0, 0xfade_0c02);
    put(4, length);
    put(8, 0x20400);
    put(12, 2);
    put(16, hashes);
    put(20, identifier);
    put(24, 2);
    put(28, 2);
    put(32, 5000);
    bytes[36] = 32;
    bytes[37] = 2;
    bytes[39] = 12;
    bytes
}

fn with(at: usize, value: u32) -> Result<(), CodeDirectoryError> {
    let mut bytes = sample();
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    CodeDirectory::parse(&bytes).map(|_| ())
}

#[test]
fn reads_all_fields() {
    let bytes = sample();
    let directory = CodeDirectory::parse(&bytes).unwrap();
    assert_eq!(directory.identifier, b"org.example");
    assert_eq!(directory.team_id, None);
    assert_eq!(directory.special_slot(Slot::INFO), None, "all zero is absent");
    assert_eq!(
        directory.special_slot(Slot::REQUIREMENTS).unwrap().as_bytes(),
        [0x11; 32]
    );
    assert_eq!(directory.special_slot(Slot::RESOURCE_DIRECTORY), None);
    let geometry = directory.geometry();
    let table = [(HashType::Sha256, directory.code_slot_table())];
    let kernel = crate::hash::Kernel::default();
    assert!(
        crate::hash::mismatched_pages(kernel, &[0; 5000], geometry, &table, &|_, work| work()).is_empty()
    );
    assert_eq!(directory.cdhash().unwrap().truncated().as_bytes().len(), 20);
}

/// Rows 13, 18, 23, 27 and 29 of specification 12.B, and the order of 3.2.
#[test]
fn integrity_rules() {
    assert!(matches!(
        with(0, 0xfade_0c01),
        Err(CodeDirectoryError::NotACodeDirectory { .. })
    ));
    assert!(matches!(
        with(4, 97),
        Err(CodeDirectoryError::NotACodeDirectory { .. })
    ));
    assert_eq!(
        with(8, 0x30000),
        Err(CodeDirectoryError::Version { version: 0x30000 })
    );
    assert_eq!(
        with(8, 0x10000),
        Err(CodeDirectoryError::Version { version: 0x10000 })
    );
    assert!(matches!(with(20, 10_000), Err(CodeDirectoryError::Text { .. })));
    assert!(matches!(
        with(24, u32::MAX),
        Err(CodeDirectoryError::Table { .. })
    ));
    assert!(matches!(
        with(28, u32::MAX),
        Err(CodeDirectoryError::Table { .. })
    ));
    assert!(matches!(with(28, 1), Err(CodeDirectoryError::Coverage { .. })));
    assert!(matches!(with(32, 0), Err(CodeDirectoryError::Coverage { .. })));
    assert!(matches!(with(32, 8193), Err(CodeDirectoryError::Coverage { .. })));
    assert!(matches!(with(36, 0x2002_000c), Ok(())));
    assert!(matches!(
        with(36, 0x1402_000c),
        Err(CodeDirectoryError::HashSize { .. })
    ));
    assert!(matches!(
        with(36, 0x0002_000c),
        Err(CodeDirectoryError::HashSize { .. })
    ));
    assert!(matches!(
        with(36, 0x2002_0040),
        Err(CodeDirectoryError::PageSize { log2: 64 })
    ));
    assert!(matches!(with(44, 10_000), Err(CodeDirectoryError::Table { .. })));
}

#[test]
fn no_prefix_panics() {
    let bytes = sample();
    for end in 0..bytes.len() {
        assert!(CodeDirectory::parse(&bytes[..end]).is_err());
    }
}
