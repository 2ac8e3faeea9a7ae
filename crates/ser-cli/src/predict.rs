//! `ser predict`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_eval::ConfidenceThreshold;
use ser_experiment::Skipped;
use ser_predict::{Answer, Model};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::PredictArgs;
use crate::output::{
    OUT_OF_DISTRIBUTION, SYNTHETIC, UNCERTAIN, in_full, named, percent, plain, progress, table,
    tell,
};
use crate::recordings::{answer, enrol, kind, recordings};
use crate::tally::Tally;
use crate::{Outcome, model};

/// Recordings answered at a time, on all cores; their answers are printed before the next are read.
const AT_ONCE: usize = 32;

pub fn run(args: &PredictArgs, json: bool) -> Result<Outcome> {
    let predictor = model::open(args.answer.model.file.as_deref())?;
    let model = predictor.model();
    let mut speaker = model::speaker(model, args.answer.speaker.as_deref())?;
    let (files, mut skipped) = recordings(&args.files);
    tell(&skipped);
    let mut tally = Tally::default();
    for _ in &skipped {
        tally.skip("not found");
    }
    if !args.enroll.is_empty() {
        let enrolled = enrol(&predictor, &args.enroll, &mut skipped)?;
        speaker = Some(enrolled.speaker);
    }
    let speaker = speaker.as_ref();
    let mut printer = Printer::new(model, speaker.is_some(), args.csv, json)?;
    let bar = progress(files.len(), "recordings");
    for files in files.chunks(AT_ONCE) {
        let answers = files
            .par_iter()
            .map(|file| answer(&predictor, file, speaker));
        let answers: Vec<Result<Answer>> = answers.collect();
        for (file, answer) in files.iter().zip(answers) {
            match answer {
                Ok(answer) => {
                    tally.answer(answer.uncertain, words(&answer));
                    bar.suspend(|| printer.print(file, &answer))?;
                }
                Err(error) => {
                    tally.skip(kind(&error));
                    let skip = Skipped::new(file, &in_full(&error));
                    bar.suspend(|| tell(std::slice::from_ref(&skip)));
                    skipped.push(skip);
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    if tally.answered() == 0 {
        bail!(
            "none of the {} inputs could be answered: {}",
            tally.skipped(),
            tally.reasons()
        );
    }
    printer.finish();
    if tally.answered() + tally.skipped() > 1 {
        match args.csv || json {
            true => eprintln!("{}", tally.sentence()),
            false => println!("{}", tally.sentence()),
        }
    }
    Ok(Outcome::of(&skipped))
}

/// One answer for machines.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    emotion: &'a str,
    confidence: f32,
    uncertain: bool,
    seconds: f64,
    probabilities: Map<String, Value>,
    warnings: Vec<&'static str>,
    synthetic_model: bool,
}

/// Prints answers in one of three forms.
struct Printer<'a> {
    model: &'a Model,
    threshold: Option<&'a ConfidenceThreshold>,
    form: Form,
    /// Whether an answer was uncertain.
    uncertain: bool,
}

enum Form {
    Json,
    Csv(Box<csv::Writer<io::Stdout>>),
    Table(Vec<(PathBuf, Answer)>),
}

impl<'a> Printer<'a> {
    fn new(model: &'a Model, enrolled: bool, csv: bool, json: bool) -> Result<Self> {
        let form = if json {
            Form::Json
        } else if csv {
            let mut csv = csv::Writer::from_writer(io::stdout());
            let fixed = [
                "file",
                "emotion",
                "confidence",
                "uncertain",
                "seconds",
                "warnings",
            ];
            let labels = model.labels.iter().map(String::as_str);
            csv.write_record(fixed.into_iter().chain(labels))?;
            Form::Csv(Box::new(csv))
        } else {
            Form::Table(Vec::new())
        };
        Ok(Self {
            model,
            threshold: model.confidence_threshold(enrolled),
            form,
            uncertain: false,
        })
    }

    fn print(&mut self, file: &Path, answer: &Answer) -> Result<()> {
        let (model, uncertain) = (self.model, answer.uncertain);
        self.uncertain |= uncertain;
        let emotion = model.labels[answer.emotion()].as_str();
        let confidence = answer.confidence();
        match &mut self.form {
            Form::Table(rows) => rows.push((file.to_owned(), answer.clone())),
            Form::Json => {
                let line = Line {
                    file: file.display().to_string(),
                    emotion,
                    confidence,
                    uncertain,
                    seconds: answer.seconds,
                    probabilities: named(&model.labels, &answer.probabilities),
                    warnings: words(answer),
                    synthetic_model: model.provenance.synthetic,
                };
                println!("{}", serde_json::to_string(&line)?);
            }
            Form::Csv(csv) => {
                let mut record = vec![
                    file.display().to_string(),
                    emotion.to_owned(),
                    confidence.to_string(),
                    uncertain.to_string(),
                    format!("{:.3}", answer.seconds),
                    words(answer).join(" "),
                ];
                record.extend(answer.probabilities.iter().map(f32::to_string));
                csv.write_record(record)?;
                csv.flush()?;
            }
        }
        Ok(())
    }

    /// What people get to see.
    fn finish(self) {
        let (model, threshold) = (self.model, self.threshold);
        let Form::Table(answers) = self.form else {
            return;
        };
        let rows = answers.iter().map(|(file, answer)| {
            let mut ranked: Vec<_> = model.labels.iter().zip(&answer.probabilities).collect();
            ranked.sort_by(|a, b| b.1.total_cmp(a.1));
            let told =
                |(label, p): &(&String, &f32)| format!("{label} {}", percent(f64::from(**p)));
            vec![
                plain(&file.display().to_string()),
                answer.marked(&model.labels),
                percent(f64::from(answer.confidence())),
                ranked
                    .iter()
                    .skip(1)
                    .take(2)
                    .map(told)
                    .collect::<Vec<_>>()
                    .join(", "),
                words(answer).join(", "),
            ]
        });
        println!(
            "{}",
            table(&["file", "emotion", "confidence", "or", "remarks"], rows)
        );
        if let [(_, answer)] = answers.as_slice() {
            for warning in &answer.warnings {
                println!("{warning}");
            }
            if answer.out_of_distribution {
                println!("{OUT_OF_DISTRIBUTION}: the model has learned from nothing like it");
            }
            if answer.long {
                println!(
                    "the mean over {:.0} s; `ser timeline` says what is when",
                    answer.seconds
                );
            }
        }
        if let Some(threshold) = threshold.filter(|_| self.uncertain) {
            println!(
                "{UNCERTAIN}\non validation clips {} of the answers of such low confidence were correct, {} of the others",
                percent(threshold.accuracy_below),
                percent(threshold.accuracy_above)
            );
        }
        if model.provenance.synthetic {
            println!("{SYNTHETIC}");
        }
        let _ = io::stdout().flush();
    }
}

/// The remarks on a recording in single words.
fn words(answer: &Answer) -> Vec<&'static str> {
    let mut words: Vec<&str> = answer.warnings.iter().map(|w| w.word()).collect();
    words.extend(answer.out_of_distribution.then_some(OUT_OF_DISTRIBUTION));
    words.extend(answer.long.then_some("long"));
    words
}
