//! Compression functions of SHA-1 and SHA-256 (FIPS 180-4 sections 6.1.2 and 6.2.2) over several independent messages
//! at once: two with the SHA extensions of x86-64, sixteen in the lanes of AVX-512 registers.
//!
//! The second of the two files with unsafe code. Its face is safe: [`ShaNi`] and [`Avx512`] exist only where the
//! processor has the instructions, and every function reads whole blocks out of slices. Unsafe are only the loads
//! and stores, whose operands are references to as many bytes as they move, the choice of blocks of sixteen messages,
//! whose numbers are below the length of the shortest, and the calls into functions compiled for those instructions. Padding, order and messages of different lengths are the business of `lanes`.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Block;

/// Round constants of SHA-256.
const K256: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// Round constants of SHA-1, one for each twenty rounds.
const K1: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// Proof that the processor has the SHA extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShaNi(());

impl ShaNi {
    /// `None` where the instructions are missing.
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1");
        has.then_some(Self(()))
    }

    /// Takes as many blocks of each message into its state as the shortest one has.
    pub(super) fn sha256(self, state: &mut [[u32; 2]; 8], blocks: &[&[Block]; 2]) {
        // SAFETY: `self` exists, so `detect` found every instruction set that the function is compiled for.
        unsafe { sha256_pair(state, blocks) }
    }

    /// Takes as many blocks of each message into its state as the shortest one has.
    pub(super) fn sha1(self, state: &mut [[u32; 2]; 5], blocks: &[&[Block]; 2]) {
        // SAFETY: `self` exists, so `detect` found every instruction set that the function is compiled for.
        unsafe { sha1_pair(state, blocks) }
    }
}

/// Proof that the processor has AVX-512 with operations on bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    /// `None` where the instructions are missing.
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        has.then_some(Self(()))
    }

    /// Takes as many blocks of each message into its state as the shortest one has.
    pub(super) fn sha256(self, state: &mut [[u32; 16]; 8], blocks: &[&[Block]; 16]) {
        // SAFETY: `self` exists, so `detect` found every instruction set that the function is compiled for.
        unsafe { sha256_sixteen(state, blocks) }
    }

    /// Takes as many blocks of each message into its state as the shortest one has.
    pub(super) fn sha1(self, state: &mut [[u32; 16]; 5], blocks: &[&[Block]; 16]) {
        // SAFETY: `self` exists, so `detect` found every instruction set that the function is compiled for.
        unsafe { sha1_sixteen(state, blocks) }
    }
}

// Two messages with the SHA extensions. The instructions of one message wait for each other; those of two messages
// fill each other's pauses, and the state of two still fits the sixteen registers.

/// Four words of a constant table.
#[inline]
#[target_feature(enable = "sse2")]
fn four(words: &[u32; 4]) -> __m128i {
    // SAFETY: the reference covers the 16 bytes that are read, and the load asks for no alignment.
    unsafe { _mm_loadu_si128(std::ptr::from_ref(words).cast()) }
}

/// Blocks in the two pages of 4 KiB that a pair of messages mostly is.
const PAIR_OF_PAGES: usize = 128;

/// The four quarters of a block, each with its bytes in the order of `mask`. What stands in the same place of the next pair is
/// asked for: the processor reads ahead by itself, but begins anew with every page.
#[inline]
#[target_feature(enable = "ssse3")]
fn quarters(block: &Block, mask: __m128i) -> [__m128i; 4] {
    let start = std::ptr::from_ref(block).cast::<__m128i>();
    let ahead = std::ptr::from_ref(block).wrapping_add(PAIR_OF_PAGES);
    // SAFETY: the reference covers 64 bytes; the four loads read 16 each, the last one from byte 48, and ask for no
    // alignment. The first is a hint without effect on memory, for which any address will do.
    let words = unsafe {
        _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
        [
            _mm_loadu_si128(start),
            _mm_loadu_si128(start.add(1)),
            _mm_loadu_si128(start.add(2)),
            _mm_loadu_si128(start.add(3)),
        ]
    };
    [
        _mm_shuffle_epi8(words[0], mask),
        _mm_shuffle_epi8(words[1], mask),
        _mm_shuffle_epi8(words[2], mask),
        _mm_shuffle_epi8(words[3], mask),
    ]
}

