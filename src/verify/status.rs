//! Apple's status codes of static validation, with Apple's names and texts.
//!
//! Specification 10: `CSCommon.h`. Statuses of certificate trust are those of 4.4.1; system errors are
//! 100000 + errno, as `UnixError` maps them.

use std::fmt;

/// An OSStatus as `codesign` reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsStatus(pub i32);

macro_rules! statuses {
    ($($constant:ident = $value:literal, $name:literal, $text:literal;)*) => {
        impl OsStatus {
            $(#[doc = concat!("`", $name, "`: ", $text, ".")]
            pub const $constant: OsStatus = OsStatus($value);)*

            const TABLE: &'static [(OsStatus, &'static str, &'static str)] =
                &[$((OsStatus($value), $name, $text),)*];
        }
    };
}

statuses! {
    UNIMPLEMENTED = -67072, "errSecCSUnimplemented", "unimplemented code signing feature";
    STATIC_CODE_NOT_FOUND = -67068, "errSecCSStaticCodeNotFound", "cannot find code object on disk";
    UNSIGNED = -67062, "errSecCSUnsigned", "code object is not signed at all";
    SIGNATURE_FAILED = -67061, "errSecCSSignatureFailed", "invalid signature (code or signature have been modified)";
    SIGNATURE_NOT_VERIFIABLE = -67060, "errSecCSSignatureNotVerifiable", "the code cannot be read by the verifier (file system permissions etc.)";
    SIGNATURE_UNSUPPORTED = -67059, "errSecCSSignatureUnsupported", "unsupported type or version of signature";
    BAD_DICTIONARY_FORMAT = -67058, "errSecCSBadDictionaryFormat", "a required plist file or resource is malformed";
    RESOURCES_NOT_SEALED = -67057, "errSecCSResourcesNotSealed", "resources are present but not sealed by signature";
    RESOURCES_NOT_FOUND = -67056, "errSecCSResourcesNotFound", "code has no resources but signature indicates they must be present";
    RESOURCES_INVALID = -67055, "errSecCSResourcesInvalid", "the sealed resource directory is invalid";
    BAD_RESOURCE = -67054, "errSecCSBadResource", "a sealed resource is missing or invalid";
    RESOURCE_RULES_INVALID = -67053, "errSecCSResourceRulesInvalid", "invalid resource specification rule(s)";
    REQ_INVALID = -67052, "errSecCSReqInvalid", "invalid or corrupted code requirement(s)";
    REQ_UNSUPPORTED = -67051, "errSecCSReqUnsupported", "unsupported type or version of code requirement(s)";
    REQ_FAILED = -67050, "errSecCSReqFailed", "code failed to satisfy specified code requirement(s)";
    BAD_OBJECT_FORMAT = -67049, "errSecCSBadObjectFormat", "object file format unrecognized, invalid, or unsuitable";
    INTERNAL_ERROR = -67048, "errSecCSInternalError", "internal error in Code Signing subsystem";
    SIGNATURE_INVALID = -67045, "errSecCSSignatureInvalid", "invalid or unsupported format for signature";
    INFO_PLIST_FAILED = -67030, "errSecCSInfoPlistFailed", "invalid Info.plist (plist or signature have been modified)";
    NO_MAIN_EXECUTABLE = -67029, "errSecCSNoMainExecutable", "the code has no main executable file";
    BAD_BUNDLE_FORMAT = -67028, "errSecCSBadBundleFormat", "bundle format unrecognized, invalid, or unsuitable";
    RESOURCE_DIRECTORY_FAILED = -67023, "errSecCSResourceDirectoryFailed", "invalid resource directory (directory or signature have been modified)";
    BAD_NESTED_CODE = -67021, "errSecCSBadNestedCode", "nested code is modified or invalid";
    RESOURCE_NOT_SUPPORTED = -67016, "errSecCSResourceNotSupported", "unsupported resource found (something not a directory, file or symlink)";
    REGULAR_FILE = -67015, "errSecCSRegularFile", "the main executable or Info.plist must be a regular file (no symlinks, etc.)";
    UNSEALED_APP_ROOT = -67014, "errSecCSUnsealedAppRoot", "unsealed contents present in the bundle root";
    WEAK_RESOURCE_RULES = -67013, "errSecCSWeakResourceRules", "resource envelope is obsolete (custom omit rules)";
    DS_STORE_SYMLINK = -67012, "errSecCSDSStoreSymlink", ".DS_Store files cannot be a symlink";
    AMBIGUOUS_BUNDLE_FORMAT = -67011, "errSecCSAmbiguousBundleFormat", "bundle format is ambiguous (could be app or framework)";
    BAD_MAIN_EXECUTABLE = -67010, "errSecCSBadMainExecutable", "main executable failed strict validation";
    BAD_FRAMEWORK_VERSION = -67009, "errSecCSBadFrameworkVersion", "embedded framework contains modified or invalid version";
    UNSEALED_FRAMEWORK_ROOT = -67008, "errSecCSUnsealedFrameworkRoot", "unsealed contents present in the root directory of an embedded framework";
    WEAK_RESOURCE_ENVELOPE = -67007, "errSecCSWeakResourceEnvelope", "resource envelope is obsolete (version 1 signature)";
    INVALID_SYMLINK = -67003, "errSecCSInvalidSymlink", "invalid destination for symbolic link in bundle";
    NOT_APP_LIKE = -67002, "errSecCSNotAppLike", "the code is valid but does not seem to be an app";
    UNSUPPORTED_DIGEST_ALGORITHM = -67000, "errSecCSUnsupportedDigestAlgorithm", "a requested signature digest algorithm is not supported";
    INVALID_ASSOCIATED_FILE_DATA = -66999, "errSecCSInvalidAssociatedFileData", "resource fork, Finder information, or similar detritus not allowed";
    INVALID_TEAM_IDENTIFIER = -66998, "errSecCSInvalidTeamIdentifier", "a Team Identifier string is invalid";
    BAD_TEAM_IDENTIFIER = -66997, "errSecCSBadTeamIdentifier", "a Team Identifier is wrong or inappropriate";
    INTERNAL_COMPONENT = -2070, "errSecInternalError", "An internal error has occurred.";
    UNKNOWN_FORMAT = -25257, "errSecUnknownFormat", "Unknown format in import.";
    CERT_EXPIRED = -2_147_409_654, "CSSMERR_TP_CERT_EXPIRED", "CSSMERR_TP_CERT_EXPIRED";
    NOT_TRUSTED = -2_147_409_622, "CSSMERR_TP_NOT_TRUSTED", "CSSMERR_TP_NOT_TRUSTED";
    INVALID_CERTIFICATE = -2_147_409_643, "CSSMERR_TP_INVALID_CERTIFICATE", "CSSMERR_TP_INVALID_CERTIFICATE";
    NO_BASIC_CONSTRAINTS = -2_147_408_894, "CSSMERR_APPLETP_NO_BASIC_CONSTRAINTS", "CSSMERR_APPLETP_NO_BASIC_CONSTRAINTS";
    INVALID_CA = -2_147_408_893, "CSSMERR_APPLETP_INVALID_CA", "CSSMERR_APPLETP_INVALID_CA";
    PATH_LEN_CONSTRAINT = -2_147_408_887, "CSSMERR_APPLETP_PATH_LEN_CONSTRAINT", "CSSMERR_APPLETP_PATH_LEN_CONSTRAINT";
    INVALID_AUTHORITY_ID = -2_147_408_892, "CSSMERR_APPLETP_INVALID_AUTHORITY_ID", "CSSMERR_APPLETP_INVALID_AUTHORITY_ID";
    UNKNOWN_CRITICAL_EXTENSION = -2_147_408_895, "CSSMERR_APPLETP_UNKNOWN_CRITICAL_EXTEN", "CSSMERR_APPLETP_UNKNOWN_CRITICAL_EXTEN";
    INVALID_EMPTY_SUBJECT = -2_147_408_841, "CSSMERR_APPLETP_INVALID_EMPTY_SUBJECT", "CSSMERR_APPLETP_INVALID_EMPTY_SUBJECT";
    INVALID_KEY_USAGE = -2_147_408_890, "CSSMERR_APPLETP_INVALID_KEY_USAGE", "CSSMERR_APPLETP_INVALID_KEY_USAGE";
    INVALID_EXTENDED_KEY_USAGE = -2_147_408_889, "CSSMERR_APPLETP_INVALID_EXTENDED_KEY_USAGE", "CSSMERR_APPLETP_INVALID_EXTENDED_KEY_USAGE";
    INVALID_DIGEST_ALGORITHM = -2_147_415_723, "CSSMERR_CSP_INVALID_DIGEST_ALGORITHM", "CSSMERR_CSP_INVALID_DIGEST_ALGORITHM";
    DECODE = -26_275, "errSecDecode", "Unable to decode the provided data.";
    IS_A_DIRECTORY = 100_021, "EISDIR", "Is a directory";
    NOT_A_DIRECTORY = 100_020, "ENOTDIR", "Not a directory";
    NO_SUCH_FILE = 100_002, "ENOENT", "No such file or directory";
    TOO_MANY_LINKS = 100_062, "ELOOP", "Too many levels of symbolic links";
    PERMISSION_DENIED = 100_013, "EACCES", "Permission denied";
}

