import io
import multiprocessing
import os
import resource
import threading
import time
from pathlib import Path

import pytest

from docproc.errors import Rejected, Unavailable, Usage
from docproc.settings import Settings
from docproc.store import bucket
from docproc.store.files import Files, Stored

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def put(files: Files, data: bytes = b"hello", limit: int = 1000) -> Stored:
    return files.put(io.BytesIO(data), limit=limit)


def everything(files: Files) -> list[Path]:
    return [path for path in files.incoming.parent.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_file_is_kept_under_its_hash_and_read_back(files):
    assert put(files) == Stored(HELLO, 5)
    assert files.exists(HELLO)
    assert files.check(HELLO)
    assert list(files.every()) == [HELLO]
    with files.local(HELLO) as path:
        assert path.read_bytes() == b"hello"


def test_the_same_bytes_are_kept_once(files):
    assert put(files) == put(files)
    assert list(files.every()) == [HELLO]
    assert not list(files.incoming.iterdir())


@pytest.mark.parametrize(("data", "code"), [(b"", "empty"), (b"x" * 1001, "too-large")])
def test_what_is_not_accepted_leaves_nothing(files, data, code):
    with pytest.raises(Rejected) as caught:
        put(files, data)
    assert caught.value.code == code
    assert everything(files) == []
    assert list(files.every()) == []


def test_a_stream_that_breaks_off_leaves_nothing(files):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise EOFError if self.tell() else super().read(size)

    with pytest.raises((EOFError, TypeError)):
        files.put(Broken(b"hello"), limit=100)
    assert everything(files) == []


def test_a_missing_file_is_said_to_be_missing(files):
    assert not files.exists(HELLO)
    assert not files.check(HELLO)
    assert not files.delete(HELLO, older_than=-60)
    with pytest.raises(Unavailable, match="missing from the storage"), files.local(HELLO):
        pass


def test_an_error_inside_the_block_is_not_taken_for_a_missing_file(files):
    put(files)
    with pytest.raises(FileNotFoundError), files.local(HELLO):
        raise FileNotFoundError(HELLO)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", HELLO.upper(), HELLO + "/x", "a" * 63, HELLO + "\n"])
def test_only_hashes_become_paths(files, name):
    for ask in (files.exists, files.check, files.delete):
        with pytest.raises(ValueError, match="is no SHA-256"):
            ask(name)


def test_what_is_young_is_not_deleted_and_putting_it_again_makes_it_young(files):
    put(files)
    assert not files.delete(HELLO)
    assert files.exists(HELLO)
    assert files.delete(HELLO, older_than=-60)
    assert list(files.every()) == []


def test_a_folder_keeps_files_read_only_and_private(tmp_path):
    files = Files(Settings(data_dir=tmp_path))
    put(files)
    path = tmp_path / "files" / HELLO[:2] / HELLO[2:4] / HELLO
    assert path.stat().st_mode & 0o777 == 0o400
    assert path.parent.stat().st_mode & 0o077 == 0
    os.utime(path, (0, 0))
    put(files)
    assert path.stat().st_mtime > time.time() - 60


def test_what_rotted_is_found_and_mended_by_the_same_upload(tmp_path):
    files = Files(Settings(data_dir=tmp_path))
    put(files)
    with files.local(HELLO) as path:
        path.chmod(0o600)
        path.write_bytes(b"jello")
    assert not files.check(HELLO)
    put(files)
    assert files.check(HELLO)


def _fill_up(folder: str, answer: "multiprocessing.SimpleQueue[str]") -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        put(Files(Settings(data_dir=Path(folder))), os.urandom(3_000_000), limit=10_000_000)
    except Unavailable as error:
        answer.put(error.message)


def test_a_write_that_fails_midway_is_told_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the full disk: the write fails in the same place."""
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    child = context.Process(target=_fill_up, args=(str(tmp_path), answer))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert "could not be stored" in answer.get()
    assert everything(Files(Settings(data_dir=tmp_path))) == []


def test_leftovers_of_killed_uploads_are_named_once_they_are_old(tmp_path):
    files = Files(Settings(data_dir=tmp_path))
    put(files)
    left = files.incoming / "abc.part"
    left.write_bytes(b"half")
    assert files.leftovers() == []
    assert files.leftovers(older_than=-60) == [left]


def test_uploads_and_deletions_of_one_file_at_a_time_lose_nothing(tmp_path):
    files = Files(Settings(data_dir=tmp_path))
    lost = []

    def upload() -> None:
        for _ in range(50):
            put(files)
            lost.append(not files.exists(HELLO))

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        files.delete(HELLO)
    assert len(lost) == 200
    assert not any(lost)


def test_the_cache_of_an_object_store_forgets_what_was_used_longest_ago(s3_url, tmp_path, monkeypatch):
    monkeypatch.setattr(bucket, "CACHE_BYTES", 250)
    files = Files(Settings(data_dir=tmp_path, storage_url=s3_url))
    names = [put(files, bytes([65 + index]) * 100).sha256 for index in range(4)]
    with files.local(names[0]) as held:
        for age, name in enumerate(names[1:]):
            with files.local(name) as path:
                os.utime(path, (time.time() - 100 + age,) * 2)
        assert held.exists(), "it is in use"
    kept = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert names[3] in kept
    assert names[1] not in kept


def test_an_object_that_is_damaged_is_not_handed_out(s3_url, tmp_path):
    import fsspec

    files = Files(Settings(data_dir=tmp_path, storage_url=s3_url))
    put(files, b"damaged")
    [name] = [one for one in files.every() if files.check(one) and one != HELLO][:1]
    address, _, endpoint = s3_url.partition("?endpoint_url=")
    store = fsspec.filesystem("s3", endpoint_url=endpoint)
    store.pipe_file(f"{address.removeprefix('s3://')}/{name[:2]}/{name[2:4]}/{name}", b"other bytes")
    for path in (tmp_path / "cache").rglob(name):
        path.unlink()
    assert not files.check(name)
    with pytest.raises(Unavailable), files.local(name):
        pass


@pytest.mark.parametrize("url", ["s3://", "s3://bucket?region=x", "files"])
def test_a_storage_url_that_is_not_understood_is_told(url, tmp_path):
    with pytest.raises(Usage):
        Files(Settings(data_dir=tmp_path, storage_url=url))


def test_an_object_store_that_does_not_answer_is_unavailable(tmp_path, s3_url):
    files = Files(Settings(data_dir=tmp_path, storage_url="s3://files?endpoint_url=http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        put(files)
    with pytest.raises(Unavailable):
        files.exists(HELLO)
    with pytest.raises(Unavailable), files.local(HELLO):
        pass
    with pytest.raises(Unavailable):
        list(files.every())
