"""The compiled part of the package."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NoReturn, SupportsFloat, final

import numpy
from numpy.typing import ArrayLike, NDArray

from ser_speech.answers import Answer, Explanation, Span
from ser_speech.corpora import Clip, Split
from ser_speech.errors import SerError
from ser_speech.tables import Answers, Spans

__all__ = [
    "Answerer",
    "Corpus",
    "FeatureExtractor",
    "Listener",
    "Model",
    "SpanIterator",
    "Speaker",
    "delta",
    "evaluate",
    "program",
]

_Path = str | PathLike[str]

@final
class Answerer:
    """Answers rows of archives; see ``ser_speech.archive``."""

    def __new__(
        cls,
        model: Model,
        labels: Sequence[str] | None,
        speakers: Mapping[str, Speaker],
        threads: int | None,
    ) -> Answerer: ...
    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns of the answers, each as its name and the Arrow name of its type."""

    def answer(
        self,
        rows: Sequence[
            tuple[str, str | bytes | Exception, float | None, float | None, str | None, int | None]
        ],
    ) -> list[list[Any]]:
        """Answers rows, in their order: returns a list of values for each row, in the order of the columns.

        A row is ``(id, sound, start, end, speaker, channel)``. A sound is the path of a file, the bytes of a file, or an
        exception that says why it could not be fetched. If a disk fails, raises ``OSError``.
        """

@final
class Model:
    """A model that is ready to answer. Any number of threads may use it at once.

    A recording is a path to a file of any format and length, or an array ``[samples]`` or ``[channels, samples]`` with its
    sampling rate in Hz. The methods that answer share these arguments:

    - ``labels``: the only labels to choose from; their probabilities sum to 1;
    - ``speaker``: the speaker of the recording, as ``enroll`` returns it;
    - ``channel``: the only channel to use, counted from 1. Without it, all channels are compared, and mixed if they belong
      together.

    A recording without an answer, such as a file that cannot be read or more than 30 s without speech, raises ``SerError``. A
    shorter recording without speech has an answer with the warning ``no-speech``. A wrong argument, such as an array with another
    length or sampling rate than a method takes, raises ``ValueError`` or ``TypeError``.
    """

    @staticmethod
    def load(path: _Path | None = None) -> Model:
        """Reads a model file, or the built-in model if ``path`` is ``None``."""

    @staticmethod
    def from_bytes(data: bytes) -> Model:
        """Reads a model from the bytes that ``to_bytes`` returned."""

    def to_bytes(self) -> bytes:
        """Returns the content of a model file. Pickle stores a model in this form."""

    @property
    def name(self) -> str:
        """The name of the model."""

    @property
    def labels(self) -> list[str]:
        """The labels that the model can predict."""

    @property
    def fingerprint(self) -> str:
        """A fingerprint of the weights, which differs between models."""

    def to_dict(self) -> dict[str, Any]:
        """Describes the model: name, labels, parameters, fingerprint, enrolls, synthetic."""

    def predict(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | None = None,
    ) -> Answer:
        """Predicts the emotion of a recording as a whole."""

    def predict_files(
        self,
        paths: Iterable[_Path],
        *,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | None = None,
        adapt: bool = False,
    ) -> Answers:
        """Predicts the emotion of each file as a whole. The answers come in the order of the files.

        A file without an answer is a ``SerError`` in the list. The files are answered on ``threads`` threads, by default one
        for each core. ``progress`` is called with the number of finished files and the number of all files.

        ``adapt`` treats the files, at least four, as one collection: recordings of one channel, room and language, with mixed
        emotions. Their average is subtracted from each file, without labels; in a collection of a single emotion this also
        removes the emotion. Files without speech then have no answer, each file counts twice in ``progress``, and confidences
        and the marks of uncertain answers are those that were measured with a speaker enrolled.
        """

    def timeline(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | Literal["each"] | None = None,
    ) -> Spans:
        """Finds the speech in a recording, and predicts the emotion of each piece. ``channel="each"`` answers each channel
        separately, as calls need it."""

    def listen(
        self,
        sampling_rate: SupportsFloat,
        *,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | None = None,
    ) -> Listener:
        """Returns a listener for live sound with the given sampling rate in Hz."""

    def embed(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        channel: int | None = None,
    ) -> NDArray[numpy.float32]:
        """Returns the embedding of a recording, ``[E]``: the embeddings of all networks, concatenated. Recordings whose
        embeddings are close sound alike to the model."""

    def explain(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | None = None,
    ) -> Explanation:
        """Explains the answer for a recording of 0.2 to 30 s. This evaluates the recording some hundred times, which takes
        about as long as the recording lasts."""

    def enroll(
        self,
        recordings: Iterable[_Path | tuple[ArrayLike, SupportsFloat]],
        *,
        channel: int | None = None,
    ) -> Speaker:
        """Enrols a speaker: computes how the voice sounds on average, from recordings without labels. A recording is a path, or
        a pair of an array and its sampling rate.

        Recordings that cannot be used are left out; ``Speaker.skipped`` says why. If none is left, raises ``SerError`` with the kind
        and the path of the first.
        """

@final
class Listener:
    """Answers live sound, block by block. The spans do not depend on how the sound is divided into blocks.

    A block is an array ``[samples]`` or ``[channels, samples]`` of any length.
    """

    def push(self, block: ArrayLike) -> list[Span]:
        """Takes the next samples, and returns the spans that are now complete."""

    def finish(self) -> list[Span]:
        """Ends the sound, and returns the last spans."""

    def spans(self, blocks: Iterable[ArrayLike]) -> SpanIterator:
        """Iterates over the spans of an iterable of blocks. Each span comes as soon as it is complete."""

