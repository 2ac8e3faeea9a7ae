//! After the first signal, the chain allocates nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ser_features::{Extra, FeatureConfig, FeatureExtractor, Features};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
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
        ],
        ..FeatureConfig::default()
    };
    assert_eq!(allocations_of_a_second_signal(&config), 0);
}
