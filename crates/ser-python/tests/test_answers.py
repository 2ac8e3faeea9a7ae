"""Answers agree with the program, as objects."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest
import ser_speech
from conftest import RATE, printed, voice, whole_numbers, write_wav


def test_the_model_says_what_it_is(model: ser_speech.Model) -> None:
    about = model.to_dict()
    assert about["name"] == model.name and about["labels"] == model.labels
    assert about["fingerprint"] == model.fingerprint and about["enrolls"]
    assert len(model.labels) == 8 and model.name in repr(model)


def test_a_model_goes_to_other_processes(model: ser_speech.Model, speech: Path) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint and again.to_dict() == model.to_dict()
    assert again.predict(speech) == model.predict(speech)
    with pytest.raises(ser_speech.SerError):
        ser_speech.Model.from_bytes(model.to_bytes()[:-1])


def test_an_answer_is_the_object_that_the_program_prints(model: ser_speech.Model, speech: Path) -> None:
    answer = model.predict(speech)
    assert [answer.to_dict()] == printed("predict", speech)
    assert answer.emotion in model.labels and answer.seconds == 2
    assert answer.confidence == answer.probabilities[answer.emotion]


def test_labels_restrict_an_answer(model: ser_speech.Model, speech: Path) -> None:
    answer = model.predict(speech, labels=["happy", "sad"])
    assert [answer.to_dict()] == printed("predict", speech, "--labels", "happy,sad")
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert answer.probabilities["happy"] + answer.probabilities["sad"] == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="expected some of neutral, .*found \"glad\""):
        model.predict(speech, labels=["glad"])
    with pytest.raises(ValueError, match="found only 1 of them; give two or more"):
        model.predict(speech, labels=["sad"])
    with pytest.raises(TypeError):
        model.predict(speech, labels="happy")


def test_a_channel_is_answered_alone(model: ser_speech.Model, tmp_path: Path) -> None:
    channels = [whole_numbers(voice(2)), whole_numbers(voice(2, pitch=250))]
    file = write_wav(tmp_path / "stereo.wav", channels)  # type: ignore[arg-type]
    for number, channel in enumerate(channels, 1):
        answer = model.predict(file, channel=number)
        assert [answer.to_dict()] == printed("predict", file, "--channel", str(number))
        assert answer.probabilities == model.predict(channel, RATE).probabilities
    with pytest.raises(ser_speech.SerError, match="expected a channel from 1 to 2, found 3") as raised:
        model.predict(file, channel=3)
    assert raised.value.kind == "no-such-channel" and raised.value.actual == "3"
    for number in (0, -1, 70_000):
        with pytest.raises(ValueError, match=f"channel: expected .* got {number}"):
            model.predict(file, channel=number)


def test_answers_do_not_change_and_travel(model: ser_speech.Model, speech: Path) -> None:
    answer = model.predict(speech)
    assert pickle.loads(pickle.dumps(answer)) == answer
    span = ser_speech.Span(0.0, 1.0, "sad", 0.5, False, {"sad": 0.5})
    assert pickle.loads(pickle.dumps(span)) == span
    for frozen in (answer, span):
        with pytest.raises(dataclasses.FrozenInstanceError):
            frozen.emotion = "happy"  # type: ignore[misc]


def test_another_model_is_read(model: ser_speech.Model, speech: Path) -> None:
    file = Path(__file__).parents[3] / "data/models/robust.safetensors"
    same = ser_speech.Model.load(file)
    assert same.fingerprint == model.fingerprint
    assert same.predict(speech) == model.predict(speech)


def test_embeddings_tell_recordings_apart(model: ser_speech.Model, speech: Path) -> None:
    vector = model.embed(speech)
    assert vector.ndim == 1 and vector.dtype == "float32"
    assert (vector == model.embed(whole_numbers(voice(2)), RATE)).all()
    assert (vector != model.embed(voice(2, pitch=250), RATE)).any()


def test_all_of_ravdess(model: ser_speech.Model, ravdess: list[Path]) -> None:
    files = ravdess[::8]
    assert [answer.to_dict() for answer in model.predict_files(files)] == printed("predict", *files)
