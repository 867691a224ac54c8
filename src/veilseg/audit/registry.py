"""Every attack by its name. To add one here, add a file and a line; from outside, call `register`."""

from __future__ import annotations

from veilseg.audit.attacks.brute_force import BruteForce
from veilseg.audit.attacks.channel_order import ChannelOrder
from veilseg.audit.attacks.characters import Characters
from veilseg.audit.attacks.ciphertext_only import CiphertextOnly
from veilseg.audit.attacks.feature_reconstruction import FeatureReconstruction
from veilseg.audit.attacks.inverse_network import Gan, InverseNetwork
from veilseg.audit.attacks.known_plaintext import KnownPlaintext
from veilseg.audit.attacks.look import Look
from veilseg.audit.attacks.lookup import Lookup
from veilseg.audit.attacks.multi_frame import MultiFrame
from veilseg.audit.attacks.public_weights import PublicWeights
from veilseg.audit.attacks.rank_placement import RankPlacement
from veilseg.audit.attacks.super_resolution import SuperResolution
from veilseg.audit.attacks.thumbnail import Thumbnail
from veilseg.audit.base import Attack
from veilseg.errors import UsageError

ATTACKS: dict[str, Attack] = {}


def register(attack: Attack) -> None:
    """Add an attack. Raises UsageError when its name is taken."""
    if attack.name in ATTACKS:
        raise UsageError(f"there is an attack {attack.name!r} already")
    ATTACKS[attack.name] = attack


def choose(names: list[str] | None, *, learned: bool = False) -> list[Attack]:
    """The attacks of the given names, in the registry's order; None: all, those that train networks only if `learned`.

    Raises UsageError for unknown names.
    """
    if names is None:
        return [attack for attack in ATTACKS.values() if learned or not attack.learned]
    if unknown := [name for name in names if name not in ATTACKS]:
        raise UsageError(f"there is no attack {unknown[0]!r}", f"choose of: {', '.join(ATTACKS)}")
    return [attack for attack in ATTACKS.values() if attack.name in names]


for _attack in (
    Look(),
    Thumbnail(),
    ChannelOrder(),
    RankPlacement(),
    Characters(),
    MultiFrame(),
    Lookup(),
    BruteForce(),
    KnownPlaintext(),
    CiphertextOnly(),
    PublicWeights(),
    FeatureReconstruction(),
    SuperResolution(),
    InverseNetwork(),
    Gan(),
):
    register(_attack)
