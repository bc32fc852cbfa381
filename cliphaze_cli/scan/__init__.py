"""The selective scan of Mamba, behind two functions with interchangeable backends: of sequences, and of images."""

from cliphaze_cli.scan.dispatch import cross_scan, selective_scan

__all__ = ["cross_scan", "selective_scan"]
