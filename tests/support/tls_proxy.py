"""A certificate of an authority of one's own, and an https server with it that passes everything on, as a merchant's
proxy before Odoo does. The certificates are made by `openssl`."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def certificate(folder: Path, name: str = "localhost", *, days: int = 2) -> tuple[Path, Path, Path]:
    """An authority, and a certificate of it for a server of that name with its key: three files. It expires in so many
    days; with -1 it has expired.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*args: str) -> None:
        subprocess.run([tool, *args], cwd=folder, check=True, capture_output=True)

    tool = shutil.which("openssl") or pytest.skip("no openssl here")
    subject = ("-days", "2", "-subj", "/CN=An authority of one's own", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.pem", *subject)
    openssl("req", *KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={name}")
    (folder / "names").write_text(f"subjectAltName=DNS:{name}\n", encoding="utf-8")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days), "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", *signed)
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"


@contextmanager
def https(cert: Path, key: Path, answer: Callable[[str, bytes, dict[str, str]], httpx.Response]) -> Iterator[str]:
    """An https server on this machine, which answers by path, body and headers; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            response = answer(self.path, body, dict(self.headers))
            self.send_response(response.status_code)
            self.send_header("Content-Type", response.headers.get("content-type", ""))
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # who does not trust the certificate hangs up

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def passed_on(url: str) -> Callable[[str, bytes, dict[str, str]], httpx.Response]:
    """What the server behind says."""

    def answer(path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        needed = ("content-type", "authorization", "x-odoo-database")
        kept = {name: value for name, value in headers.items() if name.lower() in needed}
        return httpx.post(f"{url}{path}", content=body, headers=kept, timeout=300, trust_env=False)

    return answer
