//! Answers on many files.

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

/// How often Python is asked whether somebody wants to stop, when there is nothing else to tell it.
const ASKED: Duration = Duration::from_millis(100);

/// What files are asked.
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) asked: Asked,
    pub(crate) channel: Option<u16>,
    /// Is told how many are done, and of how many.
    pub(crate) progress: Option<Py<PyAny>>,
}

/// How many are done when a round begins, and how many there are in all rounds.
type Round = (usize, usize);

impl Files {
    /// What each expresses, in their order. It ends between two files when `progress` raises something, or on Ctrl-C.
    pub(crate) fn answers(
        &self,
        py: Python<'_>,
        pool: &ThreadPool,
    ) -> PyResult<Vec<Result<Answer>>> {
        self.answers_on(py, pool, &self.paths, (0, self.paths.len()))
    }

    /// The same of the files of one collection: how they sound on average is known before. Each is heard twice.
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
                "adapt: expected {SMALLEST_COLLECTION} files or more in which somebody speaks, got {used}: the mean of so few \
                 is what these few express, and it is taken away from each"
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

    /// What `work` makes of each path, in their order.
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
                            // Nobody waits for it any more when this fails.
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
    /// What a file expresses.
    pub(crate) fn answer_file(&self, path: &Path, channel: Option<u16>) -> Result<Answer> {
        let stream = open(path, channel)?;
        self.predictor.answer_stream(stream, self.speaker())
    }
}
