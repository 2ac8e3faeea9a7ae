//! The same sound gives the same spans, regardless of how it arrives.

use std::path::Path;

use ser_audio::{AudioStream, VoiceActivity, Waveform};
use ser_predict::{
    Answer, LONGEST_PIECE, Listener, Piece, Predictor, Segmenter, Span, Timeline, captions,
};

const RATE: u32 = 16_000;

/// Returns a pseudorandom value between 0 and 1 that depends only on `n`.
fn noise(n: u32) -> f32 {
    (n.wrapping_mul(2_654_435_761) ^ (n << 7)) as f32 / u32::MAX as f32
}

/// Returns a synthetic voice in faint noise: harmonics of a moving pitch, in syllables. It is silent outside `spoken`.
fn sound(seconds: f32, spoken: &[(f32, f32)]) -> Vec<f32> {
    let mut phase = 0.0_f32;
    (0..(seconds * RATE as f32) as u32)
        .map(|n| {
            let t = n as f32 / RATE as f32;
            phase += 150.0 + 30.0 * (2.0 * t).sin();
            let cycle = std::f32::consts::TAU * phase / RATE as f32;
            let voice: f32 = (1..12).map(|k| (k as f32 * cycle).sin() / k as f32).sum();
            let syllable = 0.6 + 0.4 * (std::f32::consts::TAU * 4.0 * t).sin();
            let speaks = spoken.iter().any(|&(from, to)| (from..to).contains(&t));
            let voice = if speaks { 0.1 * syllable * voice } else { 0.0 };
            voice + 1e-3 * (noise(n) - 0.5)
        })
        .collect()
}

/// Passes the samples to `take` in blocks of uneven sizes.
fn unevenly(samples: &[f32], mut take: impl FnMut(&[f32])) {
    let (mut rest, mut n) = (samples, 0);
    while !rest.is_empty() {
        let length = [1, 17, 4_000, 160, 33_333, 2][n % 6].min(rest.len());
        take(&rest[..length]);
        rest = &rest[length..];
        n += 1;
    }
}

fn pieces(samples: &[f32]) -> Vec<Piece> {
    let mut segmenter = Segmenter::new(RATE).unwrap();
    let mut pieces = segmenter.push(samples);
    pieces.extend(segmenter.finish());
    pieces
}

fn predictor() -> Predictor {
    Predictor::built_in().unwrap()
}

#[test]
fn pieces_are_where_somebody_speaks() {
    let found = pieces(&sound(8.0, &[(1.0, 2.5), (4.0, 5.2)]));
    let found: Vec<_> = found.iter().map(|p| (p.start, p.end)).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    for ((start, end), (from, to)) in found.into_iter().zip([(1.0, 2.5), (4.0, 5.2)]) {
        assert!(
            (start - from).abs() < 0.2 && (end - to).abs() < 0.25,
            "{start} {end}"
        );
    }
}

#[test]
fn long_speech_is_cut_without_gap_or_scrap() {
    let found = pieces(&sound(16.0, &[(1.0, 14.7)]));
    assert!(found.len() >= 4, "{}", found.len());
    for pair in found.windows(2) {
        assert_eq!(pair[0].end, pair[1].start);
    }
    for piece in &found {
        let length = piece.end - piece.start;
        assert!((0.9..=LONGEST_PIECE + 1.1).contains(&length), "{length}");
        let heard = piece.sound.duration();
        assert!(
            heard >= length - 1e-3 && heard >= 1.9,
            "{heard} of {length}"
        );
    }
}

#[test]
fn a_short_piece_alone_is_judged_by_itself() {
    let found = pieces(&sound(4.0, &[(1.0, 1.6)]));
    assert_eq!(found.len(), 1);
    assert!((found[0].sound.duration() - (found[0].end - found[0].start)).abs() < 1e-3);
}

#[test]
fn pieces_do_not_depend_on_how_the_samples_arrive() {
    let samples = sound(
        40.0,
        &[
            (0.3, 6.0),
            (6.9, 8.0),
            (10.0, 25.5),
            (26.2, 26.8),
            (30.0, 40.0),
        ],
    );
    let whole = pieces(&samples);
    let mut segmenter = Segmenter::new(RATE).unwrap();
    let mut cut = Vec::new();
    unevenly(&samples, |block| cut.extend(segmenter.push(block)));
    cut.extend(segmenter.finish());
    assert!(
        whole.len() > 8 && whole == cut,
        "{} {}",
        whole.len(),
        cut.len()
    );
}

