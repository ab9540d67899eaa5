"""Profiles: the shipped ones load, wrong ones are refused by the name of the key."""

from pathlib import Path
from typing import Any

import pytest

from spatial.errors import MissingError, ProfileError
from spatial.io.profiles import list_profiles, read_profile
from spatial.profile import MARKS, build_profile

SHIPPED = ["about_500", "band_300_500", "bench_j", "hefei", "micro_30_100", "qindu"]


def _own(tmp_path: Path, text: str) -> str:
    path = tmp_path / "own.toml"
    path.write_text(f'extends = "about_500"\nname = "own"\ntitle = "own"\n{text}', encoding="utf-8")
    return str(path)


def test_six_profiles_are_shipped() -> None:
    assert list_profiles() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_of_a_shipped_profile_carries_a_source_and_a_mark(name: str) -> None:
    profile = read_profile(name)
    assert profile.name == name
    sections = ("grid", "community", "land", "households", "division", "walking", "siting", "checks", "privacy")
    expected = {f"{section}.{key}" for section in sections for key in getattr(profile, section).__dataclass_fields__}
    assert set(profile.sources) == expected
    assert all(source.text and source.mark in MARKS for source in profile.sources.values())


def test_the_bands_are_those_of_the_field() -> None:
    bands = {name: read_profile(name).grid for name in SHIPPED}
    assert [(bands[n].floor_households, bands[n].ceiling_households) for n in SHIPPED] == [
        (300, 700), (300, 500), (300, 700), (400, 600), (30, 100), (250, 560),
    ]  # fmt: skip
    assert bands["hefei"].two_phase_estates
    assert not bands["about_500"].two_phase_estates


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[grid]\ncelling_households = { value = 700, source = "x", mark = "D" }',
            "unknown key grid.celling_households",
        ),
        ('[grid]\nfloor_households = { value = 800, source = "x", mark = "D" }', "floor_households 800"),
        ("[grid]\nfloor_households = 300", "grid.floor_households is 300, needed"),
        ('[grid]\nfloor_households = { value = 300, mark = "D" }', "grid.floor_households has source ''"),
        ('[grid]\nfloor_households = { value = 300, source = "x", mark = "sure" }', "mark 'sure'"),
        ('[grid]\nfloor_households = { value = "300", source = "x", mark = "D" }', "grid.floor_households is '300'"),
        ('[grid]\nfloor_households = { value = true, source = "x", mark = "D" }', "grid.floor_households is True"),
        ('[grid]\nfloor_households = { value = nan, source = "x", mark = "D" }', "grid.floor_households is nan"),
        ('[walking]\nadult_m_per_s = { value = 0, source = "x", mark = "D" }', "walking.adult_m_per_s is 0"),
        ('[walking]\ncircle_min = { value = [5, 5], source = "x", mark = "D" }', "walking.circle_min"),
        ('[land]\nface_strength = { value = 2, source = "x", mark = "D" }', "land.face_strength is 2"),
        ('[land]\nunknown_access = { value = "shut", source = "x", mark = "D" }', "land.unknown_access is 'shut'"),
        ('[division]\nclear_target = { value = 1.5, source = "x", mark = "D" }', "division.clear_target is 1.5"),
        ('[division]\nfar_weight = { value = -1, source = "x", mark = "D" }', "division.far_weight is -1"),
        (
            '[division]\nfloor_penalty = { value = 1, source = "x", mark = "D" }',
            "division.floor_penalty is 1, needed bool",
        ),
        ('[division]\nsize_column = { value = "", source = "x", mark = "D" }', "division.size_column is ''"),
        ('[siting]\nmodel = { value = "guess", source = "x", mark = "D" }', "siting.model is 'guess'"),
        ("[grids]\nx = 1", "unknown key 'grids'"),
        ("grid = 5", "grid is 5"),
        ("[grid", "not readable as TOML"),
    ],
)
def test_a_wrong_profile_is_refused_by_the_name_of_the_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ProfileError, match=says.replace("'", ".").replace("[", r"\[")):
        read_profile(_own(tmp_path, text))


def test_a_missing_section_is_named() -> None:
    document: dict[str, Any] = {"name": "bare", "title": "bare"}
    with pytest.raises(ProfileError, match=r"grid\.level is missing"):
        build_profile(document)


def test_a_profile_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(MissingError, match="about_500, band_300_500"):
        read_profile("about_501")


def test_a_profile_may_not_extend_itself_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "loop.toml"
    path.write_text('extends = "loop.toml"\nname = "loop"\ntitle = "loop"\n', encoding="utf-8")
    with pytest.raises(ProfileError, match="does not extend itself"):
        read_profile(str(path))


def test_a_profile_that_breaks_a_rule_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "城区.toml"
    path.write_text('extends = "about_500"\nname = "x"\ntitle = "x"\n[grid]\ntarget = 5\n', encoding="utf-8")
    with pytest.raises(ProfileError, match=r"^profile 城区\.toml: unknown key grid\.target; known are"):
        read_profile(str(path))
