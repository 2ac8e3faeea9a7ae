//! Compares level, noisiness, brightness and trimming with librosa's arrays (`tests/reference`).

use rustfft::num_complex::Complex;
use ser_audio::Waveform;
use ser_features::prosody::{
    centred, frame_count, rms, spectral_centroid, spectral_flatness, spectral_rolloff,
    zero_crossing_rate,
};
use ser_features::{read_npy, trim};

use crate::signals::{clip, reference};

const N_FFT: usize = 2048;
const HOP: usize = 512;
const RATES: [u32; 3] = [16_000, 22_050, 48_000];

fn expected(rate: u32, name: &str) -> Vec<f64> {
    let array = read_npy(reference(rate, &format!("{name}.npy"))).unwrap();
    assert_eq!(array.shape[0], 1);
    array.data
}

/// Compares one value per frame with librosa's array of that name.
fn agree(name: &str, tolerance: f64, values: impl Fn(&Waveform) -> Vec<f32>) {
    for rate in RATES {
        let values = values(&clip(rate));
        let expected = expected(rate, name);
        assert_eq!(values.len(), expected.len(), "{name} at {rate} Hz");
        for (frame, (&value, &expected)) in values.iter().zip(&expected).enumerate() {
            assert!(
                (f64::from(value) - expected).abs() <= tolerance * expected.abs(),
                "{name} at {rate} Hz, frame {frame}: {value}, expected {expected}"
            );
        }
    }
}

fn frames(clip: &Waveform) -> impl Iterator<Item = &[f32]> {
    (0..frame_count(clip.samples.len(), N_FFT, HOP))
        .map(|frame| centred(&clip.samples, frame, N_FFT, HOP))
}

/// Returns power spectra in double precision, with a periodic Hann window and zeros around the signal.
fn power_spectra(clip: &Waveform) -> Vec<Vec<f64>> {
    let fft = ser_fourier::precise_forward(N_FFT);
    (0..frame_count(clip.samples.len(), N_FFT, HOP))
        .map(|frame| {
            let mut spectrum: Vec<Complex<f64>> = (0..N_FFT)
                .map(|i| {
                    let turn = std::f64::consts::TAU * i as f64 / N_FFT as f64;
                    let position = (frame * HOP + i).checked_sub(N_FFT / 2);
                    let sample = position.and_then(|p| clip.samples.get(p));
                    let sample = sample.copied().unwrap_or(0.0);
                    Complex::from(f64::from(sample) * (0.5 - 0.5 * turn.cos()))
                })
                .collect();
            fft.process(&mut spectrum);
            spectrum[..=N_FFT / 2]
                .iter()
                .map(|x| x.norm_sqr())
                .collect()
        })
        .collect()
}

fn magnitudes(clip: &Waveform) -> Vec<Vec<f32>> {
    let spectra = power_spectra(clip);
    let roots = |power: Vec<f64>| power.iter().map(|p| p.sqrt() as f32).collect();
    spectra.into_iter().map(roots).collect()
}

#[test]
fn rms_agrees_with_librosa() {
    agree("rms", 1e-6, |clip| {
        frames(clip).map(|frame| rms(frame, N_FFT)).collect()
    });
}

#[test]
fn zero_crossing_rate_equals_librosas() {
    agree("zero_crossing_rate", 0.0, |clip| {
        frames(clip)
            .map(|frame| zero_crossing_rate(frame, N_FFT))
            .collect()
    });
}

#[test]
fn spectral_centroid_agrees_with_librosa() {
    agree("spectral_centroid", 1e-5, |clip| {
        let bin_width = clip.sample_rate as f32 / N_FFT as f32;
        let spectra = magnitudes(clip);
        spectra
            .iter()
            .map(|s| spectral_centroid(s, bin_width))
            .collect()
    });
}

#[test]
fn spectral_rolloff_chooses_librosas_bins() {
    agree("spectral_rolloff", 1e-7, |clip| {
        let bin_width = clip.sample_rate as f32 / N_FFT as f32;
        let spectra = magnitudes(clip);
        spectra
            .iter()
            .map(|s| spectral_rolloff(s, bin_width, 0.85))
            .collect()
    });
}

#[test]
fn spectral_flatness_agrees_with_librosa() {
    agree("spectral_flatness", 1e-4, |clip| {
        power_spectra(clip)
            .iter()
            .map(|s| spectral_flatness(&s.iter().map(|&p| p as f32).collect::<Vec<_>>()))
            .collect()
    });
}

