"""Downloads from a real server on this machine, which fails in the ways that servers and networks do."""

import hashlib
import io
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lslo.sources.download import fetch
from lslo.sources.table import Source

# Longer than what is read at once, and no part of it like another.
CONTENT = b"".join(hashlib.sha256(bytes([number % 256, number // 256])).digest() for number in range(30_000))
OTHER = CONTENT[::-1]
HALF = 500_000
SHA256, OTHER_SHA256 = (hashlib.sha256(content).hexdigest() for content in (CONTENT, OTHER))

# Three further tries, without waiting.
WAITS = (0, 0, 0)


class Server(ThreadingHTTPServer):
    """Serves `content` at any path but /missing.

    requests: the headers of each request. statuses: answers that come first, in place of the file.
    drops: after how many bytes each of the first answers breaks off. validators: headers that name the
    version. ranges, if_range: whether these headers are heeded. piece: bytes that an answer to a range
    holds at most. headers: further ones.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.requests = []
        self.statuses = []
        self.drops = []
        self.validators = {"ETag": '"one"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
        self.ranges = self.if_range = True
        self.piece = len(CONTENT)
        self.headers = {}
        self.after_drop = lambda: None
        self.before_body = lambda: None

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""

    def url(self, name="file.bin"):
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.requests.append(dict(self.headers))
        status = 404 if self.path == "/missing" else server.statuses.pop(0) if server.statuses else 200
        if status != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = self.start_of_range()
        if start is not None and start >= len(server.content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, headers = server.content[start or 0 :], {**server.validators, **server.headers}
        if start is not None:
            body = body[: server.piece]
            headers["Content-Range"] = f"bytes {start}-{start + len(body) - 1}/{len(server.content)}"
        headers.setdefault("Content-Length", str(len(body)))
        self.send_response(200 if start is None else 206)
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        server.before_body()
        if server.drops:
            self.wfile.write(body[: server.drops.pop(0)])
            self.close_connection = True
            server.after_drop()
        else:
            self.wfile.write(body)

    def start_of_range(self):
        match = re.fullmatch(r"bytes=([0-9]+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not self.server.ranges or match is None:
            return None
        if self.server.if_range and condition not in (None, *self.server.validators.values()):
            return None
        return int(match[1])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    # A developer's proxy must not come between.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def source(server):
    return Source("thing", server.url(), "", None, "MIT")


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def record_of(folder):
    return json.loads((folder / "file.bin.sha256.json").read_text())


def ranges(server):
    return [headers.get("Range") for headers in server.requests]


def test_a_whole_file_and_its_record(server, source, tmp_path):
    path = fetch(source, tmp_path / "deep" / "folder", waits=WAITS)
    assert path == tmp_path / "deep" / "folder" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert record_of(path.parent) == {"url": source.url, "size": len(CONTENT), "sha256": SHA256}
    assert visible(path.parent) == ["file.bin", "file.bin.sha256.json"]
    assert ranges(server) == [None]


def test_a_file_that_is_there_and_right_is_not_fetched_again(server, source, tmp_path):
    for wanted in (source, source, replace(source, sha256=SHA256, size=len(CONTENT))):
        assert fetch(wanted, tmp_path, waits=WAITS).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_file_put_there_by_hand_is_checked_and_recorded(server, source, tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    fetch(replace(source, sha256=SHA256), tmp_path, waits=WAITS)
    assert record_of(tmp_path)["sha256"] == SHA256
    assert server.requests == []


def test_a_file_that_is_there_and_wrong_is_fetched_again(server, source, tmp_path):
    path = fetch(source, tmp_path, waits=WAITS)
    path.write_bytes(OTHER)
    assert fetch(source, tmp_path, waits=WAITS).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_dropped_connection_is_resumed(server, source, tmp_path):
    server.drops = [HALF]
    path = fetch(replace(source, sha256=SHA256), tmp_path, waits=WAITS)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-"]
    assert server.requests[1]["If-Range"] == '"one"'
    assert visible(tmp_path) == ["file.bin", "file.bin.sha256.json"]


def test_a_server_that_gives_a_range_in_pieces_is_asked_for_each(server, source, tmp_path):
    server.drops, server.piece = [HALF], 300_000
    assert fetch(source, tmp_path, waits=(0,)).read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-", f"bytes={HALF + 300_000}-"]


def test_a_killed_job_is_resumed_by_the_next(server, source, tmp_path):
    server.drops = [HALF]
    with pytest.raises(ConnectionError, match="thing"):
        fetch(source, tmp_path, waits=())
    assert visible(tmp_path) == ["file.bin.partial", "file.bin.partial.json"]
    assert fetch(source, tmp_path, waits=()).read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-"]


def test_a_job_killed_after_the_last_byte_asks_for_nothing_more(server, source, tmp_path):
    server.drops = [HALF]
    with pytest.raises(ConnectionError):
        fetch(source, tmp_path, waits=())
    (tmp_path / "file.bin.partial").write_bytes(CONTENT)
    assert fetch(source, tmp_path, waits=()).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_last_modified_serves_where_the_etag_is_weak(server, source, tmp_path):
    server.drops, server.validators["ETag"] = [HALF], 'W/"one"'
    assert fetch(source, tmp_path, waits=WAITS).read_bytes() == CONTENT
    assert server.requests[1]["Range"] == f"bytes={HALF}-"
    assert server.requests[1]["If-Range"] == server.validators["Last-Modified"]


def test_what_has_no_version_is_begun_anew(server, source, tmp_path):
    server.drops, server.validators = [HALF], {}
    assert fetch(source, tmp_path, waits=WAITS).read_bytes() == CONTENT
    assert ranges(server) == [None, None]


def test_a_server_without_ranges_sends_all_again(server, source, tmp_path):
    server.drops, server.ranges = [HALF, HALF // 2], False
    assert fetch(source, tmp_path, waits=WAITS).read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-", f"bytes={HALF // 2}-"]


@pytest.mark.parametrize("if_range", [True, False], ids=["heeds If-Range", "ignores If-Range"])
@pytest.mark.parametrize(
    "content", [OTHER, OTHER[:-7], OTHER[: HALF // 2]], ids=["same size", "less", "half"]
)
def test_a_file_changed_in_between_is_not_glued(server, source, tmp_path, content, if_range):
    def change():
        server.content, server.validators = content, {"ETag": '"two"'}

    server.drops, server.after_drop, server.if_range = [HALF], change, if_range
    assert fetch(source, tmp_path, waits=WAITS).read_bytes() == content


def test_what_another_place_began_is_not_continued(server, source, tmp_path):
    server.drops = [HALF]
    with pytest.raises(ConnectionError):
        fetch(source, tmp_path, waits=())
    server.content = OTHER
    assert fetch(replace(source, mirror=server.url("mirror.bin")), tmp_path, waits=()).read_bytes() == OTHER
    assert ranges(server) == [None, None]


@pytest.mark.parametrize("state", ["", "[]", '{"location": 1}'])
def test_a_damaged_state_begins_anew(server, source, tmp_path, state):
    (tmp_path / "file.bin.partial").write_bytes(b"x" * HALF)
    (tmp_path / "file.bin.partial.json").write_text(state)
    assert fetch(source, tmp_path, waits=()).read_bytes() == CONTENT
    assert ranges(server) == [None]


def test_a_partial_file_longer_than_the_whole_begins_anew(server, source, tmp_path):
    server.drops = [HALF]
    with pytest.raises(ConnectionError):
        fetch(source, tmp_path, waits=())
    (tmp_path / "file.bin.partial").write_bytes(CONTENT + b"x")
    assert fetch(source, tmp_path, waits=()).read_bytes() == CONTENT


def test_a_file_shorter_than_announced_is_not_taken(server, source, tmp_path):
    server.headers = {"Content-Length": str(len(CONTENT) + 10)}
    server.drops, server.ranges = [len(CONTENT)] * 9, False
    with pytest.raises(ConnectionError, match="more expected") as error:
        fetch(source, tmp_path, waits=WAITS)
    assert source.url in str(error.value)
    assert "\n" not in str(error.value)
    assert len(server.requests) == 1 + len(WAITS)
    assert "file.bin" not in visible(tmp_path)


def test_tries_that_get_further_are_not_counted(server, source, tmp_path):
    server.drops = [100_000] * 9
    assert fetch(source, tmp_path, waits=(0,)).read_bytes() == CONTENT
    assert len(server.requests) == 10


def test_waits_grow_and_begin_anew_after_progress(server, source, tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    server.statuses, server.drops = [503, 503, 500, 200, 503], [HALF]
    assert fetch(source, tmp_path, waits=(1, 2, 4)).read_bytes() == CONTENT
    assert waited == [1, 2, 4, 1, 2]


def test_a_wrong_checksum_names_both_and_leaves_nothing(server, source, tmp_path):
    with pytest.raises(ValueError, match=f"{SHA256} instead of {OTHER_SHA256}") as error:
        fetch(replace(source, sha256=OTHER_SHA256), tmp_path, waits=WAITS)
    assert source.url in str(error.value)
    assert "sources.tsv" in str(error.value)
    assert visible(tmp_path) == []
    assert len(server.requests) == 1


def test_a_wrong_size_is_refused_before_the_file_is_fetched(server, source, tmp_path):
    with pytest.raises(ValueError, match=f"size is {len(CONTENT)} instead of 77") as error:
        fetch(replace(source, size=77), tmp_path, waits=WAITS)
    assert "the fetched copy" not in str(error.value)
    assert visible(tmp_path) == []
    assert len(server.requests) == 1


def test_a_wrong_size_that_was_not_announced_is_found(server, source, tmp_path):
    server.headers = {"Content-Length": "", "Connection": "close"}
    server.drops = [len(CONTENT)]
    with pytest.raises(ValueError, match=f"size is {len(CONTENT)} instead of 77"):
        fetch(replace(source, size=77), tmp_path, waits=WAITS)
    assert visible(tmp_path) == []


def test_the_first_downloads_hash_is_asked_for_from_then_on(server, source, tmp_path):
    fetch(source, tmp_path, waits=WAITS).unlink()
    server.content = OTHER
    with pytest.raises(ValueError, match=f"{OTHER_SHA256} instead of {SHA256}") as error:
        fetch(source, tmp_path, waits=WAITS)
    record = tmp_path / "file.bin.sha256.json"
    assert f"({record}; delete that record if a new file is right)" in str(error.value)
    assert visible(tmp_path) == [record.name]
    record.unlink()
    assert fetch(source, tmp_path, waits=WAITS).read_bytes() == OTHER
    assert record_of(tmp_path)["sha256"] == OTHER_SHA256


def test_another_url_in_the_table_is_another_file(server, source, tmp_path):
    fetch(source, tmp_path, waits=WAITS)
    server.content = OTHER
    moved = replace(source, url=server.url("version2/file.bin"))
    assert fetch(moved, tmp_path, waits=WAITS).read_bytes() == OTHER
    assert record_of(tmp_path) == {"url": moved.url, "size": len(OTHER), "sha256": OTHER_SHA256}


def test_the_table_overrules_the_record(server, source, tmp_path):
    fetch(source, tmp_path, waits=WAITS)
    server.content = OTHER
    known = replace(source, sha256=OTHER_SHA256)
    assert fetch(known, tmp_path, waits=WAITS).read_bytes() == OTHER
    assert record_of(tmp_path)["sha256"] == OTHER_SHA256


def test_404_is_asked_once(server, source, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"/missing: the server answers 404 Not Found.*'thing'"):
        fetch(replace(source, mirror=server.url("missing")), tmp_path, waits=WAITS)
    assert len(server.requests) == 1
    assert visible(tmp_path) == []


@pytest.mark.parametrize("statuses", [[503], [500, 429, 408]])
def test_a_server_that_fails_is_asked_again(server, source, tmp_path, statuses):
    server.statuses = [*statuses]
    assert fetch(source, tmp_path, waits=WAITS).read_bytes() == CONTENT
    assert len(server.requests) == 1 + len(statuses)


def test_a_server_that_keeps_failing_is_given_up(server, source, tmp_path):
    server.statuses = [503] * 9
    with pytest.raises(
        ConnectionError, match=r"file.bin: the server answers 503 Service Unavailable.*'thing'"
    ):
        fetch(source, tmp_path, waits=WAITS)
    assert len(server.requests) == 1 + len(WAITS)


def test_a_server_that_cannot_be_reached_is_named(server, source, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file.bin"
    with pytest.raises(ConnectionError, match="Connection refused") as error:
        fetch(replace(source, url=url), tmp_path, waits=WAITS)
    assert str(error.value).startswith(f"{url}: ")
    assert "\n" not in str(error.value)


def test_a_url_that_cannot_be_one_is_not_tried_again(source, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waited"))
    with pytest.raises(ConnectionError, match=r"http://a\.\.b"):
        fetch(replace(source, mirror="http://a..b/file.bin"), tmp_path, waits=(1,))


def test_a_web_page_is_no_file(server, source, tmp_path):
    server.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(ValueError, match=r"sends a web page, not file\.bin"):
        fetch(source, tmp_path, waits=WAITS)
    assert visible(tmp_path) == []


def test_an_archive_called_a_compressed_transfer_is_kept_as_it_is(server, tmp_path):
    server.headers = {"Content-Encoding": "gzip"}
    archive = Source("thing", server.url("file.tar.gz"), "", None, "MIT")
    assert fetch(archive, tmp_path, waits=WAITS).read_bytes() == CONTENT
    assert server.requests[0]["Accept-Encoding"] == "identity"


def test_another_file_compressed_though_asked_not_to_is_refused(server, source, tmp_path):
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(ValueError, match=r"compresses file\.bin"):
        fetch(source, tmp_path, waits=WAITS)


def test_a_disk_without_room_is_told_and_what_is_there_kept(server, source, tmp_path, monkeypatch):
    server.drops = [HALF]
    with pytest.raises(ConnectionError):
        fetch(source, tmp_path, waits=())
    usage = namedtuple("usage", "free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage(len(CONTENT) - HALF - 1))
        with pytest.raises(ValueError, match=f"{tmp_path}: no room"):
            fetch(source, tmp_path, waits=())
    assert fetch(source, tmp_path, waits=()).read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-", f"bytes={HALF}-"]


@pytest.mark.parametrize("form", ["path", "url"])
def test_a_local_file_stands_in(server, source, tmp_path, form):
    local = tmp_path / "my own.bin"
    local.write_bytes(CONTENT)
    mirror = str(local) if form == "path" else local.as_uri()
    path = fetch(replace(source, mirror=mirror, sha256=SHA256), tmp_path / "folder", waits=WAITS)
    assert path == tmp_path / "folder" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert not path.is_symlink()
    assert record_of(path.parent)["url"] == source.url
    assert server.requests == []


def test_a_local_file_is_checked_too(source, tmp_path):
    local = tmp_path / "my_own.bin"
    local.write_bytes(OTHER)
    with pytest.raises(ValueError, match=f"{local}: SHA-256 is {OTHER_SHA256} instead of {SHA256}"):
        fetch(replace(source, mirror=str(local), sha256=SHA256), tmp_path / "folder", waits=WAITS)
    assert visible(tmp_path / "folder") == []
    assert local.read_bytes() == OTHER


def test_a_local_file_that_is_not_there_is_named(source, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}/none: there is no such file for source 'thing'"):
        fetch(replace(source, mirror=f"{tmp_path}/none"), tmp_path, waits=WAITS)


def test_a_mirror_is_fetched_under_the_sources_name_and_checked(server, source, tmp_path):
    mirrored = replace(source, url="http://unreachable.invalid/file.bin", mirror=server.url("other.bin"))
    assert fetch(mirrored, tmp_path, waits=WAITS) == tmp_path / "file.bin"
    (tmp_path / "file.bin").unlink()
    server.content = OTHER
    with pytest.raises(ValueError, match=f"{OTHER_SHA256} instead of {SHA256}"):
        fetch(mirrored, tmp_path, waits=WAITS)


def test_two_threads_fetch_a_file_once(server, source, tmp_path):
    server.before_body = lambda: time.sleep(0.2)
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(source, tmp_path, waits=WAITS), range(4)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert len(server.requests) == 1


FETCH = """
import sys
from pathlib import Path
from lslo.sources.download import fetch
from lslo.sources.table import Source

name, url, folder = sys.argv[1:]
(Path(folder) / f".{name} is ready").touch()
fetch(Source("thing", url, "", None, "MIT"), folder)
"""


def test_two_processes_fetch_a_file_once(server, source, tmp_path):
    names = ["one", "two"]

    def wait_for_both():
        end = time.monotonic() + 20
        while time.monotonic() < end and not all((tmp_path / f".{name} is ready").exists() for name in names):
            time.sleep(0.01)
        time.sleep(0.2)

    server.before_body = wait_for_both
    processes = [
        subprocess.Popen([sys.executable, "-c", FETCH, name, source.url, str(tmp_path)]) for name in names
    ]
    assert [process.wait(30) for process in processes] == [0, 0]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_terminal_shows_how_far_it_is(server, source, tmp_path):
    server.drops, terminal = [HALF], io.StringIO()
    fetch(source, tmp_path, waits=WAITS, terminal=terminal)
    shown = terminal.getvalue()
    assert f"0.00/{len(CONTENT) / 1000:.0f}k" in shown
    assert f"{HALF / 1000:.0f}k/{len(CONTENT) / 1000:.0f}k" in shown
