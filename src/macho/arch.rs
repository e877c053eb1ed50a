//! Architectures: the pair of CPU type and subtype, its name and its order.
//!
//! Specification 2.3 and native observation 8.2: names are those of `NXGetArchInfo`; a pair without a name is
//! printed as `(cputype:cpusubtype)` in decimal. Pairs are ordered as signed numbers, so arm64e, whose subtype
//! has the top bit set, comes before arm64.

use std::fmt;

use goblin::mach::constants::cputype as cpu;

/// CPU type and subtype of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Architecture {
    /// `cputype`.
    pub cpu_type: i32,
    /// `cpusubtype` with its capability bits.
    pub cpu_subtype: i32,
}

/// The bits of a CPU type that name a variant of its architecture (`CPU_ARCH_MASK`).
const CPU_ARCH_MASK: u32 = 0xff00_0000;

const NAMES: [(u32, u32, &str); 17] = [
    (cpu::CPU_TYPE_X86_64, 3, "x86_64"),
    (cpu::CPU_TYPE_X86_64, 8, "x86_64h"),
    (cpu::CPU_TYPE_ARM64, 0, "arm64"),
    (cpu::CPU_TYPE_ARM64, 1, "arm64v8"),
    (cpu::CPU_TYPE_ARM64, 2, "arm64e"),
    (cpu::CPU_TYPE_ARM64_32, 0, "arm64_32"),
    (cpu::CPU_TYPE_ARM64_32, 1, "arm64_32"),
    (cpu::CPU_TYPE_X86, 3, "i386"),
    (cpu::CPU_TYPE_ARM, 0, "arm"),
    (cpu::CPU_TYPE_ARM, 6, "armv6"),
    (cpu::CPU_TYPE_ARM, 9, "armv7"),
    (cpu::CPU_TYPE_ARM, 11, "armv7s"),
    (cpu::CPU_TYPE_ARM, 12, "armv7k"),
    (cpu::CPU_TYPE_POWERPC, 0, "ppc"),
    (cpu::CPU_TYPE_POWERPC, 10, "ppc7400"),
    (cpu::CPU_TYPE_POWERPC64, 0, "ppc64"),
    (cpu::CPU_TYPE_POWERPC, 100, "ppc970"),
];

impl Architecture {
    /// The pair with these fields of a Mach-O or universal header.
    #[must_use]
    pub fn new(cpu_type: u32, cpu_subtype: u32) -> Self {
        Self {
            cpu_type: cpu_type.cast_signed(),
            cpu_subtype: cpu_subtype.cast_signed(),
        }
    }

    /// The architecture called `name` on the command line, such as `arm64`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (cpu_type, subtype, _) = NAMES.iter().find(|(_, _, known)| *known == name)?;
        // An arm64e executable carries the pointer authentication ABI bit.
        let capability = if name == "arm64e" { 0x8000_0000 } else { 0 };
        Some(Self::new(*cpu_type, subtype | capability))
    }

    /// `cpusubtype` without its capability bits.
    #[must_use]
    pub fn subtype_family(self) -> u32 {
        self.cpu_subtype.cast_unsigned() & 0x00ff_ffff
    }

    /// Whether this is any 64-bit ARM architecture.
    #[must_use]
    pub fn is_arm64(self) -> bool {
        self.cpu_type.cast_unsigned() == cpu::CPU_TYPE_ARM64
    }

    /// Whether this is any 64-bit Intel architecture.
    #[must_use]
    pub fn is_x86_64(self) -> bool {
        self.cpu_type.cast_unsigned() == cpu::CPU_TYPE_X86_64
    }

    /// Returns true for any PowerPC architecture: the bits of `CPU_ARCH_MASK` do not count.
    #[must_use]
    pub fn is_powerpc(self) -> bool {
        self.cpu_type.cast_unsigned() & !CPU_ARCH_MASK == cpu::CPU_TYPE_POWERPC
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.subtype_family();
        let cpu_type = self.cpu_type.cast_unsigned();
        match NAMES
            .iter()
            .find(|(known, subtype, _)| *known == cpu_type && *subtype == family)
        {
            Some((_, _, name)) => f.write_str(name),
            None => write!(f, "({}:{})", self.cpu_type, self.cpu_subtype),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_order() {
        let arm64e = Architecture::new(cpu::CPU_TYPE_ARM64, 0x8000_0002);
        let arm64 = Architecture::new(cpu::CPU_TYPE_ARM64, 0);
        let x86_64 = Architecture::new(cpu::CPU_TYPE_X86_64, 3);
        let mut order = [arm64, arm64e, x86_64];
        order.sort();
        assert_eq!(order.map(|arch| arch.to_string()), ["x86_64", "arm64e", "arm64"]);
        // Native observation 8.2.
        assert_eq!(
            Architecture::new(cpu::CPU_TYPE_X86_64, 0).to_string(),
            "(16777223:0)"
        );
        for (_, _, name) in NAMES {
            assert_eq!(Architecture::from_name(name).unwrap().to_string(), name);
        }
    }
}
