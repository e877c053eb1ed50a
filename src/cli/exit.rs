//! The exit status of the program, and which of several takes precedence.
//!
//! A failed item takes precedence over a denied one, a denied one over one that was not judged, and that over a good one:
//! 1 before 3, 3 before 4, 4 before 0. The numbers do not have this order, so statuses are compared as values of this type
//! only. The styles of Apple's tools keep the first status that is not 0, as `codesign` does.

use std::process::ExitCode;

/// How a run, or one item of it, ends. A later variant takes precedence over an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Exit {
    /// 0: good.
    #[default]
    Good,
    /// 4: not readable or not judged.
    NotJudged,
    /// 3: properly signed, but a requirement is not met, or the assessment is denied.
    Denied,
    /// 1: verification failed, or there are error findings.
    Failed,
    /// A status that only one of Apple's tools has, such as 65 or 70.
    Apple(u8),
    /// 2: wrong usage. The run ends before anything is judged, so no item has it.
    Usage,
}

impl Exit {
    /// Returns the status with this number.
    pub(super) fn of(number: u8) -> Self {
        match number {
            0 => Self::Good,
            1 => Self::Failed,
            2 => Self::Usage,
            3 => Self::Denied,
            4 => Self::NotJudged,
            other => Self::Apple(other),
        }
    }

    /// Returns the number.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::NotJudged => 4,
            Self::Apple(number) => number,
        }
    }

    /// Takes over the status of another item if it takes precedence.
    pub(super) fn worsen(&mut self, other: Self) {
        *self = (*self).max(other);
    }

    /// Takes over the status of a later item unless an earlier one has failed, as `codesign` does.
    pub(super) fn keep_first(&mut self, later: Self) {
        if *self == Self::Good {
            *self = later;
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_before_three_before_four_before_zero() {
        let order = [1, 3, 4, 0];
        for (index, higher) in order.iter().enumerate() {
            for lower in order.iter().skip(index) {
                for (first, second) in [(higher, lower), (lower, higher)] {
                    let mut exit = Exit::of(*first);
                    exit.worsen(Exit::of(*second));
                    assert_eq!(exit.number(), *higher, "{first} and {second}");
                }
            }
        }
    }

    #[test]
    fn every_number_is_kept() {
        for number in 0..=u8::MAX {
            assert_eq!(Exit::of(number).number(), number);
        }
    }

    #[test]
    fn the_first_failure_is_kept_in_the_styles_of_apple() {
        let mut exit = Exit::Good;
        for later in [Exit::Good, Exit::Denied, Exit::Failed, Exit::Good] {
            exit.keep_first(later);
        }
        assert_eq!(exit, Exit::Denied);
    }
}
