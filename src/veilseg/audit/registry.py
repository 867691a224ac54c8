"""Every attack by its name. To add one, add a file and a line."""

from __future__ import annotations

from veilseg.audit.attacks.brute_force import BruteForce
from veilseg.audit.attacks.channel_order import ChannelOrder
from veilseg.audit.attacks.ciphertext_only import CiphertextOnly
from veilseg.audit.attacks.feature_reconstruction import FeatureReconstruction
from veilseg.audit.attacks.inverse_network import Gan, InverseNetwork
from veilseg.audit.attacks.known_plaintext import KnownPlaintext
from veilseg.audit.attacks.look import Look
from veilseg.audit.attacks.public_weights import PublicWeights
from veilseg.audit.attacks.rank_placement import RankPlacement
from veilseg.audit.attacks.super_resolution import SuperResolution
from veilseg.audit.attacks.thumbnail import Thumbnail
from veilseg.audit.base import Attack
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
