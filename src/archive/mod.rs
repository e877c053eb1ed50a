//! Archives inside of a product, which the notary service unpacks.
//!
//! Only the ZIP family is read (jars, wheels and the like). Tar, asar, disk images and packages are not.

mod inflate;
mod zip;

pub use inflate::Inflater;
pub use zip::{Member, MemberError, Zip, ZipError};

/// How names of archives in ZIP form end, without the dot.
const ZIP_EXTENSIONS: [&str; 8] = ["zip", "jar", "war", "ear", "jmod", "whl", "egg", "nupkg"];

/// Whether a file of this name is an archive in ZIP form, in whatever case; the notary service goes by the name as well.
#[must_use]
pub fn is_zip_name(name: &[u8]) -> bool {
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else {
        return false;
    };
    let extension = name.get(dot.saturating_add(1)..).unwrap_or_default();
    ZIP_EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a file begins like an archive in ZIP form; a jmod has four bytes in front of it (JDK, `jdk.internal.jmod.JmodFile`).
#[must_use]
pub fn is_zip(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"JM\x01\x00").unwrap_or(head);
    head.starts_with(b"PK\x03\x04")
}

#[cfg(test)]
mod tests {
    use super::{is_zip, is_zip_name};

    #[test]
    fn names_and_heads() {
        for name in ["a.jar", "A.ZIP", "x.y.whl", ".zip"] {
            assert!(is_zip_name(name.as_bytes()), "{name}");
        }
        for name in ["jar", "a.jar.txt", "a.", "", "a.tar"] {
            assert!(!is_zip_name(name.as_bytes()), "{name}");
        }
        assert!(is_zip(b"PK\x03\x04rest") && is_zip(b"JM\x01\x00PK\x03\x04"));
        assert!(!is_zip(b"PK\x05\x06") && !is_zip(b"PK") && !is_zip(b"JM\x01\x00"));
    }
}
