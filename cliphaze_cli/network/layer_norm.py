"""Layer normalisation over the channels of each pixel, in the (B, C, H, W) layout."""

import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.LayerNorm):
    """As in the paper. Batch normalisation does not do here: at test time it bounds nothing, and twelve blocks of
    gates, each a product of features, amplify an unusual photo without limit (in a trial one of about 100 overflowed).
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W); free of copies in channels_last memory."""
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)
