"""Every line of code in the README runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import voice, whole_numbers, write_wav

README = Path(__file__).parents[1] / "README.md"


def test_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write_wav(tmp_path / "speech.wav", whole_numbers(voice(3)))
    write_wav(tmp_path / "interview.wav", whole_numbers(voice(20)))
    rows = ["path,emotion,speaker"]
    for number in range(20):
        # Ten speakers, each with one happy and one sad clip.
        write_wav(tmp_path / f"{number}.wav", whole_numbers(voice(0.5, 100 + 7 * number)))
        rows.append(f"{number}.wav,{('joy', 'sad')[number % 2]},s{number // 2}")
    (tmp_path / "clips.csv").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 14
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, README, "exec"), names)
    assert names["vector"].ndim == 1 and names["speaker"].clips == 1
    assert names["found"].n == 20
    assert "leak [(('train', '0')" in capsys.readouterr().out
