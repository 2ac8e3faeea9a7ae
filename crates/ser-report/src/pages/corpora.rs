//! Corpora that were each tested by a model trained on other ones.

use maud::{Markup, html};

use super::page::scroll;
use crate::figures::percent;
use crate::report::{CorpusTable, RunSummary};

/// The section of one run.
pub(super) fn of_run(found: &CorpusTable) -> Markup {
    section(&[(None, found)])
}

/// The section of the runs that test corpora, if there are any.
pub(super) fn of_runs(runs: &[RunSummary]) -> Markup {
    let runs = runs.iter();
    let tables = runs.filter_map(|run| Some((Some(run.recipe.as_str()), run.corpora.as_ref()?)));
    let tables: Vec<_> = tables.collect();
    html! {
        @if !tables.is_empty() { (section(&tables)) }
    }
}

fn section(tables: &[(Option<&str>, &CorpusTable)]) -> Markup {
    html! {
        section #corpora aria-labelledby="corpora-title" {
            h2 #corpora-title { "On corpora that were not trained on" }
            p {
                "UAR in percent on all clips of a corpus, by a model that was trained on the others and has learned "
                "nothing of this one but what the column says."
            }
            @for (run, found) in tables { (scroll("UAR by corpus", &table(*run, found))) }
            p.note {
                "Enrolled: so many clips of the speaker were known, without labels. Collection: all clips of the corpus were known, "
                "without labels or speakers; this and “all” count the clips that are tested among the known ones. Labelled: the model was "
                "fine-tuned on so many clips of half of the speakers, and the other half is tested, and the other way round. Where "
                "clips were drawn, the mean of three draws."
            }
        }
    }
}

fn table(run: Option<&str>, found: &CorpusTable) -> Markup {
    let mut headings: Vec<(&str, usize)> = Vec::new();
    for known in &found.known {
        match headings.last_mut() {
            Some((what, columns)) if *what == known.what => *columns += 1,
            _ => headings.push((&known.what, 1)),
        }
    }
    let figure = |uar: Option<f64>| uar.map_or_else(|| "–".to_owned(), percent);
    html! {
        table {
            caption { "UAR by corpus" @if let Some(run) = run { ": " (run) } }
            thead {
                tr {
                    th scope="col" rowspan="2" { "Tested" }
                    th scope="col" rowspan="2" { "Trained on" }
                    th.n scope="col" rowspan="2" { "Clips" }
                    @for (what, columns) in headings { th scope="colgroup" colspan=(columns) { (what) } }
                }
                tr {
                    @for known in &found.known { th.n scope="col" { (known.amount) } }
                }
            }
            tbody {
                @for row in &found.rows {
                    tr {
                        th scope="row" { (row.tested) }
                        td { (row.trained.join(", ")) }
                        td.n { (row.clips) }
                        @for uar in &row.uar { td.n { (figure(*uar)) } }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" colspan="3" { "Mean" }
                    @for uar in found.means() { td.n { (figure(uar)) } }
                }
            }
        }
    }
}