/// The four words of a register, lowest first.
#[inline]
#[target_feature(enable = "sse4.1")]
fn words(register: __m128i) -> [u32; 4] {
    [
        _mm_extract_epi32::<0>(register).cast_unsigned(),
        _mm_extract_epi32::<1>(register).cast_unsigned(),
        _mm_extract_epi32::<2>(register).cast_unsigned(),
        _mm_extract_epi32::<3>(register).cast_unsigned(),
    ]
}

/// A register of four words, highest first.
#[inline]
#[target_feature(enable = "sse2")]
fn register(words: [u32; 4]) -> __m128i {
    _mm_set_epi32(
        words[0].cast_signed(),
        words[1].cast_signed(),
        words[2].cast_signed(),
        words[3].cast_signed(),
    )
}

/// The state of one SHA-256 as the instructions want it, with the part of the schedule that is at work.
struct Stream256 {
    abef: __m128i,
    cdgh: __m128i,
    w: [__m128i; 4],
}

impl Stream256 {
    /// Four rounds with the oldest words of the schedule.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn rounds(&mut self, w: __m128i, k: __m128i) {
        let wk = _mm_add_epi32(w, k);
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, wk);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, _mm_shuffle_epi32::<0x0e>(wk));
    }

    /// The four words that follow on four registers of the schedule, oldest first.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn next(oldest: __m128i, second: __m128i, third: __m128i, newest: __m128i) -> __m128i {
        let sum = _mm_add_epi32(
            _mm_sha256msg1_epu32(oldest, second),
            _mm_alignr_epi8::<4>(newest, third),
        );
        _mm_sha256msg2_epu32(sum, newest)
    }
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn sha256_pair(state: &mut [[u32; 2]; 8], blocks: &[&[Block]; 2]) {
    let mask = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let [a, b, c, d, e, f, g, h] = *state;
    let zero = [_mm_setzero_si128(); 4];
    let mut one = Stream256 {
        abef: register([a[0], b[0], e[0], f[0]]),
        cdgh: register([c[0], d[0], g[0], h[0]]),
        w: zero,
    };
    let mut two = Stream256 {
        abef: register([a[1], b[1], e[1], f[1]]),
        cdgh: register([c[1], d[1], g[1], h[1]]),
        w: zero,
    };
    let k = K256.as_chunks::<4>().0.as_chunks::<4>().0;
    for (first, second) in blocks[0].iter().zip(blocks[1]) {
        let before = [one.abef, one.cdgh, two.abef, two.cdgh];
        one.w = quarters(first, mask);
        two.w = quarters(second, mask);
        /// Four rounds of both messages; then the oldest words of the schedule make place for the next ones.
        macro_rules! rounds {
            ($k:expr, $oldest:literal $second:literal $third:literal $newest:literal) => {
                let k = four(&$k);
                one.rounds(one.w[$oldest], k);
                two.rounds(two.w[$oldest], k);
                one.w[$oldest] = Stream256::next(
                    one.w[$oldest],
                    one.w[$second],
                    one.w[$third],
                    one.w[$newest],
                );
                two.w[$oldest] = Stream256::next(
                    two.w[$oldest],
                    two.w[$second],
                    two.w[$third],
                    two.w[$newest],
                );
            };
        }
        for k in k.iter().take(3) {
            rounds!(k[0], 0 1 2 3);
            rounds!(k[1], 1 2 3 0);
            rounds!(k[2], 2 3 0 1);
            rounds!(k[3], 3 0 1 2);
        }
        for (k, (first, second)) in k.iter().skip(3).flatten().zip(one.w.into_iter().zip(two.w)) {
            let k = four(k);
            one.rounds(first, k);
            two.rounds(second, k);
        }
        one.abef = _mm_add_epi32(one.abef, before[0]);
        one.cdgh = _mm_add_epi32(one.cdgh, before[1]);
        two.abef = _mm_add_epi32(two.abef, before[2]);
        two.cdgh = _mm_add_epi32(two.cdgh, before[3]);
    }
    let ([f0, e0, b0, a0], [h0, g0, d0, c0]) = (words(one.abef), words(one.cdgh));
    let ([f1, e1, b1, a1], [h1, g1, d1, c1]) = (words(two.abef), words(two.cdgh));
    *state = [
        [a0, a1],
        [b0, b1],
        [c0, c1],
        [d0, d1],
        [e0, e1],
        [f0, f1],
        [g0, g1],
        [h0, h1],
    ];
}

