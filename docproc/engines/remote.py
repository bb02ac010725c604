"""Vision models behind an OpenAI-compatible server (vLLM and others): images go inline, text comes back.

The address is the operator's (DOCPROC_VISION_URL, like http://gpu:8000/v1); `model` is what the server calls it. A
name that tells a PaliGemma variant ("...-mix-448") gets that variant's prompts, any other one the chat prompts.

vLLM computes PaliGemma with another mask than it was trained with (its prompt sees only what stands before it, and
the image does not see the prompt), and PaliGemma 2 with caps and windows of Gemma 2 that it was trained without:
`docproc parity` says how much of what comes out differs.
"""

from __future__ import annotations

import base64
import io
import json
import math
import re
import secrets
import threading
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from PIL import Image

from docproc.engines import Generation, VisionRequest
from docproc.errors import DocprocError, EngineFailed, Unavailable, Usage
from docproc.raster import PageImage
from docproc.settings import Settings
from docproc.tasks.grammar import variant_of

ATTEMPTS = 4
CONNECT_SECONDS = 10.0
LONGEST_PAUSE = 30.0
"""Seconds between two attempts at most."""
BUDGET = 10.0
"""Retries that may be made in a row, by all requests together; ten good answers earn one more."""
EARNED = 0.1
AGAIN = frozenset({429, 500, 502, 503, 504})
"""HTTP status after which trying again may help."""
LARGEST_ANSWER = 10_000_000
"""Bytes."""
LOCATIONS = 256_000
"""Where the tokens of locations stand in PaliGemma, and after them those of segments."""


class RemoteEngine:
    """A model behind a server. Threads may share it; so many requests are under way at once, the rest wait."""

    name = "remote"
    concurrent = True
    """Nothing is gained by gathering requests here: the server does that."""

    def __init__(self, settings: Settings, model: str, *, transport: httpx.BaseTransport | None = None) -> None:
        if not settings.vision_url.startswith(("http://", "https://")):
            raise Usage(
                "The engine remote needs the address of a server.",
                hint="Set DOCPROC_VISION_URL, like http://127.0.0.1:8000/v1.",
            )
        self._model, self._seconds = model, settings.vision_seconds
        self.version = model
        self.variant = variant_of(model) or "chat"
        found = re.search(r"-(224|448|896)\b", model)
        self.side = int(found[1]) if found and self.variant != "chat" else 0
        self._pool = ThreadPoolExecutor(max(settings.vision_requests, 1), "remote")
        self._budget = _Budget()
        self._http = httpx.Client(
            base_url=settings.vision_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {settings.vision_key}"} if settings.vision_key else {},
            timeout=httpx.Timeout(self._seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=settings.vision_requests),
            trust_env=False,
            transport=transport,
        )

    def generate(self, requests: Sequence[VisionRequest]) -> list[Generation]:
        """Return what was written for each request.

        Raises Unavailable when the server cannot be reached or is busy, Usage when it refuses what it is asked,
        EngineFailed when it answers nonsense or not in time.
        """
        futures = [self._pool.submit(self._one, VisionRequest(*request)) for request in requests]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """End all connections."""
        self._pool.shutdown(cancel_futures=True)
        self._http.close()

    def _one(self, request: VisionRequest) -> Generation:
        if request.limits.cancelled is not None and request.limits.cancelled():
            return Generation("", stopped="cancelled")
        body = self._body(request)
        seconds = min(request.limits.seconds or self._seconds, self._seconds)
        for attempt in range(1, ATTEMPTS + 1):
            answer, problem = self._post(body, seconds)
            if answer is not None:
                self._budget.earn()
                return _generation(answer)
            if attempt == ATTEMPTS or not self._budget.spend():
                break
            time.sleep(_pause(attempt, problem))
        raise problem.error

    def _body(self, request: VisionRequest) -> bytes:
        images = [request.images] if isinstance(request.images, PageImage) else list(request.images)
        content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": data_url(one)}} for one in images]
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": [*content, {"type": "text", "text": request.prompt}]}],
            "max_tokens": request.limits.tokens,
            "temperature": 0,
            "logprobs": True,
        }
        if self.variant != "chat":
            body["skip_special_tokens"] = False  # vLLM would leave out <loc> and <seg>
        return json.dumps(body).encode()

    def _post(self, body: bytes, seconds: float) -> tuple[Any, _Problem]:
        """Return the answer, or None and what was wrong; raise what trying again would not help."""
        try:
            with self._http.stream(
                "POST", "chat/completions", content=body, timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
                headers={"Content-Type": "application/json"},
            ) as answer:  # fmt: skip
                data = _limited(answer)
                status, after = answer.status_code, answer.headers.get("Retry-After", "")
        except httpx.ConnectError as error:
            return None, _Problem(_unreachable(self._http.base_url, error))
        except httpx.ReadTimeout:  # the server is at it or overloaded: asking again would make it worse
            raise EngineFailed(
                f"The vision server took longer than {seconds:g} s.", hint="DOCPROC_VISION_SECONDS raises the limit."
            ) from None
        except httpx.TransportError as error:
            return None, _Problem(_unreachable(self._http.base_url, error))
        if status in AGAIN:
            return None, _Problem(_refused(status, data), float(after) if re.fullmatch("[0-9]{1,4}", after) else 0.0)
        if status != 200:
            raise _refused(status, data)
        try:
            return json.loads(data), _Problem(EngineFailed(""))
        except ValueError:
            raise _nonsense("its answer is no JSON") from None


