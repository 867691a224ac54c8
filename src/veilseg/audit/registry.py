"""Every attack by its name. To add one, add a file and a line."""

from __future__ import annotations

from veilseg.audit.base import Attack
from veilseg.audit.brute_force import BruteForce
from veilseg.audit.channel_order import ChannelOrder
from veilseg.audit.ciphertext_only import CiphertextOnly
from veilseg.audit.feature_reconstruction import FeatureReconstruction
from veilseg.audit.inverse_network import Gan, InverseNetwork
from veilseg.audit.known_plaintext import KnownPlaintext
from veilseg.audit.look import Look
from veilseg.audit.public_weights import PublicWeights
from veilseg.audit.rank_placement import RankPlacement
from veilseg.audit.super_resolution import SuperResolution
from veilseg.audit.thumbnail import Thumbnail
from veilseg.errors import UsageError

ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for attack in (
        Look(),
        Thumbnail(),
        ChannelOrder(),
        RankPlacement(),
        BruteForce(),
        KnownPlaintext(),
        CiphertextOnly(),
        PublicWeights(),
        FeatureReconstruction(),
        SuperResolution(),
        InverseNetwork(),
        Gan(),
    )
}


def choose(names: list[str] | None, *, learned: bool = False) -> list[Attack]:
    """The attacks of the given names, in the registry's order; None: all but those that train networks, which
    learned=True adds. Raises UsageError for unknown names.
    """
    if names is None:
        return [attack for attack in ATTACKS.values() if learned or not attack.learned]
    if unknown := [name for name in names if name not in ATTACKS]:
        raise UsageError(f"there is no attack {unknown[0]!r}", f"choose of: {', '.join(ATTACKS)}")
    return [attack for attack in ATTACKS.values() if attack.name in names]
