//! Spans as a CSV table.

use std::io;

use ser_tables::{Column, Form, Kind, TableWriter, Value};

use crate::stream::Span;

/// Writes a CSV table for spreadsheets and scripts, with a row for each span.
///
/// The columns are `channel` (empty if the channels were not processed separately), `start`, `end`, `emotion`,
/// `confidence`, `uncertain`, and then one for each label, which contains its probability.
///
/// # Errors
/// None is known to occur, because the table is written to memory.
pub fn csv(spans: &[Span], labels: &[String]) -> io::Result<String> {
    let mut columns = vec![
        Column::new("channel", Kind::Text),
        Column::new("start", Kind::Double),
        Column::new("end", Kind::Double),
        Column::new("emotion", Kind::Text),
        Column::new("confidence", Kind::Float),
        Column::new("uncertain", Kind::Bool),
    ];
    columns.extend(labels.iter().map(|label| Column::new(label, Kind::Float)));
    let mut bytes = Vec::new();
    let mut table = TableWriter::new(&mut bytes, Form::Csv, &columns)?;
    for span in spans {
        let answer = &span.answer;
        let channel = span.channel.map(|channel| channel.to_string());
        let mut values = vec![
            channel.as_deref().map_or(Value::Missing, Value::Text),
            Value::Double(span.start),
            Value::Double(span.end),
            Value::Text(answer.label(labels)),
            Value::Float(answer.confidence()),
            Value::Bool(answer.uncertain),
        ];
        values.extend(answer.probabilities.iter().map(|&p| Value::Float(p)));
        table.row(&values)?;
    }
    table.finish()?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use crate::captions::tests::{labels, span};

    #[test]
    fn a_span_is_a_row() {
        let mut spans = [span(0.5, 1.25, 1, false), span(2.0, 3.0, 0, true)];
        spans[1].channel = Some(2);
        let text = super::csv(&spans, &labels()).unwrap();
        assert_eq!(
            text,
            "channel,start,end,emotion,confidence,uncertain,\"\"\"calm\"\" & <still>\",angry\n\
             ,0.5,1.25,angry,0.75,false,0.25,0.75\n\
             2,2,3,\"\"\"calm\"\" & <still>\",0.75,true,0.75,0.25\n"
        );
    }
}
