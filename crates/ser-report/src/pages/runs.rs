//! Several runs next to each other.

use maud::{Markup, html};

use super::corpora;
use super::page::{gauge, level, range, scroll, shell, split_badge, synthetic_banner};
use crate::figures::plus_minus;
use crate::report::{RunSummary, SplitKind};

/// A page that compares runs, models next to each other. A random-split row never stands alone:
/// where the speaker-disjoint run of the same model is missing, its place says so.
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
                "A random split has the same voices on both sides and flatters; the speaker-disjoint figure is "
                "the one that holds for a new person."
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

/// The speaker-disjoint runs that belong beside a run of `model`. Synthetic and real runs are no
/// partners for each other.
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

/// One row per run, runs of one model together, with a row that says so where a random split has no
/// speaker-disjoint partner. `current` is the recipe whose page this is.
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
            "Large: mean ± sample standard deviation over the splits. Small: " (level())
            " interval of the pooled clips, speakers resampled. The scale shows both, with a tick at chance."
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
            td.wide { (gauge(run.uar.mean, run.uar_interval, 1.0 / run.classes.max(1) as f64)) }
        }
    }
}

/// What the words on the page mean.
pub(super) fn how_to_read() -> Markup {
    html! {
        section #reading aria-labelledby="reading-title" {
            h2 #reading-title { "How to read this" }
            dl.words {
                dt { "UAR" }
                dd { "Unweighted average recall: the recall of each emotion, averaged, so that a frequent emotion counts no more than a rare one." }
                dt { "Interval" }
                dd {
                    "Percentile bootstrap, " (level()) ", " (ser_eval::bootstrap::RESAMPLES)
                    " resamples of speakers with all their clips. Clips of one actor resemble each other; "
                    "resampling clips would promise too much. It covers which speakers were tested, not the luck of training: "
                    "for that see the spread over the splits."
                }
                dt { "Speaker-disjoint" }
                dd { "No test speaker was heard in training or in choosing the epoch. The figure holds for new people." }
                dt { "Random split" }
                dd { "Clips are drawn at random, so the same voices are on both sides. It flatters." }
                dt { "Chance" }
                dd { "What a model that ignores the sound reaches: one over the number of emotions for UAR, the share of the most frequent emotion for accuracy." }
            }
        }
    }
}
