//! Examines one code object with everything nested in it: a file, or a bundle with its seal.
//!
//! Specification 6.5 and 6.10. The order of the result depends on names only.

use super::components::detached_seal;
use super::files::Heads;
use super::links::Scope;
use super::mains::{Mains, bundle_of_main};
use super::outside::{guests, hiding_places, sideband};
use super::tickets::TicketStore;
use super::{
    BoundFiles, CodeKind, CodeObject, Fault, FaultKind, InfoPlistFile, Nesting, Oddity, Options,
    SidebandPlace, SignatureFiles, SignatureKind, SliceEvidence, Subject, examine, profiles, requirements,
    resources,
};
use crate::blob::Slot;
use crate::bundle::{Layout, LayoutError, LayoutFault, MainFile};
use crate::hash::HashType;
use crate::macho::{
    Architecture, CodePlan, FatFault, MACHO_HEAD, MachO, MachOError, Slice, command_bytes, is_code, is_macho,
};
use crate::parallel;
use crate::source::{NodeId, SourceError, Tree, View, Wants, judge_file};
use crate::timing::Phase;

/// Steps of looking at one code object, with what each rule asks about it; measured with folders that are empty.
const PER_OBJECT: u64 = 4000;

/// What every step of one verification needs.
pub(super) struct Context<'t, T: ?Sized> {
    pub(super) tree: &'t T,
    pub(super) options: &'t Options,
    pub(super) tickets: &'t TicketStore,
    pub(super) heads: &'t Heads,
    pub(super) mains: &'t Mains,
}

impl<T: Tree + ?Sized> Context<'_, T> {
    /// The detached signature, which is the item's only.
    fn detached(&self, nesting: Nesting) -> Option<&[u8]> {
        self.options
            .detached
            .as_deref()
            .filter(|_| nesting == Nesting::Item)
    }
}

/// The object at `node`, then everything that its seal names as code, depth first.
///
/// # Errors
/// The object's own main file cannot be read. What cannot be read below it is a fault.
pub(super) fn object<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    nesting: Nesting,
    depth: usize,
    outer: Option<&Scope<'_>>,
) -> Result<Vec<CodeObject>, SourceError> {
    let tree = context.tree;
    let mut object = CodeObject::new(tree.path(node), "generic", nesting);
    let kept = size_of::<CodeObject>().saturating_add(object.path.len().saturating_mul(4));
    let paid = tree.budget().step(PER_OBJECT);
    if paid.and_then(|()| tree.budget().retain(kept)).is_err() {
        return Ok(vec![object]);
    }
    if u64::try_from(depth).map_or(true, |depth| depth > tree.limits().nesting) {
        let limit = tree.limits().nesting;
        push(&mut object, FaultKind::TooDeep { limit }, tree.path(node), None);
        return Ok(vec![object]);
    }
    if !tree.node(node).is_directory() {
        if nesting == Nesting::Sealed
            && let Some(bundle) = bundle_of_main(context, node)
        {
            return self::object(context, bundle, nesting, depth, outer);
        }
        let files = BoundFiles {
            detached: context.detached(nesting),
            ..BoundFiles::default()
        };
        file(context, node, files, &mut object)?;
        return Ok(vec![object]);
    }
    let asked = context.options.flags.bundle_version.as_deref();
    let mut noted = Vec::new();
    match Layout::open_noting(tree, node, asked.filter(|_| nesting == Nesting::Item), &mut noted) {
        Ok(layout) => bundle(context, &layout, object, depth, outer),
        Err(error) => {
            // Of what is no bundle, nothing else is said.
            if error == LayoutError::Outside {
                layout_faults(tree, node, &noted, &mut object);
            }
            push(&mut object, FaultKind::Bundle(error), tree.path(node), None);
            Ok(vec![object])
        }
    }
}

