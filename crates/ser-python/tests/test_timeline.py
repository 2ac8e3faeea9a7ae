"""Timelines of files, signals and live sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy
import pytest
import ser_speech
from conftest import RATE, printed, voice, whole_numbers, write_wav
from numpy.typing import NDArray

SIGNAL = whole_numbers(voice(12))
CALL = numpy.stack([SIGNAL, whole_numbers(voice(12, pitch=250)[::-1])])


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("call") / "call.wav", CALL)


def rows(spans: list[ser_speech.Span]) -> list[dict[str, object]]:
    return [span.to_dict() for span in spans]


@pytest.mark.parametrize("channel", [None, 1, 2, "each"])
def test_spans_are_those_of_the_program(
    model: ser_speech.Model, call: Path, channel: int | Literal["each"] | None
) -> None:
    spans = model.timeline(call, channel=channel)
    asked = [] if channel is None else ["--channel", str(channel)]
    assert rows(spans) == printed("timeline", call, *asked) != []
    assert (spans.file, spans.seconds, spans.damage) == (str(call), 12, None)
    of_signal = model.timeline(CALL, RATE, channel=channel)
    assert rows(of_signal) == rows(spans)
    assert (of_signal.file, of_signal.seconds) == ("signal", 12)
    assert {span.channel for span in spans} == ({1, 2} if channel == "each" else {None})


def test_a_damaged_recording_says_so(model: ser_speech.Model, tmp_path: Path) -> None:
    file = write_wav(tmp_path / "cut.wav", SIGNAL)
    file.write_bytes(file.read_bytes()[:-100_000])
    spans = model.timeline(file)
    assert spans.damage is not None and spans.seconds < 12
    assert "damaged" in model.predict(file).warnings


def test_a_channel_is_a_number_or_each(model: ser_speech.Model, call: Path) -> None:
    with pytest.raises(ValueError, match='"each", got left'):
        model.timeline(call, channel="left")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="got 0"):
        model.timeline(call, channel=0)
    anna = model.enroll([call], channel=1)
    with pytest.raises(ValueError, match="speaker: one person"):
        model.timeline(call, channel="each", speaker=anna)


@pytest.mark.parametrize("size", [160, 4001, 16_000, 1_000_000])
def test_live_sound_gives_the_spans_of_the_file(model: ser_speech.Model, size: int) -> None:
    for sound, channel in ((SIGNAL, None), (CALL, None), (CALL, 2)):
        blocks = [sound[..., at : at + size] for at in range(0, len(SIGNAL), size)]
        live = list(model.listen(RATE, channel=channel).spans(blocks))
        assert live == model.timeline(sound, RATE, channel=channel)


def test_spans_come_as_soon_as_they_are_complete(model: ser_speech.Model) -> None:
    listener = model.listen(RATE, labels=["happy", "sad"])
    live = [span for at in range(0, len(SIGNAL), 1600) for span in listener.push(SIGNAL[at : at + 1600])]
    assert live and all(span.emotion in ("happy", "sad") for span in live)
    assert listener.push(numpy.zeros(0)) == []
    assert live + listener.finish() == model.timeline(SIGNAL, RATE, labels=["happy", "sad"])


def test_live_sound_that_cannot_be(model: ser_speech.Model) -> None:
    with pytest.raises(ValueError, match="expected a sampling rate of 4000 Hz or more, found 100 Hz"):
        model.listen(100)
    with pytest.raises(ValueError, match="got NaN at sample 0"):
        model.listen(RATE).push([float("nan")])
    with pytest.raises(ValueError, match="expected a number from 1 to 1, got 2"):
        model.listen(RATE, channel=2).push(SIGNAL)
    with pytest.raises(TypeError):
        model.listen(RATE).spans(7)  # type: ignore[arg-type]


def test_what_the_source_of_blocks_raises_is_raised(model: ser_speech.Model) -> None:
    def blocks() -> Iterator[NDArray[numpy.int16]]:
        yield SIGNAL[:1600]
        raise OSError("the microphone is gone")

    with pytest.raises(OSError, match="the microphone is gone"):
        list(model.listen(RATE).spans(blocks()))
