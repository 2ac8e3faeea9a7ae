"""Features have the names, arguments, shapes and values of librosa, and are faster."""

from __future__ import annotations

import csv
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import librosa
import numpy
import pytest
from conftest import RATE, program, voice, whole_numbers, write_wav
from numpy.typing import NDArray
from ser_speech import _native, features

Y = voice(3)
# The limits of `benches/peers/parity.py`: relative for mel bands, absolute for the rest.
MEL, DECIBELS, CEPSTRUM = 5e-4, 1e-2, 2e-3

SPECTRA: list[dict[str, Any]] = [
    {},
    {"sr": RATE},
    {"sr": 48_000.0, "fmin": 50, "fmax": 8000, "n_mels": 64},
    {"htk": True},
    {"window": "hamming", "n_fft": 1024, "win_length": 400, "hop_length": 160},
    {"window": "blackman", "center": False},
    {"power": 1.0, "pad_mode": "reflect"},
    {"n_fft": 999, "pad_mode": "edge", "hop_length": numpy.int64(333)},
]


def same_mel(ours: NDArray[numpy.float32], theirs: NDArray[Any]) -> None:
    assert ours.dtype == numpy.float32 and ours.shape == theirs.shape
    # Single precision cannot represent values 100 dB below the loudest value of a frame.
    nothing = 1e-10 * theirs.max(axis=-2, keepdims=True)
    assert (numpy.abs(ours - theirs) <= MEL * theirs + nothing).all()


def same(ours: NDArray[numpy.float32], theirs: NDArray[Any], limit: float) -> None:
    assert ours.dtype == numpy.float32 and ours.shape == theirs.shape
    assert numpy.abs(ours - theirs).max() <= limit


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_mel_spectrograms(spectrum: dict[str, Any]) -> None:
    same_mel(features.melspectrogram(y=Y, **spectrum), librosa.feature.melspectrogram(y=Y, **spectrum))


@pytest.mark.parametrize("norm", ["slaney", None])
def test_mel_spectrograms_of_spectrograms(norm: str | None) -> None:
    spectrogram = numpy.abs(librosa.stft(Y, n_fft=1024)) ** 2
    ours = features.melspectrogram(S=spectrogram, sr=RATE, norm=norm)
    same_mel(ours, librosa.feature.melspectrogram(S=spectrogram, sr=RATE, norm=norm))


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("cepstrum", [{}, {"n_mfcc": 13, "lifter": 22}, {"mel_norm": None}])
def test_cepstral_coefficients(spectrum: dict[str, Any], cepstrum: dict[str, Any]) -> None:
    limit = CEPSTRUM * (1 + cepstrum.get("lifter", 0) / 2)
    ours = features.mfcc(y=Y, **spectrum, **cepstrum)
    same(ours, librosa.feature.mfcc(y=Y, **spectrum, **cepstrum), limit)


def test_cepstral_coefficients_of_levels() -> None:
    levels = librosa.power_to_db(librosa.feature.melspectrogram(y=Y, n_mels=40))
    same(features.mfcc(S=levels, n_mfcc=13), librosa.feature.mfcc(S=levels, n_mfcc=13), CEPSTRUM)


@pytest.mark.parametrize(
    "arguments", [{}, {"ref": numpy.max}, {"ref": 2, "top_db": None}, {"amin": 1e-5, "top_db": 30}]
)
def test_decibels(arguments: dict[str, Any]) -> None:
    power = librosa.feature.melspectrogram(y=Y)
    same(features.power_to_db(power, **arguments), librosa.power_to_db(power, **arguments), DECIBELS)
    assert features.power_to_db(0.5) == pytest.approx(10 * numpy.log10(0.5))


@pytest.mark.parametrize("arguments", [{}, {"order": 2}, {"width": 5, "axis": 0}, {"order": 2, "axis": -2}])
def test_derivatives(arguments: dict[str, Any]) -> None:
    mfcc = librosa.feature.mfcc(y=Y)
    same(features.delta(mfcc, **arguments), librosa.feature.delta(mfcc, **arguments), CEPSTRUM)


