"""Features with the names, arguments, shapes and values of librosa, and the functionals of a clip.

All results are arrays of 32-bit floats. Arguments that librosa accepts and this module does not, such as other types of the cosine
transform, raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy

from ser_speech import _native

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[numpy.float32]

__all__ = ["delta", "functionals", "melspectrogram", "mfcc", "power_to_db"]


def melspectrogram(
    *,
    y: ArrayLike | None = None,
    sr: float = 22_050,
    S: ArrayLike | None = None,
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
    norm: str | None = "slaney",
) -> Array:
    """Computes the mel spectrogram, ``[..., n_mels, frames]``, of signals ``y`` ``[..., samples]`` with the sampling rate ``sr`` in
    Hz, or of a spectrogram ``S`` ``[..., bins, frames]``.

    ``window`` is ``hann``, ``hamming``, ``blackman``, ``bartlett`` or ``rectangular``; ``pad_mode`` is ``constant``, ``reflect`` or
    ``edge``; ``power`` is 1 or 2.
    """
    bands = {"sr": sr, "n_mels": n_mels, "fmin": fmin, "fmax": fmax, "htk": htk, "norm": norm}
    if S is not None:
        spectrogram = _numbers("S", S, 2)
        bins = spectrogram.shape[-2]
        if n_fft // 2 + 1 != bins:
            n_fft = 2 * (bins - 1)
        return _of_frames(spectrogram, _extractor("mel", n_fft=n_fft, **bands).mel)
    frames = {
        "n_fft": n_fft,
        "hop_length": hop_length,
        "win_length": win_length,
        "window": window,
        "center": center,
        "pad_mode": pad_mode,
        "power": power,
    }
    return _of_signals(y, _extractor("mel", **frames, **bands))


def mfcc(
    *,
    y: ArrayLike | None = None,
    sr: float = 22_050,
    S: ArrayLike | None = None,
    n_mfcc: int = 20,
    dct_type: int = 2,
    norm: str | None = "ortho",
    lifter: float = 0,
    mel_norm: str | None = "slaney",
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
) -> Array:
    """Computes the mel-frequency cepstral coefficients, ``[..., n_mfcc, frames]``, of signals ``y`` ``[..., samples]`` with the
    sampling rate ``sr`` in Hz, or of log-mel levels ``S`` ``[..., n_mels, frames]``.

    The other arguments are those of ``melspectrogram``; ``mel_norm`` is its ``norm``.
    """
    if dct_type != 2:
        raise ValueError(f"dct_type: expected 2, got {dct_type}")
    if norm != "ortho":
        raise ValueError(f"norm: expected 'ortho', got {norm!r}")
    cepstrum = {"n_mfcc": n_mfcc, "lifter": lifter}
    if S is not None:
        levels = _numbers("S", S, 2)
        return _of_frames(levels, _extractor("mfcc", sr=sr, n_mels=levels.shape[-2], **cepstrum).mfcc)
    spectrum: dict[str, Any] = {
        "sr": sr,
        "n_fft": n_fft,
        "hop_length": hop_length,
        "win_length": win_length,
        "window": window,
        "center": center,
        "pad_mode": pad_mode,
        "power": power,
        "n_mels": n_mels,
        "fmin": fmin,
        "fmax": fmax,
        "htk": htk,
    }
    if y is None or numpy.ndim(y) < 2:
        return _of_signals(y, _extractor("mfcc", norm=mel_norm, **spectrum, **cepstrum))
    # As in librosa, the limit `top_db` is relative to the loudest value of all channels.
    mel = melspectrogram(y=y, norm=mel_norm, **spectrum)
    return mfcc(S=power_to_db(mel), sr=sr, n_mfcc=n_mfcc, lifter=lifter)


def power_to_db(
    S: ArrayLike,
    *,
    ref: float | Callable[[Any], float] = 1.0,
    amin: float = 1e-10,
    top_db: float | None = 80.0,
) -> Array:
    """Converts power to levels in dB, of the same shape: ``10·log10(max(amin, S) / ref)``. Levels more than ``top_db`` below the
    loudest are raised to that limit."""
    if isinstance(top_db, bool):
        # As a number, False would raise all levels to the loudest, although it reads as if it turned the limit off.
        raise ValueError(f"top_db: expected a number from 0, or None, got {top_db}")
    power = _numbers("S", S, 0)
    given = ref(power) if callable(ref) else ref
    if numpy.ndim(given) > 0:
        raise ValueError(f"ref: expected a number or a function that returns one, got the shape {numpy.shape(given)}")
    reference = abs(float(given))
    levels = _extractor("mel", sr=22_050, reference=max(reference, amin), amin=amin, top_db=top_db)
    return levels.power_to_db(power.ravel()).reshape(power.shape)


def delta(
    data: ArrayLike, *, width: int = 9, order: int = 1, axis: int = -1, mode: str = "interp"
) -> Array:
    """Computes the derivative along an axis, of the same shape, with a Savitzky–Golay filter over ``width`` frames; ``order`` is 1
    or 2."""
    if mode != "interp":
        raise ValueError(f"mode: expected 'interp', got {mode!r}")
    frames = numpy.moveaxis(_numbers("data", data, 1), axis, 0)
    rows = frames.reshape(len(frames), -1)
    derivative = _native.delta(numpy.ascontiguousarray(rows), width, order)
    return numpy.moveaxis(derivative.reshape(frames.shape), 0, axis)


def functionals(
    *,
    y: ArrayLike,
    sr: float = 22_050,
    n_mfcc: int = 40,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    voice: bool = False,
    relative_level: bool = True,
) -> dict[str, float]:
    """Computes the functionals of a clip ``[samples]``, by name: statistics over time of its levels, cepstrum, spectral shape and
    modulation.

    The sampling rate must be well above 10 kHz, such as 11 025 Hz, because the spectral shape includes bands above 5 kHz. ``voice``
    adds the functionals of F0, harmonics and formants. The loudness of the clip makes no difference unless ``relative_level`` is
    false.
    """
    extractor = _extractor(
        "functionals",
        sr=sr,
        n_mfcc=n_mfcc,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        voice=voice,
        relative_level=relative_level,
    )
    return dict(zip(extractor.names, extractor.extract(y)[0].tolist(), strict=True))


def _extractor(output: str, **config: Any) -> _native.FeatureExtractor:
    """Returns the extractor for the arguments, which is planned once for all calls."""
    for name in ("window", "norm"):
        value = config.get(name)
        if not (value is None or isinstance(value, str)):
            # librosa takes arrays and numbers here as well.
            raise ValueError(f"{name}: expected a name, got {value!r}")
    return _planned(output, **config)


@lru_cache(maxsize=64)
def _planned(output: str, **config: Any) -> _native.FeatureExtractor:
    return _native.FeatureExtractor(output, **config)


def _numbers(name: str, given: ArrayLike, axes: int) -> Array:
    array = numpy.asarray(given)
    if array.dtype.kind not in "fiu" or array.ndim < axes:
        expected = f"{name}: expected an array of real numbers with {axes} axes or more"
        raise ValueError(f"{expected}, got {array.dtype} of the shape {array.shape}")
    with numpy.errstate(over="ignore"):
        # Values beyond the range of 32-bit floats become infinite, and the extractor refuses them.
        return array.astype(numpy.float32, copy=False)


def _of_signals(y: ArrayLike | None, extractor: _native.FeatureExtractor) -> Array:
    """Extracts features from signals: ``[..., samples]`` → ``[..., coefficients, frames]``."""
    if y is None:
        raise ValueError("expected a signal as y=, or its spectrogram or levels as S=")
    signals = numpy.asarray(y)
    if signals.ndim == 1:
        return extractor.extract(signals).T
    if signals.size == 0 or signals.ndim == 0:
        raise ValueError(f"y: expected an array [..., samples], got the shape {signals.shape}")
    each = [extractor.extract(signal).T for signal in signals.reshape(-1, signals.shape[-1])]
    return numpy.stack(each).reshape(*signals.shape[:-1], *each[0].shape)


def _of_frames(array: Array, step: Callable[[Array], Array]) -> Array:
    """Applies a step to each frame: ``[..., values, frames]`` → ``[..., coefficients, frames]``."""
    frames = array.swapaxes(-1, -2)
    rows = step(numpy.ascontiguousarray(frames).reshape(-1, frames.shape[-1]))
    return rows.reshape(*frames.shape[:-1], -1).swapaxes(-1, -2)
