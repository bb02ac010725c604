"""The command line: exit codes, where results go, what is said when something goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pymupdf
import pytest
from PIL import Image
from samples import LETTER

from docproc.cli import run
from docproc.commands.output import Target, targets
from docproc.errors import DocprocError, Rejected, Usage

pytestmark = pytest.mark.usefixtures("loaded")


def test_text_goes_to_stdout_and_nothing_else_does(letter, capfdbinary):
    assert run(["process", str(letter)]) == 0
    out, err = capfdbinary.readouterr()
    assert out.decode().replace("\n\n", "\n").strip().split("\n") == list(LETTER)
    assert err == b""


def test_several_files_go_to_a_folder_under_their_names(letter, tmp_path):
    Image.new("RGB", (60, 60), "white").save(tmp_path / "letter.png")
    out = tmp_path / "out"
    code = run(["process", str(letter), str(tmp_path / "letter.png"), "--format", "json", "--output", f"{out}/"])
    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == ["letter.json", "letter.png.json"]
    reading = json.loads((out / "letter.json").read_text("utf-8"))
    assert reading["source"]["filename"] == "letter.pdf"
    assert reading["pages"][0]["lines"][0]["text"] == LETTER[0]


def test_stdin_is_read(letter, tmp_path, monkeypatch, capfdbinary):
    with letter.open("rb") as file:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file}))
        assert run(["process", "-"]) == 0
    assert LETTER[1].encode() in capfdbinary.readouterr().out


def broken(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.pdf", b"", "empty"),
        ("zip.pdf", b"PK\x03\x04" + b"\0" * 100, "zip"),
        ("words.pdf", b"just some words\n" * 10, "accepted"),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<", ""),
    ],
)
def test_bad_files_end_with_4_and_one_line(tmp_path, capsys, name, data, said):
    assert run(["process", str(broken(tmp_path / name, data))]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert name in err
    assert said in err
    assert "Traceback" not in err


def test_a_bad_file_does_not_stop_the_others(letter, tmp_path, capsys):
    bad = broken(tmp_path / "a.pdf", b"nothing")
    out = tmp_path / "out"
    assert run(["process", str(bad), str(letter), "--output", f"{out}/"]) == 4
    assert [path.name for path in out.iterdir()] == ["letter.txt"]


def test_errors_as_json(tmp_path, capsys):
    bad = broken(tmp_path / "a.pdf", b"")
    assert run(["process", str(bad), "--json-errors"]) == 4
    error = json.loads(capsys.readouterr().err)
    assert error["file"] == str(bad)
    assert {"code", "message"} <= set(error)


def test_debug_shows_the_traceback(tmp_path, capsys):
    assert run(["process", str(broken(tmp_path / "a.pdf", b"")), "--debug"]) == 4
    assert "Traceback" in capsys.readouterr().err


def test_a_failed_page_ends_with_5_and_the_others_are_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DOCPROC_MAX_PIXELS", "20000000")
    path = tmp_path / "two.pdf"
    with pymupdf.open() as pdf:
        pdf.new_page(width=300, height=200).insert_text((40, 80), "good page", fontsize=16)
        pdf.new_page(width=14_000, height=14_000)
        pdf.save(path)
    out = tmp_path / "two.txt"
    assert run(["process", str(path), "--dpi", "200", "--output", str(out)]) == 5
    assert "good page" in out.read_text("utf-8")
    err = capsys.readouterr().err
    assert "two.pdf, page 2:" in err
    assert "DOCPROC_MAX_PIXELS" in err


def test_a_password_is_asked_for_and_taken(tmp_path, capfd):
    path = tmp_path / "secret.pdf"
    with pymupdf.open() as pdf:
        pdf.new_page(width=300, height=200).insert_text((40, 80), "between us", fontsize=16)
        pdf.save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="open sesame", owner_pw="owner")
    assert run(["process", str(path)]) == 4
    assert "--password" in capfd.readouterr().err
    assert run(["process", str(path), "--password", "open sesame"]) == 0
    assert "between us" in capfd.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["process"], ["nonsense"], ["process", "x", "--dpi", "many"], ["process", "--what"]]
)
def test_wrong_usage_ends_with_2(arguments, capsys):
    assert run(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_setting_ends_with_2(letter, monkeypatch, capsys):
    monkeypatch.setenv("DOCPROC_MAX_PAEGS", "1")
    assert run(["process", str(letter)]) == 2
    assert "DOCPROC_MAX_PAEGS" in capsys.readouterr().err


def test_an_empty_folder_is_told(tmp_path, capsys):
    (tmp_path / "nothing").mkdir()
    assert run(["process", str(tmp_path / "nothing")]) == 4
    assert "nothing to read" in capsys.readouterr().err


def test_output_is_replaced_only_when_complete(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    target = Target(path)
    target.check()
    target.write(b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.txt"]


def test_a_full_disk_leaves_the_old_output(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DocprocError, match="No space left"):
        Target(path).write(b"new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.txt"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "out.txt")
    Target(link).write(b"through")
    assert link.is_symlink()
    assert (tmp_path / "real" / "out.txt").read_bytes() == b"through"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(DocprocError):
        Target(loop).check()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(Usage, match="is a folder"):
        Target(tmp_path).check()


def test_where_results_go(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-1.7")
    (tmp_path / "notes.txt").write_text("not ours")
    one, two = tmp_path / "a.pdf", tmp_path / "b.pdf"

    def paths(inputs, output):
        return [target.path for _, target in targets(inputs, output, ".json")]

    assert paths([one], None) == [None]
    assert paths([one], "out.json") == [Path("out.json")]
    assert paths([one], "out/") == [Path("out/a.json")]
    assert paths([one, two], "out") == [Path("out/a.json"), Path("out/b.json")]
    assert paths([tmp_path], "out") == [Path("out/a.json"), Path("out/b.json")]
    assert paths([one, one], "out") == [Path("out/a.json"), Path("out/a.pdf.json")]
    with pytest.raises(Usage, match="one stream"):
        list(targets([one, two], None, ".pdf"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(Rejected):
        list(targets([tmp_path / "empty"], None, ".json"))


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(tmp_path):
    path = tmp_path / "long.pdf"
    with pymupdf.open() as pdf:
        for _ in range(300):
            pdf.new_page().insert_text((72, 72), "one of many pages")
        pdf.save(path)
    out = tmp_path / "out.txt"
    command = [sys.executable, "-m", "docproc", "process", str(path), "--output", str(out)]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + 60
            while not list((tmp_path / "tmp").iterdir()) and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert not out.exists()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_is_sent_and_nothing_is_left(letter, tmp_path):
    trace, home = tmp_path / "trace", tmp_path / "home"
    home.mkdir()
    (tmp_path / "tmp").mkdir()
    command = ["strace", "-f", "-e", "trace=connect,sendto", "-o", str(trace), sys.executable, "-m", "docproc"]
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run([*command, "process", str(letter)], env=environment, capture_output=True, check=True)
    assert LETTER[1].encode() in done.stdout
    assert "AF_INET" not in trace.read_text("utf-8", "replace")
    assert list(home.iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_settings_models_and_doctor_tell_what_is_here(capsys):
    assert run(["settings"]) == 0
    assert "DOCPROC_MAX_PAGES=5000" in capsys.readouterr().out
    assert run(["models", "list"]) == 0
    assert "PP-OCRv6_rec_small" in capsys.readouterr().out
    assert run(["models", "check"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert all(len(line.split()[0]) == 64 for line in lines)
    assert run(["doctor"]) == 0
    assert "parser sandbox" in capsys.readouterr().out


def test_doctor_fails_when_a_model_is_missing(monkeypatch, capsys):
    from dataclasses import replace

    from docproc.models import MODELS

    monkeypatch.setattr("docproc.commands.doctor.MODELS", (replace(MODELS[0], file="gone.onnx"),))
    assert run(["doctor"]) == 1
    assert "pip install --force-reinstall rapidocr" in capsys.readouterr().out