def test_more_axes_are_more_signals() -> None:
    signals = numpy.stack([[Y, 0.1 * Y], [Y[::-1], 0 * Y]])
    same_mel(features.melspectrogram(y=signals), librosa.feature.melspectrogram(y=signals))
    # The limit `top_db` is relative to the loudest value of all signals.
    mfcc = features.mfcc(y=signals)
    same(mfcc, librosa.feature.mfcc(y=signals), CEPSTRUM)
    same(features.delta(mfcc), librosa.feature.delta(mfcc), CEPSTRUM)
    levels = librosa.power_to_db(librosa.feature.melspectrogram(y=signals))
    same(features.mfcc(S=levels), librosa.feature.mfcc(S=levels), CEPSTRUM)


@pytest.mark.parametrize("stride", [2, -1])
def test_arrays_of_any_kind(stride: int) -> None:
    signal = Y[::stride]
    expected = features.mfcc(y=signal.copy())
    for same_signal in (signal, signal.astype(float), signal.astype(">f4"), signal.tolist()):
        assert (features.mfcc(y=same_signal) == expected).all()
    # Integers in the scale of 16-bit recordings, which librosa refuses.
    assert numpy.abs(features.mfcc(y=whole_numbers(signal)) - expected).max() < 10


WRONG: list[tuple[Callable[..., object], dict[str, Any], str]] = [
    (features.mfcc, {}, "y="),
    (features.mfcc, {"y": []}, "no samples"),
    (features.mfcc, {"y": 1.0}, r"\[..., samples\]"),
    (features.mfcc, {"y": [0, numpy.nan]}, "NaN at sample 1"),
    (features.mfcc, {"y": Y, "sr": 0}, "got 0"),
    (features.mfcc, {"y": Y, "n_mfcc": 129}, "n_mfcc: expected 1 to n_mels = 128, got 129"),
    (features.mfcc, {"y": Y, "n_fft": -1}, "n_fft: expected a number of 1 or more, got -1"),
    (features.mfcc, {"y": Y, "dct_type": 3}, "dct_type: expected 2, got 3"),
    (features.mfcc, {"y": Y, "norm": None}, "norm: expected 'ortho', got None"),
    (features.mfcc, {"y": Y, "window": "kaiser"}, "window: .*kaiser"),
    (features.mfcc, {"y": Y[:100], "center": False}, "expected at least 2048 samples, found 100"),
    (features.mfcc, {"S": numpy.full((40, 9), numpy.inf)}, "got one with inf"),
    (features.melspectrogram, {"S": [1.0]}, r"2 axes or more, got float64 of the shape \(1,\)"),
    (features.melspectrogram, {"y": Y, "power": 3}, "power: expected 1 .* got 3"),
    (features.melspectrogram, {"y": Y, "fmax": 20_000}, "fmax: expected .* 11025"),
    (features.mfcc, {"y": Y, "window": numpy.hanning(2048)}, "window: expected a name"),
    (features.mfcc, {"y": Y, "mel_norm": numpy.inf}, "norm: expected a name, got inf"),
    (features.power_to_db, {"S": [1.0], "ref": lambda S: S}, "ref: expected a number"),
    (features.power_to_db, {"S": [1j]}, "complex"),
    (features.power_to_db, {"S": [1.0], "amin": 0}, "amin: expected"),
    (features.power_to_db, {"S": [1.0], "top_db": -1}, "top_db: expected a number from 0, or None, got -1"),
    (features.power_to_db, {"S": [1.0], "top_db": False}, "top_db: expected a number from 0, or None, got False"),
    (features.delta, {"data": Y, "width": 8}, "width: expected an odd number from 3, got 8"),
    (features.delta, {"data": Y, "order": 3}, "order: expected 1 or 2, got 3"),
    (features.delta, {"data": Y[:8]}, "at least 9 frames, found 8"),
    (features.delta, {"data": Y, "mode": "wrap"}, "mode: expected 'interp'"),
    (features.functionals, {"y": [Y, Y]}, r"expected an array \[samples\], got the shape"),
    (features.functionals, {"y": Y, "sr": 6000, "voice": True}, "^voice: expected .* 8000 Hz or more"),
    (features.functionals, {"y": Y, "sr": 10_000}, "fmax: expected .* above, for functionals, got 5000"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), WRONG)
