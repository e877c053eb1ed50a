//! The budget of one item: steps of work and retained bytes.
//!
//! Every reader, rule and thread that looks at an item shares its budget and charges it wherever code loops over input,
//! multiplies work or keeps data. The allowance has a fixed part and grows with the bytes of the operand, so that work and
//! memory stay in proportion to the input. An item that reaches its budget is *not judged*.
//!
//! A step is about ten nanoseconds of work: one name that is compared, or 16 bytes that are copied or scanned. Work is paid for
//! before it is done; what cannot be paid for is not done. The sum of all charges does not depend on the order in which threads
//! make them, so whether a budget is reached does not either. Not counted: memory that is given back at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use thiserror::Error;

use crate::limits::Limits;

/// Bytes that are copied, compared or scanned in one step.
const BYTES_PER_STEP: u64 = 16;
/// Bytes that are hashed or inflated in one step.
const HASHED_PER_STEP: u64 = 8;
/// Steps of one question to the operating system.
pub const SYSTEM_CALL: u64 = 100;

/// What an item may cost, and what it has cost so far.
#[derive(Debug)]
pub struct Budget {
    steps: Meter,
    retained: Meter,
    /// Steps allowed for each byte of the operand.
    steps_per_byte: u64,
    /// Bytes of the operand that allow one more retained byte; 0 for none.
    bytes_per_retained: u64,
}

/// One counter and its allowance.
#[derive(Debug)]
struct Meter {
    allowed: AtomicU64,
    used: AtomicU64,
    /// Whether something could not be paid for.
    is_spent: AtomicBool,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Steps of work.
    Steps,
    /// Bytes that are kept until the item is judged.
    RetainedBytes,
}

impl Resource {
    /// The name under which the budget is set.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::RetainedBytes => "retained-bytes",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Steps => "steps of work",
            Self::RetainedBytes => "bytes of retained data",
        }
    }
}

/// A budget that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("the item needs more than {limit} {} ({})", .resource.unit(), .resource.name())]
pub struct OverBudget {
    /// Which budget.
    pub resource: Resource,
    /// Its allowance for this item.
    pub limit: u64,
}

/// What an item has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Steps of work.
    pub steps: u64,
    /// Bytes that were kept.
    pub retained: u64,
}

impl Meter {
    fn new(allowed: u64) -> Self {
        Self {
            allowed: AtomicU64::new(allowed),
            used: AtomicU64::new(0),
            is_spent: AtomicBool::new(false),
        }
    }