/// The state of one SHA-1 as the instructions want it, with the part of the schedule that is at work.
struct Stream1 {
    abcd: __m128i,
    /// The fifth word, from which the next four rounds make their own.
    e: __m128i,
    w: [__m128i; 4],
}

impl Stream1 {
    /// Four rounds with function `F`.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn rounds<const F: i32>(&mut self, w: __m128i) {
        let e = _mm_sha1nexte_epu32(self.e, w);
        self.e = self.abcd;
        self.abcd = _mm_sha1rnds4_epu32::<F>(self.abcd, e);
    }

    /// The four words that follow on four registers of the schedule, oldest first.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn next(oldest: __m128i, second: __m128i, third: __m128i, newest: __m128i) -> __m128i {
        let sum = _mm_xor_si128(_mm_sha1msg1_epu32(oldest, second), third);
        _mm_sha1msg2_epu32(sum, newest)
    }
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn sha1_pair(state: &mut [[u32; 2]; 5], blocks: &[&[Block]; 2]) {
    let mask = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let [a, b, c, d, e] = *state;
    let zero = [_mm_setzero_si128(); 4];
    // `sha1nexte` turns the word it is given by 30 bits, which the state between blocks does not want.
    let mut one = Stream1 {
        abcd: register([a[0], b[0], c[0], d[0]]),
        e: register([e[0].rotate_left(2), 0, 0, 0]),
        w: zero,
    };
    let mut two = Stream1 {
        abcd: register([a[1], b[1], c[1], d[1]]),
        e: register([e[1].rotate_left(2), 0, 0, 0]),
        w: zero,
    };
    for (first, second) in blocks[0].iter().zip(blocks[1]) {
        let before = [one.abcd, one.e, two.abcd, two.e];
        one.w = quarters(first, mask);
        two.w = quarters(second, mask);
        /// Four rounds of both messages; then the oldest words of the schedule make place for the next ones.
        macro_rules! rounds {
            ($f:literal, $oldest:literal $second:literal $third:literal $newest:literal) => {
                one.rounds::<$f>(one.w[$oldest]);
                two.rounds::<$f>(two.w[$oldest]);
                one.w[$oldest] = Stream1::next(
                    one.w[$oldest],
                    one.w[$second],
                    one.w[$third],
                    one.w[$newest],
                );
                two.w[$oldest] = Stream1::next(
                    two.w[$oldest],
                    two.w[$second],
                    two.w[$third],
                    two.w[$newest],
                );
            };
            ($f:literal, $oldest:literal) => {
                one.rounds::<$f>(one.w[$oldest]);
                two.rounds::<$f>(two.w[$oldest]);
            };
        }
        rounds!(0, 0 1 2 3);
        rounds!(0, 1 2 3 0);
        rounds!(0, 2 3 0 1);
        rounds!(0, 3 0 1 2);
        rounds!(0, 0 1 2 3);
        rounds!(1, 1 2 3 0);
        rounds!(1, 2 3 0 1);
        rounds!(1, 3 0 1 2);
        rounds!(1, 0 1 2 3);
        rounds!(1, 1 2 3 0);
        rounds!(2, 2 3 0 1);
        rounds!(2, 3 0 1 2);
        rounds!(2, 0 1 2 3);
        rounds!(2, 1 2 3 0);
        rounds!(2, 2 3 0 1);
        rounds!(3, 3 0 1 2);
        rounds!(3, 0);
        rounds!(3, 1);
        rounds!(3, 2);
        rounds!(3, 3);
        one.abcd = _mm_add_epi32(one.abcd, before[0]);
        two.abcd = _mm_add_epi32(two.abcd, before[2]);
        one.e = fifth(one.e, before[1]);
        two.e = fifth(two.e, before[3]);
    }
    let ([d0, c0, b0, a0], [.., e0]) = (words(one.abcd), words(one.e));
    let ([d1, c1, b1, a1], [.., e1]) = (words(two.abcd), words(two.e));
    *state = [
        [a0, a1],
        [b0, b1],
        [c0, c1],
        [d0, d1],
        [e0.rotate_right(2), e1.rotate_right(2)],
    ];
}