def test_what_is_wrong_is_told(function: Callable[..., object], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(**arguments)


def test_functionals_have_names() -> None:
    clip = features.functionals(y=Y, sr=RATE)
    assert {"mfcc_0_mean", "mfcc_39_std"} <= clip.keys()
    louder = features.functionals(y=0.1 * Y, sr=RATE)
    assert louder == pytest.approx(clip, abs=1e-2)
    with_voice = features.functionals(y=Y, sr=RATE, voice=True)
    assert len(with_voice) > len(clip)
    level = features.functionals(y=Y, sr=RATE, relative_level=False)["mfcc_0_mean"]
    assert level > features.functionals(y=0.1 * Y, sr=RATE, relative_level=False)["mfcc_0_mean"]


def test_functionals_need_bands_above_5_khz() -> None:
    assert features.functionals(y=Y, sr=11_025, voice=True)["log_f0_mean"] > 0


def test_functionals_are_those_of_the_program(tmp_path: Path) -> None:
    file = write_wav(tmp_path / "voice.wav", whole_numbers(Y))
    config, out = tmp_path / "features.toml", tmp_path / "features.csv"
    extras = '["f0", "aperiodicity", "harmonics", "formants"]'
    config.write_text(f'output = "functionals"\nsample_rate = {RATE}\nextras = {extras}\n', encoding="utf-8")
    asked: list[str | Path] = ["extract", file, "--config", config, "--out", out]
    subprocess.run([program(), *asked], check=True, stdout=subprocess.DEVNULL)
    with out.open(encoding="utf-8", newline="") as table:
        [row] = csv.DictReader(table)
    clip = features.functionals(y=whole_numbers(Y), sr=RATE, voice=True)
    assert list(clip) == [name for name in row if name not in ("path", "seconds")]
    # The table has 5 digits or more of each value.
    assert {name: float(row[name]) for name in clip} == pytest.approx(clip, rel=1e-4, abs=1e-4)


def test_functionals_of_files_and_signals_are_the_same(tmp_path: Path) -> None:
    file = write_wav(tmp_path / "voice.wav", whole_numbers(Y))
    extractor = _native.FeatureExtractor("functionals", sr=RATE)
    of_file = extractor.extract_files([file])
    of_signal = extractor.extract_signals([whole_numbers(Y)])
    assert (of_file == of_signal).all() and of_file.shape == (1, len(extractor.names))


def test_one_thread_is_faster_than_librosa(capsys: pytest.CaptureFixture[str]) -> None:
    """Compares the time on one core. The limit is loose because the build may be a slower development build; ``cargo xtask python``
    gives the real figure."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        took: dict[str, list[float]] = {"librosa": [], "ser_speech": []}
        for _ in range(7):
            for name, mfcc in (("librosa", librosa.feature.mfcc), ("ser_speech", features.mfcc)):
                begin = time.perf_counter()
                for _ in range(10):
                    mfcc(y=Y, sr=RATE)
                took[name].append((time.perf_counter() - begin) / 10)
    finally:
        os.sched_setaffinity(0, cores)
    theirs, ours = (1000 * sorted(times)[3] for times in took.values())
    with capsys.disabled():
        print(f"\nmfcc of 3 s: {ours:.2f} ms, librosa {theirs:.2f} ms: {theirs / ours:.1f} times as fast (goal 10)")
    assert theirs / ours > 1
