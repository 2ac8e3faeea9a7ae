//! After the first signal, the chain allocates nothing; a long recording takes no more than a short one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ser_features::{Extra, FeatureConfig, FeatureExtractor, Features, Output};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<isize> = const { Cell::new(0) };
}

fn note(allocations: usize, bytes: isize) {
    ALLOCATIONS.with(|count| count.set(count.get() + allocations));
    let held = BYTES.with(|held| {
        held.set(held.get() + bytes);
        held.get()
    });
    PEAK_BYTES.with(|peak| peak.set(peak.get().max(held)));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, -(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it is moved, memory may be held twice.
        note(1, size as isize);
        note(0, -(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of_a_second_signal(config: &FeatureConfig) -> usize {
    let extractor = FeatureExtractor::new(config).unwrap();
    let signal = |length: usize| (0..length).map(|n| (0.01 * n as f32).sin()).collect();
    let (long, short): (Vec<f32>, Vec<f32>) = (signal(40_000), signal(30_001));
    let mut scratch = extractor.scratch();
    let mut features = Features::default();
    extractor
        .extract_into(&long, &mut scratch, &mut features)
        .unwrap();

    let before = ALLOCATIONS.with(Cell::get);
    extractor
        .extract_into(&short, &mut scratch, &mut features)
        .unwrap();
    extractor
        .extract_into(&long, &mut scratch, &mut features)
        .unwrap();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.with(Cell::get);
    let boxed = Box::new([0u8; 64]);
    std::hint::black_box(&boxed);
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 1);
}

#[test]
fn librosas_default_allocates_nothing() {
    assert_eq!(allocations_of_a_second_signal(&FeatureConfig::default()), 0);
}

#[test]
fn neither_do_derivatives_pre_emphasis_odd_lengths_and_extra_rows() {
    let config = FeatureConfig {
        n_fft: 1103,
        pre_emphasis: Some(0.97),
        deltas: 2,
        extras: vec![
            Extra::Rms,
            Extra::ZeroCrossingRate,
            Extra::SpectralCentroid,
            Extra::SpectralRolloff,
            Extra::SpectralFlatness,
            Extra::F0,
            Extra::Aperiodicity,
            Extra::Harmonics,
            Extra::Formants,
        ],
        ..FeatureConfig::default()
    };
    assert_eq!(allocations_of_a_second_signal(&config), 0);
}

#[test]
fn neither_do_functionals() {
    let config = FeatureConfig {
        output: Output::Functionals,
        extras: vec![
            Extra::F0,
            Extra::Aperiodicity,
            Extra::Harmonics,
            Extra::Formants,
        ],
        ..FeatureConfig::default()
    };
    assert_eq!(allocations_of_a_second_signal(&config), 0);
}

/// Peak of the bytes that the features of a file of so many minutes take, all pieces together.
fn peak_bytes(minutes: u32) -> isize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8000,
        bits_per_sample: 8,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for n in 0..minutes * 60 * 8000 * 2 {
        writer.write_sample((n % 200) as i8).unwrap();
    }
    writer.finalize().unwrap();
    let config = FeatureConfig {
        sample_rate: 16_000,
        n_fft: 512,
        hop_length: 160,
        deltas: 1,
        ..FeatureConfig::default()
    };
    let extractor = FeatureExtractor::new(&config).unwrap();

    let before = BYTES.with(Cell::get);
    PEAK_BYTES.with(|peak| peak.set(before));
    let mut frames = 0;
    extractor
        .extract_file_in_pieces(&path, |_, rows| {
            frames += rows.len() / config.coefficients();
            Ok(())
        })
        .unwrap();
    assert_eq!(frames, minutes as usize * 6000 + 1);
    PEAK_BYTES.with(Cell::get) - before
}

#[test]
fn memory_does_not_grow_with_the_recording() {
    let (short, long) = (peak_bytes(2), peak_bytes(20));
    assert!(short > 1 << 20, "{short} bytes: does this count at all?");
    assert_eq!(short, long);
}