fn bundle<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    layout: &Layout,
    mut object: CodeObject,
    depth: usize,
    outer: Option<&Scope<'_>>,
) -> Result<Vec<CodeObject>, SourceError> {
    let tree = context.tree;
    object.kind = CodeKind::Bundle(layout.kind);
    object.is_app_like = layout.is_application;
    object.info_plist.clone_from(&layout.info);
    object.info_plist_file = layout.info_plist.map(|node| InfoPlistFile {
        path: tree.path(node),
        is_dictionary: layout.info.is_some(),
        not_read: layout.info_limit.as_ref().map(ToString::to_string),
        lines: layout.info_lines.clone(),
    });
    object.support = Some(tree.path(layout.support));
    let options = context.options;
    object.profile = options.measure(Phase::Certificates, || profiles::embedded(tree, layout, options));
    if let Some(kind) = unknown(tree, layout) {
        let place = layout.info_plist.unwrap_or(layout.root);
        object.executable = Some(tree.path(layout.main));
        object.format = layout.format_prefix().to_owned();
        push(&mut object, kind, tree.path(place), None);
        return Ok(vec![object]);
    }
    let detached = context.detached(object.nesting);
    let OwnFiles {
        info_plist,
        code_resources,
        signature_files,
    } = match options.measure(Phase::Contents, || OwnFiles::read(tree, layout)) {
        Ok(files) => files,
        // Without them nothing is known of the bundle.
        Err((node, error)) => {
            object.executable = Some(tree.path(layout.main));
            object.format = layout.format_prefix().to_owned();
            push(&mut object, FaultKind::Unreadable(error), tree.path(node), None);
            return Ok(vec![object]);
        }
    };
    let files = BoundFiles {
        is_bundle: true,
        info_plist: info_plist.as_deref(),
        code_resources: code_resources.as_deref(),
        signature_files: Some(&signature_files),
        detached,
    };
    file(context, layout.main, files, &mut object)?;
    object.kind = CodeKind::Bundle(layout.kind);
    object.format = match layout.main_kind {
        MainFile::Executable => format!("{}{}", layout.format_prefix(), object.format),
        _ => layout.format_prefix().to_owned(),
    };
    name_the_files(tree, layout, &mut object);
    layout_faults(tree, layout.root, &layout.faults, &mut object);
    if let Some(version) = &layout.version {
        object.spelling = Some((
            tree.path(layout.version_root),
            below(&tree.path(layout.root), &format!("Versions/{version}")),
        ));
    }
    object
        .faults
        .extend(sideband(context, layout.code_root(), SidebandPlace::Root));
    guests(tree, layout, &signature_files, &mut object);
    hiding_places(tree, layout, &mut object);
    let primary = object.slices.first().and_then(|slice| slice.architecture);
    let cpu_type = primary.map(|architecture| architecture.cpu_type.cast_unsigned());
    let seal = detached.and_then(|detached| detached_seal(detached, cpu_type));
    let nested = resources::judge(
        context,
        layout,
        seal.or(code_resources.as_deref()),
        &mut object,
        depth,
        outer,
    );
    let mut objects = vec![object];
    for mut group in nested {
        // Indices inside of a group count from its own first object.
        let base = objects.len();
        for (index, object) in group.iter_mut().enumerate() {
            object.parent = Some(match (index, object.parent) {
                (0, _) | (_, None) => 0,
                (_, Some(parent)) => parent.saturating_add(base),
            });
        }
        objects.extend(group);
    }
    Ok(objects)
}

/// Why it is not known which file the signature of a bundle covers, where that is so: what Info.plist says is beyond a
/// limit, or the executable may be where no name could be read.
fn unknown<T: Tree + ?Sized>(tree: &T, layout: &Layout) -> Option<FaultKind> {
    if let Some(error) = &layout.info_limit {
        return Some(FaultKind::InfoPlist(error.clone()));
    }
    let is_hidden = || tree.listing().may_hide_names(&tree.path(layout.root));
    let is_open = layout.main_kind != MainFile::Executable && !layout.is_info_unread && is_hidden();
    is_open.then_some(FaultKind::Bundle(LayoutError::NotABundle))
}

/// The files of a bundle that its signature consists of or binds.
struct OwnFiles {
    info_plist: Option<Vec<u8>>,
    code_resources: Option<Vec<u8>>,
    signature_files: SignatureFiles,
}

impl OwnFiles {
    /// Reads them, or gives the one that cannot be read.
    fn read<T: Tree + ?Sized>(tree: &T, layout: &Layout) -> Result<Self, (NodeId, SourceError)> {
        let limits = tree.limits();
        let small = |node, limit, name| {
            let read = tree.small(node, limit);
            read.map_err(|error| (node, error.named(name)))
        };
        let info_plist = layout
            .info_plist
            .map(|node| small(node, limits.info_plist, "info-plist"))
            .transpose()?;
        let code_resources = layout
            .code_resources
            .map(|node| small(node, limits.code_resources, "code-resources"))
            .transpose()?;
        let signature_files = layout
            .signature_files
            .iter()
            .map(|(slot, node)| Ok((*slot, small(*node, limits.signature_file, "signature-file")?)));
        Ok(Self {
            info_plist,
            code_resources,
            signature_files: signature_files.collect::<Result<_, _>>()?,
        })
    }
}