@final
class SpanIterator(Iterator[Span]):
    """The iterator that ``Listener.spans`` returns."""

    def __iter__(self) -> SpanIterator: ...
    def __next__(self) -> Span: ...

@final
class Speaker:
    """How a speaker sounds on average to a model. ``Model.enroll`` returns it, and ``speaker=`` takes it."""

    @staticmethod
    def load(path: _Path, model: Model) -> Speaker:
        """Reads a file that ``save`` or ``ser enroll`` wrote."""

    @staticmethod
    def from_bytes(data: bytes, model: Model) -> Speaker:
        """Reads a speaker from the bytes that ``to_bytes`` returned."""

    def save(self, path: _Path) -> None:
        """Writes a file for ``load``, in the format of ``ser enroll``. On Unix only its owner may read it."""

    def to_bytes(self) -> bytes:
        """Returns the bytes that ``save`` writes."""

    @property
    def clips(self) -> int:
        """The number of recordings that the speaker was enrolled from; a longer recording counts as several pieces."""

    @property
    def skipped(self) -> list[SerError]:
        """The errors of the recordings that could not be used."""

@final
class FeatureExtractor:
    """Computes features from samples. Any number of threads may use it at once."""

    def __new__(
        cls,
        output: str,
        *,
        sr: SupportsFloat,
        n_fft: int = 2048,
        hop_length: int = 512,
        win_length: int | None = None,
        window: str = "hann",
        center: bool = True,
        pad_mode: str = "constant",
        power: float = 2.0,
        n_mels: int = 128,
        fmin: float = 0.0,
        fmax: float | None = None,
        htk: bool = False,
        norm: str | None = ...,
        reference: float = 1.0,
        amin: float = 1e-10,
        top_db: float | None = ...,
        n_mfcc: int = 20,
        lifter: float = 0.0,
        voice: bool = False,
        relative_level: bool = True,
    ) -> FeatureExtractor:
        """``output`` names the result: ``mfcc``, ``mel`` or ``functionals``."""

    @property
    def names(self) -> list[str]:
        """The names of the values of a row."""

    def extract(self, signal: ArrayLike) -> NDArray[numpy.float32]:
        """Computes the features of a signal: ``[samples]`` → ``[frames, coefficients]``; functionals are one row."""

    def extract_signals(self, signals: Sequence[ArrayLike]) -> NDArray[numpy.float32]:
        """Computes the functionals of many signals ``[samples]`` on all cores: ``[signals, coefficients]``."""

    def extract_files(self, paths: Sequence[_Path]) -> NDArray[numpy.float32]:
        """Computes the functionals of many files on all cores: ``[files, coefficients]``."""

    def mel(self, spectrogram: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
        """Computes the mel spectrogram of a spectrogram: ``[frames, n_fft/2 + 1]`` → ``[frames, n_mels]``."""

    def mfcc(self, levels: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
        """Computes the cepstral coefficients of log-mel levels: ``[frames, n_mels]`` → ``[frames, n_mfcc]``."""

    def power_to_db(self, power: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
        """Converts power to dB."""

@final
class Corpus:
    """Labelled clips. ``corpora.Corpus`` is the public class."""

    @staticmethod
    def open(path: _Path, root: _Path | None, labels: dict[str, list[str]]) -> Corpus:
        """Scans a folder or reads a manifest."""

    @property
    def name(self) -> str: ...
    @property
    def synthetic(self) -> bool: ...
    @property
    def labels(self) -> list[str]: ...
    @property
    def targets(self) -> NDArray[numpy.int64]: ...
    @property
    def checksum(self) -> str: ...
    @property
    def audit(self) -> dict[str, Any]: ...
    def clips(self) -> list[Clip]:
        """Returns the clips."""

    def read(self, index: int) -> tuple[NDArray[numpy.float32], int]:
        """Returns the samples of a clip and their sampling rate in Hz."""

    def select(self, labels: Sequence[str]) -> Corpus:
        """Returns the corpus with only the clips of these labels."""

    def merge_labels(self, renames: Sequence[tuple[str, str]]) -> Corpus:
        """Returns the corpus with renamed labels: the first of each pair becomes the second."""

    def splits(self, protocol: str, seed: int) -> list[Split]:
        """Returns the splits of a protocol."""

    def split(
        self,
        name: str,
        train: Sequence[int],
        validation: Sequence[int],
        test: Sequence[int],
        share_speakers: bool,
    ) -> Split:
        """Returns a split of given positions, checked for leaks."""

def delta(rows: NDArray[numpy.float32], width: int, order: int) -> NDArray[numpy.float32]:
    """Computes the derivative along the first axis: ``[frames, coefficients]`` → the same shape."""

def evaluate(
    labels: Sequence[str],
    truth: Sequence[int],
    probabilities: NDArray[numpy.float32],
    speakers: Sequence[str],
) -> dict[str, Any]:
    """Computes the content of ``metrics.json``. ``truth`` is the position of each true label in ``labels``; ``probabilities`` is
    ``[clips, labels]``; ``speakers`` names the speaker of each clip."""

def program(args: Sequence[str]) -> NoReturn:
    """Runs the program ``ser`` with the arguments, of which the first is its own name, and ends the process."""
