"""The notebook of the documentation runs, and its outputs are saved."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import pytest

NOTEBOOK = Path(__file__).parents[3] / "docs/notebook.ipynb"


def test_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    matplotlib.use("Agg")
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    cells = [cell for cell in cells if cell["cell_type"] == "code"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    names: dict[str, Any] = {}
    for cell in cells:
        assert cell["outputs"], cell["source"]
        exec(compile("".join(cell["source"]), NOTEBOOK, "exec"), names)
    assert "leak - split split: the same speaker on both sides" in capsys.readouterr().out
    assert names["found"]["random10"].uar > names["found"]["speakers-5"].uar > 0.4
