"""Where photos lie and outputs go besides folders of this machine: whatever fsspec reaches, by URL."""
