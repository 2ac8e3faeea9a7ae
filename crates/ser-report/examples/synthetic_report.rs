//! Writes the pages and pictures of two invented runs into a folder, to show their design.
//!
//! `cargo run -p ser-report --example synthetic_report -- OUT`. The probabilities do not come from a model; they are
//! drawn at random, and the pages say that the data are synthetic.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ser_eval::{Epoch, Evaluation, History, NamedHistory, Prediction, Predictions};
use ser_files::write_file;
use ser_report::{Report, SplitKind, plots, render, render_summary};

const EMOTIONS: [&str; 8] = [
    "neutral",
    "calm",
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgust",
    "surprised",
];
/// Pairs of emotions that the invented model confuses.
const ALIKE: [(usize, usize); 5] = [(0, 1), (1, 3), (3, 5), (2, 7), (4, 6)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("usage: synthetic_report OUT")?;
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut rng = ChaCha8Rng::seed_from_u64(7);

    let disjoint = Report {
        recipe: "folds-a-cnn".to_owned(),
        model: "CNN".to_owned(),
        protocol: "Made-up predictions: 8 emotions, 5 folds that share no actor, epoch chosen on \
                   4 actors of the training part."
            .to_owned(),
        split: SplitKind::SpeakerDisjoint,
        synthetic: true,
        predictions: folds(&mut rng)?,
        enrolled: Vec::new(),
        corpora: None,
        histories: (1..=5)
            .map(|fold| history(&format!("fold {fold}"), 0.6, &mut rng))
            .collect(),
        map: None,
        sounds: Vec::new(),
        recipe_text: "name = \"folds-a-cnn\"\nseed = 42\n\n[model]\nkind = \"cnn\"\n".to_owned(),
        environment: vec![
            ("ser".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("threads".to_owned(), "2".to_owned()),
            ("corpus".to_owned(), "made up, no checksum".to_owned()),
        ],
        command: "cargo run -p ser-report --example synthetic_report -- OUT".to_owned(),
        comparison: Vec::new(),
    };
    let disjoint_evaluation = Evaluation::compute(&disjoint.predictions)?;
    let page = Some("folds-a-cnn.html".to_owned());
    let disjoint_row = disjoint.summary(&disjoint_evaluation, page);

    let random = Report {
        recipe: "seed5-cnn".to_owned(),
        protocol: "Made-up predictions: 5 emotions, stratified random 80/20, one seed.".to_owned(),
        split: SplitKind::Random,
        predictions: random_split(&mut rng)?,
        histories: vec![history("seed 1", 0.85, &mut rng)],
        comparison: vec![disjoint_row.clone()],
        ..disjoint.clone()
    };
    let evaluation = Evaluation::compute(&random.predictions)?;
    let random_row = random.summary(&evaluation, Some("seed5-cnn.html".to_owned()));
    let mut alone = random_row.clone();
    alone.recipe = "seed5-lstm".to_owned();
    alone.model = "LSTM".to_owned();
    alone.page = None;
    let disjoint = Report {
        comparison: vec![random_row.clone(), alone.clone()],
        ..disjoint
    };

    let page = render(&disjoint, &disjoint_evaluation)?;
    write_file(folder.join("folds-a-cnn.html"), &page)?;
    let page = render(&random, &evaluation)?;
    write_file(folder.join("seed5-cnn.html"), &page)?;
    let index = render_summary(&[random_row, disjoint_row, alone]);
    write_file(folder.join("index.html"), &index)?;
    plots::write_all(folder, &random, &evaluation)?;
    random
        .predictions
        .write_csv(folder.join("predictions.csv"))?;
    random.histories[0]
        .history
        .write_csv(folder.join("history.csv"))?;
    Ok(())
}

/// Draws predictions for 24 actors with 60 clips each. Each actor is in the test part of one of five folds.
fn folds(rng: &mut ChaCha8Rng) -> ser_eval::Result<Predictions> {
    let mut rows = Vec::new();
    for fold in 1..=5 {
        for actor in (fold..=24).step_by(5) {
            let skill = rng.random_range(2.4..4.4);
            for clip in 0..60 {
                let split = format!("fold {fold}");
                rows.push(prediction(actor, clip, EMOTIONS.len(), skill, split, rng));
            }
        }
    }
    Predictions::new(EMOTIONS.map(str::to_owned).to_vec(), rows)
}

/// Draws predictions for one in five clips of the first five emotions.
fn random_split(rng: &mut ChaCha8Rng) -> ser_eval::Result<Predictions> {
    let mut rows = Vec::new();
    for actor in 1..=24 {
        for clip in (0..36).filter(|clip| (clip + actor) % 5 == 0) {
            rows.push(prediction(actor, clip, 5, 5.5, "seed 1".to_owned(), rng));
        }
    }
    Predictions::new(
        EMOTIONS[..5]
            .iter()
            .map(|&label| label.to_owned())
            .collect(),
        rows,
    )
}

/// Draws the prediction for a clip. As in RAVDESS, an actor has 4 neutral clips and 8 clips of each other emotion.
fn prediction(
    actor: usize,
    clip: usize,
    classes: usize,
    skill: f64,
    split: String,
    rng: &mut ChaCha8Rng,
) -> Prediction {
    let (truth, take) = if clip < 4 {
        (0, clip)
    } else {
        ((clip - 4) / 8 + 1, (clip - 4) % 8)
    };
    let strong = truth > 0 && take >= 4;
    let statement = take / 2 % 2 + 1;
    let mut scores: Vec<f64> = (0..classes).map(|_| 2.2 * rng.random::<f64>()).collect();
    scores[truth] += if strong { skill } else { skill - 0.6 } * rng.random::<f64>();
    for (a, b) in ALIKE {
        let other = if a == truth { b } else { a };
        if (a == truth || b == truth) && other < classes {
            scores[other] += 1.3 * rng.random::<f64>();
        }
    }
    let exponentials: Vec<f64> = scores.iter().map(|score| (1.8 * score).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    Prediction {
        clip: format!(
            "Actor_{actor:02}/03-01-{:02}-{:02}-{statement:02}-{:02}-{actor:02}.wav",
            truth + 1,
            usize::from(strong) + 1,
            take % 2 + 1
        ),
        speaker: format!("{actor:02}"),
        truth,
        probabilities: exponentials
            .iter()
            .map(|value| (value / sum) as f32)
            .collect(),
        split,
        gender: Some(if actor % 2 == 1 { "male" } else { "female" }.to_owned()),
        intensity: Some(if strong { "strong" } else { "normal" }.to_owned()),
        statement: Some(
            [
                "Kids are talking by the door",
                "Dogs are sitting by the door",
            ][statement - 1]
                .to_owned(),
        ),
        attributes: Default::default(),
    }
}

/// Draws the history of a training whose validation accuracy rises to `ceiling`, and which then overfits.
fn history(name: &str, ceiling: f64, rng: &mut ChaCha8Rng) -> NamedHistory {
    let last = rng.random_range(45..80);
    let mut epochs = Vec::new();
    for epoch in 1..=last {
        let t = f64::from(epoch);
        let mut noise = || 0.04 * (rng.random::<f64>() - 0.5);
        let train = 0.125 + 0.84 * (1.0 - (-t / 22.0).exp()) + noise();
        let validation = 0.125 + (ceiling - 0.125) * (1.0 - (-t / 14.0).exp()) + noise();
        epochs.push(Epoch {
            epoch,
            learning_rate: 1e-3,
            train_loss: 2.08 * (-t / 20.0).exp() + 0.05 + noise(),
            train_accuracy: train,
            train_uar: train - 0.01,
            validation_loss: 2.08 * (-t / 16.0).exp() + 0.55 + 0.006 * t + 2.0 * noise(),
            validation_accuracy: validation,
            validation_uar: validation - 0.02,
            seconds: 2.5,
        });
    }
    let best = epochs
        .iter()
        .max_by(|a, b| a.validation_uar.total_cmp(&b.validation_uar));
    let best = best.map(|epoch| epoch.epoch);
    NamedHistory {
        name: name.to_owned(),
        history: History { epochs, best },
    }
}