#[test]
fn silence_and_nothing_have_defined_values() {
    for silence in [&[0.0f32; 1025][..], &[]] {
        assert_eq!(rms(silence, 2048), 0.0);
        assert_eq!(zero_crossing_rate(silence, 2048), 0.0);
        assert_eq!(spectral_centroid(silence, 10.0), 0.0);
        assert_eq!(spectral_rolloff(silence, 10.0, 0.85), 0.0);
        assert_eq!(spectral_flatness(silence), 1.0);
    }
    assert_eq!(frame_count(0, 2048, 512), 0);
    assert_eq!(trim(&[], 60.0, 2048, 512), 0..0);
}

#[test]
fn one_bin_holds_the_centre_and_the_rolloff_of_a_tone() {
    let mut spectrum = [0.0; 1025];
    for bin in [0, 1, 15, 16, 500, 1023, 1024] {
        spectrum[bin] = 3.0;
        assert_eq!(spectral_centroid(&spectrum, 2.0), 2.0 * bin as f32);
        assert_eq!(spectral_rolloff(&spectrum, 2.0, 0.85), 2.0 * bin as f32);
        spectrum[bin] = 0.0;
    }
}

#[test]
fn crossings_ignore_rounding_noise_around_zero() {
    assert_eq!(zero_crossing_rate(&[1e-11, -1e-11, 1e-11, 0.0], 4), 0.0);
    assert_eq!(zero_crossing_rate(&[1.0, -1.0, 1.0, 0.0], 4), 0.5);
    assert_eq!(zero_crossing_rate(&[-1.0, 0.0, -1.0, -1.0], 4), 0.5);
}

/// The expected ranges are `librosa.effects.trim(y, top_db=…, frame_length=…, hop_length=…)[1]` of the clip alone,
/// and of the clip with `sr // 5` zeros before it and `sr // 3` after it.
#[test]
fn trimming_cuts_where_librosa_does() {
    type Ends = [usize; 2];
    let cases: [(u32, f64, usize, usize, Ends, Ends); 15] = [
        (16_000, 60.0, 2048, 512, [0, 9600], [2560, 13_824]),
        (16_000, 30.0, 2048, 512, [0, 9600], [3072, 13_824]),
        (16_000, 10.0, 1024, 256, [1024, 9600], [4096, 13_312]),
        (16_000, 3.0, 1000, 300, [1800, 9600], [4800, 12_900]),
        (16_000, 20.0, 1001, 300, [300, 9600], [3600, 13_500]),
        (22_050, 60.0, 2048, 512, [0, 12_128], [3584, 17_920]),
        (22_050, 30.0, 2048, 512, [0, 12_128], [4096, 17_920]),
        (22_050, 10.0, 1024, 256, [1280, 12_128], [5632, 17_152]),
        (22_050, 3.0, 1000, 300, [2100, 12_128], [6600, 16_800]),
        (22_050, 20.0, 1001, 300, [600, 12_128], [5100, 17_100]),
        (48_000, 60.0, 2048, 512, [0, 24_000], [8704, 34_816]),
        (48_000, 30.0, 2048, 512, [512, 24_000], [10_240, 34_816]),
        (48_000, 10.0, 1024, 256, [2304, 24_000], [12_032, 34_048]),
        (48_000, 3.0, 1000, 300, [3900, 24_000], [13_500, 33_900]),
        (48_000, 20.0, 1001, 300, [1200, 24_000], [10_800, 34_200]),
    ];
    for (rate, top_db, frame_length, hop_length, alone, padded) in cases {
        let samples = clip(rate).samples;
        let range = trim(&samples, top_db, frame_length, hop_length);
        assert_eq!([range.start, range.end], alone, "{rate} Hz, {top_db} dB");

        let mut longer = vec![0.0; rate as usize / 5];
        longer.extend(samples);
        longer.resize(longer.len() + rate as usize / 3, 0.0);
        let range = trim(&longer, top_db, frame_length, hop_length);
        assert_eq!([range.start, range.end], padded, "{rate} Hz, {top_db} dB");
    }
}

#[test]
fn pure_silence_is_not_trimmed() {
    assert_eq!(trim(&[0.0; 1000], 60.0, 2048, 512), 0..1000);
    assert_eq!(trim(&[0.0; 1000], 0.0, 2048, 512), 0..0);
}
