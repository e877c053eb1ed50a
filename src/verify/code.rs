//! Examines one code object with everything nested in it: a file, or a bundle with its seal.
//!
//! Specification 6.5 and 6.10. The order of the result depends on names only.

use super::bundle_files::{OwnFiles, layout_faults, name_the_files, unknown};
use super::code_object::{adopt, below};
use super::components::detached_seal;
use super::context::Context;
use super::executable::file;
use super::links::Scope;
use super::nested::Nested;
use super::unsealed::{guests, hiding_places, sideband};
use super::{
    BoundFiles, CodeKind, CodeObject, FaultKind, InfoPlistFile, Nesting, SidebandPlace, profiles, resources,
};
use crate::bundle::{Layout, LayoutError, MainFile};
use crate::source::{NodeId, SourceError, Tree};
use crate::timing::Phase;

/// Steps of looking at one code object, with what each rule asks about it; measured with folders that are empty.
const PER_OBJECT: u64 = 4000;

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
        object.push(FaultKind::TooDeep { limit }, tree.path(node), None);
        return Ok(vec![object]);
    }
    if !tree.node(node).is_directory() {
        if nesting == Nesting::Sealed
            && let Some(bundle) = context.main_executables.bundle_of_main(tree, node)
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
            object.push(FaultKind::Bundle(error), tree.path(node), None);
            Ok(vec![object])
        }
    }
}

/// The same; what cannot be opened is a code object with that fault.
pub(super) fn object_or_unreadable<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    nesting: Nesting,
    depth: usize,
    outer: Option<&Scope<'_>>,
) -> Vec<CodeObject> {
    object(context, node, nesting, depth, outer)
        .unwrap_or_else(|error| vec![unreadable(context, node, nesting, error)])
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
        object.push(kind, tree.path(place), None);
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
            object.push(FaultKind::Unreadable(error), tree.path(node), None);
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
    let nested = Nested {
        depth: depth.saturating_add(1),
        examine: &|node, nesting, depth, scope| {
            object_or_unreadable(context, node, nesting, depth, Some(scope))
        },
    };
    let groups = resources::judge(
        context,
        layout,
        seal.or(code_resources.as_deref()),
        &mut object,
        nested,
        outer,
    );
    let mut objects = vec![object];
    for group in groups {
        adopt(&mut objects, group);
    }
    Ok(objects)
}

/// A code object that could not even be opened.
pub(super) fn unreadable<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    nesting: Nesting,
    error: SourceError,
) -> CodeObject {
    let path = context.tree.path(node);
    let mut object = CodeObject::new(path.clone(), "unreadable", nesting);
    // The file that failed may lie inside of the object.
    let root = context.tree.full_path(context.tree.root());
    let inside = error
        .path()
        .and_then(|path| path.strip_prefix(&root)?.strip_prefix('/'));
    let place = inside.map_or(path, str::to_owned);
    object.push(FaultKind::Unreadable(error), place, None);
    object
}
