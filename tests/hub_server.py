"""A server that speaks as much of Hugging Face's protocol as `huggingface_hub` asks for; repositories are folders."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MEMBER = "hf_member"
"""The token of somebody who accepted the licence."""


@contextmanager
def serving(folders, *, gated=(), licence="gemma", lies=()):
    """Yield the address of a server of `folders`, id -> folder; files in `lies` have other hashes than told."""
    handler = type("Handler", (_Handler,), {"folders": folders, "gated": gated, "licence": licence, "lies": lies})
    handler.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0].removeprefix("/api/models/").strip("/")
        name = "/".join(path.split("/")[:2])
        rest = path.split("/")[2:]
        folder = self.folders.get(name)
        if folder is None:
            return self.fail(404, "RepoNotFound")
        if rest[:1] in (["revision"], ["resolve"], ["tree"]) and rest[1] not in (COMMIT, "main"):
            return self.fail(404, "RevisionNotFound")
        if rest[:1] == ["resolve"] or rest == ["auth-check"]:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if name in self.gated and token != MEMBER:
                return self.fail(403 if token else 401, "GatedRepo")
        if rest == ["auth-check"]:
            return self.send({})
        if rest[:1] == ["resolve"]:
            return self.file(folder / "/".join(rest[2:]))
        if rest[:1] == ["tree"]:
            return self.send([self.entry(one, folder) | {"type": "file"} for one in self.files(folder)])
        return self.send(self.about(name, folder))

    do_HEAD = do_GET  # noqa: N815

    def files(self, folder):
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def digest(self, path):
        return hashlib.sha256(path.read_bytes() + (b"!" if path.name in self.lies else b"")).hexdigest()

    def entry(self, path, folder):
        size, digest = path.stat().st_size, self.digest(path)
        lfs = {"size": size, "sha256": digest, "oid": digest, "pointerSize": 134}
        name = path.relative_to(folder).as_posix()
        return {"rfilename": name, "path": name, "size": size, "oid": digest[:40], "blobId": digest[:40], "lfs": lfs}

    def about(self, name, folder):
        siblings = [self.entry(path, folder) for path in self.files(folder)]
        gated = "manual" if name in self.gated else False
        card = {"license": self.licence}
        return {"id": name, "modelId": name, "sha": COMMIT, "gated": gated, "cardData": card, "siblings": siblings}

    def file(self, path):
        if not path.is_file():
            return self.fail(404, "EntryNotFound")
        return self.send(path.read_bytes(), ETag=f'"{self.digest(path)}"')

    def fail(self, status, code):
        return self.send({"error": code}, status, **{"X-Error-Code": code})

    def send(self, content, status=200, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {"X-Repo-Commit": COMMIT, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.send_header(
            "Content-Type", "application/octet-stream" if isinstance(content, bytes) else "application/json"
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""
