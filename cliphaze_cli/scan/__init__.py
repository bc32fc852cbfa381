"""The selective scan of Mamba, behind one function with interchangeable backends."""

from cliphaze_cli.scan.dispatch import selective_scan

__all__ = ["selective_scan"]
