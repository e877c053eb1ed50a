//! The budgets of reading, all in one place, each with its reason.
//!
//! Apple's tools have hardly any; what the input may cost is bounded here instead. Reaching one is never a verdict: what
//! is behind it was not read, so the item is *not judged*, and a finding says which limit it was.
//!
//! [`Limits`] are those that a large honest product could come near; a caller may set them. The constants are fixed:
//! nothing honest comes within a tenth of them, and most keep recursion inside of a thread's stack. Bounds that macOS has
//! itself (100 architectures, 5 alternate CodeDirectories, 512 levels of a property list, 1,000 of a requirement, 33 links)
//! stand where they are read, since they are part of the verdict.

/// A budget that can be set: its name, its unit, and its place.
type Settable = (&'static str, &'static str, fn(&mut Limits) -> &mut u64);

/// The budgets that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Files, folders and links of one item: 2,000,000. The largest products have some 300,000; a node takes about 100 bytes.
    pub nodes: u64,
    /// Folders on the way from the item to a node: 512. A path of macOS has at most 1,024 bytes.
    pub depth: u64,
    /// Bundles inside of bundles: 64. Real products nest at most six deep.
    pub nesting: u64,
    /// Bytes of an Info.plist: 16 MiB. The largest real ones have some 100 KiB.
    pub info_plist: u64,
    /// Bytes of each other file in `_CodeSignature`: 16 MiB. They hold what a SuperBlob holds, some 20 KiB.
    pub signature_file: u64,
    /// Bytes of a CodeResources: 512 MiB. 100,000 files take some 30 MiB.
    pub code_resources: u64,
    /// Rules in one seal: 100. Apple's own sets have at most 15; every path is held against all.
    pub resource_rules: u64,
    /// Values in one property list: 4,000,000, ten times a CodeResources of 100,000 files with both kinds of digest.
    pub plist_values: u64,
    /// Bytes of a provisioning profile: 8 MiB. Real ones have some 20 KiB, those with a thousand devices 100 KiB.
    pub profile: u64,
    /// Bytes of a notarization ticket: 4 MiB. Real ones have 21 for each slice behind some 1,600.
    pub ticket: u64,
    /// Tickets of one item: 256. There is one for each bundle that was notarized by itself.
    pub tickets: u64,
    /// Items of one folder that is no bundle: 10,000, fifty times the folder that sealcheck is tested with.
    pub items: u64,
    /// Members of one archive, with those of the archives in it: 500,000. The largest jars have some 100,000; a member takes
    /// about 60 bytes.
    pub archive_members: u64,
    /// Bytes that are unpacked from all archives of one item, and of an archive that is the operand: 4 GiB, some seconds of work. It is code, archives in archives, and all
    /// that is compressed with gzip. Large engines have 300 MiB.
    pub archive_bytes: u64,
    /// Bytes of code in archives, and of the archives around it that are archived themselves, in memory at once: 1 GiB.
    pub archive_memory: u64,
    /// Steps of work for one item, which all that look at it share: 50,000,000, about half a second, and more for each byte of
    /// the operand. An app of 100,000 files takes about a fifth of its allowance.
    pub steps: u64,
    /// Steps allowed in addition for each byte of the operand: 4. None where a caller sets the steps.
    pub steps_per_byte: u64,
    /// Bytes of data about one item that are kept until it is judged: 256 MiB, and more for large operands. A listing takes
    /// about 100 for each file, a seal about 150.
    pub retained_bytes: u64,
    /// Bytes of the operand that allow one more retained byte: 8. 0, for none, where a caller sets the retained bytes.
    pub bytes_per_retained: u64,
    /// Files of at least this many bytes are mapped, smaller ones are read: 1 MiB. Not a budget.
    pub map_from: u64,
    /// Files in archives of at most this many bytes are unpacked into memory; of larger ones, only what is asked for is kept while they are
    /// unpacked: 8 MiB. Not a budget.
    pub held_whole: u64,
    /// Bytes handed over at once when a file is streamed: 256 KiB. Not a budget.
    pub chunk: usize,
}

