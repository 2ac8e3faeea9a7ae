"""An import and the first answer are fast. The tests print the figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = 7


def milliseconds(before: str, measured: str, *args: str | Path) -> float:
    """Returns the shortest time of several new interpreters. Other work on the machine can only add to it."""
    script = f"import sys, time\n{before}\nbegin = time.perf_counter()\n{measured}\nprint(time.perf_counter() - begin)"
    times = [
        float(subprocess.run([sys.executable, "-c", script, *args], check=True, capture_output=True).stdout)
        for _ in range(ROUNDS)
    ]
    return 1000 * min(times)


def test_an_import(capsys: pytest.CaptureFixture[str]) -> None:
    took = milliseconds("", "import ser_speech")
    with capsys.disabled():
        print(f"\nimport: {took:.1f} ms (goal 30)")
    assert took < 100


def test_a_first_answer(capsys: pytest.CaptureFixture[str], speech: Path) -> None:
    of_file = milliseconds("import ser_speech", "ser_speech.Model.load().predict(sys.argv[1])", speech)
    of_signal = milliseconds(
        "import ser_speech, numpy; signal = numpy.sin(numpy.arange(48000) / 10)",
        "ser_speech.Model.load().predict(signal, 16000)",
    )
    with capsys.disabled():
        print(f"\nfirst answer: {of_file:.1f} ms on a file, {of_signal:.1f} ms on an array (goal 100)")
    assert max(of_file, of_signal) < 500


def test_an_import_waits_for_nothing_else() -> None:
    script = "import sys, ser_speech; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    modules = set(loaded.stdout.split())
    assert "ser_speech._native" in modules
    assert not modules & {"numpy", "pandas", "pyarrow", "audformat", "typing", "dataclasses", "json"}
