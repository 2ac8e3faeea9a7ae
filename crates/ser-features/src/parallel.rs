//! Extraction from many files on all cores.

use std::path::Path;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::error::Result;
use crate::extractor::FeatureExtractor;
use crate::features::Features;

/// Extracts the features of every file, in parallel on rayon's current thread pool.
///
/// `done` receives each result, with the position of its path, as soon as it is ready, in any order
/// and from several threads at once. Nothing is kept: memory does not grow with the number of
/// files, and a file that fails does not stop the others.
pub fn extract_files<P, F>(extractor: &FeatureExtractor, paths: &[P], done: F)
where
    P: AsRef<Path> + Sync,
    F: Fn(usize, Result<Features>) + Sync,
{
    paths.par_iter().enumerate().for_each_init(
        || extractor.scratch(),
        |scratch, (index, path)| {
            let mut features = Features::default();
            let result = extractor.extract_file_into(path.as_ref(), scratch, &mut features);
            done(index, result.map(|()| features));
        },
    );
}
