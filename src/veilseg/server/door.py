"""How a listening socket is closed so that nobody who was let in is sent away."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import sys
from asyncio.trsock import TransportSocket

_SO_ATTACH_FILTER = 26  # of asm-generic/socket.h; Python has no name for it
#: A classic BPF program over TCP's header: byte 13 are its flags, 2 is SYN. (code, if true, if false, operand)
_NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 2), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def let_nobody_in(listening: socket.socket | TransportSocket) -> None:
    """The kernel answers no further attempt to connect; those that it has answered are still accepted.

    A plain close resets connections that the kernel has made and nobody has accepted. Unanswered, clients ask once
    more a second later, and are refused once the socket is closed. Elsewhere than on Linux, and where a sandbox
    refuses the filter, nothing is done: there who comes in the instant of the end can be reset.
    """
    if sys.platform == "linux":
        program = b"".join(struct.pack("HBBI", *step) for step in _NO_SYN)
        held = ctypes.create_string_buffer(program, len(program))
        filter = struct.pack("HP", len(_NO_SYN), ctypes.addressof(held))
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter)
