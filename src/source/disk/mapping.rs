//! A file mapped into memory, which survives that another process cuts it short meanwhile.
//!
//! A page behind the new end of a file cannot be had: the system sends SIGBUS, which ends a process. [`guard_mappings`]
//! installs a handler for the process that puts zeros where such a page was; what is read then is not what was signed, and
//! [`Mapping::is_unchanged`] tells that the file is another. A program that uses this library decides by itself whether it
//! wants the handler; without it, the usual contract of mapped files holds. Windows refuses to cut a mapped file short.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;

use super::state::FileState;

/// A private read-only mapping of a whole file.
#[derive(Debug)]
pub(in crate::source) struct Mapping {
    /// Dropped before the addresses are given back.
    #[cfg(unix)]
    _guarded: guard::Guarded,
    map: Mmap,
    file: File,
    /// What it was when it was mapped.
    state: FileState,
}

impl Mapping {
    /// Maps `file`.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let state = state(&file)?;
        // SAFETY: the mapping is read-only and private, and it is handed out only as `&[u8]` that cannot outlive it.
        // Another process may change the file meanwhile; then the reader sees changed bytes: all readers check every
        // bound against the fixed length of the slice, so that leads them nowhere. If it is cut short, the handler
        // keeps every address of the mapping readable.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self {
            #[cfg(unix)]
            _guarded: guard::Guarded::new(&map),
            map,
            file,
            state,
        })
    }

    /// Whether nothing was written to the file since it was mapped.
    pub(in crate::source) fn is_unchanged(&self) -> bool {
        state(&self.file).is_ok_and(|state| state == self.state)
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

fn state(file: &File) -> io::Result<FileState> {
    Ok(FileState::from(&file.metadata()?))
}

/// The handler for pages of files that were cut short.
#[cfg(unix)]
mod guard {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Mappings that the handler knows; each thread has one for each bundle that it is in, so hundreds are plenty. Those
    /// above the number have no guard.
    const SLOTS: usize = 1024;
    /// A slot that is being filled.
    const TAKEN: usize = usize::MAX;

    /// Where a mapping lies.
    struct Slot {
        /// Its first address; 0 where the slot is free.
        start: AtomicUsize,
        /// The address behind it.
        end: AtomicUsize,
    }

    static RANGES: [Slot; SLOTS] = [const {
        Slot {
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
        }
    }; SLOTS];

    /// Bytes of one page of memory; 0 before the handler is installed.
    static PAGE: AtomicUsize = AtomicUsize::new(0);

    /// A mapping that the handler knows, unless there are too many.
    #[derive(Debug)]
    pub(super) struct Guarded(Option<usize>);

    impl Guarded {
        pub(super) fn new(bytes: &[u8]) -> Self {
            let start = bytes.as_ptr().addr();
            let end = start.saturating_add(bytes.len());
            let slot = RANGES.iter().position(|slot| {
                let claim = slot
                    .start
                    .compare_exchange(0, TAKEN, Ordering::AcqRel, Ordering::Relaxed);
                claim.is_ok()
            });
            if let Some(slot) = slot.and_then(|index| RANGES.get(index)) {
                slot.end.store(end, Ordering::Release);
                slot.start.store(start, Ordering::Release);
            }
            Self(slot)
        }
    }

    impl Drop for Guarded {
        fn drop(&mut self) {
            if let Some(slot) = self.0.and_then(|index| RANGES.get(index)) {
                slot.start.store(0, Ordering::Release);
            }
        }
    }

    /// Installs the handler that keeps mapped files readable when they are cut short, for the whole process.
    ///
    /// # Errors
    /// Those of the system.
    #[expect(
        clippy::as_conversions,
        reason = "nothing else gives the address of a function"
    )]
    pub(super) fn install() -> io::Result<()> {
        // SAFETY: `sysconf` reads a constant of the system; `sigaction` gets a structure that is wholly initialised: zero is
        // a valid value of every field, and the handler has the signature that `SA_SIGINFO` asks for.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE);
            PAGE.store(usize::try_from(page).unwrap_or_default(), Ordering::Release);
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_bus_error;
            action.sa_sigaction = (handler as *const ()).addr();
            action.sa_flags = libc::SA_SIGINFO;
            if libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }

    /// Does nothing but what is safe in a signal handler: reads atomics and asks the system for memory.
    extern "C" fn on_bus_error(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the system hands over a valid structure, and with SIGBUS it holds the address.
        let address = unsafe { (*info).si_addr() }.addr();
        let page = PAGE.load(Ordering::Acquire);
        for slot in &RANGES {
            let start = slot.start.load(Ordering::Acquire);
            let end = slot.end.load(Ordering::Acquire);
            if start == 0 || start == TAKEN || !(start..end).contains(&address) || !page.is_power_of_two() {
                continue;
            }
            let first = address & !page.wrapping_sub(1);
            // SAFETY: the page lies in a mapping of ours, which begins at a page and is not given back while its slot is
            // filled; in its place comes memory that reads as zeros.
            let mapped = unsafe {
                libc::mmap(
                    std::ptr::without_provenance_mut(first),
                    page,
                    libc::PROT_READ,
                    libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                    -1,
                    0,
                )
            };
            if mapped != libc::MAP_FAILED {
                return;
            }
        }
        // Somebody else's fault: as if there were no handler, when the access is tried again.
        // SAFETY: the default action is always valid.
        unsafe {
            libc::signal(libc::SIGBUS, libc::SIG_DFL);
        }
    }

    #[cfg(test)]
    #[test]
    fn slots_are_given_back() {
        for _ in 0..3 * SLOTS {
            assert!(Guarded::new(&[1; 5000]).0.is_some());
        }
    }
}

