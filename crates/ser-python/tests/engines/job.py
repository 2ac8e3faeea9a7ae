"""The job that is started again after each kill: ``python job.py spark|ray ADDRESS MANIFEST OUT SHARDS BATCH``. Spark passes BATCH rows
at a time to its workers; Ray ignores it."""

from __future__ import annotations

import sys
from typing import Any


def main(engine: str, address: str, manifest: str, out: str, shards: str, batch: str) -> None:
    if engine == "spark":
        import ser_speech.spark
        from pyspark.sql import SparkSession

        settings: dict[str, Any] = {
            "spark.executor.memory": "512m",
            "spark.ui.enabled": "false",
            "spark.sql.execution.arrow.maxRecordsPerBatch": batch,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }
        session = SparkSession.builder.master(address).config(map=settings).getOrCreate()
        ser_speech.spark.answer(session.read.parquet(manifest), out, shards=int(shards))
        session.stop()
    else:
        import ray
        import ser_speech.ray

        ray.init(address=address)
        ser_speech.ray.answer(ray.data.read_parquet(manifest), out, shards=int(shards))


if __name__ == "__main__":
    main(*sys.argv[1:])
