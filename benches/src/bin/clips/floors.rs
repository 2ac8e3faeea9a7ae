//! The Fourier transforms in 40 MFCC alone, with librosa's defaults, written plainly: one real transform per frame, or one
//! complex transform for two.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::Result;
use multiversion::multiversion;
use realfft::RealToComplex;
use realfft::num_complex::Complex;
use rustfft::Fft;

const N_FFT: usize = 2048;
const HOP: usize = 512;

fn frames(samples: &[f32]) -> usize {
    1 + samples.len() / HOP
}

/// Returns the frame whose centre is sample `index · HOP`: a part of the signal, or `edge`, filled with zeros, if the frame reaches
/// beyond an end of the signal.
fn frame<'a>(samples: &'a [f32], index: usize, edge: &'a mut [f32]) -> &'a [f32] {
    let middle = index * HOP;
    let start = middle.checked_sub(N_FFT / 2);
    if let Some(inside) = start.and_then(|start| samples.get(start..start + N_FFT)) {
        return inside;
    }
    edge.fill(0.0);
    let inside = &samples[start.unwrap_or(0)..(middle + N_FFT / 2).min(samples.len())];
    edge[(N_FFT / 2).saturating_sub(middle)..][..inside.len()].copy_from_slice(inside);
    edge
}

/// One real transform per frame, without window and power.
pub struct BareFfts {
    fft: Arc<dyn RealToComplex<f32>>,
    edge: [f32; N_FFT],
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl BareFfts {
    pub fn new() -> Self {
        let fft = ser_fourier::real_forward(N_FFT);
        Self {
            edge: [0.0; N_FFT],
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    pub fn run(&mut self, samples: &[f32]) -> Result<()> {
        for index in 0..frames(samples) {
            // The transform overwrites its input.
            self.frame
                .copy_from_slice(frame(samples, index, &mut self.edge));
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

/// One complex transform for two windowed frames, and the power of both.
pub struct PairedFfts {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    edges: [[f32; N_FFT]; 2],
    pair: Box<CacheLines>,
    scratch: Vec<Complex<f32>>,
    power: [Vec<f32>; 2],
}

/// A buffer that starts at a cache line. Transforms that move whole vectors are faster there.
#[repr(align(64))]
struct CacheLines([Complex<f32>; N_FFT]);

impl PairedFfts {
    pub fn new() -> Self {
        let fft = ser_fourier::forward(N_FFT);
        let hann = |n| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / N_FFT as f64).cos();
        Self {
            // The window is halved, because the sum and the difference that separate the frames are twice their spectra.
            window: (0..N_FFT).map(|n| (0.5 * hann(n)) as f32).collect(),
            edges: [[0.0; N_FFT]; 2],
            pair: Box::new(CacheLines([Complex::ZERO; N_FFT])),
            scratch: vec![Complex::ZERO; fft.get_inplace_scratch_len()],
            power: std::array::from_fn(|_| vec![0.0; N_FFT / 2 + 1]),
            fft,
        }
    }

    pub fn run(&mut self, samples: &[f32]) {
        let last = frames(samples) - 1;
        for first in (0..=last).step_by(2) {
            let [edge_a, edge_b] = &mut self.edges;
            let a = frame(samples, first, edge_a);
            let b = frame(samples, (first + 1).min(last), edge_b);
            join(a, b, &self.window, &mut self.pair.0);
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

/// Computes the power of bins 0 to N/2 of both frames from the transform of `z = a + i·b`: `A[k] = (Z[k] + Z̄[N−k])/2` and
/// `B[k] = (Z[k] − Z̄[N−k])/2i`.
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
