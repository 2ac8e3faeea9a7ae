//! The page with several runs side by side.

use maud::{Markup, html};

use super::corpora;
use super::page::{gauge, level, range, scroll, shell, split_badge, synthetic_banner};
use crate::figures::plus_minus;
use crate::report::{RunSummary, SplitKind};

/// Renders a page with several runs side by side, grouped by model. A random split never stands alone: if the
/// speaker-disjoint run of the same model is missing, a row in its place says so.
#[must_use]
pub fn render_summary(runs: &[RunSummary]) -> String {
    let banner = runs.iter().any(|run| run.synthetic).then(|| {
        synthetic_banner(if runs.iter().all(|run| run.synthetic) {
            "Every figure on this page comes from synthetic audio."
        } else {
            "The rows marked “synthetic” come from synthetic audio."
        })
    });
    let heading = html! {
        p.eyebrow { "Speech emotion recognition" }
        h1 { "Runs side by side" }
        @if runs.iter().any(|run| run.split != SplitKind::SpeakerDisjoint) {
            p.lead {
                "A random split has the same voices in training and test, so its figures are optimistic. The speaker-disjoint "
                "figures hold for new speakers."
            }
        }
    };
    let sections = html! {
        section aria-label="The runs" {
            @if runs.is_empty() {
                p { "No run yet." }
            } @else {
                (comparison_table(&runs.iter().collect::<Vec<_>>(), None))
            }
        }
        (corpora::of_runs(runs))
        (how_to_read())
    };
    shell(
        "Runs side by side",
        banner.as_ref(),
        &heading,
        &[],
        &sections,
    )
}

/// Returns the speaker-disjoint runs that belong beside a run of `model`. Synthetic runs belong beside synthetic runs
/// only, and real runs beside real ones.
pub(super) fn disjoint_partners<'a>(
    runs: impl IntoIterator<Item = &'a RunSummary>,
    model: &str,
    synthetic: bool,
) -> Vec<&'a RunSummary> {
    let partner = |run: &&RunSummary| {
        run.split == SplitKind::SpeakerDisjoint && run.model == model && run.synthetic == synthetic
    };
    runs.into_iter().filter(partner).collect()
}

/// Renders a table with one row per run, grouped by model. If a model has no speaker-disjoint run, an additional row says so.
/// `current` is the run whose page this is.
pub(super) fn comparison_table(runs: &[&RunSummary], current: Option<&RunSummary>) -> Markup {
    let mut models: Vec<(&str, bool)> = Vec::new();
    for run in runs {
        let model = (run.model.as_str(), run.synthetic);
        if !models.contains(&model) {
            models.push(model);
        }
    }
    let table = html! {
        table.runs {
            caption { "Accuracy and UAR of each run" }
            thead {
                tr {
                    th scope="col" { "Recipe" }
                    th scope="col" { "Test" }
                    th.n scope="col" { "Accuracy " span.unit { "%" } }
                    th.n scope="col" { "UAR " span.unit { "%" } }
                    th.wide scope="col" { "UAR from 0 to 100 %" }
                }
            }
            @for (model, synthetic) in models {
                @let same = |run: &&&RunSummary| run.model == model && run.synthetic == synthetic;
                tbody {
                    @for run in runs.iter().filter(same) {
                        (row(run, current.is_some_and(|current| std::ptr::eq(*run, current))))
                    }
                    @if disjoint_partners(runs.iter().copied(), model, synthetic).is_empty() {
                        tr.missing {
                            th scope="row" { (model) }
                            td colspan="4" {
                                (split_badge(SplitKind::SpeakerDisjoint))
                                " not measured yet. Do not quote the random split without it."
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        (scroll("Runs", &table))
        p.note {
            "Large figures: mean ± sample standard deviation over the splits. Small figures: " (level())
            " interval of the pooled clips, from resampling speakers. The scale shows the UAR of the "
            "pooled clips with its interval, and a tick at chance."
        }
    }
}

fn row(run: &RunSummary, current: bool) -> Markup {
    let splits = if run.splits == 1 { "split" } else { "splits" };
    html! {
        tr.current[current] {
            th scope="row" {
                @match &run.page {
                    Some(page) => a href=(page) { (run.recipe) },
                    None => span.name { (run.recipe) },
                }
                @if run.synthetic { " " span.badge.fake { "synthetic" } }
                small {
                    (run.model) ", " (run.classes) " emotions"
                    @if current { " · this page" }
                }
            }
            td {
                (split_badge(run.split))
                small { (run.protocol.trim_end_matches('.')) " · " (run.splits) " " (splits) ", " (run.n) " predictions" }
            }
            td.n { (plus_minus(run.accuracy)) small { (range(run.accuracy_interval)) } }
            td.n { strong { (plus_minus(run.uar)) } small { (range(run.uar_interval)) } }
            td.wide { (gauge(run.pooled_uar, run.uar_interval, run.chance_uar)) }
        }
    }
}

/// Renders the section that explains the terms of the page.
pub(super) fn how_to_read() -> Markup {
    html! {
        section #reading aria-labelledby="reading-title" {
            h2 #reading-title { "How to read this" }
            dl.words {
                dt { "UAR" }
                dd { "Unweighted average recall: the mean of the recalls of all emotions, in which a frequent emotion counts no more than a rare one." }
                dt { "Interval" }
                dd {
                    "Percentile bootstrap, " (level()) ", " (ser_eval::bootstrap::RESAMPLES)
                    " resamples of speakers with all their clips. Clips of one speaker are alike, so an interval from "
                    "resampling clips would be too narrow. The interval covers the choice of the test speakers, not the randomness of training; "
                    "the spread over the splits has both. There is none over fewer than "
                    (ser_eval::bootstrap::FEWEST_SPEAKERS) " speakers."
                }
                dt { "Speaker-disjoint" }
                dd { "No test speaker was used in training or to choose the epoch. The figure holds for new speakers." }
                dt { "Random split" }
                dd { "Clips are drawn at random, so the same voices are in training and test. The figure is optimistic." }
                dt { "Chance" }
                dd { "The figure of a model that ignores the sound: one divided by the number of emotions for UAR, the share of the most frequent emotion for accuracy." }
            }
        }
    }
}