/// Records faults of a layout, each at its place.
fn layout_faults<T: Tree + ?Sized>(tree: &T, root: NodeId, faults: &[LayoutFault], object: &mut CodeObject) {
    for fault in faults {
        let place = match fault {
            LayoutFault::NotRegular { node } => *node,
            _ => root,
        };
        push(object, FaultKind::Layout(fault.clone()), tree.path(place), None);
    }
}

/// Faults about special slots 1 and 3 of a bundle belong to the files that these bind.
fn name_the_files<T: Tree + ?Sized>(tree: &T, layout: &Layout, object: &mut CodeObject) {
    let support = tree.path(layout.support);
    for fault in &mut object.faults {
        let found = match &fault.kind {
            FaultKind::SpecialSlot { slot: Slot::INFO, .. } => (layout.info_plist, "Info.plist"),
            FaultKind::SpecialSlot {
                slot: Slot::RESOURCE_DIRECTORY,
                ..
            } => (layout.code_resources, "_CodeSignature/CodeResources"),
            _ => continue,
        };
        fault.path = match found {
            (Some(node), _) => tree.path(node),
            (None, name) => below(&support, name),
        };
    }
}

/// `name` in a directory that may be the item itself.
pub(super) fn below(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}

pub(super) fn push(object: &mut CodeObject, kind: FaultKind, path: String, slice: Option<usize>) {
    object.faults.push(Fault { kind, path, slice });
}

/// The executable at `node`: every slice, primary first.
fn file<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    files: BoundFiles<'_>,
    object: &mut CodeObject,
) -> Result<(), SourceError> {
    object.executable = Some(context.tree.path(node));
    let mut wants = Wants::default();
    if context.options.keeps_file_digests {
        wants.digest(HashType::Sha256);
    }
    // A large file in an archive may be read more than once: only the last time counts.
    let mut last = None;
    let options = context.options;
    let judge = |view: View<'_>| {
        if view.whole().is_some() {
            last = None;
            return contents(context, node, view, files, object);
        }
        let mut copy = object.clone();
        contents(context, node, view, files, &mut copy);
        last = Some(copy);
    };
    options.measure(Phase::Contents, || {
        let mut judge = judge;
        let judge = |view: View<'_>| options.measure(Phase::Other, || judge(view));
        let mut plan = CodePlan::pages();
        judge_file(context.tree, node, options.kernel, &wants, &mut plan, judge)
    })?;
    if let Some(last) = last {
        *object = last;
    }
    if let Some(progress) = &context.options.progress {
        progress.add_file();
    }
    Ok(())
}

