//! Tests that pictures and pages are well-formed, self-contained and escaped, and carry the required warnings.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use common::{description, exhibition, labels, rendered, row, texts};
use ser_eval::{
    Epoch, Evaluation, History, Metrics, NamedHistory, Over, Prediction, Predictions, compare,
};
use ser_report::plots::{self, Curve, Normalised};
use ser_report::{
    CorpusRow, CorpusTable, Enrolled, Error, Known, Report, RunSummary, Section, SplitKind,
    markdown, render_comparison, render_summary,
};

const NASTY: &str = "<b>&\"it's\"</b>";

fn predictions() -> Predictions {
    let mut rows = Vec::new();
    for (index, truth) in [0, 0, 1, 1, 2, 2].into_iter().enumerate() {
        let speaker = format!("0{}", index % 3);
        let mut row = row(
            &format!("{NASTY}{index}.wav"),
            &speaker,
            truth,
            &[0.5, 0.3, 0.2],
        );
        row.gender = Some(NASTY.to_owned());
        rows.push(row);
    }
    Predictions::new(
        labels(&[
            "calm",
            NASTY,
            "a label that is far too long to fit any cell",
        ]),
        rows,
    )
    .unwrap()
}

fn epoch(epoch: u32, loss: f64) -> Epoch {
    Epoch {
        epoch,
        learning_rate: 1e-3,
        train_loss: loss,
        train_accuracy: 0.5,
        train_uar: 0.5,
        validation_loss: loss,
        validation_accuracy: 0.4,
        validation_uar: 0.4,
        seconds: 1.0,
    }
}

fn history(name: &str, epochs: Vec<Epoch>, best: u32) -> NamedHistory {
    NamedHistory {
        name: name.to_owned(),
        history: History {
            epochs,
            best: Some(best),
        },
    }
}

fn report(split: SplitKind, synthetic: bool) -> Report {
    Report {
        recipe: format!("recipe {NASTY}"),
        model: "CNN".to_owned(),
        protocol: "One sentence.".to_owned(),
        split,
        synthetic,
        predictions: predictions(),
        enrolled: vec![Enrolled {
            label: "2".to_owned(),
            description: format!("two {NASTY}"),
            predictions: predictions(),
        }],
        corpora: None,
        histories: vec![
            history(NASTY, vec![epoch(1, 2.0), epoch(2, 1.0)], 2),
            history("two", vec![epoch(1, 2.0)], 1),
        ],
        map: None,
        sounds: Vec::new(),
        recipe_text: format!("name = \"{NASTY}\""),
        environment: vec![("libtorch".to_owned(), NASTY.to_owned())],
        command: "ser train --recipe x && echo done".to_owned(),
        comparison: Vec::new(),
    }
}

fn summary(recipe: &str, split: SplitKind) -> RunSummary {
    let report = Report {
        recipe: recipe.to_owned(),
        ..report(split, false)
    };
    report.summary(
        &Evaluation::compute(&report.predictions).unwrap(),
        Some(format!("{recipe}.html")),
    )
}

fn pictures() -> Vec<String> {
    let metrics = Metrics::compute(&predictions()).unwrap();
    let report = report(SplitKind::Random, false);
    let evaluation = Evaluation::compute(&predictions()).unwrap();
    let mut pictures = vec![
        plots::confusion(&metrics, Normalised::Counts).unwrap(),
        plots::confusion(&metrics, Normalised::Rows).unwrap(),
        plots::per_class(&metrics).unwrap(),
        plots::confidence(&predictions()).unwrap(),
        plots::enrolment(&evaluation, &report.enrolled).unwrap(),
    ];
    let shown = exhibition();
    let reliability = ser_eval::reliability(&shown.predictions);
    let pairs = compare(
        &[(NASTY, &predictions()), ("other", &predictions())],
        Over::AllClips,
    )
    .unwrap();
    pictures.extend([
        plots::reliability(&reliability).unwrap(),
        plots::map(shown.predictions.labels(), shown.map.as_ref().unwrap()).unwrap(),
        plots::map(predictions().labels(), shown.map.as_ref().unwrap()).unwrap(),
        plots::differences(&pairs).unwrap(),
    ]);
    for curve in [Curve::Accuracy, Curve::Uar, Curve::Loss] {
        pictures.push(plots::curves(&report.histories, curve).unwrap());
        pictures.push(plots::curves(&report.histories[..1], curve).unwrap());
    }
    pictures
}

