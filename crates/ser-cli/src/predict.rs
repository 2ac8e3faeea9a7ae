//! The command `ser predict`.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{Damage, Warning};
use ser_eval::ConfidenceThreshold;
use ser_experiment::Skipped;
use ser_predict::{Answer, AnswerLine, Enrolment, Model, Predictor};
use ser_tables::TableWriter;

use crate::answer_file::{self, Answers};
use crate::args::PredictArgs;
use crate::collection::Collection;
use crate::output::{
    SYNTHETIC, UNCERTAIN, in_full, in_words, percent, plain, progress, table, tell, tell_damage,
    tell_remarks,
};
use crate::recordings::{answer, enrol, kind, recordings};
use crate::tally::Tally;
use crate::{Outcome, model, row, shards};

/// Number of recordings that are answered at a time, on all cores. Their answers are printed before the next are answered.
const AT_ONCE: usize = 32;

pub fn run(args: &PredictArgs, json: bool) -> Result<Outcome> {
    if let (Some(manifest), Some(out)) = (&args.manifest, &args.out) {
        return shards::run(manifest, out, args);
    }
    let predictor = model::answering(&args.answer.model, &args.answer.labels)?;
    let model = predictor.model();
    let mut speaker = model::speaker(model, args.answer.speaker.as_deref())?;
    let channel = args.channel.number();
    let (mut files, mut skipped) = recordings(&args.files);
    // Checked first, because --enroll and --adapt decode all recordings before the first answer.
    if let Some(out) = &args.out {
        answer_file::may_write(out, &files)?;
    }
    tell(&skipped);
    let mut tally = Tally::default();
    for _ in &skipped {
        tally.skip("without a recording");
    }
    if !args.enroll.is_empty() {
        let enroller = enrol(&predictor, &args.enroll, channel, &mut skipped)?;
        speaker = Some(enroller.finish());
    }
    let mut collection = None;
    if args.adapt {
        let found = Collection::of(&predictor, &mut files, channel, &mut skipped, &mut tally)?;
        collection = Some(found);
    }
    let collection = collection.as_ref();
    let speaker = collection
        .map(|collection| &collection.mean)
        .or(speaker.as_ref());
    let mut printer = Printer::new(&predictor, speaker, collection, args, json)?;
    let left = printer.left(&files, &mut tally)?;
    if left.len() < files.len() {
        let before = in_words(files.len() - left.len(), "recording");
        eprintln!("{before} of {} answered before", files.len());
    }
    let is_lone_row = files.len() == 1 && matches!(printer.form, Form::Table(_));
    let bar = progress(left.len(), "recordings");
    for files in left.chunks(AT_ONCE) {
        let answers = files.par_iter().map(|file| {
            let answer = answer(&predictor, file, channel, speaker);
            if let Ok(answer) = &answer {
                printer.keep(file, answer)?;
            }
            Ok(answer)
        });
        let answers: Vec<Result<Answer>> = answers.collect::<Result<_>>()?;
        for (file, answer) in files.iter().zip(answers) {
            match answer {
                Ok(answer) => {
                    // Below a table with only one row, all warnings are printed anyway.
                    if !is_lone_row {
                        bar.suspend(|| tell_damage(file, damage(&answer)));
                    }
                    tally.answer(answer.uncertain, answer.remarks());
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
        printer.discard()?;
        bail!(
            "{} could be answered: {}; the lines above say more",
            match tally.skipped() {
                1 => "nothing".to_owned(),
                inputs => format!("none of the {inputs} inputs"),
            },
            tally.reasons()
        );
    }
    printer.finish(&files)?;
    let adapted = collection.map(Collection::sentence);
    let became = (tally.answered() + tally.skipped() > 1).then(|| tally.sentence());
    for sentence in adapted.into_iter().chain(became) {
        if args.csv || json {
            eprintln!("{sentence}")
        } else {
            println!("{sentence}")
        }
    }
    Ok(Outcome::of(&skipped))
}

fn damage(answer: &Answer) -> Option<&Damage> {
    answer.warnings.iter().find_map(|warning| match warning {
        Warning::Damaged(damage) => Some(damage),
        _ => None,
    })
}

fn line(model: &Model, file: &Path, answer: &Answer) -> AnswerLine {
    AnswerLine::new(model, file.display().to_string(), answer)
}

/// Outputs the answers in one of four formats.
struct Printer<'a> {
    predictor: &'a Predictor,
    threshold: Option<&'a ConfidenceThreshold>,
    /// How these answers differ from those that the threshold was measured with.
    limits: String,
    form: Form,
}

enum Form {
    File(Answers),
    Json,
    Csv(TableWriter<io::Stdout>),
    Table(Vec<(PathBuf, Answer)>),
}

impl<'a> Printer<'a> {
    fn new(
        predictor: &'a Predictor,
        speaker: Option<&Enrolment>,
        collection: Option<&Collection>,
        args: &PredictArgs,
        json: bool,
    ) -> Result<Self> {
        let model = predictor.model();
        let form = if let Some(out) = &args.out {
            Form::File(Answers::open(
                out,
                predictor,
                speaker,
                collection.map(|collection| collection.recordings),
                args.channel.number(),
            )?)
        } else if json {
            Form::Json
        } else if args.csv {
            let columns = row::columns(&model.labels);
            let mut csv = TableWriter::new(io::stdout(), ser_tables::Form::Csv, &columns)?;
            csv.flush()?;
            Form::Csv(csv)
        } else {
            Form::Table(Vec::new())
        };
        let limits = [
            // No threshold was measured with collections. The one measured with each speaker enrolled is the closest.
            (
                collection.is_some(),
                "with each speaker enrolled, not with a collection",
            ),
            (
                !args.answer.labels.chosen.is_empty(),
                "with all labels of the model",
            ),
        ];
        let limits = limits.iter().filter(|(differs, _)| *differs);
        let limits: Vec<String> = limits
            .map(|(_, limit)| format!("; this was measured {limit}"))
            .collect();
        Ok(Self {
            predictor,
            threshold: model.threshold_for(speaker.is_some()),
            limits: limits.concat(),
            form,
        })
    }

    /// Returns the recordings that are not answered yet, and adds the others to `tally`.
    fn left(&self, files: &[PathBuf], tally: &mut Tally) -> Result<Vec<PathBuf>> {
        match &self.form {
            Form::File(answers) => answers.left(files, tally),
            _ => Ok(files.to_vec()),
        }
    }

    /// Stores an answer as soon as it is computed, in any order of the recordings.
    fn keep(&self, file: &Path, answer: &Answer) -> Result<()> {
        match &self.form {
            Form::File(answers) => answers.keep(file, line(self.predictor.model(), file, answer)),
            _ => Ok(()),
        }
    }

    /// Prints an answer. Called in the order of the recordings.
    fn print(&mut self, file: &Path, answer: &Answer) -> Result<()> {
        let model = self.predictor.model();
        match &mut self.form {
            Form::File(_) => {}
            Form::Table(rows) => rows.push((file.to_owned(), answer.clone())),
            Form::Json => {
                println!("{}", serde_json::to_string(&line(model, file, answer))?);
            }
            Form::Csv(csv) => {
                row::write(&line(model, file, answer), &model.labels, csv)?;
                csv.flush()?;
            }
        }
        Ok(())
    }

    /// Prints the table, or writes the file.
    fn finish(self, files: &[PathBuf]) -> Result<()> {
        let synthetic = self.predictor.model().provenance.synthetic;
        match self.form {
            Form::File(answers) => println!("written: {}", answers.finish(files)?.display()),
            Form::Table(answers) => show(self.predictor, self.threshold, &self.limits, &answers),
            Form::Json | Form::Csv(_) => {
                if synthetic {
                    eprintln!("{SYNTHETIC}");
                }
                return Ok(());
            }
        }
        if synthetic {
            println!("{SYNTHETIC}");
        }
        Ok(())
    }

    /// Removes the unfinished file if there is no answer.
    fn discard(self) -> Result<()> {
        match self.form {
            Form::File(answers) => answers.discard(),
            _ => Ok(()),
        }
    }
}

/// Prints answers as a table and, if there is only one, everything known about it.
fn show(
    predictor: &Predictor,
    threshold: Option<&ConfidenceThreshold>,
    limits: &str,
    answers: &[(PathBuf, Answer)],
) {
    let model = predictor.model();
    // Labels that `--labels` excludes are no alternatives.
    let possible: Vec<&str> = predictor.allowed().collect();
    let rows = answers.iter().map(|(file, answer)| {
        let all = model.labels.iter().zip(&answer.probabilities);
        let mut ranked: Vec<_> = all
            .filter(|(label, _)| possible.contains(&label.as_str()))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(a.1));
        let told = |(label, p): &(&String, &f32)| format!("{label} {}", percent(f64::from(**p)));
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
            answer.remarks().join(", "),
        ]
    });
    println!(
        "{}",
        table(&["file", "emotion", "confidence", "or", "remarks"], rows)
    );
    if let [(_, answer)] = answers {
        tell_remarks(answer);
        if answer.long {
            println!(
                "the answer is the mean over the speech in {:.0} s; `ser timeline` predicts the emotions over time",
                answer.seconds
            );
        }
    }
    if answers.iter().any(|(_, answer)| answer.uncertain) {
        println!("{UNCERTAIN}");
    }
    // Of answers that are uncertain for another reason, no accuracy is known.
    let is_low = |answer: &Answer| {
        let is_other = answer.out_of_distribution || answer.warnings.contains(&Warning::NoSpeech);
        answer.uncertain && !is_other
    };
    let any_low = answers.iter().any(|(_, answer)| is_low(answer));
    if let Some(threshold) = threshold.filter(|_| any_low) {
        let clips = model.provenance.validated_on.as_ref();
        let clips = clips.map_or_else(String::new, |clips| format!(" ({})", plain(clips)));
        println!(
            "on validation clips{clips}, {} of the answers with low confidence were correct, and {} of the others{limits}",
            percent(threshold.accuracy_below),
            percent(threshold.accuracy_above)
        );
    }
}
