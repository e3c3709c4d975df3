"""A network that can swallow everything: no answer, no reset, not even an acknowledgement."""

import ctypes
import socket
import struct

from tests.common.proxy import Proxy

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # Linux
RETURN_CONSTANT = 0x06


class Network(Proxy):
    def swallow(self) -> None:
        """A packet filter that passes nothing sits before the kernel's TCP: like a cable that was cut."""
        instruction = ctypes.create_string_buffer(struct.pack("HBBI", RETURN_CONSTANT, 0, 0, 0))
        program = struct.pack("HL", 1, ctypes.addressof(instruction))
        for each in self._sockets():
            each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def mend(self) -> None:
        for each in self._sockets():
            each.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)

    def _sockets(self) -> list[socket.socket]:
        with self.lock:
            return [self.listener, *self.pairs]