#[test]
fn every_picture_is_well_formed_and_says_what_it_is() {
    for picture in pictures() {
        let document = roxmltree::Document::parse(&picture).unwrap();
        let svg = document.root_element();
        assert_eq!(svg.tag_name().name(), "svg");
        assert_eq!(svg.attribute("role"), Some("img"));
        assert!(
            svg.attribute("aria-label")
                .is_some_and(|label| !label.is_empty())
        );
        for name in ["title", "desc"] {
            let node = svg
                .children()
                .find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", name)));
            assert!(
                node.and_then(|node| node.text())
                    .is_some_and(|text| !text.is_empty()),
                "{name}"
            );
        }
    }
}

#[test]
fn no_text_of_a_picture_leaves_its_frame() {
    for picture in pictures() {
        let document = roxmltree::Document::parse(&picture).unwrap();
        let frame: Vec<f64> = document
            .root_element()
            .attribute("viewBox")
            .unwrap()
            .split(' ')
            .map(|number| number.parse().unwrap())
            .collect();
        for node in document
            .descendants()
            .filter(|node| node.tag_name().name() == "text")
        {
            let number = |name| node.attribute(name).unwrap().parse::<f64>().unwrap();
            let text = node.text().unwrap().trim();
            // A generous estimate of the width of an average letter of a sans-serif font.
            let width = 0.56 * number("font-size") * text.chars().count() as f64;
            let left = number("x")
                - match node.attribute("text-anchor") {
                    Some("end") => width,
                    Some("middle") => width / 2.0,
                    _ => 0.0,
                };
            assert!(
                left >= 0.0 && left + width <= frame[2],
                "{text} at {left} of {}",
                frame[2]
            );
            assert!((0.0..=frame[3]).contains(&number("y")), "{text}");
        }
    }
}

#[test]
fn the_matrix_shows_counts_or_percent() {
    let metrics = Metrics::compute(&predictions()).unwrap();
    let counts = texts(&plots::confusion(&metrics, Normalised::Counts).unwrap());
    let rows = texts(&plots::confusion(&metrics, Normalised::Rows).unwrap());
    assert_eq!(counts.iter().filter(|text| *text == "2").count(), 3);
    assert_eq!(rows.iter().filter(|text| *text == "100").count(), 3);
    assert!(counts.contains(&"n = 2".to_owned()) && counts.contains(&NASTY.to_owned()));
}

/// Returns predictions of calm and angry, from the split, truth and prediction of each clip. Other labels have no clips.
fn of_splits(clips: &[(&str, usize, usize)]) -> Predictions {
    let rows = clips.iter().enumerate();
    let rows = rows.map(|(i, &(split, truth, predicted))| {
        let probabilities = [0, 1, 2].map(|class| if class == predicted { 1.0 } else { 0.0 });
        Prediction {
            split: split.to_owned(),
            ..row(&i.to_string(), "01", truth, &probabilities)
        }
    });
    Predictions::new(labels(&["calm", "angry", "sad"]), rows.collect()).unwrap()
}

#[test]
fn no_accuracy_is_above_the_scale_of_its_picture() {
    let right = of_splits(&[("1", 0, 0), ("1", 1, 1)]);
    let shown = texts(&plots::confidence(&right).unwrap());
    assert!(shown.contains(&"90 %".to_owned()), "{shown:?}");
    assert!(!shown.contains(&"110 %".to_owned()), "{shown:?}");
}

#[test]
fn the_picture_of_enrolment_shows_the_accuracy_to_which_its_interval_belongs() {
    // Pooled, three of four are right; the mean over the splits is five sixths.
    let predictions = of_splits(&[("1", 0, 0), ("2", 0, 0), ("2", 1, 1), ("2", 1, 0)]);
    let evaluation = Evaluation::compute(&predictions).unwrap();
    let enrolled = Enrolled {
        label: "2".to_owned(),
        description: "two".to_owned(),
        predictions,
    };
    let picture = plots::enrolment(&evaluation, &[enrolled]).unwrap();
    assert_eq!(description(&picture), "none: 75.0 %. 2: 75.0 %.");
    assert!(texts(&picture)[0].starts_with("Pooled accuracy"));
}

