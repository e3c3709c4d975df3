"""A TCP proxy before a server, to cut its connections or leave them hanging."""

import selectors
import socket
import threading
from contextlib import suppress


class Proxy:
    def __init__(self, host, port):
        self.target = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = {}
        self.silent = False
        self.closing = False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing = True
        self.thread.join()
        for one in (self.listener, *self.pairs):
            one.close()

    def cut(self):
        """Close every connection that is open now."""
        with self.lock:
            for one in self.pairs:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def serve(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            while not self.closing:
                for key, _ in selector.select(timeout=0.05):
                    if key.fileobj is self.listener:
                        self.accept(selector)
                    else:
                        self.carry(selector, key.fileobj)

    def accept(self, selector):
        near = self.listener.accept()[0]
        try:
            far = socket.create_connection(self.target)
        except OSError:
            near.close()
            return
        with self.lock:
            self.pairs |= {near: far, far: near}
        for one in (near, far):
            selector.register(one, selectors.EVENT_READ)

    def carry(self, selector, one):
        if one not in self.pairs:  # its other end was closed a moment ago
            return
        try:
            data = one.recv(65_536)
            if data and not self.silent:
                self.pairs[one].sendall(data)
        except OSError:
            data = b""
        if not data:
            with self.lock:
                for end in (one, self.pairs.pop(one)):
                    selector.unregister(end)
                    end.close()
                    self.pairs.pop(end, None)
