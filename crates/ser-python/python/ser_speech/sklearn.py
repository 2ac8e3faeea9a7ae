"""Features as a step of a scikit-learn pipeline."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data

from ser_speech import _native, signals

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Functionals(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transforms clips into the values of ``features.functionals``, a row for each clip: ``[clips, functionals]``.

    Clips are file paths, and the files are resampled to ``sampling_rate``; or signals at that sampling rate in Hz: an array
    ``[clips, samples]``, or a list of arrays ``[samples]`` of any lengths. Integers of 8, 16 and 32 bits are scaled by their range, as
    in recordings; those of 64 bits in ``[clips, samples]`` are taken as floats, since no recording has them. ``fit`` learns nothing.
    All cores are used.
    """

    def __init__(
        self,
        sampling_rate: float = 16_000,
        *,
        n_mfcc: int = 40,
        n_fft: int = 2048,
        hop_length: int = 512,
        n_mels: int = 128,
        fmin: float = 0.0,
        fmax: float | None = None,
        voice: bool = False,
        relative_level: bool = True,
    ) -> None:
        self.sampling_rate = sampling_rate
        self.n_mfcc = n_mfcc
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.voice = voice
        self.relative_level = relative_level

    def fit(self, X: Any, y: Any = None) -> Functionals:
        """Checks the parameters and the clips."""
        self._extractor()
        self._clips(X, reset=True)
        return self

    def transform(self, X: Any) -> NDArray[numpy.float32]:
        """Returns a row of functionals for each clip."""
        clips, are_files = self._clips(X, reset=False)
        extractor = self._extractor()
        return extractor.extract_files(clips) if are_files else extractor.extract_signals(clips)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[numpy.object_]:
        """Returns the names of the columns."""
        return numpy.array(self._extractor().names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _extractor(self) -> _native.FeatureExtractor:
        config = self.get_params(deep=False)
        return _native.FeatureExtractor("functionals", sr=config.pop("sampling_rate"), **config)

    def _clips(self, X: Any, *, reset: bool) -> tuple[list[Any], bool]:
        """Returns the clips, and whether they are files."""
        if reset:
            # Files and lists have no number of features, and an earlier fit may have been to an array.
            self.__dict__.pop("n_features_in_", None)
        is_array = hasattr(X, "shape") and len(X.shape) != 1
        if not is_array and hasattr(X, "__len__") and len(X) > 0:
            clips = list(X)
            if all(isinstance(clip, (str, PathLike)) for clip in clips):
                return [fspath(clip) for clip in clips], True
            if isinstance(X, list) and all(isinstance(clip, numpy.ndarray) for clip in clips):
                return clips, False
        rows = validate_data(self, X, reset=reset)
        if rows.dtype.kind in "iu" and rows.dtype.itemsize > 4:
            # The checks of scikit-learn require that these are accepted.
            rows = rows.astype(numpy.float32)
        return list(signals.samples(rows)), False
