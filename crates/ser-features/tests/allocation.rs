//! Checks that the chain allocates nothing after the first signal, and that a long recording takes no more memory
//! than a short one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

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

// SAFETY: every call passes its arguments to the system allocator unchanged.
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
        // While memory is moved, both blocks may exist.
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
        extras: Extra::ALL.to_vec(),
        ..FeatureConfig::default()
    };
    assert_eq!(allocations_of_a_second_signal(&config), 0);
}

#[test]
fn neither_do_functionals() {
    let config = FeatureConfig {
        output: Output::Functionals,
        extras: Extra::VOICE.to_vec(),
        ..FeatureConfig::default()
    };
    assert_eq!(allocations_of_a_second_signal(&config), 0);
}

/// Writes stereo samples of 8 bits for some minutes at 8000 Hz, as plain WAV or as μ-law, whose length is known only
/// after decoding.
fn write_long(path: &Path, minutes: u32, plain: bool) {
    let size = minutes * 60 * 8000 * 2;
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut header = b"RIFF".to_vec();
    header.extend((38 + size).to_le_bytes());
    header.extend(b"WAVEfmt \x12\0\0\0");
    header.extend(
        [if plain { 1 } else { 7 }, 2u16]
            .map(u16::to_le_bytes)
            .concat(),
    );
    header.extend([8000u32, 16_000].map(u32::to_le_bytes).concat());
    header.extend([2u16, 8, 0].map(u16::to_le_bytes).concat());
    header.extend(b"data");
    header.extend(size.to_le_bytes());
    file.write_all(&header).unwrap();
    for n in 0..size {
        file.write_all(&[(n % 200) as u8]).unwrap();
    }
    file.flush().unwrap();
}

/// Returns the peak number of bytes that extracting the features of such a file takes, over all pieces.
fn peak_bytes(minutes: u32, plain: bool, trim_db: Option<f64>) -> isize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    write_long(&path, minutes, plain);
    let config = FeatureConfig {
        sample_rate: 16_000,
        trim_db,
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
    let (short, long) = (peak_bytes(2, true, None), peak_bytes(20, true, None));
    assert!(short > 1 << 20, "{short} bytes: does this count at all?");
    assert_eq!(short, long);
}

#[test]
fn trimming_takes_four_bytes_a_frame() {
    let (short, long) = (
        peak_bytes(2, true, Some(30.0)),
        peak_bytes(6, true, Some(30.0)),
    );
    assert!(long <= short + 4 * 4 * 6000, "{long} after {short} bytes");
}

#[test]
fn nor_does_it_where_the_length_is_not_known_beforehand() {
    let (short, long) = (peak_bytes(10, false, None), peak_bytes(20, false, None));
    assert!(short < 32 << 20, "{short} bytes");
    // The decoder, which is a dependency, takes a few kilobytes more or less.
    assert!(long < short + (64 << 10), "{long} after {short} bytes");
}
