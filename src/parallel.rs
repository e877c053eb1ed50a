//! The same work on many things: on all threads with the feature `parallel`, else one after the other.
//!
//! Results are in the order of the things, so that they do not depend on threads. Only this module and `cli` know the pool.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Bytes of the stack of each thread: nested bundles, property lists and requirements recurse as deep as their limits allow. Without
/// the feature `parallel` the caller's stack must have as many.
#[cfg(feature = "parallel")]
pub(crate) const STACK: usize = 16 << 20;

/// The result of `work` for each thing. At least `least` of them are one task.
#[cfg(feature = "parallel")]
pub(crate) fn map<T: Sync, R: Send>(
    things: &[T],
    least: usize,
    work: impl Fn(&T) -> R + Sync + Send,
) -> Vec<R> {
    if things.len() <= least {
        // It is done before another thread has woken up.
        return things.iter().map(work).collect();
    }
    things.par_iter().with_min_len(least).map(work).collect()
}

/// The result of `work` for each thing.
#[cfg(not(feature = "parallel"))]
pub(crate) fn map<T, R>(things: &[T], _least: usize, work: impl Fn(&T) -> R) -> Vec<R> {
    things.iter().map(work).collect()
}

/// The results of `work` for the numbers below `tasks`, each a task of its own.
#[cfg(feature = "parallel")]
pub(crate) fn flat_map<R: Send>(tasks: usize, work: impl Fn(usize) -> Vec<R> + Sync + Send) -> Vec<R> {
    if tasks <= 1 {
        // It is done before another thread has woken up.
        return (0..tasks).flat_map(work).collect();
    }
    (0..tasks)
        .into_par_iter()
        .with_max_len(1)
        .flat_map_iter(work)
        .collect()
}

/// The results of `work` for the numbers below `tasks`.
#[cfg(not(feature = "parallel"))]
pub(crate) fn flat_map<R>(tasks: usize, work: impl Fn(usize) -> Vec<R>) -> Vec<R> {
    (0..tasks).flat_map(work).collect()
}

/// The results of two pieces of work, at the same time where there are two threads.
pub(crate) fn join<A: Send, B: Send>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    #[cfg(feature = "parallel")]
    return rayon::join(one, other);
    #[cfg(not(feature = "parallel"))]
    (one(), other())
}

/// Does the work on one of the threads that share it, so that no thread only waits for them.
#[cfg(feature = "cli")]
pub(crate) fn inside<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    join(work, || ()).0
}

/// The number of threads that work is shared by.
pub(crate) fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    1
}

/// Does the work on one thread.
pub(crate) fn alone<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "parallel")]
    if let Ok(alone) = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(STACK)
        .build()
    {
        return alone.install(work);
    }
    work()
}

/// Threads of a caller's own.
#[derive(Debug)]
pub(crate) struct Pool(#[cfg(feature = "parallel")] rayon::ThreadPool);

impl Pool {
    /// One thread for each processor.
    ///
    /// # Errors
    /// Where the operating system gives no threads.
    pub(crate) fn new() -> std::io::Result<Self> {
        #[cfg(feature = "parallel")]
        return rayon::ThreadPoolBuilder::new()
            .stack_size(STACK)
            .build()
            .map(Self)
            .map_err(std::io::Error::other);
        #[cfg(not(feature = "parallel"))]
        Ok(Self())
    }

    /// Does the work on one of the threads, which has a stack of its own; without threads on that of the caller.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "parallel")]
        return self.0.install(work);
        #[cfg(not(feature = "parallel"))]
        work()
    }
}
