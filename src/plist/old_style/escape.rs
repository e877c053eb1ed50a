//! What follows a backslash in a string (`getSlashedChar` of `CFOldStylePList.c`).

/// The upper half of the NeXTSTEP character set, which octal escapes name (`__CFConverterNextStepLatin`).
const NEXTSTEP: [u16; 128] = [
    0x00a0, 0x00c0, 0x00c1, 0x00c2, 0x00c3, 0x00c4, 0x00c5, 0x00c7, 0x00c8, 0x00c9, 0x00ca, 0x00cb, 0x00cc,
    0x00cd, 0x00ce, 0x00cf, 0x00d0, 0x00d1, 0x00d2, 0x00d3, 0x00d4, 0x00d5, 0x00d6, 0x00d9, 0x00da, 0x00db,
    0x00dc, 0x00dd, 0x00de, 0x00b5, 0x00d7, 0x00f7, 0x00a9, 0x00a1, 0x00a2, 0x00a3, 0x2044, 0x00a5, 0x0192,
    0x00a7, 0x00a4, 0x2019, 0x201c, 0x00ab, 0x2039, 0x203a, 0xfb01, 0xfb02, 0x00ae, 0x2013, 0x2020, 0x2021,
    0x00b7, 0x00a6, 0x00b6, 0x2022, 0x201a, 0x201e, 0x201d, 0x00bb, 0x2026, 0x2030, 0x00ac, 0x00bf, 0x00b9,
    0x02cb, 0x00b4, 0x02c6, 0x02dc, 0x00af, 0x02d8, 0x02d9, 0x00a8, 0x00b2, 0x02da, 0x00b8, 0x00b3, 0x02dd,
    0x02db, 0x02c7, 0x2014, 0x00b1, 0x00bc, 0x00bd, 0x00be, 0x00e0, 0x00e1, 0x00e2, 0x00e3, 0x00e4, 0x00e5,
    0x00e7, 0x00e8, 0x00e9, 0x00ea, 0x00eb, 0x00ec, 0x00c6, 0x00ed, 0x00aa, 0x00ee, 0x00ef, 0x00f0, 0x00f1,
    0x0141, 0x00d8, 0x0152, 0x00ba, 0x00f2, 0x00f3, 0x00f4, 0x00f5, 0x00f6, 0x00e6, 0x00f9, 0x00fa, 0x00fb,
    0x0131, 0x00fc, 0x00fd, 0x0142, 0x00f8, 0x0153, 0x00df, 0x00fe, 0x00ff, UNDEFINED, UNDEFINED,
];
/// Codes of that set without a character become U+0000.
const UNDEFINED: u16 = 0;

/// Returns the unit that an escape stands for, and how many units it has after the backslash. At the end of the text there
/// is none; the string has no end then.
pub(super) fn read(rest: &[u16]) -> (u16, usize) {
    let Some(first) = rest.first().copied() else {
        return (0, 0);
    };
    let plain = match ascii(first) {
        Some(b'0'..=b'7') => return octal(rest),
        Some(b'U') => {
            let (number, digits) = number(rest.get(1..).unwrap_or_default(), 4, 16);
            return (number, digits.saturating_add(1));
        }
        Some(b'a') => 0x07,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => 0x0a,
        Some(b'r') => 0x0d,
        Some(b't') => 0x09,
        Some(b'v') => 0x0b,
        _ => first,
    };
    (plain, 1)
}

/// Up to three digits; the number wraps at 8 bits.
fn octal(rest: &[u16]) -> (u16, usize) {
    let (number, digits) = number(rest, 3, 8);
    let [_, code] = number.to_be_bytes();
    let unit = match code.checked_sub(0x80) {
        None => u16::from(code),
        Some(upper) => NEXTSTEP.get(usize::from(upper)).copied().unwrap_or(UNDEFINED),
    };
    (unit, digits)
}

/// A number of at most `most` digits, and how many there are.
fn number(rest: &[u16], most: usize, radix: u16) -> (u16, usize) {
    let digit = |unit: &u16| {
        let digit = char::from(ascii(*unit)?).to_digit(u32::from(radix))?;
        u16::try_from(digit).ok()
    };
    let digits = rest.iter().take(most).map_while(digit);
    digits.fold((0, 0), |(number, count), digit| {
        let number: u16 = number;
        let count: usize = count;
        (
            number.wrapping_mul(radix).wrapping_add(digit),
            count.saturating_add(1),
        )
    })
}

/// Returns the ASCII character of a unit.
pub(super) fn ascii(found: u16) -> Option<u8> {
    u8::try_from(found).ok().filter(u8::is_ascii)
}