/// Nesting of ASN.1, as in Apple's decoder of CMS (`SEC_ASN1D_MAX_DEPTH`), so there it is no limit of ours; of entitlements and
/// constraints in DER as well, where Apple's bound is not known. Real ones are less than 12 deep.
pub const ASN1_DEPTH: usize = 32;
/// Load commands of one slice: 65,536. Real programs have at most a few hundred; macOS goes by their length alone.
pub const LOAD_COMMANDS: u32 = 65_536;
/// Entries of one SuperBlob. Real signatures have at most 15; the specification names 24 types.
pub const SUPERBLOB_ENTRIES: u32 = 4096;
/// Operations of one requirement in binary form; Apple's longest have some hundred.
pub const REQUIREMENT_OPERATIONS: usize = 100_000;
/// Bytes of a requirement's text.
pub const REQUIREMENT_TEXT: usize = 1 << 20;
/// Faults that are reported about a requirement's text; after the last one it is not read on.
pub const REQUIREMENT_FAULTS: usize = 100;
/// Nesting of parentheses and negations in a requirement's text.
pub const REQUIREMENT_NESTING: usize = 200;
/// Operands that a chain of `and` or `or` has in a requirement's text; each is a level of the tree that is built.
pub const REQUIREMENT_CHAIN: usize = 400;
/// Nesting of containers in property lists of the old style; real lists are less than 20 deep.
pub const OLD_STYLE_NESTING: usize = 128;
/// Bytes of the pattern of one resource rule; Apple's longest has 60.
pub const RULE_PATTERN: usize = 4096;
/// Positions of the pattern of one resource rule, with its counted repetitions written out; Apple's longest has 120.
pub const RULE_POSITIONS: u64 = 4096;
/// Bytes that the compiled pattern of one resource rule may take.
pub const RULE_COMPILED: usize = 1 << 20;
/// Certificates of one CMS; real ones have at most five.
pub const CMS_CERTIFICATES: usize = 256;
/// Signers of one CMS; macOS looks at the first only.
pub const CMS_SIGNERS: usize = 256;
/// Bytes of one certificate; Apple's have some 1,500.
pub const CERTIFICATE: usize = 64 << 10;
/// Certificates of one path, from the leaf to the root; Apple's have three or four.
pub const CERTIFICATE_PATH: usize = 10;
/// Signatures of certificates that are tried while one path is looked for.
pub const CERTIFICATE_LINKS: usize = 100;
/// Nesting of operators in a launch or library constraint; real ones have at most four levels.
pub const CONSTRAINT_DEPTH: usize = 32;
/// Property lists for launchd that are read in one item; products have a dozen at most.
pub const LAUNCHD_LISTS: usize = 1000;
/// Bytes of one of them; real ones have two thousand.
pub const LAUNCHD_LIST: u64 = 1 << 20;
/// Bytes of a deflated member from which its first eight bytes must come. The tables of a block have less than 400; only
/// blocks that hold nothing can stand in front, and no compressor writes so many.
pub const ARCHIVE_HEAD_INPUT: usize = 4096;
/// Bytes that are kept of one file while it is unpacked: its signature and headers. The signature of 1 GiB of code has 8 MiB, or 2; a file
/// of which more is asked for is unpacked into memory.
pub const CAPTURED: u64 = 64 << 20;
/// Archives in archives, the outermost one included, each unpacked in memory. How deep the notary service goes is not known.
pub const ARCHIVE_DEPTH: usize = 5;
/// Bytes of a header for long names and attributes in a tar archive; real ones have some hundred, with attributes some thousand.
pub const TAR_EXTENDED_HEADER: u64 = 1 << 20;
/// Bytes of the directory of an asar archive; 100,000 files with their hashes take some 30 MiB.
pub const ASAR_HEADER: u64 = 256 << 20;
/// Bytes of all paths in an asar archive together; those of 100,000 files have some 8 MiB.
pub const ASAR_PATHS: usize = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            nodes: 2_000_000,
            depth: 512,
            nesting: 64,
            info_plist: 16 << 20,
            signature_file: 16 << 20,
            code_resources: 512 << 20,
            resource_rules: 100,
            plist_values: 4_000_000,
            profile: 8 << 20,
            ticket: 4 << 20,
            tickets: 256,
            items: 10_000,
            archive_members: 500_000,
            archive_bytes: 4 << 30,
            archive_memory: 1 << 30,
            steps: 50_000_000,
            steps_per_byte: 4,
            retained_bytes: 256 << 20,
            bytes_per_retained: 8,
            map_from: 1 << 20,
            held_whole: 8 << 20,
            chunk: 256 << 10,
        }
    }
}

impl Limits {
    /// The budgets that can be set by name, with their units.
    const SETTABLE: [Settable; 17] = [
        ("nodes", "files and folders", |limits| &mut limits.nodes),
        ("depth", "levels of folders", |limits| &mut limits.depth),
        ("nesting", "levels of bundles", |limits| &mut limits.nesting),
        ("info-plist", "bytes", |limits| &mut limits.info_plist),
        ("signature-file", "bytes", |limits| &mut limits.signature_file),
        ("code-resources", "bytes", |limits| &mut limits.code_resources),
        ("resource-rules", "rules", |limits| &mut limits.resource_rules),
        ("plist-values", "values", |limits| &mut limits.plist_values),
        ("profile", "bytes", |limits| &mut limits.profile),
        ("ticket", "bytes", |limits| &mut limits.ticket),
        ("tickets", "tickets", |limits| &mut limits.tickets),
        ("items", "items of a folder", |limits| &mut limits.items),
        ("archive-members", "members", |limits| &mut limits.archive_members),
        ("archive-bytes", "bytes", |limits| &mut limits.archive_bytes),
        ("archive-memory", "bytes", |limits| &mut limits.archive_memory),
        ("steps", "steps of work", |limits| &mut limits.steps),
        ("retained-bytes", "bytes", |limits| &mut limits.retained_bytes),
    ];

    /// Sets the budget of this name; `false` when there is none.
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        let found = Self::SETTABLE.iter().find(|(known, ..)| *known == name);
        let Some((_, _, place)) = found else {
            return false;
        };
        *place(self) = value;
        // A number that the caller gives is the whole allowance, whatever the size of the operand.
        match name {
            "steps" => self.steps_per_byte = 0,
            "retained-bytes" => self.bytes_per_retained = 0,
            _ => {}
        }
        true
    }

    /// The names of the budgets that can be set, their units and their present values.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, &'static str, u64)> {
        let mut values = self.clone();
        Self::SETTABLE
            .iter()
            .map(|(name, unit, place)| (*name, *unit, *place(&mut values)))
            .collect()
    }
}
