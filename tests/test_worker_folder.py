"""Messages as files: whole, oldest first, and nothing left of those that could not be written."""

import os
import resource
import time
from contextlib import contextmanager
from functools import partial

import kombu
import pytest
from kombu import Connection, Exchange, Producer

from docproc.settings import Settings
from worker import folder
from worker.app import make
from worker.queue import announce


class Queue:
    """A queue as Celery uses it: messages go to it by its name."""

    def __init__(self, channel):
        self.put = partial(Producer(channel).publish, exchange="", routing_key="cpu")
        self.bound = kombu.Queue("cpu", Exchange("cpu"), "cpu", channel=channel)
        self.bound.declare()

    def get(self):
        message = self.bound.get()
        return message and message.payload


@pytest.fixture
def queue(tmp_path):
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
    with Connection("filesystem://", transport="worker.folder:Transport", transport_options=options) as connection:
        yield Queue(connection.default_channel)


@contextmanager
def no_room():
    """Lets no byte be written to any file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_oldest_comes_first_and_each_once(queue):
    for number in range(3):
        queue.put(number)
    assert [queue.get() for _ in range(4)] == [0, 1, 2, None]


def test_what_is_no_message_is_passed_over(queue, tmp_path):
    (tmp_path / "0.cpu.msg").write_bytes(b"\xff{half of")
    queue.put("whole")
    assert queue.get() == "whole"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(queue, tmp_path):
    with no_room(), pytest.raises(OSError, match="File too large"):
        queue.put("lost")
    assert list(tmp_path.iterdir()) == []


def test_who_announces_does_not_mind_a_full_disk(tmp_path):
    settings = Settings(data_dir=tmp_path)
    make(settings)
    with no_room():
        announce(settings)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    announce(settings)
    assert len(list((tmp_path / "queue" / "messages").glob("*.cpu.msg"))) == 1


def test_what_killed_writers_left_is_cleared(tmp_path):
    old, young = tmp_path / "old.cpu.msg.part", tmp_path / "young.cpu.msg.part"
    for part in (old, young):
        part.touch()
    os.utime(old, (time.time() - 100, time.time() - 100))
    folder.clear(tmp_path)
    assert list(tmp_path.iterdir()) == [young]
