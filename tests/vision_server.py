"""A server that speaks chat/completions and asks a tiny PaliGemma; some of its models misbehave.

python tests/vision_server.py FOLDER-OF-CHECKPOINT prints its port and serves until its standard input ends.
"""

import base64
import io
import json
import math
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma.engine import PaliGemmaEngine
from docproc.raster import PageImage
from docproc.settings import Settings

KEY = "let-me-in"
asked: Counter[str] = Counter()
load: Counter[str] = Counter()
lock = threading.Lock()


def completion(engine, body):
    [message] = body["messages"]
    *pictures, last = message["content"]
    images = [picture(one["image_url"]["url"]) for one in pictures]
    [written] = engine.generate([VisionRequest(images, last["text"], Limits(body["max_tokens"]))])
    pieces = [engine._loaded.tokenizer.decode([token]) for token in written.token_ids]
    told = [
        {"token": piece, "logprob": math.log(max(score, 1e-9))}
        for piece, score in zip(pieces, written.scores, strict=True)
    ]
    return {
        "choices": [
            {
                "message": {"role": "assistant", "content": written.text},
                "finish_reason": "stop" if written.stopped == "end" else "length",
                "logprobs": {"content": told},
            }
        ]
    }


def picture(url):
    kind, _, data = url.partition(",")
    assert kind == "data:image/png;base64"
    return PageImage(np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")), 72.0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.say(200, json.dumps({"asked": asked, "most": load["most"]}).encode())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            asked[body["model"]] += 1
            load["now"] += 1
            load["most"] = max(load["most"], load["now"])
        try:
            if self.path != "/v1/chat/completions":
                return self.say(404, b"no such route")
            if self.headers["Authorization"] != f"Bearer {KEY}":
                return self.say(401, b"no key")
            return self.answer(body)
        finally:
            with lock:
                load["now"] -= 1

    def answer(self, body):
        match body["model"]:
            case "busy" if asked["busy"] <= 2:
                return self.say(503, b"warming up", {"Retry-After": "0"})
            case "down":
                return self.say(503, b"down")
            case "unknown":
                return self.say(404, b'{"message": "The model `unknown` does not exist."}')
            case "slow":
                time.sleep(5)
            case "broken":
                return self.say(200, b"<html>")
            case "other":
                return self.say(200, b'{"choices": []}')
            case "endless":
                return self.say(200, b"x" * 11_000_000)
            case "quiet":
                time.sleep(0.2)
                return self.say(200, json.dumps({"choices": [{"message": {"content": "a"}}]}).encode())
        with lock:
            told = completion(self.server.engine, body)
        return self.say(200, json.dumps(told).encode())

    def say(self, status, data, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.engine = PaliGemmaEngine(Settings(threads=1), Path(sys.argv[1]), device="cpu")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
