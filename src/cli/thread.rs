//! The thread that does the work. The stack of the main thread is as small as its user allows (`ulimit -s`), and nested
//! bundles, property lists and requirements recurse.

use std::thread::{Builder, scope};

use super::complain;
use super::exit::Exit;
use crate::parallel::STACK;

/// Does the work on a thread with a stack of its own. Without a thread, and where the work panics, nothing that it would
/// have judged is judged; a panic is a defect of this program, never a verdict.
pub(super) fn on_own_stack(work: impl FnOnce() -> Exit + Send) -> Exit {
    scope(|scope| {
        let thread = Builder::new().name("sealcheck".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, work) {
            Ok(thread) => thread.join().unwrap_or_else(|_| {
                complain("sealcheck: not judged: this is a defect of sealcheck; please report it");
                Exit::NotJudged
            }),
            Err(error) => {
                complain(&format!("sealcheck: cannot start threads: {error}"));
                Exit::NotJudged
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn a_panic_is_never_good() {
        assert_eq!(on_own_stack(|| panic!("a defect")), Exit::NotJudged);
        let in_worker = || {
            (0..100)
                .into_par_iter()
                .for_each(|number| assert!(number != 50, "a defect in a worker"));
            Exit::Good
        };
        assert_eq!(on_own_stack(in_worker), Exit::NotJudged);
        assert_eq!(on_own_stack(|| Exit::Denied), Exit::Denied);
    }
}
