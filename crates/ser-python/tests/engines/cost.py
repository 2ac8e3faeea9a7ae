"""Measures what a row costs on a cluster for growing numbers of rows: ``python cost.py spark|ray MANIFEST.csv [ROWS…]``.

Without numbers, the rows are the recordings of the manifest. With them, a row is the first tenth of a second of a recording, so that
many rows take minutes, and the recordings repeat until there are enough rows. For each run the script prints the time of the command,
the processor time of the Python workers, and the largest memory of one Python worker and of one Java executor. It also prints the time
for each row more than in the previous run, which is the cost of a row without the start of the engine; the first run has two rows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import psutil
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from clusters import CLUSTERS, Cluster, descendants, line

ROWS_OF_A_SHARD = 500
# The default of Spark.
BATCH = 10_000


def main(engine: str, manifest: str, *counts: str) -> None:
    listed = Path(manifest).resolve()
    names = pyarrow.csv.read_csv(listed)["path"].to_pylist()
    paths = [str(listed.parent / name) for name in names]
    end = 0.1 if counts else None
    before = None
    for count in [2, *map(int, counts or [len(paths)])]:
        with tempfile.TemporaryDirectory(prefix="engines-") as temporary:
            rows = write_rows(Path(temporary), list(islice(cycle(paths), count)), end)
            cluster = CLUSTERS[engine](Path(temporary))
            try:
                cost = measure(cluster, rows, count)
            finally:
                cluster.end()
            if before is not None:
                wall, processor = (1000 * (now - then) / (count - before[0]) for now, then in zip(cost, before[1], strict=True))
                print(f"    a row more: {wall:.2f} ms, {processor:.2f} ms of workers' processor time", flush=True)
            before = count, cost


def write_rows(folder: Path, paths: list[str], end: float | None) -> Path:
    columns = {"id": [str(number) for number in range(len(paths))], "path": paths, "end": [end] * len(paths)}
    schema = pyarrow.schema([("id", pyarrow.string()), ("path", pyarrow.string()), ("end", pyarrow.float64())])
    pyarrow.parquet.write_table(pyarrow.table(columns, schema), folder / "manifest.parquet")
    return folder / "manifest.parquet"


def measure(cluster: Cluster, rows: Path, count: int) -> tuple[float, float]:
    """Runs the job, and returns its wall time and the processor time of its workers, in seconds."""
    began = time.monotonic()
    job = cluster.start(rows, rows.with_name("answers"), max(2, count // ROWS_OF_A_SHARD), BATCH)
    seconds: dict[int, float] = {}
    megabytes = dict.fromkeys(cluster.victims, 0.0)
    while True:
        for process in [process for node in cluster.nodes for process in descendants(node.pid)]:
            for kind, words in cluster.victims.items():
                if words.search(line(process)):
                    sample(process, kind, seconds, megabytes)
        try:
            assert job.wait(0.5) == 0, "the command failed"
            break
        except subprocess.TimeoutExpired:
            pass
    wall = time.monotonic() - began
    memory = ", ".join(f"{most:.0f} MB at most in a {kind}" for kind, most in megabytes.items())
    processor = sum(seconds.values())
    print(f"{cluster.engine}: {count} rows: {wall:.1f} s, {processor:.1f} s of workers' processor time, {memory}", flush=True)
    return wall, processor


def sample(process: psutil.Process, kind: str, seconds: dict[int, float], megabytes: dict[str, float]) -> None:
    try:
        times = process.cpu_times()
        # The part of the object store that Ray workers have mapped belongs to the store.
        memory = process.memory_info()
        held = (memory.rss - memory.shared) / 1e6
    except psutil.Error:
        return
    megabytes[kind] = max(megabytes[kind], held)
    if kind == "worker":
        seconds[process.pid] = times.user + times.system


if __name__ == "__main__":
    main(*sys.argv[1:])
