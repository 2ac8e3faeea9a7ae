//! Answers for many files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::ThreadPool;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use ser_predict::{Answer, Enroller, Result, SMALLEST_COLLECTION};

use crate::asked::Asked;
use crate::recording::open;

/// The longest time between two checks for Ctrl-C, if no file is finished meanwhile.
const ASKED: Duration = Duration::from_millis(100);

/// A job: files, and how they are to be answered.
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) asked: Asked,
    pub(crate) channel: Option<u16>,
    /// Called with the number of finished files and the number of all files.
    pub(crate) progress: Option<Py<PyAny>>,
}

/// The number of files that are finished when a round begins, and the number in all rounds.
type Round = (usize, usize);

impl Files {
    /// Answers each file, in their order.
    ///
    /// # Errors
    ///
    /// The exception that `progress` raised, or `KeyboardInterrupt` on Ctrl-C. Either stops the job between two files.
    pub(crate) fn answers(
        &self,
        py: Python<'_>,
        pool: &ThreadPool,
    ) -> PyResult<Vec<Result<Answer>>> {
        self.answers_on(py, pool, &self.paths, (0, self.paths.len()))
    }

    /// Answers the files as one collection: the first round computes how they sound on average, and the second answers them. A file
    /// that cannot be used is read in the first round only.
    ///
    /// # Errors
    ///
    /// As for `answers`, and `ValueError` if fewer than `SMALLEST_COLLECTION` files have speech.
    pub(crate) fn answers_adapted(
        &mut self,
        py: Python<'_>,
        pool: &ThreadPool,
    ) -> PyResult<Vec<Result<Answer>>> {
        let predictor = self.asked.predictor.clone();
        let mut enroller = Enroller::new(predictor.model());
        let hear = |path: &Path| predictor.speech_stream(open(path, self.channel)?);
        let all = 2 * self.paths.len();
        let mut unused = Vec::with_capacity(self.paths.len());
        for paths in self.paths.chunks(2 * pool.current_num_threads()) {
            for speech in self.each(py, pool, paths, (unused.len(), all), hear)? {
                unused.push(speech.and_then(|speech| enroller.add(&speech)).err());
            }
        }
        let used = enroller.recordings();
        if used < SMALLEST_COLLECTION {
            return Err(PyValueError::new_err(format!(
                "adapt: expected {SMALLEST_COLLECTION} files or more with speech, got {used}: the mean of so few files \
                 reflects their emotions, and it is subtracted from each of them"
            )));
        }
        self.asked.speaker = Some(enroller.finish());
        let paths = self.paths.iter().zip(&unused);
        let paths = paths.filter(|(_, error)| error.is_none());
        let paths: Vec<PathBuf> = paths.map(|(path, _)| path.clone()).collect();
        let answers = self.answers_on(py, pool, &paths, (all - used, all))?;
        let mut answers = answers.into_iter();
        let rows = unused.into_iter().filter_map(|error| match error {
            Some(error) => Some(Err(error)),
            None => answers.next(),
        });
        Ok(rows.collect())
    }

    fn answers_on(
        &self,
        py: Python<'_>,
        pool: &ThreadPool,
        paths: &[PathBuf],
        round: Round,
    ) -> PyResult<Vec<Result<Answer>>> {
        let answer = |path: &Path| self.asked.answer_file(path, self.channel);
        self.each(py, pool, paths, round, answer)
    }

    /// Applies `work` to each path, and returns the results in their order.
    fn each<T: Send>(
        &self,
        py: Python<'_>,
        pool: &ThreadPool,
        paths: &[PathBuf],
        round: Round,
        work: impl Fn(&Path) -> Result<T> + Sync,
    ) -> PyResult<Vec<Result<T>>> {
        py.detach(|| {
            let (send, receive) = mpsc::channel();
            let is_stopped = AtomicBool::new(false);
            pool.in_place_scope(|scope| {
                scope.spawn(|_| {
                    let paths = paths.par_iter().with_max_len(1).enumerate();
                    paths.for_each_with(send, |send, (number, path)| {
                        if !is_stopped.load(Ordering::Relaxed) {
                            // This fails only if the receiver has stopped, and then nobody needs the result.
                            let _ = send.send((number, work(path)));
                        }
                    });
                });
                let done = self.collect(&receive, round);
                is_stopped.store(true, Ordering::Relaxed);
                done
            })
        })
    }

    fn collect<T>(
        &self,
        receive: &Receiver<(usize, Result<T>)>,
        (before, all): Round,
    ) -> PyResult<Vec<Result<T>>> {
        let mut done = Vec::new();
        loop {
            let is_more = match receive.recv_timeout(ASKED) {
                Ok(one) => {
                    done.push(one);
                    true
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            Python::attach(|py| {
                if let (true, Some(progress)) = (is_more, &self.progress) {
                    progress.call1(py, (before + done.len(), all))?;
                }
                py.check_signals()
            })?;
        }
        done.sort_unstable_by_key(|(number, _)| *number);
        Ok(done.into_iter().map(|(_, one)| one).collect())
    }
}

impl Asked {
    /// Answers a file as a whole.
    pub(crate) fn answer_file(&self, path: &Path, channel: Option<u16>) -> Result<Answer> {
        let stream = open(path, channel)?;
        self.predictor.answer_stream(stream, self.speaker())
    }
}
