#!/bin/bash
# sbatch docs/archives/slurm.sh MANIFEST OUT: one task per shard. The same command again answers the shards that are missing.
#SBATCH --job-name=ser
#SBATCH --array=0-999%100
#SBATCH --cpus-per-task=2
#SBATCH --mem=1G
#SBATCH --time=02:00:00
#SBATCH --requeue
set -eu

# The number of tasks in --array. Not SLURM_ARRAY_TASK_COUNT, which is lower if only some tasks are submitted again.
# For another number change both: SHARDS=100 sbatch --array=0-99 docs/archives/slurm.sh MANIFEST OUT
SHARDS=${SHARDS:-1000}

exec ser predict --manifest "$1" --shard "$SLURM_ARRAY_TASK_ID/$SHARDS" --out "$2"
