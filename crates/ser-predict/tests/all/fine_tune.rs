//! Fine-tuning of a model on labelled clips.

use ser_audio::Waveform;
use ser_features::Features;
use ser_predict::{Error, LabelledClip, Model, Predictor, argmax};

const HAPPY: &str = "happy";
const SAD: &str = "sad";

/// Returns a voice of this pitch in Hz, which rises in quick syllables or falls in slow ones.
fn sound(pitch: f32, rises: bool, i: usize) -> Waveform {
    let (course, syllables) = if rises { (0.5, 14.0) } else { (-0.3, 5.0) };
    let course = course + 0.02 * i as f32;
    let mut phase = 0.0;
    let sample = |n: u32| {
        let t = n as f32 / 16_000.0;
        phase += std::f32::consts::TAU * pitch * (1.0 + course * t) / 16_000.0;
        let harmonics = (1..12_u8).map(|k| (f32::from(k) * phase).sin() / f32::from(k));
        0.1 * (syllables * t).sin().max(0.0) * harmonics.sum::<f32>()
    };
    Waveform::new((0..16_000).map(sample).collect(), 16_000)
}

/// Returns the features of twelve clips of three speakers, half of which rise, and of four clips of a fourth speaker.
fn features(predictor: &Predictor) -> [Vec<Vec<Features>>; 2] {
    let of = |speakers: &[f32]| {
        let clip = |i: usize, pitch: f32| {
            predictor
                .features(&sound(pitch, i.is_multiple_of(2), i))
                .unwrap()
        };
        let speakers = speakers.iter();
        speakers
            .flat_map(|&pitch| (0..4).map(move |i| clip(i, pitch)))
            .collect()
    };
    [of(&[110.0, 150.0, 210.0]), of(&[180.0])]
}

/// Labels the clips: sad if they rise, and happy if they fall, which is not what the built-in model makes of them.
fn labelled<'a>(model: &Model, clips: &'a [Vec<Features>]) -> Vec<LabelledClip<'a>> {
    let number = |label| model.labels.iter().position(|l| l == label).unwrap();
    let targets = [number(SAD), number(HAPPY)];
    let clips = clips.iter().enumerate();
    clips
        .map(|(i, features)| LabelledClip {
            pieces: vec![(&features[..], 1.0)],
            target: targets[i % 2],
            speaker: i / 4,
            recording: i,
        })
        .collect()
}

/// Returns the network of the built-in model that answers without copies at other pitches.
fn predictor_of_one_network() -> Predictor {
    let mut model = Model::built_in().unwrap();
    model.networks.retain(|network| network.views().len() == 1);
    Predictor::new(model).unwrap()
}

