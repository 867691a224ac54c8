"""The first layer of a model that reads a canonical or reduced form."""

from __future__ import annotations

from torch import Tensor, nn

from veilseg.ciphers import Cipher, cipher_for
from veilseg.inputspec import InputSpec


class InputLayer(nn.Module):
    """A cipher's canonical or reduced form as a layer without weights: uint8 [N, 3, H, W] in, the same out.

    Equal to `Cipher.reduce` to the bit. H and W are multiples of the block. Idempotent, so images that have the form
    already pass unchanged; set `enabled = False` to save the time where that is known.
    """

    def __init__(self, cipher: Cipher) -> None:
        super().__init__()
        self.cipher = cipher
        self.enabled = True

    def forward(self, images: Tensor) -> Tensor:
        """The form of uint8 [N, 3, H, W]."""
        return self.cipher.reduce_tensor(images) if self.enabled else images

    def extra_repr(self) -> str:
        """The cipher and its sizes."""
        return str(self.cipher.spec)


def input_layer(spec: InputSpec) -> InputLayer | None:
    """The first layer of a model that reads `spec`; None where images go into the network as they come."""
    if spec.encryption is None:
        return None
    cipher = cipher_for(spec.encryption)
    return InputLayer(cipher) if cipher.reduces else None
