"""Explanations of answers."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy
import pytest
import ser_speech
from conftest import RATE, printed, voice, whole_numbers, write_wav


def test_an_explanation_is_that_of_the_program(
    model: ser_speech.Model, speech: Path, tmp_path: Path
) -> None:
    explanation = model.explain(speech)
    picture = tmp_path / "explained.svg"
    [expected] = printed("explain", speech, "--out", picture)
    assert expected.pop("picture") == str(picture)
    assert explanation.to_dict() == expected
    assert explanation.svg == picture.read_text()
    assert ElementTree.fromstring(explanation.svg).tag.endswith("svg")


def test_drops_lie_over_frequencies_and_times(model: ser_speech.Model, speech: Path) -> None:
    explanation = model.explain(speech)
    assert explanation.drops.shape == (len(explanation.frequencies), len(explanation.times)) == (11, 19)
    assert explanation.times[0] == pytest.approx(0.1) and explanation.times[-1] == pytest.approx(1.9)
    assert (numpy.diff(explanation.frequencies) > 0).all()
    [strongest, *_] = explanation.regions
    row, column = numpy.unravel_index(explanation.drops.argmax(), explanation.drops.shape)
    assert strongest["drop"] == pytest.approx(explanation.drops[row, column])
    assert strongest["seconds"][0] < explanation.times[column] < strongest["seconds"][1]
    assert strongest["hertz"][0] < explanation.frequencies[row] < strongest["hertz"][1]


def test_a_speaker_makes_the_difference_that_it_makes_to_the_answer(
    model: ser_speech.Model, speech: Path
) -> None:
    speaker = model.enroll([(voice(3), RATE)])
    explanation = model.explain(speech, speaker=speaker)
    answer = model.predict(speech, speaker=speaker)
    assert (explanation.emotion, explanation.probability) == (answer.emotion, answer.confidence)
    assert answer.confidence != model.predict(speech).confidence


def test_what_cannot_be_explained(model: ser_speech.Model, tmp_path: Path) -> None:
    for seconds, kind in ((0.1, "too-short"), (31, "too-long")):
        signal = voice(seconds)
        with pytest.raises(ValueError, match="expected"):
            model.explain(signal, RATE)
        file = write_wav(tmp_path / f"{kind}.wav", whole_numbers(signal))
        with pytest.raises(ser_speech.SerError, match="expected") as raised:
            model.explain(file)
        assert (raised.value.kind, raised.value.path) == (kind, str(file))
        assert raised.value.expected is not None