/// Installs the handler that keeps mapped files readable when they are cut short, for the whole process. Other systems than Unix need
/// none.
///
/// # Errors
/// Those of the system.
#[cfg_attr(
    not(unix),
    expect(clippy::unnecessary_wraps, reason = "the handler of Unix may be refused")
)]
pub fn guard_mappings() -> io::Result<()> {
    #[cfg(unix)]
    guard::install()?;
    Ok(())
}

/// Asks the system for the pages of these bytes of a mapped file all at once, which costs it less than to be asked for one after the
/// other. What it cannot do, or bytes in memory, it leaves as they are.
pub(in crate::source) fn prefault(bytes: &[u8]) {
    #[cfg(target_os = "linux")]
    // SAFETY: `sysconf` reads a constant of the system; the addresses, from the beginning of the first page on, are those of pages
    // with bytes of this slice, and reading them ahead changes nothing. If the file was cut short, the system says so.
    unsafe {
        let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE))
            .unwrap_or(1)
            .max(1);
        let into = bytes.as_ptr().addr().checked_rem(page).unwrap_or_default();
        let start = bytes.as_ptr().wrapping_sub(into).cast_mut().cast();
        libc::madvise(start, bytes.len().saturating_add(into), libc::MADV_POPULATE_READ);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_is_cut_short_reads_as_zeros_and_is_known_to_have_changed() {
        guard_mappings().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![7; 1 << 20]).unwrap();
        let mapping = Mapping::new(file.reopen().unwrap()).unwrap();
        assert!(mapping.is_unchanged());
        assert_eq!((mapping[0], mapping[(1 << 20) - 1]), (7, 7));
        file.as_file().set_len(4096).unwrap();
        // Every page, also several times.
        for _ in 0..2 {
            let rest = mapping.iter().skip(4096).step_by(512);
            assert!(rest.clone().count() > 2000 && rest.copied().all(|byte| byte == 0));
        }
        assert_eq!(mapping[4095], 7);
        assert!(!mapping.is_unchanged());
    }

    /// Whoever changes a file can set the time of its last change back, but not the time of the last change of its facts.
    #[test]
    fn a_changed_file_whose_time_is_set_back_is_known_to_have_changed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![7; 1 << 20]).unwrap();
        let before = file.as_file().metadata().unwrap();
        let mapping = Mapping::new(file.reopen().unwrap()).unwrap();
        // The clock of a file system may be coarse.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let mut writer = std::fs::OpenOptions::new().write(true).open(file.path()).unwrap();
        writer.write_all(&[8]).unwrap();
        writer.set_modified(before.modified().unwrap()).unwrap();
        drop(writer);
        let after = file.as_file().metadata().unwrap();
        assert_eq!(
            (after.len(), after.modified().unwrap()),
            (before.len(), before.modified().unwrap())
        );
        assert!(!mapping.is_unchanged());
    }
}
