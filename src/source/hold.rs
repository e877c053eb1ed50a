//! Reads a file for somebody who asks for parts of it and for digests, without holding more of it than that.

use super::content::{Way, read_to_end};
use super::tree::{not_kept, too_much};
use super::{Bytes, Capture, NodeId, Planner, SourceError, Tree, View, Wants};
use crate::hash::Kernel;

/// How often a file passes by before it is held whole: what was asked for last may lead to more.
const PASSES: usize = 4;

/// A file as far as it is held.
#[derive(Debug)]
enum Held<'t> {
    All(Bytes),
    Some(Capture),
    /// What the tree has kept; there is no more.
    Last(&'t Capture),
}

/// Plans nothing: what is wanted is known.
struct Nothing;

impl Planner for Nothing {
    fn look(&mut self, _known: View<'_>, _start: u64) -> (Wants, Option<u64>) {
        (Wants::default(), None)
    }
}

/// Reads a regular file, and calls `judge` with what is held of it. Where it asks for more, the file is read again and `judge` is called
/// again; the last answer counts.
///
/// # Errors
/// [`SourceError`] where the file cannot be read, or changed while it was.
pub fn judge_file<T: Tree + ?Sized, R>(
    tree: &T,
    id: NodeId,
    kernel: Kernel,
    wants: &Wants,
    planner: &mut dyn Planner,
    mut judge: impl FnMut(View<'_>) -> R,
) -> Result<R, SourceError> {
    let mut held = hold(tree, id, planner, wants, kernel)?;
    for _ in 0..PASSES {
        let capture = match &held {
            Held::All(bytes) => {
                let answer = judge(View::from(&**bytes));
                // Nothing follows from the bytes of a file that another process was writing.
                return match bytes.are_unchanged() {
                    true => Ok(answer),
                    false => Err(SourceError::Changed {
                        path: tree.full_path(id),
                    }),
                };
            }
            Held::Some(capture) => capture,
            Held::Last(capture) => capture,
        };
        let answer = judge(View::from(capture));
        let missing = capture.missing();
        if missing.is_empty() {
            return Ok(answer);
        }
        if let Held::Last(_) = held {
            return Err(not_kept(tree, id));
        }
        let more = hold(tree, id, &mut Nothing, &missing, kernel)?;
        held = match (held, more) {
            (Held::Some(before), Held::Some(more)) => Held::Some(more.with(before)),
            (_, more) => more,
        };
    }
    let bytes = tree.whole(id)?;
    Ok(judge(View::from(&*bytes)))
}

fn hold<'t, T: Tree + ?Sized>(
    tree: &'t T,
    id: NodeId,
    planner: &mut dyn Planner,
    wants: &Wants,
    kernel: Kernel,
) -> Result<Held<'t>, SourceError> {
    match tree.open(id)?.way() {
        Way::Bytes(bytes) => Ok(Held::All(bytes)),
        Way::Captured(capture) => Ok(Held::Last(capture)),
        Way::Pieces(mut pieces) if pieces.size() > tree.limits().held_whole => {
            Capture::of(&mut *pieces, planner, wants, kernel).map(Held::Some)
        }
        Way::Pieces(mut pieces) => {
            let limit = tree.limits().archive_memory;
            if pieces.size() > limit {
                return Err(too_much(tree, id));
            }
            let mut bytes = Vec::new();
            read_to_end(&mut *pieces, &mut bytes)?;
            Ok(Held::All(bytes.into()))
        }
    }
}