#[test]
fn an_undefined_figure_is_not_said_to_be_zero() {
    // Calm is never predicted, and no clip is sad.
    let predictions = of_splits(&[("1", 0, 1), ("1", 1, 1), ("1", 1, 2)]);
    let metrics = Metrics::compute(&predictions).unwrap();
    let bars = description(&plots::per_class(&metrics).unwrap());
    assert_eq!(
        bars,
        "calm: recall 0 %, precision none. angry: recall 50 %, precision 50 %. \
         sad: recall none, precision 0 %."
    );
    let matrix = plots::confusion(&metrics, Normalised::Rows).unwrap();
    assert!(
        description(&matrix).ends_with(" sad: no clips."),
        "{matrix}"
    );
    let section = Section {
        plain: predictions,
        conditions: Vec::new(),
        ..section()
    };
    let text = markdown("Results", "", &[section]).unwrap();
    assert!(text.contains("| calm | – | 0.0 | 0.0 | 1 |"), "{text}");
    assert!(text.contains("| sad | 0.0 | – | 0.0 | 0 |"), "{text}");
}

#[test]
fn any_history_is_drawn_or_refused_but_never_a_panic() {
    let infinite = f64::INFINITY;
    for losses in [
        vec![0.0],
        vec![-3.0, 2.0],
        vec![1e-300, 1e-12],
        vec![1e29, 0.1],
        vec![f64::NAN, 1.0],
        vec![infinite, 1.0],
    ] {
        let epochs = losses
            .iter()
            .enumerate()
            .map(|(index, loss)| epoch(index as u32, *loss));
        let picture = plots::curves(&[history("a", epochs.collect(), 0)], Curve::Loss).unwrap();
        roxmltree::Document::parse(&picture).unwrap();
    }
    let far = vec![epoch(0, 1.0), epoch(u32::MAX, 1.0)];
    assert!(plots::curves(&[history("far", far, 0)], Curve::Loss).is_ok());
    assert!(plots::curves(&[history("one", vec![epoch(u32::MAX, 1.0)], 0)], Curve::Uar).is_ok());
    let nothing = plots::curves(&[history("nan", vec![epoch(1, f64::NAN)], 1)], Curve::Loss);
    assert!(matches!(nothing, Err(Error::Empty { .. })));
    assert!(matches!(
        plots::curves(&[], Curve::Loss),
        Err(Error::Empty { .. })
    ));
}

#[test]
fn all_pictures_are_written_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let report = Report {
        map: exhibition().map,
        ..report(SplitKind::Random, false)
    };
    let evaluation = Evaluation::compute(&report.predictions).unwrap();
    plots::write_all(folder.path(), &report, &evaluation).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "accuracy.svg",
            "confusion-counts.svg",
            "confusion-rows.svg",
            "coverage.svg",
            "enrolment.svg",
            "loss.svg",
            "map.svg",
            "per-class.svg",
            "reliability.svg",
            "uar.svg"
        ]
    );
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    let page = rendered(&report(SplitKind::Random, true));
    let run = summary("seed5-cnn", SplitKind::Random);
    let pairs = compare(
        &[("a", &predictions()), ("b", &predictions())],
        Over::AllClips,
    )
    .unwrap();
    let compared = render_comparison(std::slice::from_ref(&run), &pairs, Over::AllClips).unwrap();
    for html in [
        page,
        rendered(&exhibition()),
        render_summary(&[run]),
        compared,
    ] {
        // Sounds are embedded in the page.
        let html = html.replace(" src=\"data:audio/wav;base64,", "");
        // The name of the SVG namespace is not loaded.
        let html = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for forbidden in [
            "http:", "https:", "<script", "<link", "<img", "src=", "@import", "url(",
        ] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }
}

