//! Answers on many files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use pyo3::prelude::*;
use rayon::ThreadPool;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use ser_predict::{Answer, Result};

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

type Answered = (usize, Result<Answer>);

impl Files {
    /// What each expresses, in their order. It ends between two files when `progress` raises something, or on Ctrl-C.
    pub(crate) fn answers(
        &self,
        py: Python<'_>,
        pool: &ThreadPool,
    ) -> PyResult<Vec<Result<Answer>>> {
        py.detach(|| {
            let (send, receive) = mpsc::channel();
            let is_stopped = AtomicBool::new(false);
            pool.in_place_scope(|scope| {
                scope.spawn(|_| self.answer_each(send, &is_stopped));
                let answers = self.collect(&receive);
                is_stopped.store(true, Ordering::Relaxed);
                answers
            })
        })
    }

    fn answer_each(&self, send: Sender<Answered>, is_stopped: &AtomicBool) {
        let files = self.paths.par_iter().with_max_len(1).enumerate();
        files.for_each_with(send, |send, (number, path)| {
            if !is_stopped.load(Ordering::Relaxed) {
                // Nobody waits for it any more when this fails.
                let _ = send.send((number, self.asked.answer_file(path, self.channel)));
            }
        });
    }

    fn collect(&self, receive: &Receiver<Answered>) -> PyResult<Vec<Result<Answer>>> {
        let mut answered = Vec::with_capacity(self.paths.len());
        loop {
            let is_more = match receive.recv_timeout(ASKED) {
                Ok(answer) => {
                    answered.push(answer);
                    true
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            Python::attach(|py| {
                if let (true, Some(progress)) = (is_more, &self.progress) {
                    progress.call1(py, (answered.len(), self.paths.len()))?;
                }
                py.check_signals()
            })?;
        }
        answered.sort_unstable_by_key(|(number, _)| *number);
        Ok(answered.into_iter().map(|(_, answer)| answer).collect())
    }
}

impl Asked {
    /// What a file expresses.
    pub(crate) fn answer_file(&self, path: &Path, channel: Option<u16>) -> Result<Answer> {
        let stream = open(path, channel)?;
        self.predictor.answer_stream(stream, self.speaker())
    }
}