/// Multiplies the samples by a factor that depends on the time in seconds.
fn louder(mut samples: Vec<f32>, factor: impl Fn(f32) -> f32) -> Vec<f32> {
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample *= factor(n as f32 / RATE as f32);
    }
    samples
}

/// Compares the pieces with the segments of [`VoiceActivity`], which does not use pieces, and the length of each piece
/// with that of its sound.
fn assert_pieces_are_the_segments(samples: &[f32], segments: usize) {
    let mut voice = VoiceActivity::new(RATE);
    voice.push(samples);
    voice.finish();
    let spoken: Vec<_> = voice
        .drain()
        .map(|s| (s.start_seconds(), s.end_seconds()))
        .collect();
    assert_eq!(spoken.len(), segments, "{spoken:?}");
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for piece in pieces(samples) {
        let length = piece.end - piece.start;
        let heard = piece.sound.duration();
        assert!(heard >= length - 1e-3, "{heard} of {length}");
        match joined.last_mut() {
            Some((_, end)) if *end == piece.start => *end = piece.end,
            _ => joined.push((piece.start, piece.end)),
        }
    }
    assert_eq!(joined, spoken);
}

#[test]
fn what_is_never_loud_enough_to_begin_adds_nothing_to_speech_before_it() {
    // Speech, or a knock that is too short for speech; directly after it a fan starts, 8 dB above the noise of the
    // room.
    for (start, segments) in [(4.3, 2), (6.15, 1)] {
        let spoken = [(start, 6.3), (20.0, 21.5)];
        let room = |t: f32| match t {
            _ if spoken.iter().any(|&(from, to)| (from..to).contains(&t)) => 1.0,
            6.5..11.5 => 25.0,
            _ => 10.0,
        };
        assert_pieces_are_the_segments(&louder(sound(26.0, &spoken), room), segments);
    }
}

#[test]
fn speech_that_began_long_before_it_was_loud_enough_is_heard_from_its_beginning() {
    // The noise of the room grows louder continuously, and in the end by another 6 dB at once.
    let room = |t: f32| match t {
        ..6.0 => 10.0,
        6.0..18.0 => 10.0 * 10f32.powf((t - 6.0) / 10.0),
        18.0..19.0 => 320.0,
        _ => 10.0,
    };
    assert_pieces_are_the_segments(&louder(sound(24.0, &[]), room), 1);
}

#[test]
fn silence_and_noise_have_no_pieces() {
    assert!(pieces(&vec![0.0; 10 * RATE as usize]).is_empty());
    assert!(pieces(&sound(10.0, &[])).is_empty());
}

#[test]
fn a_rate_at_which_nothing_is_left_of_a_voice_is_refused() {
    let Err(error) = Segmenter::new(2_000) else {
        panic!("2 kHz");
    };
    assert!(error.to_string().contains("4000"), "{error}");
}

#[test]
fn a_file_and_a_microphone_give_the_same_spans() {
    let predictor = predictor();
    let samples = sound(14.0, &[(0.5, 3.0), (4.0, 12.0)]);
    let mut listener = Listener::new(&predictor, RATE, None).unwrap();
    let mut file = listener.push(&samples).unwrap();
    file.extend(listener.finish().unwrap());
    let mut listener = Listener::new(&predictor, RATE, None).unwrap();
    let mut live: Vec<Span> = Vec::new();
    unevenly(&samples, |block| live.extend(listener.push(block).unwrap()));
    live.extend(listener.finish().unwrap());
    assert!(file.len() >= 3);
    let times = |spans: &[Span]| spans.iter().map(|s| (s.start, s.end)).collect::<Vec<_>>();
    assert_eq!(times(&file), times(&live));
    for (a, b) in file.iter().zip(&live) {
        let differs = a.answer.probabilities.iter().zip(&b.answer.probabilities);
        let most = differs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-6, "{most}");
    }
}

#[test]
fn a_timeline_ends_however_short_its_steps_are() {
    let predictor = predictor();
    let file = ser_fixtures::flac(8_000, &vec![0; 40_000]);
    for seconds in [0.0, -1.0, f64::NAN] {
        let stream = AudioStream::from_bytes(file.as_slice().into(), Path::new("silence")).unwrap();
        let mut timeline = Timeline::new(&predictor, stream, None).unwrap();
        let mut steps = 0;
        while timeline.step(seconds).unwrap().is_some() {
            steps += 1;
            assert!(steps < 1_000, "steps of {seconds} s");
        }
        assert!(steps > 1 && timeline.heard() >= 5.0, "{steps}");
    }
}