class _Problem:
    """Why an attempt failed, and the seconds that the server asks for."""

    def __init__(self, error: DocprocError, after: float = 0.0) -> None:
        self.error, self.after = error, after


class _Budget:
    """Keeps retries few when everything fails: they are paid for from what good answers earn."""

    def __init__(self) -> None:
        self._left, self._lock = BUDGET, threading.Lock()

    def earn(self) -> None:
        with self._lock:
            self._left = min(self._left + EARNED, BUDGET)

    def spend(self) -> bool:
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


def data_url(image: PageImage) -> str:
    """Return an image as a PNG inside its address."""
    out = io.BytesIO()
    Image.fromarray(image.pixels).save(out, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def token_id(token: str) -> int:
    """Return a number for a token whose own number the server does not tell; those of places are as in PaliGemma."""
    found = re.fullmatch(r"<(loc|seg)([0-9]{3,4})>", token.strip())
    if found:
        return int(found[2]) + LOCATIONS + (1024 if found[1] == "seg" else 0)
    return zlib.crc32(token.encode("utf-8", "replace")) % LOCATIONS


def _generation(answer: Any) -> Generation:
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"] or ""
        told = (choice.get("logprobs") or {}).get("content") or []
        tokens = [(str(one["token"]), float(one["logprob"])) for one in told]
    except (LookupError, TypeError, ValueError, AttributeError):
        raise _nonsense("its answer is not that of chat/completions") from None
    if not isinstance(text, str):
        raise _nonsense("its text is none")
    ids = tuple(token_id(token) for token, _ in tokens)
    scores = tuple(min(math.exp(min(one, 0.0)), 1.0) if one == one else 0.0 for _, one in tokens)  # noqa: PLR0124
    return Generation(text, ids, scores, "tokens" if choice.get("finish_reason") == "length" else "end")


def _limited(answer: httpx.Response) -> bytes:
    data = bytearray()
    for part in answer.iter_bytes():
        data += part
        if len(data) > LARGEST_ANSWER:
            raise _nonsense("its answer does not end")
    return bytes(data)


def _refused(status: int, data: bytes) -> DocprocError:
    said = data[:300].decode("utf-8", "replace").strip()
    if status in (401, 403):
        hint = "Is DOCPROC_VISION_KEY right?"
        return Unavailable(f"The vision server refuses the key ({status}).", hint=hint, code="vision-key")
    if status in AGAIN:
        message = f"The vision server cannot answer just now ({status}): {said}"
        return Unavailable(message, hint="It is tried again later.", code="vision-server")
    hint = "Is DOCPROC_VISION_MODEL what the server calls the model, and does it take images?"
    return Usage(f"The vision server refuses the request ({status}): {said}", hint=hint, code="vision-server")


def _unreachable(url: httpx.URL, error: httpx.TransportError) -> Unavailable:
    message = f"The vision server {url} cannot be reached: {error}."
    return Unavailable(message, hint="Is it running, and DOCPROC_VISION_URL right?", code="vision-server")


def _nonsense(what: str) -> EngineFailed:
    return EngineFailed(f"The vision server speaks another language: {what}.", hint="Is DOCPROC_VISION_URL right?")


def _pause(attempt: int, problem: _Problem) -> float:
    """Return how long to wait: what the server asks for, else twice as long each time, each client a bit other."""
    return min(max(problem.after, (0.5 + secrets.randbelow(1000) / 2000) * 2.0 ** (attempt - 1)), LONGEST_PAUSE)
