"""The edge alone, before a service that answers with what it was asked."""

import http.client
import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

from local import ports
from local.accounts import other_than_root
from local.server import temporary_folder
from local.services import edge as edge_program
from local.settings import ROOT, Settings


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)


def ask(port: int, method: str, target: str, headers: list[tuple[str, str]] = (), body: bytes = b"") -> Answer:
    """One request exactly as given: no normalised path, no header of a library's own but Host and Content-Length."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection._validate_path = lambda _: None
    try:
        connection.putrequest(method, target, skip_host="Host" in dict(headers), skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class Echo:
    """`port`, and how many `connections` came."""

    connections = 0

    def __enter__(self) -> Self:
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def setup(self) -> None:
                echo.connections += 1
                super().setup()

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.dumps({"target": self.path, "headers": self.headers.items()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Edge:
    def __init__(self, service_port: int, *, rate_limit: str, trusted_proxy: str = "") -> None:
        self.port = ports.pick()
        self.folder = temporary_folder(other_than_root("nobody"))
        settings = Settings.read({"PORT": str(self.port), "EDGE_RATE_LIMIT": rate_limit})
        both = {"user_service": service_port, "task_service": service_port}
        self.program = edge_program(settings, both, self.folder / "edge")
        self.environment = self.program.environment | {"EDGE_WORKERS": "1", "EDGE_TRUSTED_PROXY": trusted_proxy}

    def __enter__(self) -> Self:
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.program.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        ports.wait_for_port(self.port, timeout=20)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
        shutil.rmtree(self.folder)

    def ask(self, method: str, target: str, headers: list[tuple[str, str]] = (), body: bytes = b"") -> Answer:
        return ask(self.port, method, target, headers, body)
