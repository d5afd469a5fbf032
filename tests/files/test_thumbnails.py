"""Tests that thumbnails are made in limited separate processes, whose failures do not affect the server."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, features

from flask_pocketping.files import thumbnails
from flask_pocketping.files.media_types import IMAGES
from flask_pocketping.files.thumbnails import LONGEST, Interrupted, Refused, Thumbnails, can_draw

from ..support.pictures import animated, drawn, jpeg_of_scans, lying, png_of
from ..support.servers import wait_until


@pytest.fixture
def painter() -> Iterator[Thumbnails]:
    made = Thumbnails(lambda id: None)
    yield made
    made.close()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Run something else in place of what draws."""

    def replace(code: str) -> None:
        path = tmp_path / "script.py"
        path.write_text(code)
        monkeypatch.setattr(thumbnails, "_SCRIPT", path)

    return replace


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was found out of this machine is found out anew."""

    def forget() -> None:
        thumbnails._interpreter.cache_clear()
        thumbnails._knows.cache_clear()

    forget()
    yield
    monkeypatch.undo()
    forget()


def draw(painter: Thumbnails, content: bytes, mime_type: str) -> Image.Image:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        made = painter.draw(file, mime_type)
    small = Image.open(io.BytesIO(made))
    assert small.format == "WEBP"
    return small


def children() -> set[str]:
    """The processes that this one started and that are not gone."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