#[test]
fn every_text_of_a_user_is_escaped() {
    let html = rendered(&report(SplitKind::SpeakerDisjoint, false));
    assert!(!html.contains("<b>&\"it"));
    assert!(html.contains("<h1>recipe &lt;b&gt;&amp;&quot;it's&quot;&lt;/b&gt;</h1>"));
    assert!(html.contains("ser train --recipe x &amp;&amp; echo done"));
    // Label, clip, gender, recipe text and environment contain it.
    assert!(html.matches("&lt;b&gt;&amp;&quot;it").count() > 10);
}

#[test]
fn every_element_of_a_page_is_closed() {
    let pages = [report(SplitKind::Random, true), exhibition()].map(|report| rendered(&report));
    let html = pages.concat();
    let mut open = Vec::new();
    let mut rest = html.as_str();
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let tag = &rest[..rest.find('>').unwrap()];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if tag.starts_with('/') {
            assert_eq!(
                open.pop(),
                Some(name),
                "before {}",
                &rest[..60.min(rest.len())]
            );
        } else if !tag.starts_with('!')
            && !tag.ends_with('/')
            && !["meta", "br"].contains(&name.as_str())
        {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn synthetic_data_is_announced_and_real_data_is_not() {
    let banner = "class=\"synthetic\"";
    assert!(rendered(&report(SplitKind::Random, true)).contains(banner));
    assert!(!rendered(&report(SplitKind::Random, false)).contains(banner));
    let mut run = summary("seed5-cnn", SplitKind::Random);
    assert!(!render_summary(std::slice::from_ref(&run)).contains(banner));
    run.synthetic = true;
    assert!(render_summary(&[run]).contains(banner));
}

#[test]
fn a_random_split_never_stands_alone() {
    let flatters =
        "A random split has the same voices in training and test: its figures are optimistic.";
    let missing = "not measured yet";
    let mut random = report(SplitKind::Random, false);
    let page = rendered(&random);
    assert!(page.contains(flatters) && page.contains("has not been measured yet"));

    random.comparison = vec![summary("folds-a-cnn", SplitKind::SpeakerDisjoint)];
    let page = rendered(&random);
    assert!(page.contains(flatters) && page.contains("<a href=\"folds-a-cnn.html\">"));
    assert!(!page.contains(missing) && !page.contains("has not been measured yet"));
    assert!(!rendered(&report(SplitKind::SpeakerDisjoint, false)).contains(flatters));

    let cnn = summary("seed5-cnn", SplitKind::Random);
    let disjoint = summary("folds-a-cnn", SplitKind::SpeakerDisjoint);
    let lstm = RunSummary {
        model: "LSTM".to_owned(),
        ..cnn.clone()
    };
    let fake = RunSummary {
        synthetic: true,
        ..disjoint.clone()
    };
    assert_eq!(
        render_summary(&[cnn.clone(), disjoint.clone()])
            .matches(missing)
            .count(),
        0
    );
    assert_eq!(
        render_summary(std::slice::from_ref(&disjoint))
            .matches(missing)
            .count(),
        0
    );
    assert_eq!(
        render_summary(&[cnn.clone(), lstm, disjoint])
            .matches(missing)
            .count(),
        1
    );
    assert_eq!(
        render_summary(&[cnn, fake]).matches(missing).count(),
        1,
        "synthetic is no partner"
    );
}

#[test]
fn the_worst_confusion_is_put_into_words() {
    let html = rendered(&report(SplitKind::Random, false));
    let words =
        "is predicted as <b>calm</b> for 100 % of its clips <span class=\"muted\">(2 of 2)</span>";
    assert_eq!(html.matches(words).count(), 2);
}

/// Returns a table of two of three corpora, one with too few clips for one column.
fn corpora() -> CorpusTable {
    let known = [("", "alone"), ("enrolled", "2"), ("enrolled", "all")];
    let known = known.map(|(what, amount)| Known {
        what: what.to_owned(),
        amount: amount.to_owned(),
    });
    let row = |tested: &str, trained: [&str; 2], clips, uar: [Option<f64>; 3]| CorpusRow {
        tested: tested.to_owned(),
        trained: trained.map(str::to_owned).to_vec(),
        clips,
        uar: uar.to_vec(),
    };
    let crema = [Some(0.5), Some(0.54), Some(0.6)];
    let rows = [
        row(
            "tess",
            ["ased", "crema-d"],
            2800,
            [Some(0.4), Some(0.5), None],
        ),
        row("crema-d", ["ased", NASTY], 7442, crema),
    ];
    CorpusTable {
        known: known.to_vec(),
        rows: rows.to_vec(),
    }
}

#[test]
fn a_run_on_corpora_shows_each_of_them_alone_and_beside_other_runs() {
    let cells = |html: &str| {
        for part in [
            r#"<th scope="colgroup" colspan="2">enrolled</th>"#,
            r#"<th scope="row">tess</th><td>ased, crema-d</td><td class="n">2800</td>"#,
            r#"<td class="n">40.0</td><td class="n">50.0</td><td class="n">–</td>"#,
            // A column in which a corpus has no figure has no mean, because it could not be compared with the other columns.
            r#"<td class="n">45.0</td><td class="n">52.0</td><td class="n">–</td>"#,
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert!(!html.contains(NASTY));
    };
    let with = Report {
        corpora: Some(corpora()),
        ..report(SplitKind::SpeakerDisjoint, false)
    };
    let html = rendered(&with);
    cells(&html);
    assert!(html.contains("href=\"#corpora\""));
    let without = report(SplitKind::SpeakerDisjoint, false);
    assert!(!rendered(&without).contains("id=\"corpora\""));

    let evaluation = Evaluation::compute(&with.predictions).unwrap();
    let [first, second] = [&with, &without].map(|report| report.summary(&evaluation, None));
    let runs = [first, second];
    cells(&render_summary(&runs));
    assert!(!render_summary(&runs[1..]).contains("id=\"corpora\""));
    let answers = [("a", &with.predictions), ("b", &with.predictions)];
    let html = render_comparison(
        &runs,
        &compare(&answers, Over::AllClips).unwrap(),
        Over::AllClips,
    )
    .unwrap();
    cells(&html);
    assert!(html.contains("href=\"#corpora\""));
}

/// Returns a section with every part.
fn section() -> Section {
    Section {
        recipe: "best folds-a".to_owned(),
        description: "several".to_owned(),
        protocol: "five folds".to_owned(),
        split: SplitKind::SpeakerDisjoint,
        synthetic: false,
        command: "ser crossval --recipe best".to_owned(),
        parameters: 12,
        seconds: 34.4,
        temperatures: vec![("test".to_owned(), 2.0)],
        plain: predictions(),
        enrolled: report(SplitKind::Random, false).enrolled,
        corpora: Some(corpora()),
        conditions: vec![("telephone".to_owned(), predictions())],
    }
}

#[test]
fn a_document_of_results_has_a_row_and_a_section_for_every_run() {
    let section = section();
    let other = Section {
        recipe: "best seed5".to_owned(),
        split: SplitKind::Random,
        synthetic: true,
        enrolled: Vec::new(),
        corpora: None,
        conditions: Vec::new(),
        ..section.clone()
    };
    let text = markdown("Results", "What this is.", &[section, other]).unwrap();
    for part in [
        "# Results\n\nWhat this is.\n",
        "| [best folds-a](#best-folds-a) | five folds | new |",
        "| [best seed5](#best-seed5) | five folds | also in training: optimistic |",
        "## best seed5\n\nseveral; five folds. SYNTHETIC DATA",
        "12 trained parameters, 34 s of training in all.",
        "```sh\nser crossval --recipe best\n```",
        "| calm | 33.3 | 100.0 | 50.0 | 2 |",
        "| tested | trained on | clips | alone | 2 enrolled | all enrolled |",
        "| tess | ased, crema-d | 2800 | 40.0 | 50.0 | – |",
        "| mean |  |  | 45.0 | 52.0 | – |",
        // The confidence is 0.5 and the accuracy one third. Without the temperature, the confidence would be higher.
        "Expected calibration error 16.7 %",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.matches("enrolled, unlabelled").count(), 1);
    // In this test, the predictions under the condition equal the clean ones.
    assert_eq!(text.matches("| telephone | ").count(), 1);
    assert_eq!(text.matches(" | +0.0 |").count(), 1, "{text}");
    // All lines of a table have the same number of cells.
    for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
        let cells: Vec<usize> = table.lines().map(|l| l.matches(" | ").count()).collect();
        assert!(cells.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
    }
}
