//! The table that a bench run prints and `docs/performance.md` shows.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// A measured value: a line that a measuring program printed, with the round.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    job: String,
    who: String,
    threads: u64,
    unit: String,
    value: f64,
    round: usize,
}

impl Line {
    pub fn parse(text: &str, round: usize) -> Result<Self> {
        let line: Value = serde_json::from_str(text)?;
        let field = |name: &str| {
            let value = line[name].as_str().map(str::to_owned);
            value.with_context(|| format!("no text `{name}`"))
        };
        Ok(Self {
            job: field("job")?,
            who: field("who")?,
            threads: line["threads"].as_u64().context("no number `threads`")?,
            unit: field("unit")?,
            value: line["value"].as_f64().context("no number `value`")?,
            round,
        })
    }

    pub fn to_json(&self) -> String {
        json!({
            "round": self.round, "job": self.job, "who": self.who, "threads": self.threads,
            "unit": self.unit, "value": self.value,
        })
        .to_string()
    }

    /// Whether two lines measure the same thing, in the same or in different rounds.
    fn is_again(&self, other: &Self) -> bool {
        let key = |line: &Self| {
            (
                line.job.clone(),
                line.who.clone(),
                line.threads,
                line.unit.clone(),
            )
        };
        key(self) == key(other)
    }
}

/// Formats a table with one row for each job, program and number of threads. A row has the median over the rounds, and its ratio to
/// the value of `ser`.
///
/// The value of `ser` is that of the same job with the same number of threads or, if there is none, with the fewest threads.
pub fn markdown(lines: &[Line]) -> String {
    let mut rows: Vec<Line> = Vec::new();
    for line in lines {
        if rows.iter().any(|row| row.is_again(line)) {
            continue;
        }
        let mut values: Vec<f64> = lines
            .iter()
            .filter(|other| line.is_again(other))
            .map(|other| other.value)
            .collect();
        values.sort_by(f64::total_cmp);
        // The mean of the two middle values, which are the same value if the number is odd.
        let value = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
        rows.push(Line {
            value,
            ..line.clone()
        });
    }
    // Jobs in the order of their first line; within a job, `ser` first.
    let place = |row: &Line| {
        rows.iter()
            .position(|other| other.job == row.job && other.unit == row.unit)
    };
    let mut sorted: Vec<&Line> = rows.iter().collect();
    sorted.sort_by_key(|row| (place(row), row.who != "ser", row.threads));

    let mut table = String::from(
        "| job | program | threads | value | times ser |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut last = "";
    for row in sorted {
        let job = if row.job == last { "" } else { &row.job };
        last = &row.job;
        let ours = rows
            .iter()
            .filter(|other| other.job == row.job && other.unit == row.unit && other.who == "ser")
            .min_by_key(|other| (other.threads != row.threads, other.threads));
        let times = match ours {
            // A ratio of ratios would mean nothing.
            Some(ours) if !std::ptr::eq(ours, row) && !matches!(&*row.unit, "×" | "%") => {
                format!("{} ×", short(row.value / ours.value))
            }
            _ => String::new(),
        };
        let value = short(row.value);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {job} | {} | {} | {value} {} | {times} |",
            row.who, row.threads, row.unit
        );
    }
    table
}

/// Formats a value with three significant digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = 2 - value.abs().max(1e-9).log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 6) as usize)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn line(who: &str, threads: u64, value: f64, round: usize) -> Line {
        let text = format!(
            r#"{{"job": "a job", "who": "{who}", "threads": {threads}, "unit": "ms", "value": {value}}}"#
        );
        Line::parse(&text, round).unwrap()
    }

    #[test]
    fn a_row_is_the_median_of_its_rounds_beside_ours() {
        let lines = [
            line("peer", 1, 10.0, 1),
            line("ser", 1, 2.0, 1),
            line("ser", 2, 1.0, 1),
            line("peer", 1, 90.0, 2),
            line("ser", 1, 4.0, 2),
            line("peer", 1, 12.0, 3),
            line("ser", 1, 0.5, 3),
        ];
        let table = markdown(&lines);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| a job | ser | 1 | 2.00 ms |  |",
                "|  | ser | 2 | 1.00 ms |  |",
                "|  | peer | 1 | 12.0 ms | 6.00 × |",
            ]
        );
    }

    #[test]
    fn a_line_that_lacks_something_is_an_error() {
        assert!(Line::parse("{}", 1).is_err());
        assert!(Line::parse("warning: deprecated", 1).is_err());
        let again = line("ser", 1, 0.25, 3);
        assert_eq!(Line::parse(&again.to_json(), 3).unwrap(), again);
    }

    /// The documented tables agree to the letter with the runs that they name.
    #[test]
    fn the_documented_tables_are_those_of_their_runs() {
        let root = crate::paths::workspace();
        for page in ["docs/performance.md", "docs/service.md"] {
            let text = fs::read_to_string(root.join(page)).unwrap();
            let (_, rest) = text.split_once("(../benches/runs/").unwrap();
            let (table, _) = rest.split_once(')').unwrap();
            let table = root.join("benches/runs").join(table);
            let rows = fs::read_to_string(&table).unwrap();
            assert!(
                text.contains(&rows),
                "{page} does not show {}",
                table.display()
            );
        }
    }
}
