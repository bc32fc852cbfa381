"""The variants of the network, as data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CLIPHazeConfig:
    """Everything that fixes the network's shapes; it travels in a checkpoint's metadata.

    Attributes:
        width: channels C of the first level; the levels have C, 2C and 4C.
        blocks: TrambaDA blocks of encoder 1, encoder 2, bottom, decoder 2, decoder 1.
        stem: pixel-unshuffle factor; the first level runs at 1/stem of the working resolution.
        window: side of the attention windows, in tokens.
        state_size: N of the selective scan.
        scan_reduction: by how much the Mamba path shrinks its grid at each level before scanning.
        ffn_expansion: hidden over outer channels of the feed-forward part.
        embedding_size: E of the CLIP image embedding (512 for ViT-B).
    """

    width: int
    blocks: tuple[int, int, int, int, int]
    stem: int
    window: int = 8
    state_size: int = 1
    scan_reduction: tuple[int, int, int] = (2, 2, 1)
    ffn_expansion: float = 2.0
    embedding_size: int = 512

    @property
    def size_multiple(self) -> int:
        """Heights and widths are padded to a multiple of this: the stem times two halvings."""
        return 4 * self.stem


VARIANTS: dict[str, CLIPHazeConfig] = {
    "tiny": CLIPHazeConfig(width=24, blocks=(2, 3, 9, 3, 2), stem=4),
    "small": CLIPHazeConfig(width=32, blocks=(2, 2, 6, 2, 2), stem=2, state_size=2),
    "base": CLIPHazeConfig(width=48, blocks=(4, 6, 8, 6, 4), stem=1, state_size=4, scan_reduction=(1, 1, 1)),
}
