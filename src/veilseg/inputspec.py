"""Which images a model reads, and the rule that tells whether a given one is among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veilseg import catalog
from veilseg.errors import InvalidImageError, InvalidKeyError, InvalidModelError, UsageError
from veilseg.header import Header, is_fingerprint
from veilseg.spec import CipherSpec, read_spec

#: The entry of another library's config.json that holds `InputSpec.to_dict` for a model encrypted with a key.
CONFIG_KEY = "veilseg"
#: What stands for the cipher of a model that reads plain images.
PLAIN = "plain"


@dataclass(frozen=True)
class InputSpec:
    """The images that a model reads.

    Attributes:
        encryption: how they are encrypted; None: not at all. A model for a canonical form ("subblock-sort") reads the
            images of every cipher that has it ("subblock-shuffle"); one for "subblock-shuffle" itself was trained on
            shuffled images as they are.
        key_fingerprint: of the one key that a model belongs to, because it was encrypted with it or trained for it.

    Raises:
        UsageError: when the fingerprint is missing, or has no meaning.
    """

    encryption: CipherSpec | None = None
    key_fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.key_fingerprint is not None and not is_fingerprint(self.key_fingerprint):
            raise UsageError("a key's fingerprint is 16 lower-case hex digits")
        if self.keyed != (self.key_fingerprint is not None):
            raise UsageError(
                f"input {self.name!r} " + ("has no key" if self.key_fingerprint else "needs a fingerprint")
            )

    @property
    def name(self) -> str:
        """The cipher's name, or "plain"."""
        return PLAIN if self.encryption is None else self.encryption.cipher

    @property
    def keyed(self) -> bool:
        """Whether the model belongs to one key."""
        return self.encryption is not None and self.encryption.facts.key == "required"

    @property
    def block(self) -> int:
        """The side in pixels of what encryption keeps together and windows must not cut: 1 for plain images."""
        return 1 if self.encryption is None else self.encryption.block

    @property
    def bits(self) -> int:
        """Of the values that the model reads: 8 or 16."""
        return 8 if self.encryption is None else self.encryption.facts.bits

    def check_encryptable(self) -> None:
        """Return for a model of plain images, which a key can be built into; else InvalidModelError says what it is."""
        if self.encryption is None:
            return
        if self.encryption.facts.family == "model key":
            raise InvalidModelError(
                f"this model is encrypted already, with key {self.key_fingerprint}",
                "encrypt the plain model, or change the key with rekey_model (`veilseg rekey-model`)",
            )
        raise InvalidModelError(
            f"this model takes {self.name} images, and needs no key built in",
            "encrypt a model for plain images",
        )

    def check_old_key(self, fingerprint: str) -> CipherSpec:
        """How the model is encrypted, when the key of this fingerprint is its own and can be changed.

        Raises InvalidModelError or InvalidKeyError otherwise.
        """
        if self.encryption is None or not self.keyed:
            raise InvalidModelError("this model is not encrypted, so it has no key to change", "use encrypt_model")
        if self.encryption.facts.family != "model key":
            raise InvalidModelError(f"this model was trained for its key ({self.name})", "train one for the new key")
        if fingerprint != self.key_fingerprint:
            raise InvalidKeyError(
                f"the model belongs to key {self.key_fingerprint}, not to {fingerprint}", "find the old key"
            )
        return self.encryption

    def to_dict(self) -> dict[str, Any]:
        """For a config.json: {"cipher": "plain"}, or CipherSpec.to_dict and the key's fingerprint. Nothing secret."""
        spec = {"cipher": PLAIN} if self.encryption is None else self.encryption.to_dict()
        return spec if self.key_fingerprint is None else {**spec, "key_fingerprint": self.key_fingerprint}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> InputSpec:
        """The way back from `to_dict`, strictly. Raises UsageError."""
        encryption = None if values.get("cipher") == PLAIN else read_spec(values)
        spec = cls(encryption, values.get("key_fingerprint"))
        if unknown := sorted(values.keys() - spec.to_dict().keys()):
            raise UsageError(f"input {spec.name!r} has no {unknown[0]!r}")
        return spec

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> InputSpec:
        """What another library's config.json says; plain where it says nothing. Raises InvalidModelError."""
        if CONFIG_KEY not in config:
            return cls()
        try:
            return cls.from_dict(config[CONFIG_KEY])
        except (TypeError, AttributeError, UsageError) as error:
            raise InvalidModelError(
                f"config.json: {CONFIG_KEY!r} does not describe how this model is encrypted"
            ) from error

    def check(self, header: Header | None) -> None:
        """Return when an image with this public header (None: a plain image) is one for this model.

        Raises InvalidImageError with the way out otherwise: another cipher, block, sub-block or key.
        """
        if self.encryption is None:
            if header is not None:
                raise InvalidImageError(
                    f"this model takes plain images, and this one is encrypted with {header.spec.cipher}",
                    f"use a model for this cipher (the default model takes {' and '.join(_default_takes())})",
                )
            return
        if header is None:
            raise InvalidImageError(
                f"this model takes encrypted images ({self.name}), not plain ones",
                f"{self._hint()}; `veilseg segment --server URL` encrypts before it sends",
            )
        wanted, got = self.encryption, header.spec
        if got.cipher not in wanted.facts.accepts:
            raise InvalidImageError(f"this model does not take images encrypted with {got.cipher}", self._hint())
        for name in ("sub_block", "block"):  # what shows comes first
            if getattr(wanted, name) != getattr(got, name):
                raise InvalidImageError(
                    f"this image has {name.replace('_', '-')} {getattr(got, name)}, and the model wants "
                    f"{name.replace('_', '-')} {getattr(wanted, name)}",
                    self._hint(),
                )
        if self.keyed and header.key_fingerprint != self.key_fingerprint:
            more = (
                ", or change the model's key with `veilseg rekey-model`" if wanted.facts.family == "model key" else ""
            )
            raise InvalidImageError(
                f"this image belongs to key {header.key_fingerprint}, the model to key {self.key_fingerprint}",
                f"encrypt the image with the model's key{more}",
            )

    def _hint(self) -> str:
        assert self.encryption is not None
        options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in self.encryption.to_dict().items())
        return f"encrypt the plain image with `veilseg encrypt {options}`"


def check_model_cipher(cipher: str) -> None:
    """Raise UsageError for a cipher that no model can be encrypted for."""
    if cipher not in (known := catalog.of_family("model key")):
        raise UsageError(f"{cipher!r} does not encrypt models", f"one of {', '.join(known)}")


def _default_takes() -> tuple[str, ...]:
    return catalog.facts(catalog.DEFAULT_CIPHER).accepts