/// The fifth word after a block, again turned back by two bits: what the last rounds left, and what was there before.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn fifth(last: __m128i, before: __m128i) -> __m128i {
    let turn = |word: __m128i| _mm_sha1nexte_epu32(word, _mm_setzero_si128());
    let sum = _mm_add_epi32(turn(last), turn(before));
    _mm_or_si128(_mm_slli_epi32::<2>(sum), _mm_srli_epi32::<30>(sum))
}

/// Blocks between the one at work and the one to be fetched.
const AHEAD: usize = 4;

// Sixteen messages in the lanes of AVX-512: each register holds one word of all of them.

/// One word for every lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn sixteen(words: &[u32; 16]) -> __m512i {
    // SAFETY: the reference covers the 64 bytes that are read, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(std::ptr::from_ref(words).cast()) }
}

/// Writes a register back to one word for every lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(words: &mut [u32; 16], register: __m512i) {
    // SAFETY: the reference covers the 64 bytes that are written, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(std::ptr::from_mut(words).cast(), register) }
}

/// Where the blocks of every lane start, and how many all of them have at least.
#[inline]
fn starts(blocks: &[&[Block]; 16]) -> ([*const Block; 16], usize) {
    let count = blocks.iter().map(|lane| lane.len()).min().unwrap_or_default();
    (blocks.map(<[Block]>::as_ptr), count)
}

/// Block `index` of every lane, of which all have `count`. Those some way ahead are fetched meanwhile: sixteen streams in pages of
/// their own are more than the processor foresees by itself. Behind the end of a lane, that is where it will go on if the messages lie
/// one after the other, as pages do.
///
/// # Safety
/// `index` is below `count`.
#[inline]
unsafe fn rows<'b>(starts: &[*const Block; 16], index: usize, count: usize) -> [&'b Block; 16] {
    let ahead = index.wrapping_add(AHEAD);
    let ahead = if ahead < count {
        ahead
    } else {
        ahead.wrapping_add(count.wrapping_mul(15))
    };
    starts.map(|start| {
        // SAFETY: the first is a hint without effect on memory, for which any address will do; the second is what the caller
        // promises.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(ahead).cast());
            &*start.add(index)
        }
    })
}

