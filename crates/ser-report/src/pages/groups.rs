//! The section with figures per speaker, gender, intensity and sentence, and the gaps between these groups.

use maud::{Markup, html};
use ser_eval::{Evaluation, Gap, Group, GroupRow, Predictions, SIGNIFICANT, gap, holm};

use super::page::{bar, level, p_value, scroll, signed_range};
use crate::figures::percent;

/// The ways of grouping clips, with their names in the singular and the plural.
const GROUPS: [(Group<'static>, &str, &str); 4] = [
    (Group::Speaker, "Speaker", "speakers"),
    (Group::Gender, "Gender", "genders"),
    (Group::Intensity, "Intensity", "intensities"),
    (Group::Statement, "Sentence", "sentences"),
];

/// A gap, with its p-value corrected for the number of gaps tested.
struct Found {
    name: &'static str,
    plural: &'static str,
    gap: Gap,
    p: f64,
}

impl Found {
    fn all(predictions: &Predictions) -> Vec<Self> {
        let gaps: Vec<_> = GROUPS
            .into_iter()
            .filter_map(|(by, name, plural)| Some((name, plural, gap(predictions, by)?)))
            .collect();
        let p: Vec<f64> = gaps.iter().map(|(.., gap)| gap.p).collect();
        let corrected = holm(&p).into_iter();
        gaps.into_iter()
            .zip(corrected)
            .map(|((name, plural, gap), p)| Self {
                name,
                plural,
                gap,
                p,
            })
            .collect()
    }

    fn is_significant(&self) -> bool {
        self.p < SIGNIFICANT
    }
}

pub(super) fn groups(predictions: &Predictions, evaluation: &Evaluation) -> Markup {
    let mut attributes = vec![
        ("Gender", &evaluation.genders),
        ("Intensity", &evaluation.intensities),
        ("Sentence", &evaluation.statements),
    ];
    let by = evaluation.by.iter();
    let other = by.filter(|(column, _)| matches!(Group::of_column(column), Group::Attribute(_)));
    attributes.extend(other.map(|(column, rows)| (column.as_str(), rows)));
    let known = attributes.iter().any(|(_, rows)| !rows.is_empty());
    let found = Found::all(predictions);
    // Many speakers are easier to read in two columns.
    let half = evaluation.speakers.len().div_ceil(2).max(8);
    html! {
        section #groups aria-labelledby="groups-title" {
            h2 #groups-title { "Results by group" }
            @if !found.is_empty() {
                (sentences(&found))
                (scroll("Gaps between groups", &gap_table(&found)))
                p.note {
                    "UAR over the emotions that all groups have. p: how often chance makes a gap at least as wide, corrected "
                    "for the number of gaps tested (Holm); the interval is not corrected. Chance exchanges, for gender, the genders of "
                    "the speakers; for intensity and sentence, the groups within each speaker; for speakers, the right and wrong "
                    "answers among all clips of an emotion, which tests whether speakers differ at all. Interval of the "
                    "gap: " (level()) ", from resampling speakers."
                }
            }
            @if known { (scroll("Figures per group", &attribute_table(&attributes))) }
            div.speakers {
                @for rows in evaluation.speakers.chunks(half) {
                    (scroll("Figures per speaker", &speaker_table(rows)))
                }
            }
            p.note {
                "UAR over the emotions that the group has. Small figures: " (level())
                " interval, from resampling speakers; a single speaker has none."
            }
        }
    }
}

fn sentences(found: &[Found]) -> Markup {
    let within: Vec<&Found> = found.iter().filter(|f| !f.is_significant()).collect();
    html! {
        ul.findings {
            @for Found { plural, gap, p, .. } in found.iter().filter(|f| f.is_significant()) {
                li {
                    "The " (plural) " differ by more than chance: “" b { (gap.best) } "” has the highest UAR, "
                    (percent(gap.best_uar)) " %, “" b { (gap.worst) } "” the lowest, " (percent(gap.worst_uar)) " %; the gap is "
                    b { (percent(gap.width())) " points" } " (" (p_value(*p)) ")."
                }
            }
            @if !within.is_empty() {
                li {
                    "No larger than chance: the gap between "
                    @for (i, Found { plural, gap, p, .. }) in within.iter().enumerate() {
                        @if i > 0 { ", between " }
                        (plural) " (" (percent(gap.width())) " points, " (p_value(*p)) ")"
                    }
                    "."
                }
            }
        }
    }
}

fn gap_table(found: &[Found]) -> Markup {
    html! {
        table.gaps {
            caption { "Best and worst group, in UAR" }
            thead {
                tr {
                    th scope="col" { "Clips by" }
                    th scope="col" { "Best" }
                    th scope="col" { "Worst" }
                    th.n scope="col" { "Gap " span.unit { "points" } }
                    th.n scope="col" { (level()) " interval" }
                    th scope="col" { "Larger than chance" }
                }
            }
            tbody {
                @for found in found {
                    tr {
                        th scope="row" { (found.name) }
                        td { (found.gap.best) small { (percent(found.gap.best_uar)) " %" } }
                        td { (found.gap.worst) small { (percent(found.gap.worst_uar)) " %" } }
                        td.n { strong { (percent(found.gap.width())) } }
                        td.n { (signed_range(found.gap.interval)) }
                        td {
                            @if found.is_significant() { b { "yes" } } @else { "no" }
                            small { (p_value(found.p)) }
                        }
                    }
                }
            }
        }
    }
}

fn attribute_table(attributes: &[(&str, &Vec<GroupRow>)]) -> Markup {
    html! {
        table.attributes {
            caption { "Accuracy and UAR of each group" }
            thead {
                tr {
                    th scope="col" { "Clips by" }
                    th scope="col" { "Group" }
                    th.n scope="col" { "Clips" }
                    th.n scope="col" { "Speakers" }
                    th.b scope="col" { "Accuracy " span.unit { "%" } }
                    th.b scope="col" { "UAR " span.unit { "%" } }
                }
            }
            @for (name, rows) in attributes.iter().filter(|(_, rows)| !rows.is_empty()) {
                tbody {
                    @for (index, row) in rows.iter().enumerate() {
                        tr {
                            @if index == 0 {
                                th.muted scope="rowgroup" rowspan=(rows.len()) { (name) }
                            }
                            th scope="row" { (value(row)) }
                            td.n { (row.n) }
                            td.n { (row.speakers) }
                            (bar(row.accuracy, row.accuracy_interval))
                            (bar(row.uar, row.uar_interval))
                        }
                    }
                }
            }
        }
    }
}

fn speaker_table(rows: &[GroupRow]) -> Markup {
    let name = |row: Option<&GroupRow>| row.map_or(String::new(), |row| value(row).to_owned());
    html! {
        table {
            caption { "Speakers " (name(rows.first())) " to " (name(rows.last())) }
            thead {
                tr {
                    th scope="col" { "Speaker" }
                    th.n scope="col" { "Clips" }
                    th.b scope="col" { "Accuracy " span.unit { "%" } }
                    th.b scope="col" { "UAR " span.unit { "%" } }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (value(row)) }
                        td.n { (row.n) }
                        (bar(row.accuracy, None))
                        (bar(row.uar, None))
                    }
                }
            }
        }
    }
}

fn value(row: &GroupRow) -> &str {
    row.group.as_deref().unwrap_or("not given")
}
