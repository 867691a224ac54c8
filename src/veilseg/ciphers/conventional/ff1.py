"""FF1 of NIST SP 800-38G: format-preserving encryption of numbers with a fixed count of digits, a Feistel on AES.

For the conventional cipher FFX, which encrypts three decimal digits. A domain of 1000 numbers can simply be tabulated,
so this keeps nothing secret by itself; NIST's revision asks for a million at least.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ROUNDS = 10


def encrypt(key: bytes, digits: Sequence[int], radix: int = 10, tweak: bytes = b"") -> list[int]:
    """The digits (each 0..radix-1) of the encrypted number, as many as were given.

    `key` is an AES key of 16, 24 or 32 bytes, `tweak` any bytes that are no secret.
    """
    m, n = len(digits) // 2, len(digits)
    a, b = list(digits[:m]), list(digits[m:])
    for index in range(_ROUNDS):
        width = m if index % 2 == 0 else n - m
        total = (_number(a, radix) + _round(key, b, radix, tweak, index, n)) % radix**width
        a, b = b, _digits(total, radix, width)
    return a + b


def _round(key: bytes, half: list[int], radix: int, tweak: bytes, index: int, n: int) -> int:
    """The round function: what is added to the other half."""
    u = n // 2
    length = -(-((radix ** (n - u) - 1).bit_length()) // 8)  # bytes of the longer half
    size = 4 * -(-length // 4) + 4
    head = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([_ROUNDS, u % 256])
    head += n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    tail = tweak + bytes((-len(tweak) - length - 1) % 16) + bytes([index])
    tail += _number(half, radix).to_bytes(length, "big")
    block = _aes(key, modes.CBC(bytes(16)), head + tail)[-16:]
    stream = block
    for counter in range(1, -(-size // 16)):
        mixed = int.from_bytes(block, "big") ^ counter
        stream += _aes(key, modes.ECB(), mixed.to_bytes(16, "big"))  # one block: ECB is AES itself
    return int.from_bytes(stream[:size], "big")


def _aes(key: bytes, mode: modes.CBC | modes.ECB, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), mode).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _number(digits: Sequence[int], radix: int) -> int:
    total = 0
    for digit in digits:
        total = total * radix + digit
    return total


def _digits(number: int, radix: int, count: int) -> list[int]:
    found = []
    for _ in range(count):
        number, digit = divmod(number, radix)
        found.append(digit)
    return found[::-1]
