//! How figures are written, on pages and in Markdown alike.

use ser_eval::MeanStd;

/// A fraction in percent with one digit, without the sign.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.1}", 100.0 * fraction)
}

/// `58.3 ± 3.2`, in percent, without the sign.
pub(crate) fn plus_minus(figure: MeanStd) -> String {
    match figure.std {
        Some(std) => format!("{} ± {}", percent(figure.mean), percent(std)),
        None => percent(figure.mean),
    }
}
