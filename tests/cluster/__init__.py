"""Tests that start a Ray cluster of several node processes; run them with `pytest -m cluster`."""
