//! Real speech in damaged files, and with one channel of opposite sign. The tests run if `SER_RAVDESS` names the folder
//! of the clips.

use std::path::Path;

use ser_audio::{AudioStream, Channels, Waveform};
use ser_predict::{Listener, Predictor};

fn stream(bytes: Vec<u8>) -> AudioStream {
    AudioStream::from_bytes(bytes.into(), Path::new("clip")).unwrap()
}

/// Returns a WAV file of 32-bit floats with a second channel of opposite sign.
fn opposite(sound: &Waveform) -> Vec<u8> {
    let samples = sound.samples.iter();
    let data: Vec<u8> = samples
        .flat_map(|x| [x.to_le_bytes(), (-0.9 * x).to_le_bytes()].concat())
        .collect();
    let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x03\0\x02\0".to_vec();
    file.extend(sound.sample_rate.to_le_bytes());
    file.extend((sound.sample_rate * 8).to_le_bytes());
    file.extend([8, 0, 32, 0]);
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

#[test]
fn clips_with_a_channel_turned_round_keep_their_emotion() {
    let Some(clips) = ser_fixtures::ravdess_clips(24) else {
        return;
    };
    let predictor = Predictor::built_in().unwrap();
    let kept = clips.iter().filter(|path| {
        let plain = predictor.answer_file(path, None).unwrap().emotion();
        let sound = ser_audio::read(path).unwrap();
        let stereo = stream(opposite(&sound)).with(Channels::Compared).unwrap();
        predictor.answer_stream(stereo, None).unwrap().emotion() == plain
    });
    let kept = kept.count();
    println!("{kept} of 60");
    assert!(kept >= 57, "{kept}");
}

/// Returns the times in seconds at which pieces of speech begin in a stream.
fn starts(predictor: &Predictor, mut stream: AudioStream) -> Vec<f64> {
    let mut listener = Listener::new(predictor, stream.sample_rate(), None).unwrap();
    let (mut samples, mut spans) = (Vec::new(), Vec::new());
    while stream.next_block(&mut samples).unwrap() {
        spans.extend(listener.push(&samples).unwrap());
        samples.clear();
    }
    spans.extend(listener.finish().unwrap());
    spans.into_iter().map(|span| span.start).collect()
}

#[test]
fn speech_begins_behind_damage_where_it_did() {
    let Some(clips) = ser_fixtures::ravdess_clips(60) else {
        return;
    };
    let predictor = Predictor::built_in().unwrap();
    let (mut samples, mut rate) = (Vec::new(), 0);
    for clip in clips {
        let sound = ser_audio::read(clip).unwrap();
        rate = sound.sample_rate;
        samples.extend(sound.samples.iter().map(|x| (x * 32_767.0) as i16));
        samples.resize(samples.len() + rate as usize, 0);
    }
    let file = ser_fixtures::flac(rate, &samples);
    let whole = starts(&predictor, stream(file.clone()));
    // Each damaged part is two seconds long.
    let length = 4 * rate as usize;
    let places = [0.15, 0.4, 0.7].map(|place| (place * file.len() as f64) as usize);
    let (mut zeroed, mut removed) = (file.clone(), file.clone());
    for place in places.into_iter().rev() {
        zeroed[place..place + length].fill(0);
        removed.drain(place..place + length);
    }
    // In this file the number of bytes is proportional to time.
    let seconds = |byte: usize| byte as f64 / (2.0 * f64::from(rate));
    for damaged in [zeroed, removed, file[..file.len() * 7 / 10].to_vec()] {
        let end = if damaged.len() == file.len() * 7 / 10 {
            seconds(damaged.len())
        } else {
            f64::INFINITY
        };
        let found = starts(&predictor, stream(damaged));
        for &start in &whole {
            let is_touched = start > end - 1.0
                || places.iter().any(|&place| {
                    (seconds(place) - 1.0..seconds(place + length) + 1.0).contains(&start)
                });
            let is_found = found.iter().any(|found| (found - start).abs() <= 0.2);
            assert!(is_touched || is_found, "{start} is not in {found:?}");
        }
    }
}
