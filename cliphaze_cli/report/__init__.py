"""What a run did, file by file: one document that `--json` prints, `--report` writes and `--retry` reads."""