#[test]
fn a_span_is_told_soon_after_its_end_and_never_changed() {
    let predictor = predictor();
    let samples = sound(12.0, &[(1.0, 2.5), (3.2, 5.0), (5.5, 6.0), (8.0, 10.0)]);
    let mut listener = Listener::new(&predictor, RATE, None).unwrap();
    let mut whole = listener.push(&samples).unwrap();
    whole.extend(listener.finish().unwrap());
    let mut listener = Listener::new(&predictor, RATE, None).unwrap();
    let (mut heard, mut told) = (0, Vec::new());
    for block in samples.chunks(RATE as usize / 50) {
        heard += block.len();
        for span in listener.push(block).unwrap() {
            let delay = heard as f64 / f64::from(RATE) - span.end;
            assert!(delay < 0.25, "{delay} s after {}", span.end);
            told.push((span.start, span.end));
        }
    }
    let whole: Vec<_> = whole.iter().map(|span| (span.start, span.end)).collect();
    assert_eq!((told.len(), told), (4, whole));
}

#[test]
fn a_span_is_what_the_model_says_of_its_sound_alone() {
    let predictor = predictor();
    let samples = sound(6.0, &[(1.0, 3.0)]);
    let mut listener = Listener::new(&predictor, RATE, None).unwrap();
    let mut spans = listener.push(&samples).unwrap();
    spans.extend(listener.finish().unwrap());
    let [span] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    let at = |seconds: f64| (seconds * f64::from(RATE)) as usize;
    let clip = Waveform::new(samples[at(span.start)..at(span.end)].to_vec(), RATE);
    let alone = predictor.answer(&clip, None).unwrap();
    let differs = alone.probabilities.iter().zip(&span.answer.probabilities);
    assert!(differs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 1e-5);
}

#[test]
fn a_clip_is_answered_as_a_whole_and_anything_longer_by_its_pieces() {
    let predictor = predictor();
    // A clip with a pause in it; dense speech; little speech in a long recording.
    for (seconds, spoken, is_clip) in [
        (5.9, vec![(0.5, 1.5), (3.0, 4.2)], true),
        (5.0, vec![(0.5, 4.5)], false),
        (9.0, vec![(1.0, 2.0), (7.0, 8.5)], false),
    ] {
        let samples = sound(seconds, &spoken);
        let mut listener = Listener::new(&predictor, RATE, None).unwrap();
        let mut spans = listener.push(&samples).unwrap();
        spans.extend(listener.finish().unwrap());
        assert_eq!(spans.len(), 2, "{spans:?}");
        let sound = Waveform::new(samples, RATE);
        let features = predictor.features(&sound).unwrap();
        let whole = predictor
            .model()
            .predict(&[&features[..]])
            .unwrap()
            .remove(0);
        let total: f64 = spans.iter().map(|span| span.end - span.start).sum();
        let of_pieces = |label: usize| {
            let sum = spans
                .iter()
                .map(|s| (s.end - s.start) * f64::from(s.answer.probabilities[label]));
            (sum.sum::<f64>() / total) as f32
        };
        let expected: Vec<f32> = if is_clip {
            whole
        } else {
            (0..whole.len()).map(of_pieces).collect()
        };
        let answer = predictor.answer(&sound, None).unwrap();
        let differs = answer.probabilities.iter().zip(&expected);
        let most = differs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-5, "{seconds} s: {most}");
    }
}

#[test]
fn captions_are_numbered_and_timed() {
    let labels = ["calm", "angry"].map(String::from);
    let answer = |probabilities: [f32; 2], uncertain| Answer {
        probabilities: probabilities.to_vec(),
        seconds: 1.5,
        warnings: Vec::new(),
        out_of_distribution: false,
        long: false,
        uncertain,
    };
    let spans = [
        Span {
            start: 0.5,
            end: 2.0,
            answer: answer([0.75, 0.25], true),
            channel: None,
        },
        Span {
            start: 3723.4567,
            end: 3725.0,
            answer: answer([0.1, 0.9], false),
            channel: None,
        },
    ];
    assert_eq!(
        captions::sub_rip(&spans, &labels),
        "1\n00:00:00,500 --> 00:00:02,000\ncalm? 75 %\n\n\
         2\n01:02:03,457 --> 01:02:05,000\nangry 90 %\n\n"
    );
    assert_eq!(
        captions::audacity(&spans, &labels),
        "0.500000\t2.000000\tcalm? 75 %\n3723.456700\t3725.000000\tangry 90 %\n"
    );
}
