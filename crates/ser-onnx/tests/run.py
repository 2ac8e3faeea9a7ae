"""Runs each clip of each model in a folder in onnxruntime, and prints its probabilities as a JSON list on one line."""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime

for model in sorted(Path(sys.argv[1]).glob("*.onnx")):
    session = onnxruntime.InferenceSession(model)
    for clip in sorted(model.with_suffix("").iterdir()):
        # The files contain [coefficients, frames].
        features = {path.stem: numpy.load(path).T.copy() for path in clip.glob("*.npy")}
        print(json.dumps(session.run(["probabilities"], features)[0].tolist()))
