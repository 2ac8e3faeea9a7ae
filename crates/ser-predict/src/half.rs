//! Conversion to and from 16-bit floats (IEEE 754 binary16), which are represented by their bits.

/// Exponent bits of infinity and NaN.
const INFINITE: u16 = 0x7C00;
/// 2¹¹², because the exponent biases of 32-bit and 16-bit floats differ by 127 − 15 = 112.
const EXPONENTS: f32 = (1_u128 << 112) as f32;
/// The smallest normal 16-bit float, 2⁻¹⁴. Below it, 16-bit floats are multiples of 2⁻²⁴, which is 1 / `UNITS`.
const SMALLEST_NORMAL: f32 = 1.0 / (1 << 14) as f32;
const UNITS: f32 = (1 << 24) as f32;

/// Returns the same value as a 32-bit float.
pub(crate) fn widened(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let magnitude = u32::from(half & 0x7FFF) << 13;
    let magnitude = if half & INFINITE == INFINITE {
        magnitude | f32::INFINITY.to_bits()
    } else {
        (f32::from_bits(magnitude) * EXPONENTS).to_bits()
    };
    f32::from_bits(sign | magnitude)
}

/// Returns the nearest 16-bit float. Of two equally near ones it is the one whose last bit is 0; from 65520 on it is
/// infinity.
pub(crate) fn narrowed(value: f32) -> u16 {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = value.abs();
    let rounded = if magnitude.is_nan() {
        INFINITE | 1
    } else if magnitude < SMALLEST_NORMAL {
        (magnitude * UNITS).round_ties_even() as u16
    } else {
        // A carry out of the fraction correctly increments the exponent.
        let bits = (magnitude.min(65_536.0) / EXPONENTS).to_bits();
        ((bits + 0xFFF + (bits >> 13 & 1)) >> 13) as u16
    };
    sign | rounded
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use half::f16;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_value_is_widened_and_comes_back() {
        for bits in 0..=u16::MAX {
            let (value, expected) = (widened(bits), f16::from_bits(bits).to_f32());
            if expected.is_nan() {
                assert!(
                    value.is_nan() && widened(narrowed(value)).is_nan(),
                    "{bits:x}"
                );
            } else {
                assert_eq!(value.to_bits(), expected.to_bits(), "{bits:x}");
                assert_eq!(narrowed(value), bits);
            }
        }
    }

    #[test]
    fn between_two_values_the_nearer_is_taken_and_the_even_one_in_the_middle() {
        // The last value above is infinity, which counts as 65536 here.
        for bits in 0..INFINITE {
            let [below, above] = [bits, bits + 1].map(|half| f16::from_bits(half).to_f64());
            let above = if above.is_finite() { above } else { 65_536.0 };
            let middle = (0.5 * (below + above)) as f32;
            assert_eq!(narrowed(middle), bits + bits % 2, "{middle}");
            assert_eq!(narrowed(middle.next_down()), bits, "{middle}");
            assert_eq!(narrowed(middle.next_up()), bits + 1, "{middle}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_narrowed_as_elsewhere(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(narrowed(value), f16::from_f32(value).to_bits());
        }
    }
}
