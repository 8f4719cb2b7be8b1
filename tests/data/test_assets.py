"""Assets come through real pip, from a folder of tiny wheels instead of the network."""

import hashlib
import io
import signal
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from textwright.data import catalog
from textwright.data.assets import asset_path, asset_states, resolve_asset, state_of
from textwright.data.catalog import ASSETS, Asset, Member
from textwright.data.download import failure
from textwright.errors import AssetError, AssetHashError, AssetNetworkError, AssetSpaceError, NotFoundError

WHEEL = "tiny_asset-1.0-py3-none-any.whl"


def write_wheel(folder: Path, files: dict[str, bytes]) -> Path:
    about = "tiny_asset-1.0.dist-info"
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-asset\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            archive.addfile(item, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the registry, and an empty cache."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def tiny(registry: Path, monkeypatch: pytest.MonkeyPatch) -> Asset:
    """An asset whose archive holds a folder, a nested archive and code that nobody asked for."""
    files = {
        "tiny/data/a/1.txt": b"one",
        "tiny/data/b/2.txt": b"two",
        "tiny/more.tar.gz": tar_of({"inner/words.txt": b"words"}),
        "tiny/__init__.py": b"raise SystemExit('never import me')",
    }
    archive = write_wheel(registry, files).read_bytes()
    members = (Member("tiny/data/"), Member("tiny/more.tar.gz", nested="inner/words.txt"))
    digest = hashlib.sha256(archive).hexdigest()
    asset = Asset("tiny", "a test", "tiny-asset", "1.0", False, digest, len(archive), 11, members, "none", "nobody")
    monkeypatch.setitem(catalog.ASSETS, "tiny", asset)
    return asset


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def leftovers() -> list[Path]:
    return [path for path in state_of("tiny").path.parent.glob(".*") if path.suffix != ".lock"]


def test_fetching_takes_the_listed_members_and_nothing_else(tiny: Asset) -> None:
    seen: list[tuple[int, int]] = []

    folder = asset_path("tiny", lambda done, total: seen.append((done, total)))

    assert names_below(folder) == {"a/1.txt", "b/2.txt", "words.txt"}
    assert (folder / "words.txt").read_bytes() == b"words"
    assert seen[-1] == (tiny.size_bytes, tiny.size_bytes)
    assert leftovers() == []


BACKEND = """
def get_requires_for_build_wheel(settings=None): return []
def prepare_metadata_for_build_wheel(folder, settings=None):
    import pathlib, time
    scratch = pathlib.Path(folder, "tiny_asset-1.0.dist-info")
    scratch.mkdir()
    for number in range(300):  # folders that vanish while the download is watched
        deep = pathlib.Path(folder, "a", "b", "c")
        deep.mkdir(parents=True)
        time.sleep(0.003)
        deep.rmdir(); deep.parent.rmdir(); deep.parent.parent.rmdir()
    (scratch / "METADATA").write_text("Metadata-Version: 2.1\\nName: tiny-asset\\nVersion: 1.0\\n")
    return scratch.name
"""


def test_a_source_distribution_is_fetched_while_pip_builds(tiny: Asset, registry: Path, monkeypatch) -> None:
    files = {
        "PKG-INFO": b"Metadata-Version: 2.1\nName: tiny-asset\nVersion: 1.0\n",
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND.encode(),
        "words.txt": b"words",
    }
    content = tar_of({f"tiny_asset-1.0/{name}": data for name, data in files.items()})
    (registry / "tiny_asset-1.0.tar.gz").write_bytes(content)
    members = (Member("tiny_asset-1.0/words.txt"),)
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(catalog.ASSETS, "tiny", replace(tiny, is_source=True, sha256=digest, members=members))

    assert names_below(asset_path("tiny")) == {"words.txt"}


def test_a_second_call_needs_no_registry(tiny: Asset, registry: Path) -> None:
    folder = asset_path("tiny")
    (registry / WHEEL).unlink()

    assert asset_path("tiny") == folder


def test_other_bytes_are_refused_and_not_kept(tiny: Asset, registry: Path) -> None:
    write_wheel(registry, {"tiny/data/a/1.txt": b"changed"})
    got = hashlib.sha256((registry / WHEEL).read_bytes()).hexdigest()

    with pytest.raises(AssetHashError, match=got):
        asset_path("tiny")
    assert not state_of("tiny").is_cached
    assert leftovers() == []


def test_a_registry_without_the_package_is_a_network_error(tiny: Asset, registry: Path) -> None:
    (registry / WHEEL).unlink()

    with pytest.raises(AssetNetworkError, match=r"tiny-asset 1\.0 .*check the network"):
        asset_path("tiny")
    assert leftovers() == []


def test_a_small_disk_is_said_before_anything_is_fetched(tiny: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ASSETS, "tiny", replace(tiny, size_bytes=10**18))

    with pytest.raises(AssetSpaceError, match=r"needs 2,000,000,000,\d+ MB .* TEXTWRIGHT_CACHE"):
        asset_path("tiny")


def test_a_disk_that_fills_while_pip_writes_is_a_space_error(tiny: Asset) -> None:
    log = "Collecting tiny\nERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"

    assert isinstance(failure(tiny, log), AssetSpaceError)


def test_a_cache_that_cannot_be_written_names_the_cure(tiny: Asset, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "file"))

    with pytest.raises(AssetError, match="TEXTWRIGHT_CACHE"):
        asset_path("tiny")