/// Words `4 * Q` to `4 * Q + 3` of sixteen blocks in the processor's byte order, a register for each word.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn quarter<const Q: usize>(rows: &[&Block; 16]) -> [__m512i; 4] {
    const { assert!(Q < 4) };
    let order = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let mask = _mm512_broadcast_i32x4(order);
    /// Four words of the rows `$row`, `+ 4`, `+ 8` and `+ 12`: loads that put their data into place leave the port
    /// free on which words are exchanged.
    macro_rules! every_fourth {
        ($row:literal $second:literal $third:literal $fourth:literal) => {{
            // SAFETY: `Q` is below four, so the reference covers the 16 bytes that are read; the loads ask for no
            // alignment.
            let part = |row: &Block| unsafe {
                _mm_loadu_si128(std::ptr::from_ref(row).cast::<__m128i>().add(Q))
            };
            let all = _mm512_castsi128_si512(part(rows[$row]));
            let all = _mm512_inserti32x4::<1>(all, part(rows[$second]));
            let all = _mm512_inserti32x4::<2>(all, part(rows[$third]));
            let all = _mm512_inserti32x4::<3>(all, part(rows[$fourth]));
            _mm512_shuffle_epi8(all, mask)
        }};
    }
    let (one, two) = (every_fourth!(0 4 8 12), every_fourth!(1 5 9 13));
    let (three, four) = (every_fourth!(2 6 10 14), every_fourth!(3 7 11 15));
    let (low, high) = (_mm512_unpacklo_epi32(one, two), _mm512_unpackhi_epi32(one, two));
    let (low2, high2) = (
        _mm512_unpacklo_epi32(three, four),
        _mm512_unpackhi_epi32(three, four),
    );
    [
        _mm512_unpacklo_epi64(low, low2),
        _mm512_unpackhi_epi64(low, low2),
        _mm512_unpacklo_epi64(high, high2),
        _mm512_unpackhi_epi64(high, high2),
    ]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(one: __m512i, other: __m512i) -> __m512i {
    _mm512_add_epi32(one, other)
}

/// The exclusive or of three words.
#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(one: __m512i, two: __m512i, three: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(one, two, three)
}

