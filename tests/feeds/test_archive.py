"""The archive: what goes in comes out, nothing is removed that is not safe, damage is named."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cli
from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.zones import DAY
from engine.feeds import archive as module
from engine.feeds.archive import archive, manifests, verify
from engine.ops import console


def raw(folder: Path, files: dict[str, tuple[int, bytes]]) -> Path:
    """Files with a day of writing each."""
    for name, (day, content) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(day * DAY + 5, day * DAY + 5))
    return folder


def unpacked(into: Path) -> dict[str, bytes]:
    """As `tar --zstd -xf` would, in the order of the archives."""
    found: dict[str, bytes] = {}
    for path in sorted(into.glob("*.tar.zst")):
        plain = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd").read()
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            found |= {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]
    return found


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.sampled_from(["a.bi5", "b/c.json", "b/d.csv", "e/f/g"]),
        st.tuples(st.integers(0, 20), st.binary(max_size=60)), min_size=1,
    ),
    st.sampled_from(["day", "week", "month"]), st.integers(1, 100), st.integers(0, 40),
)  # fmt: skip
def test_every_file_of_an_ended_period_is_archived_once_and_comes_out_the_same(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, tuple[int, bytes]], every: str, most: int, today: int
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    source, into = raw(folder / "in", files), folder / "out"
    ended = {n: c for n, (day, c) in files.items() if module.period_of(day * DAY + 5, every)[1] <= today * DAY}  # type: ignore[arg-type]
    report = archive(source, into, every, most, remove=True, now=today * DAY)  # type: ignore[arg-type]
    assert unpacked(into) == ended and report["files"] == report["removed"] == len(ended) and verify(into) == []
    assert {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()} == files.keys() - ended.keys()
    for one in manifests(into):
        assert len(one.files) == 1 or sum(item.size for item in one.files) <= most
    raw(source, {name: files[name] for name in ended})
    again = archive(source, into, every, most, now=today * DAY)  # type: ignore[arg-type]
    assert again["files"] == 0 and unpacked(into) == ended


def test_a_file_that_changed_is_archived_again_and_the_earlier_one_stays(tmp_path: Path) -> None:
    source, into = raw(tmp_path / "in", {"a": (1, b"one")}), tmp_path / "out"
    archive(source, into, now=9 * DAY)
    raw(source, {"a": (1, b"two")})
    os.utime(source / "a", ns=(0, DAY + 6))
    assert archive(source, into, now=9 * DAY)["files"] == 1 and len(manifests(into)) == 2
    assert unpacked(into) == {"a": b"two"}, "the later archive comes last"


@pytest.mark.parametrize("place", [0, 20, -5])
def test_nothing_is_removed_while_its_archive_is_damaged(tmp_path: Path, place: int) -> None:
    source, into = raw(tmp_path / "in", {"a": (1, b"x" * 500), "b": (2, b"y")}), tmp_path / "out"
    archive(source, into, now=9 * DAY)
    path = into / "1970-01-02.000.tar.zst"
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    assert archive(source, into, now=9 * DAY, remove=True)["removed"] == 1 and (source / "a").exists()
    assert verify(into) == ["1970-01-02.000.tar.zst: its checksum is another"]
    path.unlink()
    assert verify(into) == ["1970-01-02.000.tar.zst: it is not there"]
    (into / "1970-01-02.000.manifest.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        verify(into)


def test_an_archive_killed_before_its_manifest_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, into = raw(tmp_path / "in", {"a": (1, b"one")}), tmp_path / "out"
    whole = Path.replace

    def stop(self: Path, target: Path) -> Path:
        if str(target).endswith(module.MANIFEST):
            raise KeyboardInterrupt
        return whole(self, target)

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        archive(source, into, now=9 * DAY, remove=True)
    monkeypatch.undo()
    assert manifests(into) == [] and (source / "a").exists()
    assert archive(source, into, now=9 * DAY, remove=True)["removed"] == 1
    assert sorted(p.name for p in into.iterdir()) == ["1970-01-02.000.manifest.json", "1970-01-02.000.tar.zst"]


def test_a_file_that_grows_while_it_is_read_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, into = raw(tmp_path / "in", {"a": (1, b"one")}), tmp_path / "out"
    digest = module.digest_of

    def grown(path: Path) -> str:
        if path.name == "a":
            path.write_bytes(b"one and more")
        return digest(path)

    monkeypatch.setattr(module, "digest_of", grown)
    with pytest.raises(DataError, match="a is not as it was"):
        archive(source, into, now=9 * DAY, remove=True)
    assert (source / "a").read_bytes() == b"one and more" and manifests(into) == []


def test_the_command_line_archives_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, into = raw(tmp_path / "in", {"a": (1, b"one")}), str(tmp_path / "out")
    assert console.run(cli.app, ["data", "archive", str(source), "--into", into, "--remove", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == 1
    assert console.run(cli.app, ["data", "archive", str(source), "--into", into, "--check"]) == 0
    next(Path(into).glob("*.zst")).unlink()
    assert console.run(cli.app, ["data", "archive", str(source), "--into", into, "--check"]) == 1
    assert "it is not there" in capsys.readouterr().err
    with pytest.raises(NotFound):
        archive(tmp_path / "nowhere", into)
    with pytest.raises(ConfigError, match="archive itself"):
        archive(source, source / "out")
