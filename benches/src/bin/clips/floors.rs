//! The Fourier transforms in 40 MFCC with librosa's defaults and nothing else, as fast as plain code gets them.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use multiversion::multiversion;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

const N_FFT: usize = 2048;
const HOP: usize = 512;

/// Puts half a frame of silence before and after the signal, so that frames lie in one piece; returns their number.
fn pad(samples: &[f32], padded: &mut Vec<f32>) -> usize {
    padded.clear();
    padded.resize(N_FFT / 2, 0.0);
    padded.extend_from_slice(samples);
    padded.resize(samples.len() + N_FFT, 0.0);
    1 + samples.len() / HOP
}

/// A real transform a frame, without window and power.
pub struct BareFfts {
    fft: Arc<dyn RealToComplex<f32>>,
    padded: Vec<f32>,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl BareFfts {
    pub fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(N_FFT);
        Self {
            padded: Vec::new(),
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    pub fn run(&mut self, samples: &[f32]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for frame in 0..pad(samples, &mut self.padded) {
            // The transform overwrites its input.
            self.frame
                .copy_from_slice(&self.padded[frame * HOP..][..N_FFT]);
            self.fft.process_with_scratch(
                &mut self.frame,
                &mut self.spectrum,
                &mut self.scratch,
            )?;
            black_box(&self.spectrum);
        }
        Ok(())
    }
}

/// Two windowed frames in one complex transform, and the power of both.
pub struct PairedFfts {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    padded: Vec<f32>,
    pair: Box<CacheLines>,
    scratch: Vec<Complex<f32>>,
    power: [Vec<f32>; 2],
}

/// A transform that moves whole vectors is faster where a cache line starts.
#[repr(align(64))]
struct CacheLines([Complex<f32>; N_FFT]);

impl PairedFfts {
    pub fn new() -> Self {
        let fft = FftPlanner::new().plan_fft_forward(N_FFT);
        let hann = |n| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / N_FFT as f64).cos();
        Self {
            // Halved, because the sum and the difference that part the frames are twice their spectra.
            window: (0..N_FFT).map(|n| (0.5 * hann(n)) as f32).collect(),
            padded: Vec::new(),
            pair: Box::new(CacheLines([Complex::ZERO; N_FFT])),
            scratch: vec![Complex::ZERO; fft.get_inplace_scratch_len()],
            power: std::array::from_fn(|_| vec![0.0; N_FFT / 2 + 1]),
            fft,
        }
    }

    pub fn run(&mut self, samples: &[f32]) {
        let frames = pad(samples, &mut self.padded);
        for first in (0..frames).step_by(2) {
            let second = (first + 1).min(frames - 1);
            let frame = |index: usize| &self.padded[index * HOP..][..N_FFT];
            join(frame(first), frame(second), &self.window, &mut self.pair.0);
            self.fft
                .process_with_scratch(&mut self.pair.0, &mut self.scratch);
            part(&self.pair.0, &mut self.power);
            black_box(&self.power);
        }
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn join(a: &[f32], b: &[f32], window: &[f32], pair: &mut [Complex<f32>]) {
    for (((z, a), b), w) in pair.iter_mut().zip(a).zip(b).zip(window) {
        *z = Complex::new(a * w, b * w);
    }
}

/// Power of the bins 0 to half of `z = a + i·b`: there `A[k] = (Z[k] + Z̄[N−k])/2` and `B[k] = (Z[k] − Z̄[N−k])/2i`.
#[multiversion(targets("x86_64+avx2+fma"))]
fn part(pair: &[Complex<f32>], [a, b]: &mut [Vec<f32>; 2]) {
    let zeroth = 2.0 * pair[0];
    (a[0], b[0]) = (zeroth.re * zeroth.re, zeroth.im * zeroth.im);
    let mirrored = pair.iter().rev();
    for (((a, b), z), w) in a[1..]
        .iter_mut()
        .zip(&mut b[1..])
        .zip(&pair[1..])
        .zip(mirrored)
    {
        let (sum, difference) = (z + w, z - w);
        *a = sum.re * sum.re + difference.im * difference.im;
        *b = sum.im * sum.im + difference.re * difference.re;
    }
}
