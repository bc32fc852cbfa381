"""The CLIP prior: a zero-shot haze-density map and an image embedding without its degradation."""