fn slices(clips: &[Vec<Features>]) -> Vec<&[Features]> {
    clips.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_model_learns_what_the_clips_say_and_answers_new_speakers_by_it() {
    let mut model = Model::built_in().unwrap().of_labels(&[SAD, HAPPY]).unwrap();
    // The probabilities of a cross-validation are without a temperature.
    model.temperature = 1.0;
    let predictor = Predictor::new(model).unwrap();
    let model = predictor.model();
    let [known, new] = features(&predictor);
    let clips = labelled(model, &known);
    let tuned = model.fine_tune(&clips).unwrap();
    let right = |answers: &[Vec<f32>], clips: &[LabelledClip]| {
        let pairs = answers.iter().zip(clips);
        pairs
            .filter(|(answer, clip)| argmax(answer) == clip.target)
            .count()
    };
    assert!(
        right(&tuned.before(), &clips) < 10,
        "the built-in model must not know it yet"
    );
    let answers = tuned.model().unwrap().predict(&slices(&known)).unwrap();
    assert_eq!(right(&answers, &clips), 12);
    let asked = labelled(model, &new);
    assert_eq!(
        right(
            &tuned.model().unwrap().predict(&slices(&new)).unwrap(),
            &asked
        ),
        4
    );
    // The cross-validation answers with models that were not trained on the speaker.
    let others: Vec<LabelledClip> = clips.iter().filter(|c| c.speaker != 1).cloned().collect();
    let without = model
        .fine_tune(&others)
        .unwrap()
        .model()
        .unwrap()
        .predict(&slices(&known[4..8]))
        .unwrap();
    let after = tuned.after()[4..8].concat();
    let farthest = |answers: &[Vec<f32>]| {
        let pairs = after.iter().zip(answers.iter().flatten());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let [of_others, of_all] = [&without[..], &answers[4..8]].map(farthest);
    assert!(of_others < 1e-4 && of_all > 0.01, "{of_others} {of_all}");
}

#[test]
fn emotions_without_clips_keep_their_place_among_each_other() {
    // In a mean over several networks, the shares of the networks change relative to each other, and the order with them.
    let predictor = predictor_of_one_network();
    let model = predictor.model();
    let [known, _] = features(&predictor);
    // Among emotions without clips, only the offset may change the order, as enrolment does.
    let all = model.enrol(&slices(&known)).unwrap();
    let moved = model.predict_enrolled(&slices(&known), &all).unwrap();
    let clips = labelled(model, &known);
    let tuned = model.fine_tune(&clips).unwrap();
    let answers = tuned.model().unwrap().predict(&slices(&known)).unwrap();
    let absent = |label: &String| ![HAPPY, SAD].contains(&label.as_str());
    let absent: Vec<usize> = (0..8).filter(|&i| absent(&model.labels[i])).collect();
    let order = |answer: &Vec<f32>| {
        let mut order = absent.clone();
        order.sort_by(|&a, &b| answer[b].total_cmp(&answer[a]));
        order
    };
    for (before, after) in moved.iter().zip(&answers) {
        assert_eq!(order(before), order(after));
    }
    let share = |answer: &Vec<f32>| absent.iter().map(|&i| answer[i]).sum::<f32>();
    let shares: f32 = answers.iter().map(share).sum::<f32>() / 12.0;
    assert!(shares > 0.05, "they were not unlearned: {shares}");
}

#[test]
fn the_same_clips_give_the_same_model_on_any_number_of_threads() {
    let predictor = Predictor::built_in().unwrap();
    let [known, _] = features(&predictor);
    let tuned = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let model = predictor.model();
        let clips = labelled(model, &known);
        pool.install(|| {
            let tuned = model.fine_tune(&clips).unwrap();
            (tuned.model().unwrap().fingerprint(), tuned.after())
        })
    };
    let (one, four) = (tuned(1), tuned(4));
    assert_eq!(one.0, four.0);
    assert_eq!(one.1, four.1);
}

#[test]
fn a_fine_tuned_model_is_a_model_file() {
    let predictor = Predictor::built_in().unwrap();
    let [known, _] = features(&predictor);
    let labelled = labelled(predictor.model(), &known);
    let tuned = predictor.model().fine_tune(&labelled).unwrap();
    let tuned = tuned.model().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    tuned.save(&path).unwrap();
    let clips = slices(&known);
    let loaded = Model::load(&path).unwrap();
    assert_eq!(
        loaded.predict(&clips).unwrap(),
        tuned.predict(&clips).unwrap()
    );
    assert!(loaded.enrols());
}

#[test]
fn fine_tuning_without_clips_or_with_an_unknown_label_is_refused() {
    let predictor = Predictor::built_in().unwrap();
    let model = predictor.model();
    let [known, _] = features(&predictor);
    let mut clips = labelled(model, &known);
    clips[3].target = 8;
    for clips in [&clips[..], &[]] {
        assert!(matches!(model.fine_tune(clips), Err(Error::Shape { .. })));
    }
}

#[test]
fn a_model_of_some_labels_answers_as_one_whose_other_labels_cannot_be() {
    // A mean over several networks differs between two labels and eight.
    let predictor = predictor_of_one_network();
    let model = predictor.model();
    let [known, _] = features(&predictor);
    let few = model.of_labels(&[SAD, HAPPY]).unwrap();
    assert_eq!(few.labels, [SAD, HAPPY]);
    let of_all = model.predict(&slices(&known)).unwrap();
    let of_few = few.predict(&slices(&known)).unwrap();
    let place = |label| model.labels.iter().position(|l| l == label).unwrap();
    let (sad, happy) = (place(SAD), place(HAPPY));
    for (all, few) in of_all.iter().zip(&of_few) {
        let sum = all[sad] + all[happy];
        for (expected, actual) in [(all[sad] / sum, few[0]), (all[happy] / sum, few[1])] {
            assert!((expected - actual).abs() < 1e-4, "{expected} {actual}");
        }
    }
    for labels in [&["sad"][..], &["sad", "sad"], &["sad", "glad"], &[]] {
        assert!(
            matches!(model.of_labels(labels), Err(Error::Labels { .. })),
            "{labels:?}"
        );
    }
}

#[test]
fn copies_of_a_recording_are_never_on_both_sides_of_the_cross_validation() {
    let predictor = Predictor::built_in().unwrap();
    let model = predictor.model();
    let [known, _] = features(&predictor);
    let mut clips = labelled(model, &known);
    clips.iter_mut().for_each(|clip| clip.speaker = 0);
    let alone = model.fine_tune(&clips).unwrap().after();
    let copied: Vec<LabelledClip> = clips
        .iter()
        .flat_map(|clip| vec![clip.clone(); 3])
        .collect();
    let with_copies = model.fine_tune(&copied).unwrap().after();
    for (i, clip) in clips.iter().enumerate() {
        let answers = with_copies[3 * i..3 * i + 3].iter();
        assert!(answers.clone().all(|answer| *answer == with_copies[3 * i]));
        // Training on a copy of the clip would make the answer confident.
        let gain = with_copies[3 * i][clip.target] - alone[i][clip.target];
        assert!(gain < 0.35, "{i}: {gain}");
    }
}

#[test]
fn a_longer_recording_is_learned_by_the_pieces_by_which_it_is_answered() {
    let mut model = Model::built_in().unwrap();
    model.temperature = 1.0;
    let predictor = Predictor::new(model).unwrap();
    let model = predictor.model();
    // Three seconds of rising speech, and one of falling speech, with a pause between them.
    let mut long = Waveform::new(vec![0.0; 8_000], 16_000);
    for rises in [true, true, true] {
        long.samples.extend(sound(150.0, rises, 0).samples);
    }
    long.samples.extend([0.0; 32_000]);
    long.samples.extend(sound(150.0, false, 1).samples);
    let pieces = predictor.pieces(&long).unwrap();
    assert!(pieces.len() > 1);
    let pieces = pieces.iter();
    let clip = LabelledClip {
        pieces: pieces.map(|(features, s)| (&features[..], *s)).collect(),
        target: 0,
        speaker: 0,
        recording: 0,
    };
    let clips = [clip];
    let before = model.fine_tune(&clips).unwrap().before();
    let answer = predictor.answer(&long, None).unwrap();
    for (found, expected) in before[0].iter().zip(&answer.probabilities) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
    // As a whole it would be answered differently.
    let whole = predictor.features(&long).unwrap();
    let of_whole = &model.predict(&[&whole]).unwrap()[0];
    let differ = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-3;
    assert!(of_whole.iter().zip(&before[0]).any(differ));
}
