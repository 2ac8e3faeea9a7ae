//! libtorch as a whole: its version, its threads, its memory, and the first calls of a process.

use std::sync::Once;

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};

/// The version of libtorch that this crate is built for.
pub const LIBTORCH_VERSION: &str = "2.13.0";

/// Makes parallel trainings wait until the first of them has called MKL. Two threads that ask MKL at the same time for
/// the first square root of a process may get it with less precision (PyTorch issue 188792). Before this, two of a
/// hundred parallel trainings gave other weights than the same training alone.
static FIRST_CALLS: Once = Once::new();

/// Calls the functions of MKL that the networks use, once per process. An error is ignored: the training will hit it as well
/// and report it.
pub(crate) fn call_first() {
    FIRST_CALLS.call_once(|| {
        let calls = || {
            Tensor::f_ones([16], (Kind::Float, Device::Cpu))?
                .f_sqrt()?
                .f_tanh()
        };
        let _ = calls();
    });
}

/// Sets the number of threads that libtorch uses within an operation. Operations do not run in parallel.
pub fn set_threads(threads: i32) {
    tch::set_num_threads(threads);
}

/// Makes the process keep the memory that a batch frees, for the next batch. Programs that train should call it.
///
/// By default, glibc returns large blocks to the system at once, and each batch gets them back as new pages, which
/// the system clears: this takes up to a quarter of an epoch. The function does nothing except on Linux with glibc.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // The highest threshold that every version of glibc accepts, and the size of the heap of a thread.
        const LARGEST_BLOCK: libc::c_int = 32 << 20;
        const HEAP: libc::c_int = 64 << 20;
        // SAFETY: mallopt takes plain numbers and locks the heap that it changes. A thread that allocates
        // at the same time uses the old values or the new ones.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_BLOCK);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
            libc::mallopt(libc::M_TOP_PAD, HEAP);
        }
    }
}

/// Checks that libtorch computes a known sum, and returns a text with the version that this crate is built for.
///
/// # Errors
/// [`Error::Torch`] if libtorch refuses an operation, [`Error::Data`] if the sum is wrong.
pub fn check_libtorch() -> Result<String> {
    let sum = f64::try_from(Tensor::f_from_slice(&[1.0_f32, 2.0, 4.0])?.f_sum(Kind::Double)?)?;
    if sum != 7.0 {
        return Err(Error::Data(format!("libtorch computes 1 + 2 + 4 = {sum}")));
    }
    Ok(format!("{LIBTORCH_VERSION}, computes"))
}
