//! Formats figures, for pages and Markdown alike.

use ser_eval::MeanStd;

/// Formats a fraction in percent with one decimal, without the percent sign.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.1}", 100.0 * fraction)
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
