"""Arrays of any kind get the same answer as a recording with these samples, or a ValueError that says what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import ser_speech
import ser_speech.signals
from conftest import RATE, voice, whole_numbers, write_wav
from numpy.typing import NDArray

SIGNAL = whole_numbers(voice(2))
FLOATS = (SIGNAL / 32_768).astype(numpy.float32)


def offset(array: NDArray[Any]) -> NDArray[Any]:
    """Returns the same values at an odd address."""
    memory = numpy.zeros(array.nbytes + 1, numpy.uint8)
    memory[1:] = array.view(numpy.uint8)
    return memory[1:].view(array.dtype)


FORMS: dict[str, Any] = {
    "float32": FLOATS,
    "float64": FLOATS.astype(numpy.float64),
    "longdouble": FLOATS.astype(numpy.longdouble),
    "big-endian": FLOATS.astype(">f4"),
    "int16": SIGNAL,
    "big-endian int16": SIGNAL.astype(">i2"),
    "int32": SIGNAL.astype(numpy.int32) * 65_536,
    "uint16": (SIGNAL.astype(numpy.int32) + 32_768).astype(numpy.uint16),
    "every other": numpy.repeat(FLOATS, 2)[::2],
    "backwards": FLOATS[::-1].copy()[::-1],
    "odd address": offset(FLOATS),
    "read-only": numpy.frombuffer(FLOATS.tobytes(), numpy.float32),
    "a list": FLOATS.tolist(),
    "one channel": FLOATS[None],
    "two like channels": numpy.stack([FLOATS, FLOATS]),
    "channels of a transposed array": numpy.stack([FLOATS, FLOATS], axis=1).T,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_that_of_the_file(model: ser_speech.Model, speech: Path, form: str) -> None:
    expected = model.predict(speech)
    answer = model.predict(FORMS[form], RATE)
    assert answer.to_dict() == {**expected.to_dict(), "file": "signal"}


@pytest.mark.parametrize("form", ["float16", "int8", "uint8"])
def test_coarse_samples_are_scaled(model: ser_speech.Model, form: str) -> None:
    loud = FLOATS / abs(FLOATS).max()
    coarse = {
        "float16": loud.astype(numpy.float16),
        "int8": numpy.round(loud * 127).astype(numpy.int8),
        "uint8": (numpy.round(loud * 127) + 128).astype(numpy.uint8),
    }
    samples = ser_speech.signals.samples(coarse[form])
    assert numpy.allclose(samples, loud, atol=0.02)
    assert model.predict(coarse[form], RATE).seconds == 2


def test_a_fitting_array_is_not_copied() -> None:
    assert numpy.shares_memory(ser_speech.signals.samples(FLOATS), FLOATS)
    assert numpy.shares_memory(ser_speech.signals.samples(FLOATS[None]), FLOATS)


def test_a_long_array_is_answered_as_the_file_is(model: ser_speech.Model, tmp_path: Path) -> None:
    signal = whole_numbers(voice(40))
    expected = model.predict(write_wav(tmp_path / "long.wav", signal))
    assert model.predict(signal, RATE).to_dict() == {**expected.to_dict(), "file": "signal"}
    assert "long" in expected.warnings


def test_a_lone_sample_is_answered_as_that_of_a_file(model: ser_speech.Model, tmp_path: Path) -> None:
    expected = model.predict(write_wav(tmp_path / "short.wav", SIGNAL[:1]))
    assert model.predict(SIGNAL[:1], RATE).probabilities == expected.probabilities
    assert model.timeline(SIGNAL[:1], RATE) == []


def test_channels_are_compared_as_those_of_a_file(model: ser_speech.Model, tmp_path: Path) -> None:
    other = whole_numbers(voice(2, pitch=250))
    for name, channels in {
        "stereo": numpy.stack([SIGNAL, other]),
        "swapped": numpy.stack([SIGNAL, -SIGNAL]),
        "dead": numpy.stack([SIGNAL, 0 * SIGNAL]),
    }.items():
        file = write_wav(tmp_path / f"{name}.wav", channels)
        for channel in (None, 1, 2):
            expected = model.predict(file, channel=channel)
            answer = model.predict(channels, RATE, channel=channel)
            assert answer.probabilities == expected.probabilities, (name, channel)


WRONG: dict[str, tuple[Any, Any, str]] = {
    "nan": (numpy.where(numpy.arange(len(FLOATS)) == 17, numpy.nan, FLOATS), RATE, "got NaN at sample 17"),
    "inf": (numpy.full(RATE, numpy.inf), RATE, "got inf at sample 0"),
    "too large for a float": (numpy.full(RATE, 1e300), RATE, "got inf"),
    "beyond the range": (numpy.full(RATE, 1e20), RATE, "-1e10 to 1e10"),
    "empty": (numpy.zeros(0), RATE, "without samples"),
    "channels without samples": (numpy.zeros((2, 0)), RATE, "without samples"),
    "no channels": (numpy.zeros((0, 100)), RATE, "without samples"),
    "a number": (numpy.float32(0.5), RATE, "got the shape"),
    "three dimensions": (numpy.zeros((2, 2, 2)), RATE, "got the shape"),
    "samples first": (numpy.zeros((RATE, 2)), RATE, "transposed"),
    "complex": (FLOATS.astype(complex), RATE, "got complex128"),
    "bool": (FLOATS > 0, RATE, "got bool"),
    "text": (["a", "b"], RATE, "got <U1"),
    "objects": ([None, None], RATE, "got object"),
    "64-bit integers": (SIGNAL.astype(numpy.int64), RATE, "got int64"),
    "a list of lists of unlike lengths": ([[1.0], [1.0, 2.0]], RATE, "shape"),
    "rate 0": (FLOATS, 0, "1 to 768000, got 0"),
    "negative rate": (FLOATS, -16_000, "got -16000"),
    "rate of kHz": (FLOATS, 44.1, "got 44.1"),
    "rate nan": (FLOATS, float("nan"), "got nan"),
    "rate too high": (FLOATS, 10**9, "got 1000000000"),
    "channel 0": (FLOATS, RATE, "channel"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(model: ser_speech.Model, case: str) -> None:
    signal, rate, words = WRONG[case]
    channel = 0 if case == "channel 0" else None
    for call in (model.predict, model.timeline, model.embed, model.explain):
        with pytest.raises(ValueError, match="expected") as raised:
            call(signal, rate, channel=channel)
        assert words in str(raised.value)


def test_a_channel_that_is_not_there(model: ser_speech.Model) -> None:
    with pytest.raises(ValueError, match="expected a number from 1 to 1, got 2"):
        model.predict(FLOATS, RATE, channel=2)


def test_a_signal_needs_a_rate_and_a_file_has_one(model: ser_speech.Model, speech: Path) -> None:
    with pytest.raises(TypeError, match="sampling_rate"):
        model.predict(FLOATS)
    with pytest.raises(TypeError):
        model.predict(FLOATS, "fast")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a file has its own"):
        model.predict(speech, RATE)


@pytest.mark.parametrize("rate", [1, 100, 3999, 4000, 8000, 11_025, 48_000, 192_000, 768_000])
def test_any_rate_is_answered_or_refused(model: ser_speech.Model, rate: int) -> None:
    signal = voice(2, rate=rate) if rate > 4000 else numpy.zeros(2 * rate, numpy.float32)
    try:
        assert model.predict(signal, rate).seconds == 2
    except ValueError as error:
        assert rate < 4000 and "expected a sampling rate of 4000 Hz or more" in str(error)
    assert model.predict(FLOATS, numpy.int64(RATE)) == model.predict(FLOATS, float(RATE))
