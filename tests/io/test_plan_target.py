"""A plan folder is replaced whole or not at all, and nothing that is no plan is ever lost."""

import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spatial.errors import InputError
from spatial.io.atomic import replace_folder
from spatial.io.plan_folder import check_target, read_plan_folder, write_plan
from spatial.io.plan_layers import PLAN_LAYERS
from tests.api.toy_plan import build_toy_plan, toy_scorecard, toy_violations

ROOT = Path(__file__).parents[2]


def write(folder: Path, plan: Any = None, **options: Any) -> Path:
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), **options}
    return write_plan(plan or build_toy_plan(), folder, **given)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_plan_is_replaced_whole_and_nothing_is_left_beside(tmp_path: Path) -> None:
    folder = write(tmp_path / "deep" / "plan")
    (folder / "plan.gpkg-wal").write_bytes(b"")
    plan = replace(build_toy_plan(), plan_id="toy-0002")
    write(folder, plan)
    assert read_plan_folder(folder).report["plan_id"] == "toy-0002"
    assert not (folder / "plan.gpkg-wal").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["plan"]


def test_files_that_are_no_part_of_a_plan_are_never_lost(tmp_path: Path) -> None:
    folder = write(tmp_path / "plan")
    (folder / "notes.docx").write_text("mine")
    before = contents(folder)
    with pytest.raises(InputError, match=r"notes\.docx"):
        write(folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "report.json").write_text('{"format": "of another program"}')
    with pytest.raises(InputError, match="no plan folder"):
        write(other)
    with pytest.raises(InputError, match="is a file"):
        write(other / "report.json")
    assert contents(folder) == before


def test_a_target_is_checked_before_any_work(tmp_path: Path) -> None:
    check_target(tmp_path / "new" / "deep" / "plan")
    assert list(tmp_path.iterdir()) == []
    check_target(write(tmp_path / "plan"))
    (tmp_path / "plan" / "notes.docx").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.docx"):
        check_target(tmp_path / "plan")
    with pytest.raises(InputError, match=r"notes\.docx is a file; needed a folder"):
        check_target(tmp_path / "plan" / "notes.docx" / "plan")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_a_place_where_nothing_can_be_written_is_told_by_its_own_name() -> None:
    for act in (check_target, write):
        with pytest.raises(InputError, match=r"^cannot write to /proc/wangge-plan: ") as told:
            act(Path("/proc/wangge-plan"))
        assert "unfinished" not in str(told.value)


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    with pytest.raises(InputError, match=r"cannot write to .*locked/plan: Permission denied"):
        check_target(locked / "plan")


def test_a_disk_that_is_full_is_told_by_the_name_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/.plan.1a2b.unfinished/plan.gpkg")

    folder = write(tmp_path / "plan")
    before = contents(folder)
    monkeypatch.setattr("spatial.io.plan_folder._write_geopackage", full)
    with pytest.raises(InputError, match=r"/plan: No space left on device$"):
        write(folder)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert read_plan_folder(write(tmp_path)).layers == PLAN_LAYERS


def test_a_failure_while_writing_leaves_the_old_plan(tmp_path: Path) -> None:
    folder = write(tmp_path / "plan")
    before = contents(folder)

    def fail(beside: Path) -> None:
        (beside / "blocks.geojson").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_folder(folder, fail)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from spatial.io.atomic import replace_folder
def fill(beside):
    (beside / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
replace_folder(Path(sys.argv[1]), fill)
"""


def test_a_killed_process_leaves_the_old_plan_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    folder = write(tmp_path / "plan")
    before = contents(folder)
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(folder)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert contents(folder) == before
    assert len(list(tmp_path.iterdir())) == 2
    replace_folder(folder, lambda beside: None)
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_without_a_swap_the_old_plan_is_moved_aside_and_put_back_if_need_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial.io.atomic._swap", lambda one, other: False)
    folder = write(tmp_path / "plan")
    write(folder, replace(build_toy_plan(), plan_id="toy-0002"))
    assert read_plan_folder(folder).report["plan_id"] == "toy-0002"
    os.rename(folder, tmp_path / ".plan.before")  # killed between the two renames
    with pytest.raises(OSError, match="stop"):
        replace_folder(folder, lambda beside: (_ for _ in ()).throw(OSError("stop")))
    assert read_plan_folder(folder).report["plan_id"] == "toy-0002"
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
