//! Blocks of [`LANES`] frames, laid out so that each SIMD lane holds one frame.
//!
//! Row `i` of a block holds value `i` (a frequency bin or a mel band) of every frame in the block.
//! A mel band, a logarithm or a cosine sum is therefore computed for eight frames with one
//! instruction and never adds across lanes, however narrow the band is. The loops are plain Rust
//! over fixed-size arrays, which the compiler turns into vector code. `multiversion` compiles each
//! loop twice and picks the AVX2 version where the processor supports it.

use multiversion::multiversion;

/// Number of frames in a block: the `f32` lanes of an AVX register.
pub(crate) const LANES: usize = 8;

/// One value of each frame in a block.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self::splat(0.0);

    pub(crate) const fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
}

/// Returns `a·b + c`, fused where the processor does that in one instruction. (Elsewhere `mul_add`
/// is a slow library call.)
#[inline(always)]
pub(crate) fn mul_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Returns the base-2 logarithm of a positive normal number with a relative error below 1e-6.
///
/// # Formula
/// With `x = 2^e · m` and `m` in `[√½, √2)`: `log₂ x = e + 2/ln 2 · artanh s` where
/// `s = (m − 1) / (m + 1)`. As `|s| < 0.172`, the first four terms of
/// `artanh s = s + s³/3 + s⁵/5 + …` give it with a relative error below 1e-7.
#[inline(always)]
pub(crate) fn log2<const FUSED: bool>(x: f32) -> f32 {
    const SQRT_HALF_BITS: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA_BITS: u32 = 23;
    const C: f32 = 2.0 * std::f32::consts::LOG2_E;

    let offset = x.to_bits().wrapping_sub(SQRT_HALF_BITS) as i32;
    let exponent = offset >> MANTISSA_BITS;
    let m = f32::from_bits(x.to_bits().wrapping_sub((exponent << MANTISSA_BITS) as u32));
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let series = mul_add::<FUSED>(s2, C / 7.0, C / 5.0);
    let series = mul_add::<FUSED>(s2, series, C / 3.0);
    let series = mul_add::<FUSED>(s2, series, C);
    mul_add::<FUSED>(s, series, exponent as f32)
}

/// Arranges rows of `width` values, one row per frame, as a block. Lanes beyond the last row
/// repeat that row, so that they hold ordinary values.
pub(crate) fn load(rows: &[f32], width: usize, block: &mut [Lanes]) {
    let last = rows.len() / width - 1;
    for lane in 0..LANES {
        let row = &rows[lane.min(last) * width..][..width];
        for (lanes, &value) in block.iter_mut().zip(row) {
            lanes.0[lane] = value;
        }
    }
}

/// Writes the first values of each frame of a block into rows that lie `stride` apart. Writes as
/// many frames as there are rows.
pub(crate) fn store(block: &[Lanes], rows: &mut [f32], stride: usize) {
    let (squares, rest) = block.as_chunks::<LANES>();
    for (lane, row) in rows.chunks_mut(stride).enumerate() {
        let (whole, row) = row.split_at_mut(LANES * squares.len());
        let whole = whole.as_chunks_mut::<LANES>().0;
        for (values, square) in whole.iter_mut().zip(squares) {
            *values = std::array::from_fn(|i| square[i].0[lane]);
        }
        for (value, lanes) in row.iter_mut().zip(rest) {
            *value = lanes.0[lane];
        }
    }
}

/// Raises every value to at least `floor`.
#[multiversion(targets("x86_64+avx2+fma"))]
pub(crate) fn raise_to(block: &mut [Lanes], floor: f32) {
    for lanes in block {
        for value in &mut lanes.0 {
            *value = value.max(floor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log2_is_exact_to_a_millionth_over_the_whole_range() {
        let mut bits = f32::MIN_POSITIVE.to_bits();
        while bits < f32::INFINITY.to_bits() {
            let x = f32::from_bits(bits);
            let exact = f64::from(x).log2();
            for got in [log2::<false>(x), log2::<true>(x)] {
                let error = (f64::from(got) - exact).abs();
                assert!(
                    error <= 1e-6 * exact.abs(),
                    "log2({x}) = {got}, not {exact}"
                );
            }
            bits += 997;
        }
        assert_eq!(log2::<false>(1.0), 0.0);
    }

    #[test]
    fn store_is_the_inverse_of_load() {
        let rows: Vec<f32> = (0..15).map(|i| i as f32).collect();
        let mut block = [Lanes::ZERO; 5];
        load(&rows, 5, &mut block);
        assert_eq!(block[1].0, [1.0, 6.0, 11.0, 11.0, 11.0, 11.0, 11.0, 11.0]);
        let mut back = vec![0.0; 15];
        store(&block, &mut back, 5);
        assert_eq!(back, rows);
    }
}
