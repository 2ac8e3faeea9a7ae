"""Sounds and helpers for the tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy
import pytest
import ser_speech
from numpy.typing import NDArray

RATE = 16_000

# A process in the background of a script ignores Ctrl-C, and so do its children. The tests need processes that do not.
signal.signal(signal.SIGINT, signal.default_int_handler)


def voice(seconds: float, pitch: float = 160.0, rate: int = RATE) -> NDArray[numpy.float32]:
    """Returns a sound like a voice: gliding harmonics, with three seconds of syllables, then two of pause, and faint noise."""
    t = numpy.arange(int(seconds * rate)) / rate
    turn = 2 * numpy.pi * numpy.cumsum(pitch + 60 * numpy.sin(2 * t) + 20 * numpy.sin(9 * t)) / rate
    harmonics = sum(numpy.sin(k * turn) / k for k in range(1, 20))
    loud = numpy.maximum(numpy.sin(3 * t), 0) * (t % 5 < 3)
    noise = numpy.random.default_rng(1).uniform(-0.5, 0.5, len(t))
    return (0.2 * loud * harmonics + 1e-3 * noise).astype(numpy.float32)


def whole_numbers(signal: NDArray[numpy.float32]) -> NDArray[numpy.int16]:
    """Converts a signal to the integers of a 16-bit recording."""
    return numpy.round(signal * 32_767).astype(numpy.int16)


def write_wav(path: Path, signal: NDArray[numpy.int16], rate: int = RATE) -> Path:
    """Writes a WAV file of samples ``[samples]`` or ``[channels, samples]``."""
    channels = numpy.atleast_2d(signal)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(channels.T.astype("<i2").tobytes())
    return path


def program() -> str:
    """Returns the path of the program that was installed with the package."""
    found = shutil.which("ser", path=str(Path(sys.executable).parent))
    assert found is not None, "the wheel did not install the program"
    return found


def printed(*args: str | Path) -> list[dict[str, Any]]:
    """Returns the objects that a call of the program prints."""
    done = subprocess.run([program(), *args, "--json"], stdout=subprocess.PIPE)
    assert done.returncode in (0, 3)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def model() -> ser_speech.Model:
    return ser_speech.Model.load()


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of two seconds."""
    folder = tmp_path_factory.mktemp("speech")
    return write_wav(folder / "speech.wav", whole_numbers(voice(2)))


@pytest.fixture(scope="session")
def ravdess() -> list[Path]:
    """The clips of RAVDESS in the folder that ``SER_RAVDESS`` names; without it the test is skipped."""
    folder = os.environ.get("SER_RAVDESS")
    if folder is None:
        pytest.skip("SER_RAVDESS names no folder with the clips of RAVDESS")
    return sorted(Path(folder).rglob("*.wav"))
