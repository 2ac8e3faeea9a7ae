"""Enrolled speakers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest
import ser_speech
from conftest import RATE, printed, program, voice, whole_numbers, write_wav


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("others")
    return [
        write_wav(folder / f"{pitch}.wav", whole_numbers(voice(3, pitch))) for pitch in (150, 160, 170)
    ]


def test_a_speaker_makes_the_difference_that_it_makes_in_the_program(
    model: ser_speech.Model, speech: Path, others: list[Path]
) -> None:
    speaker = model.enroll(others)
    assert speaker.clips == 3 and speaker.skipped == []
    answer = model.predict(speech, speaker=speaker)
    assert [answer.to_dict()] == printed("predict", speech, "--enroll", *others)
    assert answer.probabilities != model.predict(speech).probabilities
    assert [answer] == model.predict_files([speech], speaker=speaker)
    of_signals = model.enroll([(whole_numbers(voice(3, pitch)), RATE) for pitch in (150, 160, 170)])
    assert of_signals.to_bytes() == speaker.to_bytes()


def test_a_long_file_is_enrolled_as_its_samples_are(model: ser_speech.Model, tmp_path: Path) -> None:
    signal = whole_numbers(voice(40))
    speaker = model.enroll([write_wav(tmp_path / "long.wav", signal)])
    assert speaker.clips > 1
    assert speaker.to_bytes() == model.enroll([(signal, RATE)]).to_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="the peak memory is read from /proc")
def test_a_long_file_is_not_decoded_as_a_whole(speech: Path, tmp_path: Path) -> None:
    # Ten minutes at 48 kHz, which take 115 MB as samples.
    long = write_wav(tmp_path / "long.wav", numpy.zeros(600 * 48_000, numpy.int16), 48_000)
    script = (
        "import re, sys, ser_speech\n"
        # `getrusage` would include the peak of the process that started this one.
        "peak = lambda: 1024 * int(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])\n"
        "model = ser_speech.Model.load()\n"
        "model.enroll([sys.argv[1]])\n"
        "before = peak()\n"
        "[skipped] = model.enroll(sys.argv[1:]).skipped\n"
        "print(skipped.kind, peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, speech, long], check=True, stdout=subprocess.PIPE, text=True)
    kind, grown = done.stdout.split()
    assert kind == "no-speech"
    assert int(grown) < 50e6, grown


def test_a_speaker_is_kept(
    model: ser_speech.Model, speech: Path, others: list[Path], tmp_path: Path
) -> None:
    speaker = model.enroll(others)
    speaker.save(tmp_path / "anna.json")
    # As `ser enroll` writes it: it describes a voice.
    if os.name == "posix":
        assert (tmp_path / "anna.json").stat().st_mode & 0o777 == 0o600
    answer = model.predict(speech, speaker=speaker)
    for again in (
        ser_speech.Speaker.load(tmp_path / "anna.json", model),
        ser_speech.Speaker.from_bytes(speaker.to_bytes(), model),
    ):
        assert again.clips == 3
        assert model.predict(speech, speaker=again) == answer
    spans = model.timeline(voice(12), RATE, speaker=speaker)
    assert spans and spans != model.timeline(voice(12), RATE)
    assert list(model.listen(RATE, speaker=speaker).spans([voice(12)])) == spans


def test_a_speaker_of_the_program_is_read(
    model: ser_speech.Model, others: list[Path], tmp_path: Path
) -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    subprocess.run([program(), "enroll", "anna", *others], env=environment, check=True)
    [kept] = tmp_path.rglob("anna.json")
    assert ser_speech.Speaker.load(kept, model).to_bytes() == model.enroll(others).to_bytes()


def test_what_cannot_be_used_is_named(model: ser_speech.Model, others: list[Path]) -> None:
    silence = (numpy.zeros(RATE, numpy.float32), RATE)
    speaker = model.enroll([*others, "missing.wav", silence])
    assert speaker.clips == 3
    assert [error.kind for error in speaker.skipped] == ["not-opened", "no-speech"]
    cases: list[tuple[list[Any], str, str | None]] = [
        (["missing.wav", silence], "not-opened", "missing.wav"),
        ([silence, "missing.wav"], "no-speech", None),
        ([], "no-speech", None),
    ]
    for nothing, kind, path in cases:
        with pytest.raises(ser_speech.SerError, match="^nobody is enrolled: ") as raised:
            model.enroll(nothing)
        assert (raised.value.kind, raised.value.path) == (kind, path)
    with pytest.raises(TypeError, match="expected a list of paths, got one path"):
        model.enroll("speech.wav")
    with pytest.raises(ValueError, match="got NaN"):
        model.enroll([(numpy.full(RATE, numpy.nan), RATE)])


def test_other_files_are_refused(model: ser_speech.Model, speech: Path) -> None:
    with pytest.raises(ser_speech.SerError, match="expected an enrolled speaker") as raised:
        ser_speech.Speaker.load(speech, model)
    assert raised.value.path == str(speech) and raised.value.expected == "an enrolled speaker"
    with pytest.raises(ser_speech.SerError, match="enrolled with this model"):
        known = model.enroll([(voice(3), RATE)]).to_bytes()
        ser_speech.Speaker.from_bytes(known.replace(model.fingerprint.encode(), b"0" * 32), model)
