//! Where reports go. A report that cannot be written changes nothing about the judging.
//!
//! The first failure of an output is kept, and from then on everything is dropped: the run judges the rest of its items and
//! ends with their status. A reader that closes its pipe has read enough, so that is not a failure; any other failure makes
//! a good status *not judged* (4).
//!
//! Standard output is written through a descriptor or handle of its own, since Rust's `Stdout` takes one that cannot be
//! written (EBADF) for one that drops everything. A terminal of Windows is written by way of Rust's, which knows its alphabet. Files are written by `file`.

use std::fs::{File, OpenOptions};
#[cfg(windows)]
use std::io::IsTerminal;
use std::io::{self, BufWriter, Write};
#[cfg(unix)]
use std::os::fd::AsFd;
use std::path::Path;

use anstream::{AutoStream, ColorChoice};

use super::complain;
use super::exit::Exit;
use super::file::Pending;

/// Which standard streams were closed when the program started. Rust's runtime opens `/dev/null` in their place before
/// `main`, so this has to be found out earlier.
#[derive(Debug, Clone, Copy, Default)]
pub struct Closed {
    /// Standard output.
    pub output: bool,
    /// Standard error.
    pub error: bool,
}

/// An output that keeps its first failure and drops everything after it.
pub(super) struct Sink {
    out: Option<Box<dyn Write>>,
    /// The name of the destination in a complaint.
    place: String,
    /// The file that gets its name at the end.
    pending: Option<Pending>,
    failure: Option<io::ErrorKind>,
}

impl Sink {
    fn new(place: String) -> Self {
        Self {
            out: None,
            place,
            pending: None,
            failure: None,
        }
    }

    /// Returns standard output.
    pub(super) fn output(color: ColorChoice, closed: Closed) -> Self {
        let mut sink = Self::new("standard output".to_owned());
        sink.out = Some(match duplicate(&io::stdout(), closed.output) {
            #[cfg(windows)]
            Ok(_) if io::stdout().is_terminal() => {
                Box::new(BufWriter::new(AutoStream::new(io::stdout(), color)))
            }
            Ok(file) => Box::new(BufWriter::new(AutoStream::new(file, color))),
            Err(error) => Box::new(Broken(error.kind())),
        });
        sink
    }

    /// Returns standard error, for reports in the styles of Apple's tools.
    pub(super) fn error(closed: Closed) -> Self {
        let mut sink = Self::new("standard error".to_owned());
        sink.out = Some(match duplicate(&io::stderr(), closed.error) {
            #[cfg(windows)]
            Ok(_) if io::stderr().is_terminal() => Box::new(AutoStream::new(io::stderr(), ColorChoice::Auto)),
            Ok(file) => Box::new(AutoStream::new(file, ColorChoice::Auto)),
            Err(error) => Box::new(Broken(error.kind())),
        });
        sink
    }

    /// Begins a report in a file, in place of one that is there.
    pub(super) fn file(path: &Path, color: ColorChoice) -> Self {
        let mut sink = Self::new(path.display().to_string());
        match Pending::report(path) {
            Ok((file, pending)) => {
                sink.out = Some(Box::new(BufWriter::new(AutoStream::new(file, color))));
                sink.pending = pending;
            }
            Err(error) => sink.fail(&error),
        }
        sink
    }

    /// Adds a report to the end of a file that others write to as well.
    pub(super) fn appended(path: &Path) -> Self {
        let mut sink = Self::new(path.display().to_string());
        match OpenOptions::new().append(true).create(true).open(path) {
            Ok(file) => sink.out = Some(Box::new(BufWriter::new(file))),
            Err(error) => sink.fail(&error),
        }
        sink
    }

    fn fail(&mut self, error: &io::Error) {
        self.out = None;
        // Removes what was written of it.
        self.pending = None;
        self.failure = Some(error.kind());
        if error.kind() != io::ErrorKind::BrokenPipe {
            complain(&format!(
                "sealcheck: {}: cannot write the report: {error}",
                self.place
            ));
        }
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if let Some(out) = &mut self.out
            && let Err(error) = write(&mut **out)
        {
            self.fail(&error);
        }
    }

    /// Writes out what is left, gives a file its name, and worsens the status where the report is lost.
    pub(super) fn end(&mut self, exit: &mut Exit) {
        self.attempt(|out| out.flush());
        if let Some(pending) = self.pending.take()
            && let Err(error) = pending.complete()
        {
            self.fail(&error);
        }
        self.out = None;
        if self.failure.is_some_and(|kind| kind != io::ErrorKind::BrokenPipe) {
            exit.worsen(Exit::NotJudged);
        }
    }
}

/// Never fails, so that no command ends before it has judged all of its items.
impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(|out| out.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(|out| out.flush());
        Ok(())
    }
}

/// A stream that cannot be written. Nothing is lost as long as nothing is written to it.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream by another handle. One that is missing cannot be written.
#[cfg(windows)]
fn duplicate(stream: &impl std::os::windows::io::AsHandle, _: bool) -> io::Result<File> {
    Ok(File::from(stream.as_handle().try_clone_to_owned()?))
}

/// A stream by another descriptor.
#[cfg(unix)]
fn duplicate(stream: &impl AsFd, is_closed: bool) -> io::Result<File> {
    if is_closed {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > self.0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn ended(out: impl Write + 'static, before: Exit) -> Exit {
        let mut sink = Sink::new("test".to_owned());
        sink.out = Some(Box::new(out));
        for _ in 0..3 {
            sink.write_all(b"line\n").unwrap();
            sink.flush().unwrap();
        }
        let mut exit = before;
        sink.end(&mut exit);
        exit
    }

    #[test]
    fn a_lost_report_is_never_good_and_never_improves() {
        for before in [Exit::Denied, Exit::Failed, Exit::NotJudged, Exit::Apple(70)] {
            assert_eq!(ended(Full(7), before), before);
        }
        assert_eq!(ended(Full(7), Exit::Good), Exit::NotJudged);
        assert_eq!(ended(Full(15), Exit::Good), Exit::Good);
        assert_eq!(ended(Broken(io::ErrorKind::BrokenPipe), Exit::Good), Exit::Good);
        assert_eq!(
            ended(Broken(io::ErrorKind::BrokenPipe), Exit::Failed),
            Exit::Failed
        );
    }
}
