//! Formats figures, for pages and Markdown alike.

use ser_eval::MeanStd;

/// Formats a fraction in percent with one decimal, without the percent sign.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.1}", 100.0 * fraction)
}

/// Formats a difference of shares in percentage points, with its sign: `-0.0852` becomes `-8.5`, and what rounds to zero `+0.0`.
///
/// ```
/// assert_eq!(ser_report::points(-0.0852), "-8.5");
/// assert_eq!(ser_report::points(-0.0004), "+0.0");
/// ```
#[must_use]
pub fn points(difference: f64) -> String {
    // Adding zero makes zero of minus zero.
    format!("{:+.1}", (1000.0 * difference).round() / 10.0 + 0.0)
}

/// Formats a fraction in percent as [`percent`] does, or as a dash if there is none.
pub(crate) fn percent_or_dash(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "–".to_owned(), percent)
}

/// Formats a mean and standard deviation as `58.3 ± 3.2`, in percent, without the percent sign.
pub(crate) fn plus_minus(figure: MeanStd) -> String {
    match figure.std {
        Some(std) => format!("{} ± {}", percent(figure.mean), percent(std)),
        None => percent(figure.mean),
    }
}