/// The same with what is at hand of the file.
fn contents<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    bytes: View<'_>,
    files: BoundFiles<'_>,
    object: &mut CodeObject,
) {
    let path = context.tree.path(node);
    context.heads.remember(node, bytes.head(MACHO_HEAD), bytes.len());
    object.is_script = bytes.head(2) == b"#!";
    if context.options.keeps_file_digests {
        object.file_digest = bytes.digest(HashType::Sha256);
    }
    let commands = usize::try_from(command_bytes(bytes)).unwrap_or(usize::MAX);
    // Object files, debug symbols and 64-bit universal files are generic files to `codesign`.
    let is_code = is_code(bytes);
    let is_macho = is_code || is_macho(bytes);
    if is_macho {
        // Commands are kept as paths and segments, which take more room.
        let budget = context.tree.budget();
        let paid = budget.scan(commands.saturating_mul(2));
        if paid
            .and_then(|()| budget.retain(commands.saturating_mul(2)))
            .is_err()
        {
            return;
        }
    }
    let macho = match is_macho.then(|| MachO::parse(bytes)).transpose() {
        Ok(macho) => macho,
        // Where nothing seals it as code, what it might have been is all there is to say.
        Err(error) if is_code || object.nesting == Nesting::Found => {
            object.kind = CodeKind::MachO;
            push(object, FaultKind::MachO(error), path, None);
            return;
        }
        Err(error) => {
            push(object, FaultKind::Unloadable(error), path.clone(), None);
            None
        }
    };
    object
        .faults
        .extend(sideband(context, node, SidebandPlace::Executable));
    let options = context.options;
    let asked = options.flags.architecture.as_deref();
    let asked = asked.filter(|_| object.nesting == Nesting::Item);
    let mut entries = Vec::new();
    let examined: Vec<_> = match macho.as_ref().filter(|_| is_code) {
        Some(macho) => {
            object.kind = CodeKind::MachO;
            object.format = format(macho);
            if asked.is_none() {
                fat_faults(macho, object, &path);
            }
            if macho.fat.as_ref().is_some_and(|fat| fat.has_swapped_magic) {
                let kind = FaultKind::Unloadable(MachOError::SwappedMagic);
                push(object, kind, path.clone(), None);
            }
            let mut slices = in_order(macho, context.options.host_architecture);
            if let Some(name) = asked {
                let all = std::mem::take(&mut slices);
                slices = Vec::from_iter(find_architecture(&all, name));
                let is_read = |slice: &&Slice<'_>| slices.iter().any(|read| std::ptr::eq(*read, *slice));
                let unread = all.into_iter().filter(|slice| !is_read(slice));
                object.unread_architectures = unread.map(|slice| slice.entry).collect();
                if slices.is_empty() {
                    push(object, FaultKind::NoSuchArchitecture, path.clone(), None);
                }
            }
            entries.extend(slices.iter().map(|slice| slice.entry));
            parallel::map(&slices, 1, |slice| {
                options.measure(Phase::Other, || examine(Subject::Slice(slice), files, options))
            })
        }
        None => match attributes(context.tree, node) {
            Ok(attributes) => {
                let has_own = !attributes.is_empty();
                let files = BoundFiles {
                    signature_files: if has_own {
                        Some(&attributes)
                    } else {
                        files.signature_files
                    },
                    ..files
                };
                vec![examine(Subject::File(bytes), files, context.options)]
            }
            // Whether it is signed is not known.
            Err(error) => {
                let kind = FaultKind::Unreadable(error);
                // In an archive all attributes lie in one file, about which that was said.
                if object.faults.iter().all(|fault| fault.kind != kind) {
                    push(object, kind, path.clone(), None);
                }
                Vec::new()
            }
        },
    };
    for (index, (mut facts, faults)) in examined.into_iter().enumerate() {
        facts.notarized = context.tickets.is_notarized(&facts);
        // The next charge says so, if that was too much.
        let _ = context.tree.budget().retain(size(&facts));
        for kind in faults {
            push(object, kind, path.clone(), Some(index));
        }
        let is_duplicate = entries
            .get(index)
            .is_some_and(|entry| entries.iter().take(index).any(|other| other == entry));
        object.slices.push(SliceEvidence {
            is_duplicate,
            ..facts
        });
    }
    compare_teams(object, &path);
    compare_signers(object, &path);
    if macho
        .as_ref()
        .and_then(|macho| macho.fat.as_ref())
        .is_some_and(|fat| fat.is_fat64)
    {
        push(object, FaultKind::Oddity(Oddity::Fat64), path.clone(), None);
    }
    requirements::designate(object);
    if object.info_plist.is_none() {
        object.info_plist = object.slices.first().and_then(|slice| slice.info_plist.clone());
    }
}

/// Bytes of what is kept about a slice, property lists and load commands left out, which are charged where they are read.
fn size(facts: &SliceEvidence) -> usize {
    let payloads = [
        &facts.entitlements_xml,
        &facts.entitlements_der,
        &facts.requirements,
    ];
    payloads
        .into_iter()
        .flatten()
        .map(Vec::len)
        .fold(size_of::<SliceEvidence>(), usize::saturating_add)
}

/// The components that a file which is no Mach-O carries in extended attributes (specification 7.1).
fn attributes<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Result<SignatureFiles, SourceError> {
    let slots = (0..=Slot::MAX_SPECIAL)
        .chain(0x1000..=0x1004)
        .chain(std::iter::once(Slot::SIGNATURE.0))
        .map(Slot);
    slots
        .filter_map(|slot| {
            let name = format!("com.apple.cs.{}", slot.canonical_name()?);
            let value = tree.attribute(node, &name).transpose()?;
            Some(value.map(|value| (slot, value)))
        })
        .collect()
}

/// The layout of a universal file. Where a fault lies in front of a slice, macOS stops to measure, and the lengths of
/// the slices behind it are missed when they are verified (specification 2.4 and 17.3).
fn fat_faults(macho: &MachO<'_>, object: &mut CodeObject, path: &str) {
    let Some(fat) = &macho.fat else { return };
    for fault in &fat.faults {
        push(object, FaultKind::Fat(*fault), path.to_owned(), None);
        let at = match fault {
            FatFault::Gap { offset } | FatFault::Overlap { offset } | FatFault::PastEnd { offset } => *offset,
            _ => continue,
        };
        if fat.architectures.iter().any(|entry| entry.offset > at) {
            push(object, FaultKind::UnmeasuredSlices, path.to_owned(), Some(1));
        }
    }
}

