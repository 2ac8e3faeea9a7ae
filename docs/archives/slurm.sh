#!/bin/bash
# sbatch docs/archives/slurm.sh MANIFEST OUT: a shard a task. The same command again answers what is not there yet.
#SBATCH --job-name=ser
#SBATCH --array=0-999%100
#SBATCH --cpus-per-task=2
#SBATCH --mem=1G
#SBATCH --time=02:00:00
#SBATCH --requeue
set -eu

# As many as --array counts. Not SLURM_ARRAY_TASK_COUNT, which is less where only some tasks are submitted again.
SHARDS=${SHARDS:-1000}

exec ser predict --manifest "$1" --shard "$SLURM_ARRAY_TASK_ID/$SHARDS" --out "$2"
