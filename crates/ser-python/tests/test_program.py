"""The program inside the wheel behaves like the one that cargo builds."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from conftest import program


def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program(), *args], capture_output=True, text=True)


def test_exit_codes(speech: Path) -> None:
    assert run("--version").stdout.startswith("ser ")
    done = run("predict", speech)
    assert done.returncode == 0 and "speech.wav" in done.stdout
    assert run("predict", speech, "missing.wav").returncode == 3
    failed = run("predict", "missing.wav")
    assert failed.returncode == 1 and failed.stderr.count("missing.wav") == 1
    wrong = run("predict", "--no-such-option")
    assert wrong.returncode == 2 and wrong.stdout == "" and "--no-such-option" in wrong.stderr


def test_a_pipe_that_nobody_reads_ends_it() -> None:
    running = subprocess.Popen([program(), "conditions", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None and running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait(20) == -signal.SIGPIPE


def test_standard_input_is_a_recording(speech: Path) -> None:
    with speech.open("rb") as file:
        done = subprocess.run([program(), "predict", "-"], stdin=file, stdout=subprocess.PIPE)
    assert done.returncode == 0 and b"%" in done.stdout


def test_control_c_ends_it(tmp_path: Path) -> None:
    keeps = ["predict", "-", "--out", str(tmp_path / "answers.csv")]
    for args, code, words in ((["listen", "-"], -signal.SIGINT, b""), (keeps, 130, b"stopped: ")):
        running = subprocess.Popen([program(), *args], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(2)
        assert running.poll() is None and running.stderr is not None
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == code
        said = running.stderr.read()
        assert said.strip().startswith(words) and b"Traceback" not in said