def test_a_catalog_that_names_an_absent_member_keeps_nothing(tiny: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ASSETS, "tiny", replace(tiny, members=(Member("tiny/absent.txt"),)))

    with pytest.raises(AssetError, match=r"no file tiny/absent\.txt"):
        asset_path("tiny")
    assert not state_of("tiny").is_cached


@pytest.mark.parametrize("evil", ["tiny/data/../../escaped.txt", "tiny/data//tmp/escaped.txt"])
def test_a_member_cannot_leave_the_cache(
    evil: str, tiny: Asset, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_wheel(registry, {evil: b"x"}).read_bytes()
    changed = replace(tiny, sha256=hashlib.sha256(archive).hexdigest(), members=(Member("tiny/data/"),))
    monkeypatch.setitem(catalog.ASSETS, "tiny", changed)

    with pytest.raises(AssetError, match="leave the cache"):
        asset_path("tiny")
    assert not list(tmp_path.rglob("escaped.txt"))


SHARED = """
from textwright.data import assets, catalog
from textwright.data.catalog import Member
catalog.ASSETS["tiny"] = catalog.Asset({fields})
calls = []
assets.asset_path("tiny", lambda done, total: calls.append(done))
print(bool(calls))
"""


def test_processes_that_want_the_same_asset_share_one_download(tiny: Asset) -> None:
    fields = ", ".join(repr(getattr(tiny, name)) for name in tiny.__slots__)
    command = [sys.executable, "-c", SHARED.format(fields=fields)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = sorted(process.communicate(timeout=60)[0].strip() for process in processes)

    assert answers == ["False", "False", "True"]
    assert names_below(state_of("tiny").path) == {"a/1.txt", "b/2.txt", "words.txt"}


KILLED = """
import time
from textwright.data import assets, catalog
asset = catalog.Asset({fields})
catalog.ASSETS["tiny"] = asset
assets.download = lambda *_: (print("downloading", flush=True), time.sleep(60))
assets.asset_path("tiny")
"""


def test_what_a_killed_process_left_is_removed_by_the_next(tiny: Asset) -> None:
    fields = ", ".join(repr(getattr(tiny, name)) for name in tiny.__slots__[:8]) + ", (), '', ''"
    path = state_of("tiny").path
    with subprocess.Popen([sys.executable, "-c", KILLED.format(fields=fields)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"downloading\n"
        process.send_signal(signal.SIGKILL)
    assert leftovers()

    asset_path("tiny")

    assert path.is_dir()
    assert leftovers() == []


def test_an_option_takes_an_asset_or_a_local_path(tiny: Asset, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("my vectors")

    assert resolve_asset(tmp_path / "mine.txt") == tmp_path / "mine.txt"
    assert resolve_asset("tiny") == state_of("tiny").path


def test_a_typing_error_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'movie-reviews'"):
        asset_path("movie-review")


def test_the_catalog_is_whole() -> None:
    data = {"movie-reviews", "vader", "airline-tweets", "bbc-news", "imdb-reviews", "chitchat"}
    assert set(ASSETS) == {*data, "glove-6b-50d", "minilm-l6", "word-similarity"}
    assert all(len(asset.sha256) == 64 and asset.license and asset.citation for asset in ASSETS.values())
    assert [state.asset.name for state in asset_states()] == list(ASSETS)


def test_looking_at_the_catalog_touches_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))

    assert not any(state.is_cached for state in asset_states())
    assert not (tmp_path / "cache").exists()
