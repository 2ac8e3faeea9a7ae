//! Mutates either all bytes of a model file, or only its header and then corrects the stated length of the header. Few mutations of
//! all bytes leave a file that can be read at all.
#![no_main]

#[path = "../src/model.rs"]
mod model;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Size in bytes of the length of the header.
const LENGTH: usize = size_of::<u64>();

fuzz_target!(|data: &[u8]| model::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let header = data[..size].get(..LENGTH).and_then(|bytes| {
        let length = u64::from_le_bytes(bytes.try_into().ok()?);
        usize::try_from(length)
            .ok()
            .filter(|&n| n <= size.saturating_sub(LENGTH))
    });
    let Some(header) = header.filter(|_| !seed.is_multiple_of(4)) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let tensors = data[LENGTH + header..size].to_vec();
    let room = max_size.saturating_sub(LENGTH + tensors.len());
    let header = fuzzer_mutate(
        &mut data[LENGTH..LENGTH + room.max(header)],
        header,
        room.max(header),
    );
    data[..LENGTH].copy_from_slice(&(header as u64).to_le_bytes());
    let size = LENGTH + header + tensors.len();
    data[LENGTH + header..size].copy_from_slice(&tensors);
    size
});
