//! The page that compares runs on the same clips.

use maud::{Markup, html};
use ser_eval::{Difference, Over, Pair, SIGN_FLIPS, Verdict};

use super::corpora;
use super::page::{
    level, p_number, p_value, picture, scroll, shell, signed, signed_range, synthetic_banner,
};
use super::runs::{comparison_table, how_to_read};
use crate::error::Result;
use crate::figures::percent;
use crate::plots;
use crate::report::RunSummary;

/// Renders a page that compares runs on the same clips. `pairs` is the result of
/// [`compare`](ser_eval::compare) with the recipes of `runs` as names and the same `over`.
///
/// # Errors
/// [`crate::Error::Empty`] if there are no pairs, [`crate::Error::Picture`] if the picture cannot be drawn.
pub fn render_comparison(runs: &[RunSummary], pairs: &[Pair], over: Over) -> Result<String> {
    let synthetic = runs.iter().any(|run| run.synthetic);
    let banner =
        synthetic.then(|| synthetic_banner("Figures on this page come from synthetic audio."));
    let heading = html! {
        p.eyebrow { "Speech emotion recognition" }
        h1 { "Runs compared on the same clips" }
        p.lead {
            "Some voices are hard for every model. The runs are therefore compared "
            "speaker by speaker."
        }
    };
    let sections = html! {
        section #runs aria-labelledby="runs-title" {
            h2 #runs-title { "The runs" }
            (comparison_table(&runs.iter().collect::<Vec<_>>(), None))
        }
        section #differences aria-labelledby="differences-title" {
            h2 #differences-title { "Which is better" }
            ul.findings {
                @for pair in pairs { li { (verdict(pair)) } }
            }
            (picture(plots::differences(pairs)?))
            (scroll("Differences between runs", &pair_table(pairs)))
            p.note {
                "Difference: the first run minus the second, " (clips_of(over)) ". Interval: " (level())
                ", from resampling the same speakers for both runs. p: how often a difference at least as large arises if, "
                "for each speaker, chance decides which answers belong to which run; "
                @if pairs.iter().all(|pair| pair.uar.exact && pair.accuracy.exact) {
                    "every way of exchanging them was tried."
                } @else {
                    (SIGN_FLIPS) " random draws, or all ways of exchanging them where there are fewer."
                }
                @if pairs.len() > 1 {
                    " p corrected: corrected for the number of pairs (Holm); the sentences above use it."
                }
                " " (ANOTHER_SEED)
            }
        }
        (corpora::of_runs(runs))
        (how_to_read())
    };
    let mut contents = vec![("runs", "The runs"), ("differences", "Which is better")];
    if runs.iter().any(|run| run.corpora.is_some()) {
        contents.push(("corpora", "Corpora"));
    }
    contents.push(("reading", "How to read this"));
    Ok(shell(
        "Runs compared on the same clips",
        banner.as_ref(),
        &heading,
        &contents,
        &sections,
    ))
}

/// What neither the interval nor the p-value of a difference says.
pub const ANOTHER_SEED: &str =
    "Neither the interval nor p covers the randomness of training: another seed gives another run.";

/// Says which clips a figure is computed over.
#[must_use]
pub fn clips_of(over: Over) -> &'static str {
    match over {
        Over::AllClips => "all clips pooled",
        Over::Splits => "the mean over the corpora",
    }
}

/// Says in one sentence which run of a pair is better, or that nobody can tell.
///
/// `A is better than B, by 4.2 points of UAR (p = 0.012)`
#[must_use]
pub fn verdict(pair: &Pair) -> String {
    let Pair {
        first, second, uar, ..
    } = pair;
    let points = percent(uar.value.abs());
    let better = |better, worse| {
        let p = p_value(uar.corrected);
        format!("{better} is better than {worse}, by {points} points of UAR ({p})")
    };
    match pair.verdict() {
        Verdict::First => better(first, second),
        Verdict::Second => better(second, first),
        Verdict::NotSignificant => format!(
            "{first} and {second}: the difference of {points} points of UAR is not significant ({})",
            p_value(uar.corrected)
        ),
        Verdict::TooFewSpeakers => format!(
            "{first} and {second} differ on too few speakers to tell whether the difference of {points} points of UAR is chance (p \
             cannot be below {})",
            p_number(uar.smallest)
        ),
    }
}

fn pair_table(pairs: &[Pair]) -> Markup {
    let several = pairs.len() > 1;
    html! {
        table.pairs {
            caption { "Differences in percentage points" }
            thead {
                tr {
                    th scope="col" { "Runs" }
                    th scope="col" { "Figure" }
                    th.n scope="col" { "Difference" }
                    th.n scope="col" { (level()) " interval" }
                    th.n scope="col" { "p" }
                    @if several { th.n scope="col" { "p corrected" } }
                }
            }
            @for pair in pairs {
                tbody {
                    tr {
                        th scope="rowgroup" rowspan="2" { (pair.first) " − " (pair.second) }
                        th scope="row" { "UAR" }
                        (figures(&pair.uar, several))
                    }
                    tr {
                        th scope="row" { "Accuracy" }
                        (figures(&pair.accuracy, several))
                    }
                }
            }
        }
    }
}

fn figures(difference: &Difference, several: bool) -> Markup {
    html! {
        td.n { strong { (signed(difference.value)) } }
        td.n { (signed_range(difference.interval)) }
        td.n { (p_number(difference.p)) }
        @if several { td.n { (p_number(difference.corrected)) } }
    }
}
