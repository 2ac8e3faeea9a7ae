"""Serves the built-in model with FastAPI and uvicorn, one worker per core, as the peer of `ser serve`.

    python service.py MODEL

prints a line with the address for each worker that is ready.
"""

import io
import os
import socket
import sys
from contextlib import asynccontextmanager

# Each worker uses one thread, because there is a worker for each core.
for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy
import soundfile
import torch
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from robust import Model

model = None


@asynccontextmanager
async def lifespan(_app):
    global model
    torch.set_num_threads(1)
    model = Model(os.environ["MODEL"])
    # librosa compiles code on its first call; this happens here, before the first request.
    noise = io.BytesIO()
    soundfile.write(noise, numpy.random.default_rng(0).normal(0, 0.1, 48_000), 48_000, format="WAV")
    answer(noise.getvalue())
    print(f"serving on http://127.0.0.1:{os.environ['PORT']}", flush=True)
    yield


app = FastAPI(lifespan=lifespan)


def answer(body):
    probabilities = model.answer(io.BytesIO(body))
    emotion = max(probabilities, key=probabilities.get)
    return {"emotion": emotion, "confidence": probabilities[emotion], "probabilities": probabilities}


@app.post("/v1/predict")
async def predict(request: Request):
    return await run_in_threadpool(answer, await request.body())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {"MODEL": sys.argv[1], "PORT": str(port)}
    uvicorn.run("service:app", port=port, workers=os.cpu_count(), log_level="warning")
