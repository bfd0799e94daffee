"""An address that leads to one relay, to another, or to none: what a page sees of a relay that changes or goes away."""

import socket
import threading
from urllib.parse import urlsplit


class Front:
    def __init__(self):
        self.listener, self.way, self.sockets, self.lock = None, None, [], threading.Lock()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def lead(self, url):
        """Leads to the relay at `url`, or, where that is None, to nobody: connections are cut, new ones are refused."""
        with self.lock:
            self.way = (urlsplit(url).hostname, urlsplit(url).port) if url else None
            cut, self.sockets = self.sockets, []
            for one in cut + ([self.listener] if self.listener else []):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It has gone before.
                    pass
                one.close()
            self.listener = socket.create_server(("127.0.0.1", self.port)) if url else None
        if url:
            threading.Thread(target=self.accept, args=(self.listener, self.way), daemon=True).start()

    def accept(self, listener, way):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(way)
            except OSError:
                return
            with self.lock:
                if listener is not self.listener:
                    near.close()
                    far.close()
                    return
                self.sockets += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    @staticmethod
    def carry(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One of them was cut.
            return