    fn limit(&self) -> u64 {
        self.allowed.load(Ordering::Relaxed)
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn allow(&self, more: u64) {
        // Only the thread that opens the item does this, before any other works on it.
        self.allowed
            .store(self.limit().saturating_add(more), Ordering::Relaxed);
    }

    fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed)
    }

    fn charge(&self, amount: u64) -> Result<(), u64> {
        let limit = self.limit();
        let pay = |used: u64| used.checked_add(amount).filter(|sum| *sum <= limit);
        if self.is_spent()
            || self
                .used
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay)
                .is_err()
        {
            self.is_spent.store(true, Ordering::Relaxed);
            return Err(limit);
        }
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Budget {
    /// A budget of which nothing is used, for an item of no bytes; see [`Self::allow`].
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            steps: Meter::new(limits.steps),
            retained: Meter::new(limits.retained_bytes),
            steps_per_byte: limits.steps_per_byte,
            bytes_per_retained: limits.bytes_per_retained,
        }
    }

    /// Raises the allowance by the share of so many bytes of the operand.
    pub fn allow(&self, bytes: u64) {
        self.steps.allow(bytes.saturating_mul(self.steps_per_byte));
        let retained = bytes.checked_div(self.bytes_per_retained);
        self.retained.allow(retained.unwrap_or_default());
    }

    /// Charges steps of work.
    ///
    /// # Errors
    /// [`OverBudget`], this time and from then on.
    pub fn step(&self, count: u64) -> Result<(), OverBudget> {
        let over = |limit| OverBudget {
            resource: Resource::Steps,
            limit,
        };
        self.steps.charge(count).map_err(over)
    }

    /// Charges the copying, comparing or scanning of so many bytes.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn scan(&self, bytes: usize) -> Result<(), OverBudget> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.step((bytes / BYTES_PER_STEP).saturating_add(1))
    }

    /// Charges the hashing or inflating of so many bytes.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn hash(&self, bytes: u64) -> Result<(), OverBudget> {
        self.step((bytes / HASHED_PER_STEP).saturating_add(1))
    }

    /// Charges bytes that are kept until the item is judged.
    ///
    /// # Errors
    /// [`OverBudget`], this time and from then on.
    pub fn retain(&self, bytes: usize) -> Result<(), OverBudget> {
        let over = |limit| OverBudget {
            resource: Resource::RetainedBytes,
            limit,
        };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.retained.charge(bytes).map_err(over)
    }

    /// The budget that is used up, if one is: then the item is not judged, and what is still done for it is thrown away.
    #[must_use]
    pub fn spent(&self) -> Option<OverBudget> {
        let over = |meter: &Meter, resource| {
            let limit = meter.limit();
            meter.is_spent().then_some(OverBudget { resource, limit })
        };
        over(&self.steps, Resource::Steps).or_else(|| over(&self.retained, Resource::RetainedBytes))
    }

    /// Whether a budget is used up.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.spent().is_some()
    }

    /// Takes back what was charged since `cost`, for work that is done again from there. No other thread may charge meanwhile.
    pub(crate) fn rewind(&self, cost: Cost) {
        for (meter, used) in [(&self.steps, cost.steps), (&self.retained, cost.retained)] {
            meter.used.store(used, Ordering::Relaxed);
            meter.is_spent.store(false, Ordering::Relaxed);
        }
    }

    /// What was paid for so far.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost {
            steps: self.steps.used(),
            retained: self.retained.used(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(steps: u64, retained: u64) -> Budget {
        let mut limits = Limits::default();
        assert!(limits.set("steps", steps) && limits.set("retained-bytes", retained));
        Budget::new(&limits)
    }

    #[test]
    fn what_is_over_stays_over() {
        let budget = budget(10, 100);
        assert_eq!((budget.step(10), budget.spent()), (Ok(()), None));
        let over = OverBudget {
            resource: Resource::Steps,
            limit: 10,
        };
        assert_eq!(budget.step(1), Err(over));
        assert_eq!(budget.step(0), Err(over));
        assert_eq!(budget.spent(), Some(over));
        assert_eq!(
            over.to_string(),
            "the item needs more than 10 steps of work (steps)"
        );
        assert!(budget.retain(100).is_ok() && budget.retain(1).is_err());
    }

    #[test]
    fn no_charge_wraps_around_and_what_is_not_paid_for_does_not_count() {
        let budget = budget(10, 100);
        assert!(budget.step(7).is_ok() && budget.retain(70).is_ok());
        for _ in 0..1000 {
            assert!(budget.step(u64::MAX).is_err() && budget.retain(usize::MAX).is_err());
        }
        assert!(budget.is_spent());
        let cost = Cost {
            steps: 7,
            retained: 70,
        };
        assert_eq!(budget.cost(), cost);
    }

    #[test]
    fn the_allowance_grows_with_the_operand() {
        let limits = Limits::default();
        let (small, large) = (Budget::new(&limits), Budget::new(&limits));
        large.allow(1 << 20);
        let most = |budget: &Budget| (budget.steps.limit(), budget.retained.limit());
        assert_eq!(most(&small), (limits.steps, limits.retained_bytes));
        assert_eq!(
            most(&large),
            (
                limits.steps + (limits.steps_per_byte << 20),
                limits.retained_bytes + (1 << 20) / limits.bytes_per_retained
            )
        );
        // A number that the caller gives is the whole allowance.
        let fixed = budget(5, 6);
        fixed.allow(1 << 30);
        assert_eq!(most(&fixed), (5, 6));
    }
}
