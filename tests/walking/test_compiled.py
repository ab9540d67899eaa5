"""Is machine code compiled anew when what a kernel calls has changed?"""

from pathlib import Path

import pytest

from spatial.division import pricing
from spatial.walking import compiled
from spatial.walking.compiled import stamp_sources


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    room = tmp_path / "spatial" / "room"
    room.mkdir(parents=True)
    (room / "engine").mkdir()
    (room / "outer.py").write_text("from spatial.room.middle import f\n")
    (room / "middle.py").write_text("from spatial.room.engine.deep import g\nfrom spatial.other.far import h\n")
    (room / "engine" / "deep.py").write_text("def g():\n    return 1\n")
    (room / "beside.py").write_text("x = 1\n")
    monkeypatch.setattr(compiled, "_ROOT", tmp_path)
    stamp_sources.cache_clear()
    return room


def _stamp(room: Path) -> str:
    stamp_sources.cache_clear()
    return stamp_sources(room / "outer.py")


def test_a_change_in_what_is_called_through_another_module_is_seen(room: Path) -> None:
    before = _stamp(room)
    (room / "engine" / "deep.py").write_text("def g():\n    return 2\n")
    assert _stamp(room) != before


def test_a_change_beside_changes_nothing(room: Path) -> None:
    before = _stamp(room)
    (room / "beside.py").write_text("x = 2\n")
    assert _stamp(room) == before


def test_the_cache_of_a_kernel_bears_the_stamp_of_its_sources() -> None:
    stamp_sources.cache_clear()
    kept = pricing.price_root._cache._cache_file
    assert kept._source_stamp[1] == stamp_sources(Path(pricing.__file__))