impl OsStatus {
    /// Returns true if this is an error number of the system (`UnixError::osStatus`).
    #[must_use]
    pub fn is_of_the_system(self) -> bool {
        (100_000..101_000).contains(&self.0)
    }

    /// All statuses with a name.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.iter().map(|(status, ..)| *status)
    }

    /// Returns the status with this number, also without its sign, with this name or with this message.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let number = text.parse::<i32>().ok();
        let is_meant = |(status, name, message): &&(Self, &str, &str)| {
            number.is_some_and(|number| status.0.unsigned_abs() == number.unsigned_abs())
                || name.eq_ignore_ascii_case(text)
                || message.eq_ignore_ascii_case(text.trim_end_matches('.'))
        };
        Self::TABLE.iter().find(is_meant).map(|(status, ..)| *status)
    }

    /// Apple's name of the constant.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE
            .iter()
            .find(|(status, ..)| *status == self)
            .map_or("unknown status", |(_, name, _)| name)
    }

    /// Apple's own text, which `codesign` prints after the path.
    #[must_use]
    pub fn message(self) -> &'static str {
        Self::TABLE
            .iter()
            .find(|(status, ..)| *status == self)
            .map_or("unknown error", |(.., text)| text)
    }
}

impl fmt::Display for OsStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.0)
    }
}
