"""A batch on many machines, by Ray: what `batch/pool.py` is on one."""
