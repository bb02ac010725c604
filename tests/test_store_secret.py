import threading
from dataclasses import replace

import pytest

from docproc.errors import Unavailable, Usage
from docproc.settings import Settings
from docproc.store import secret


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "new" / "data")


def test_a_key_is_made_once_and_only_its_owner_may_read_it(settings):
    assert secret.key(settings) == secret.key(settings)
    assert len(secret.key(settings)) == 32
    assert [path.name for path in settings.data_dir.iterdir()] == [secret.FILE]
    assert (settings.data_dir / secret.FILE).stat().st_mode & 0o077 == 0


def test_all_who_make_a_key_at_once_get_the_same(settings):
    keys, barrier = [], threading.Barrier(8)

    def make():
        barrier.wait()
        keys.append(secret.key(settings))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_the_setting_comes_before_the_file_and_must_be_long(settings):
    made = secret.key(settings)
    assert secret.key(replace(settings, secret_key="x" * 16)) != made
    with pytest.raises(Usage, match="openssl"):
        secret.key(replace(settings, secret_key="short"))


def test_what_is_sealed_opens_with_the_same_key_only(settings):
    sealed = secret.seal(settings, "pässword")
    assert b"ssword" not in sealed
    assert secret.unseal(settings, sealed) == "pässword"
    assert secret.seal(settings, "pässword") != sealed
    for wrong in (replace(settings, secret_key="another key, long"), settings):
        with pytest.raises(Unavailable) as caught:
            secret.unseal(wrong, sealed if wrong is not settings else sealed[:-4] + b"AAA=")
        assert caught.value.code == "wrong-key"
