"""The CLIP prior: a zero-shot haze-density map and an image embedding without its degradation."""

DEFAULT_MODEL = "ViT-B-32"  # the CLIP that is meant where none is named
