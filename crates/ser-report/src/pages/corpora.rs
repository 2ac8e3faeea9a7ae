//! The section on corpora that were each tested with a model trained on the others.

use maud::{Markup, html};

use super::page::scroll;
use crate::figures::percent_or_dash;
use crate::report::{CorpusTable, RunSummary};

/// Renders the section for one run.
pub(super) fn of_run(found: &CorpusTable) -> Markup {
    section(&[(None, found)])
}

/// Renders the section for the runs that test corpora, if there are any.
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
            h2 #corpora-title { "Corpora that the model was not trained on" }
            p {
                "UAR in percent on all clips of a corpus, with a model that was trained on the others. The column says "
                "what else the model knows about the tested corpus."
            }
            @for (run, found) in tables { (scroll("UAR by corpus", &table(*run, found))) }
            p.note {
                "Enrolled: this number of clips of the speaker is known, without labels. Collection: all clips of the corpus are known, "
                "without labels or speakers. In this column and under “all”, the known clips include the tested ones. Labelled: the model is "
                "fine-tuned on this number of labelled clips of half of the speakers and tested on the other half; then the halves are "
                "swapped. Where clips are drawn at random, the figure is the mean of three draws."
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
                        @for uar in &row.uar { td.n { (percent_or_dash(*uar)) } }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" colspan="3" { "Mean" }
                    @for uar in found.means() { td.n { (percent_or_dash(uar)) } }
                }
            }
        }
    }
}
