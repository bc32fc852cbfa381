"""Films: read, dehazed without flicker, and written with all that they carry. PyAV is imported inside functions."""