@pytest.mark.parametrize(("mime_type", "name"), IMAGES.items())
def test_each_image_format_gets_a_thumbnail(painter: Thumbnails, mime_type: str, name: str) -> None:
    assert draw(painter, drawn(name, (1200, 600)), mime_type).size == (LONGEST, LONGEST // 2)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_each_color_mode_gets_a_thumbnail(painter: Thumbnails, mode: str) -> None:
    small = draw(painter, drawn("PNG", (30, 20), mode), "image/png")
    assert small.size == (30, 20)
    assert small.mode == ("RGBA" if mode in {"LA", "RGBA"} else "RGB")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_rotated_photo_is_turned_and_loses_its_metadata(painter: Thumbnails, kind: str) -> None:
    assert b"Secret Camera" in lying(kind)
    small = draw(painter, lying(kind), f"image/{kind.lower()}")
    assert small.size == (LONGEST // 2, LONGEST)
    assert dict(small.getexif()) == {}
    assert "icc_profile" not in small.info


def test_an_animation_is_shown_by_its_first_frame(painter: Thumbnails) -> None:
    small = draw(painter, animated("GIF", 200, (40, 40)), "image/gif")
    red, _, blue = small.convert("RGB").getpixel((20, 20))  # type: ignore[misc]
    assert red < 50 < 200 < blue
    assert getattr(small, "n_frames", 1) == 1


@pytest.mark.parametrize("content", [b"", drawn()[:40], drawn()[:-400], b"GIF89a" + bytes(500), drawn("JPEG")])
def test_broken_images_and_other_files_are_refused(painter: Thumbnails, content: bytes) -> None:
    with pytest.raises(Refused):
        draw(painter, content, "image/png")


def test_an_image_that_takes_too_long_is_given_up(painter: Thumbnails, monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.process_time()
    with Image.open(io.BytesIO(jpeg_of_scans(40))) as image:
        image.load()
    whole = (time.process_time() - start) * 10
    monkeypatch.setattr(thumbnails, "MOST_SECONDS", 1)
    before = os.times().children_user + os.times().children_system
    with pytest.raises(Refused, match="exit code -"):
        draw(painter, jpeg_of_scans(400), "image/jpeg")
    spent = os.times().children_user + os.times().children_system - before
    assert spent < min(3.0, whole / 2), f"{spent:.1f} s of about {whole:.1f} s"


def test_an_image_that_needs_too_much_memory_is_given_up(painter: Thumbnails) -> None:
    with pytest.raises(Refused):
        draw(painter, png_of(40_000, 40_000), "image/png")


def test_a_hanging_process_is_killed(
    painter: Thumbnails, script: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    script("import time; time.sleep(600)")
    monkeypatch.setattr(thumbnails, "MOST_WAIT", 0.3)
    with pytest.raises(Interrupted):
        draw(painter, drawn(), "image/png")
    assert children() == set()


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("import os; os.abort()", Refused),
        ("import sys\nwhile True: sys.stdout.write('x' * 100000)", Refused),
        ("import os; os.kill(os.getpid(), 15)", Interrupted),
        ("import nothing_of_that_name", Interrupted),
        ("print('exit code 0 proves nothing')", Interrupted),
    ],
)
def test_the_exit_of_a_process_tells_whether_the_image_was_the_cause(
    painter: Thumbnails, script: Callable[[str], None], code: str, wanted: type[Exception]
) -> None:
    script(code)
    with pytest.raises(wanted):
        draw(painter, drawn(), "image/png")
    assert children() == set()


def test_the_decoding_process_has_no_secrets_of_the_host(
    painter: Thumbnails, script: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    script(f"import os, sys; open({str(tmp_path / 'seen')!r}, 'w').write(repr((dict(os.environ), sys.path)))")
    with pytest.raises(Interrupted):
        draw(painter, drawn(), "image/png")
    seen = (tmp_path / "seen").read_text()
    assert "DATABASE_PASSWORD" not in seen
    assert f"'{tmp_path}'" not in seen


def test_a_few_thumbnails_are_made_at_once_and_no_thread_remains() -> None:
    lock, go = threading.Lock(), threading.Event()
    at_once, most, done = 0, 0, []

    def work(id: str) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        assert go.wait(10)
        with lock:
            at_once -= 1
            done.append(id)

    pool = Thumbnails(work)
    for number in range(20):
        pool.want(str(number % 10))
    wait_until(lambda: at_once == thumbnails.AT_ONCE, "they have begun", seen=lambda: at_once)
    go.set()
    wait_until(lambda: len(done) == 10, "all are done", seen=lambda: done)
    assert sorted(done) == [str(number) for number in range(10)]
    assert most == thumbnails.AT_ONCE
    wait_until(lambda: "pocketping-thumbnails" not in {t.name for t in threading.enumerate()}, "the threads end")
    pool.want("again")
    wait_until(lambda: "again" in done, "it is drawn all the same")
    pool.close()


def test_the_queue_of_thumbnails_is_limited() -> None:
    go = threading.Event()
    done = []

    def work(id: str) -> None:
        assert go.wait(10)
        done.append(id)

    pool = Thumbnails(work)
    for number in range(10_000):
        pool.want(str(number))
    go.set()
    wait_until(lambda: len(done) >= thumbnails.WAITING, "those that wait are drawn")
    pool.close()
    assert len(done) <= thumbnails.WAITING + thumbnails.AT_ONCE


def test_a_request_succeeds_if_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    pool = Thumbnails(drawn.append)

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        pool.want("one")
    pool.want("one")
    wait_until(lambda: drawn == ["one"], "it is drawn when there is room", seen=lambda: drawn)
    pool.close()


def test_closing_stops_running_thumbnails(script: Callable[[str], None]) -> None:
    script("import time; time.sleep(600)")
    ended: list[BaseException] = []

    def work(id: str) -> None:
        try:
            draw(pool, drawn(), "image/png")
        except Interrupted as error:
            ended.append(error)

    pool = Thumbnails(work)
    for number in range(4):
        pool.want(str(number))
    wait_until(lambda: len(children()) == thumbnails.AT_ONCE, "two are being drawn", seen=children)
    start = time.monotonic()
    pool.close()
    assert time.monotonic() - start < 20
    assert len(ended) == thumbnails.AT_ONCE
    assert children() == set()


@pytest.mark.usefixtures("fresh")
def test_formats_that_pillow_lacks_get_no_thumbnail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    assert can_draw("image/png")
    assert not can_draw("image/avif")
    monkeypatch.setattr(features, "check", lambda name: name != "webp")
    thumbnails._knows.cache_clear()
    assert not can_draw("image/png")


@pytest.mark.usefixtures("fresh")
def test_the_interpreter_is_found_if_the_running_program_is_another(
    painter: Thumbnails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Within uWSGI, `sys.executable` is uWSGI, and in a frozen app the app: to run that would be a surprise."""
    monkeypatch.setattr(sys, "executable", "/usr/local/bin/uwsgi")
    assert draw(painter, drawn(), "image/png").size == (480, 240)
    thumbnails._interpreter.cache_clear()
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    assert not can_draw("image/png")
    with pytest.raises(Interrupted):
        draw(painter, drawn(), "image/png")