#[target_feature(enable = "avx512f,avx512bw")]
fn sha256_sixteen(state: &mut [[u32; 16]; 8], blocks: &[&[Block]; 16]) {
    let [a, b, c, d, e, f, g, h] = state;
    let mut before = [
        sixteen(a),
        sixteen(b),
        sixteen(c),
        sixteen(d),
        sixteen(e),
        sixteen(f),
        sixteen(g),
        sixteen(h),
    ];
    let (starts, count) = starts(blocks);
    for index in 0..count {
        // SAFETY: `index` is below the length of the shortest lane.
        let rows = unsafe { rows(&starts, index, count) };
        let [w0, w1, w2, w3] = quarter::<0>(&rows);
        let [w4, w5, w6, w7] = quarter::<1>(&rows);
        let [w8, w9, w10, w11] = quarter::<2>(&rows);
        let [w12, w13, w14, w15] = quarter::<3>(&rows);
        let mut w = [
            w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15,
        ];
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = before;
        /// One round; the names move instead of the values.
        macro_rules! round {
            ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $w:expr, $k:expr) => {
                let sum1 = xor3(
                    _mm512_ror_epi32::<6>($e),
                    _mm512_ror_epi32::<11>($e),
                    _mm512_ror_epi32::<25>($e),
                );
                let choice = _mm512_ternarylogic_epi32::<0xca>($e, $f, $g);
                let wk = add($w, _mm512_set1_epi32($k.cast_signed()));
                let t1 = add(add(add($h, wk), choice), sum1);
                let sum0 = xor3(
                    _mm512_ror_epi32::<2>($a),
                    _mm512_ror_epi32::<13>($a),
                    _mm512_ror_epi32::<22>($a),
                );
                let majority = _mm512_ternarylogic_epi32::<0xe8>($a, $b, $c);
                $d = add($d, t1);
                $h = add(t1, add(sum0, majority));
            };
        }
        /// The next word of the schedule takes the place of the one sixteen rounds ago.
        macro_rules! next {
            ($oldest:literal, $second:literal, $tenth:literal, $newest:literal) => {
                let low = xor3(
                    _mm512_ror_epi32::<7>(w[$second]),
                    _mm512_ror_epi32::<18>(w[$second]),
                    _mm512_srli_epi32::<3>(w[$second]),
                );
                let high = xor3(
                    _mm512_ror_epi32::<17>(w[$newest]),
                    _mm512_ror_epi32::<19>(w[$newest]),
                    _mm512_srli_epi32::<10>(w[$newest]),
                );
                w[$oldest] = add(add(w[$oldest], low), add(w[$tenth], high));
            };
        }
        /// Sixteen rounds; after each, `$word` makes the word of the schedule sixteen rounds on, where one is wanted.
        macro_rules! sixteen_rounds {
            ($k:expr, $word:ident) => {
                round!(a b c d e f g h, w[0], $k[0]);
                $word!(0, 1, 9, 14);
                round!(h a b c d e f g, w[1], $k[1]);
                $word!(1, 2, 10, 15);
                round!(g h a b c d e f, w[2], $k[2]);
                $word!(2, 3, 11, 0);
                round!(f g h a b c d e, w[3], $k[3]);
                $word!(3, 4, 12, 1);
                round!(e f g h a b c d, w[4], $k[4]);
                $word!(4, 5, 13, 2);
                round!(d e f g h a b c, w[5], $k[5]);
                $word!(5, 6, 14, 3);
                round!(c d e f g h a b, w[6], $k[6]);
                $word!(6, 7, 15, 4);
                round!(b c d e f g h a, w[7], $k[7]);
                $word!(7, 8, 0, 5);
                round!(a b c d e f g h, w[8], $k[8]);
                $word!(8, 9, 1, 6);
                round!(h a b c d e f g, w[9], $k[9]);
                $word!(9, 10, 2, 7);
                round!(g h a b c d e f, w[10], $k[10]);
                $word!(10, 11, 3, 8);
                round!(f g h a b c d e, w[11], $k[11]);
                $word!(11, 12, 4, 9);
                round!(e f g h a b c d, w[12], $k[12]);
                $word!(12, 13, 5, 10);
                round!(d e f g h a b c, w[13], $k[13]);
                $word!(13, 14, 6, 11);
                round!(c d e f g h a b, w[14], $k[14]);
                $word!(14, 15, 7, 12);
                round!(b c d e f g h a, w[15], $k[15]);
                $word!(15, 0, 8, 13);
            };
        }
        /// After the last sixteen rounds there is none.
        macro_rules! none {
            ($($_:literal),*) => {};
        }
        let [first, rest @ ..] = K256.as_chunks::<16>().0 else {
            break;
        };
        let [middle @ .., last] = rest else { break };
        sixteen_rounds!(first, next);
        for k in middle {
            sixteen_rounds!(k, next);
        }
        sixteen_rounds!(last, none);
        let [a0, b0, c0, d0, e0, f0, g0, h0] = before;
        before = [
            add(a0, a),
            add(b0, b),
            add(c0, c),
            add(d0, d),
            add(e0, e),
            add(f0, f),
            add(g0, g),
            add(h0, h),
        ];
    }
    for (words, register) in state.iter_mut().zip(before) {
        store(words, register);
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn sha1_sixteen(state: &mut [[u32; 16]; 5], blocks: &[&[Block]; 16]) {
    let [a, b, c, d, e] = state;
    let mut before = [sixteen(a), sixteen(b), sixteen(c), sixteen(d), sixteen(e)];
    let (starts, count) = starts(blocks);
    for index in 0..count {
        // SAFETY: `index` is below the length of the shortest lane.
        let rows = unsafe { rows(&starts, index, count) };
        let [w0, w1, w2, w3] = quarter::<0>(&rows);
        let [w4, w5, w6, w7] = quarter::<1>(&rows);
        let [w8, w9, w10, w11] = quarter::<2>(&rows);
        let [w12, w13, w14, w15] = quarter::<3>(&rows);
        let mut w = [
            w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15,
        ];
        let [mut a, mut b, mut c, mut d, mut e] = before;
        /// One round with the function `$f` as a table of three bits; the names move instead of the values.
        macro_rules! round {
            ($a:ident $b:ident $c:ident $d:ident $e:ident, $f:literal, $k:ident, $w:expr) => {
                let function = _mm512_ternarylogic_epi32::<$f>($b, $c, $d);
                let sum = add(add($e, add($w, $k)), function);
                $b = _mm512_rol_epi32::<30>($b);
                $e = add(sum, _mm512_rol_epi32::<5>($a));
            };
        }
        /// The word of a round from the seventeenth on, in the place of the one sixteen rounds ago.
        macro_rules! next {
            ($oldest:literal, $third:literal, $ninth:literal, $fourteenth:literal) => {{
                let sum = xor3(w[$oldest], w[$third], w[$ninth]);
                w[$oldest] = _mm512_rol_epi32::<1>(_mm512_xor_si512(sum, w[$fourteenth]));
                w[$oldest]
            }};
        }
        macro_rules! five {
            ($f:literal, $k:ident, $w0:expr, $w1:expr, $w2:expr, $w3:expr, $w4:expr) => {
                round!(a b c d e, $f, $k, $w0);
                round!(e a b c d, $f, $k, $w1);
                round!(d e a b c, $f, $k, $w2);
                round!(c d e a b, $f, $k, $w3);
                round!(b c d e a, $f, $k, $w4);
            };
        }
        /// Word `$n` of the schedule: the place of the word is its number modulo sixteen.
        macro_rules! word {
            (0) => {
                next!(0, 2, 8, 13)
            };
            (1) => {
                next!(1, 3, 9, 14)
            };
            (2) => {
                next!(2, 4, 10, 15)
            };
            (3) => {
                next!(3, 5, 11, 0)
            };
            (4) => {
                next!(4, 6, 12, 1)
            };
            (5) => {
                next!(5, 7, 13, 2)
            };
            (6) => {
                next!(6, 8, 14, 3)
            };
            (7) => {
                next!(7, 9, 15, 4)
            };
            (8) => {
                next!(8, 10, 0, 5)
            };
            (9) => {
                next!(9, 11, 1, 6)
            };
            (10) => {
                next!(10, 12, 2, 7)
            };
            (11) => {
                next!(11, 13, 3, 8)
            };
            (12) => {
                next!(12, 14, 4, 9)
            };
            (13) => {
                next!(13, 15, 5, 10)
            };
            (14) => {
                next!(14, 0, 6, 11)
            };
            (15) => {
                next!(15, 1, 7, 12)
            };
        }
        let k = _mm512_set1_epi32(K1[0].cast_signed());
        five!(0xca, k, w[0], w[1], w[2], w[3], w[4]);
        five!(0xca, k, w[5], w[6], w[7], w[8], w[9]);
        five!(0xca, k, w[10], w[11], w[12], w[13], w[14]);
        five!(0xca, k, w[15], word!(0), word!(1), word!(2), word!(3));
        let k = _mm512_set1_epi32(K1[1].cast_signed());
        five!(0x96, k, word!(4), word!(5), word!(6), word!(7), word!(8));
        five!(0x96, k, word!(9), word!(10), word!(11), word!(12), word!(13));
        five!(0x96, k, word!(14), word!(15), word!(0), word!(1), word!(2));
        five!(0x96, k, word!(3), word!(4), word!(5), word!(6), word!(7));
        let k = _mm512_set1_epi32(K1[2].cast_signed());
        five!(0xe8, k, word!(8), word!(9), word!(10), word!(11), word!(12));
        five!(0xe8, k, word!(13), word!(14), word!(15), word!(0), word!(1));
        five!(0xe8, k, word!(2), word!(3), word!(4), word!(5), word!(6));
        five!(0xe8, k, word!(7), word!(8), word!(9), word!(10), word!(11));
        let k = _mm512_set1_epi32(K1[3].cast_signed());
        five!(0x96, k, word!(12), word!(13), word!(14), word!(15), word!(0));
        five!(0x96, k, word!(1), word!(2), word!(3), word!(4), word!(5));
        five!(0x96, k, word!(6), word!(7), word!(8), word!(9), word!(10));
        five!(0x96, k, word!(11), word!(12), word!(13), word!(14), word!(15));
        let [a0, b0, c0, d0, e0] = before;
        before = [add(a0, a), add(b0, b), add(c0, c), add(d0, d), add(e0, e)];
    }
    for (words, register) in state.iter_mut().zip(before) {
        store(words, register);
    }
}