/// All signed slices must name the primary slice's team (specification 2.7).
fn compare_teams(object: &mut CodeObject, path: &str) {
    let Some((primary, others)) = object.slices.split_first() else {
        return;
    };
    let signed = |slice: &SliceEvidence| slice.signature != SignatureKind::Unsigned && !slice.is_duplicate;
    let mut faults = Vec::new();
    for (index, slice) in (1..).zip(others) {
        if signed(primary) && signed(slice) && slice.team_id_bytes != primary.team_id_bytes {
            let (primary, other) = (primary.team_id.clone(), slice.team_id.clone());
            let kind = FaultKind::TeamDiffersBetweenSlices { primary, other };
            faults.push(Fault {
                kind,
                path: path.to_owned(),
                slice: Some(index),
            });
        }
    }
    object.faults.extend(faults);
}

/// Whether every signed slice is signed by whoever signed the first: the same certificate, or nobody.
fn compare_signers(object: &mut CodeObject, path: &str) {
    let signer = |slice: &SliceEvidence| {
        let leaf = slice
            .identity
            .as_ref()
            .and_then(|identity| identity.chain.first());
        (slice.hash_type.is_some(), leaf.map(|leaf| *leaf.sha256()))
    };
    let Some((primary, others)) = object.slices.split_first() else {
        return;
    };
    let first = signer(primary);
    let different: Vec<usize> = (1..)
        .zip(others)
        .filter(|(_, slice)| signer(slice) != first && slice.hash_type.is_some() && first.0)
        .map(|(index, _)| index)
        .collect();
    for index in different {
        push(
            object,
            FaultKind::Oddity(Oddity::DifferentSigners),
            path.to_owned(),
            Some(index),
        );
    }
}

/// The slice that a name asks for (`Universal::findArch`): of this architecture, else of its family, else of its CPU.
fn find_architecture<'m, 'a>(slices: &[&'m Slice<'a>], name: &str) -> Option<&'m Slice<'a>> {
    let find =
        |is_meant: &dyn Fn(Architecture) -> bool| slices.iter().copied().find(|slice| is_meant(slice.entry));
    let named = || find(&|found| found.to_string() == name);
    let wanted = Architecture::from_name(name);
    named().or_else(|| {
        let wanted = wanted?;
        find(&|found| found.cpu_type == wanted.cpu_type && found.subtype_family() == 0)
            .or_else(|| find(&|found| found.cpu_type == wanted.cpu_type))
    })
}

/// The slice that `host` would run first, then the others by architecture (specification 2.3).
fn in_order<'m, 'a>(macho: &'m MachO<'a>, host: HostArchitecture) -> Vec<&'m Slice<'a>> {
    let mut slices: Vec<_> = macho.slices.iter().collect();
    // Of arm64e and arm64 the former sorts first, as an Apple silicon host prefers it.
    let preferred = slices
        .iter()
        .map(|slice| slice.entry)
        .filter(|found| host.runs(*found))
        .min();
    let primary = preferred.or_else(|| slices.first().map(|slice| slice.entry));
    slices.sort_by_key(|slice| (Some(slice.entry) != primary, slice.entry));
    slices
}

/// The kind of Mac for which the primary slice is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HostArchitecture {
    /// Apple silicon.
    #[default]
    Arm64,
    /// Intel.
    X86_64,
}

impl HostArchitecture {
    /// The word on the command line and in JSON output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    fn runs(self, architecture: Architecture) -> bool {
        match self {
            Self::Arm64 => architecture.is_arm64(),
            Self::X86_64 => architecture.is_x86_64(),
        }
    }
}

/// `Mach-O thin (arm64)` or `Mach-O universal (x86_64 arm64)`.
fn format(macho: &MachO<'_>) -> String {
    let mut architectures: Vec<Architecture> = macho.slices.iter().map(|slice| slice.entry).collect();
    architectures.sort();
    architectures.dedup();
    let names: Vec<_> = architectures.iter().map(ToString::to_string).collect();
    let word = if macho.fat.is_some() { "universal" } else { "thin" };
    format!("Mach-O {word} ({})", names.join(" "))
}
