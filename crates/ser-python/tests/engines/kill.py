"""Answers an archive on a cluster while processes of the cluster are killed, and compares the rows with those of one process.

``python kill.py spark|ray DIR KILLS``: DIR is the output of ``archives make``. The kills (``kill -9``) come at random moments and hit a
Python worker, an executor, a node and the driver in turn. The same command starts the driver again when it has ended, and when all rows
are answered, another folder is begun, until KILLS processes were killed. After each kill, no row may differ from those of one process,
and none may be there twice; when a command has succeeded, all rows must be there.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.parquet
from clusters import CLUSTERS, Cluster

SHARDS = 200
# Several batches per shard, so that streams break off between two batches.
BATCH = 20


def main(engine: str, folder: str, kills: str) -> None:
    source = Path(folder).resolve()
    with tempfile.TemporaryDirectory(prefix="engines-") as temporary:
        manifest = write_manifest(source, Path(temporary))
        expected = one_process(manifest, Path(temporary) / "whole")
        cluster = CLUSTERS[engine](Path(temporary))
        try:
            kill(cluster, manifest, expected, int(kills))
        finally:
            cluster.end()


def write_manifest(source: Path, folder: Path) -> Path:
    """Writes the manifest as Parquet, with absolute paths."""
    names = pyarrow.csv.read_csv(source / "manifest.csv")["path"].to_pylist()
    table = pyarrow.table({"id": names, "path": [str(source / name) for name in names]})
    pyarrow.parquet.write_table(table, folder / "manifest.parquet")
    return folder / "manifest.parquet"


def one_process(manifest: Path, out: Path) -> dict[str, object]:
    """Returns the answers of ``ser predict --manifest``, by id."""
    program = str(Path(sys.executable).with_name("ser"))
    subprocess.run([program, "predict", "--manifest", manifest, "--out", out], check=True, stdout=subprocess.DEVNULL)
    return answers(out)


def answers(out: Path) -> dict[str, object]:
    """Returns the rows of a folder by id. No id may be there twice."""
    rows: dict[str, object] = {}
    for path in sorted(out.glob("shard-*")):
        for row in pyarrow.parquet.read_table(path, partitioning=None).to_pylist():
            assert row["id"] not in rows, f"{path}: {row['id']} is there twice"
            rows[row["id"]] = row
    return rows


def kill(cluster: Cluster, manifest: Path, expected: dict[str, object], kills: int) -> None:
    moments = random.Random(0)
    victims = [*cluster.victims, "node", "driver"]
    done = folders = 0
    while done < kills:
        out = manifest.with_name(f"answers-{folders}")
        folders += 1
        commands = 1
        job = cluster.start(manifest, out, SHARDS, BATCH)
        while (code := ended(job, moments.uniform(2, 25) if done < kills else 900)) != 0:
            if code is None:
                assert done < kills, "the command did not end within 15 minutes"
                victim = victims[done % len(victims)]
                if not cluster.kill(victim, moments):
                    continue
                done += 1
                there = answers(out)
                assert there.items() <= expected.items(), "another row"
                print(f"kill {done}: {victim}; {len(there)} rows of {len(expected)}", flush=True)
                if victim != "driver":
                    continue
                job.wait()
            else:
                print(f"  the command ended with {code}", flush=True)
            job = cluster.start(manifest, out, SHARDS, BATCH)
            commands += 1
        assert answers(out) == expected, "rows were lost"
        print(f"  after {commands} commands: {len(expected)} rows, each as in one process", flush=True)
    written = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    began = time.monotonic()
    assert cluster.start(manifest, out, SHARDS, BATCH).wait() == 0
    assert written == {path: path.stat().st_mtime_ns for path in out.iterdir()}, "written again"
    print(f"the same command again: {time.monotonic() - began:.0f} s, nothing is written")
    print(f"{cluster.engine}: {done} kills, {folders} folders of {len(expected)} rows, none lost, none twice")


def ended(job: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Returns the exit code of a command, or ``None`` if it has not ended within ``seconds``."""
    try:
        return job.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
