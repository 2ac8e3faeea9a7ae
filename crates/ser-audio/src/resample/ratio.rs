//! Arithmetic with pairs of sampling rates.

/// Returns the length of the result for a signal of `len` samples.
pub(super) fn output_len(from: u32, to: u32, len: usize) -> usize {
    // A u128 holds the product of any two such numbers. The result fits unless memory could
    // not hold the signal anyway.
    (len as u128 * u128::from(to)).div_ceil(u128::from(from)) as usize
}

/// Returns the greatest common divisor (Euclid).
pub(super) fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Returns the least common multiple.
pub(super) fn lcm(a: usize, b: usize) -> usize {
    (a / gcd(a, b)).saturating_mul(b)
}
