"""Training and scoring of cliphaze's weights. Not part of the installed package: run from a checkout."""
