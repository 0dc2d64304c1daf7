"""`docs/components.md` names every wish of the areas that features serve, and what serves it."""

from __future__ import annotations

import re
from pathlib import Path

from engine.features import load_all
from engine.features.components import AREAS, COMPONENTS, PAGE, PARTS, page, served

ROOT = Path(__file__).resolve().parents[2]


def asked(shared: Path) -> dict[str, str]:
    """The list of components: number and name, without what stands in brackets."""
    lines = (shared / "COMPONENTS.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {wish: re.sub(r"\s*\(.*\)$", "", name) for wish, name in rows}


def test_every_wish_of_these_areas_is_on_the_page_under_its_name(shared: Path) -> None:
    areas = tuple(f"{area}." for area in AREAS if area != "3.7")
    wanted = {wish: name for wish, name in asked(shared).items() if wish.startswith(areas) or wish == "3.7.1"}
    assert len(wanted) == 47 and wanted == COMPONENTS


def test_every_number_that_a_feature_says_it_serves_is_a_wish(shared: Path) -> None:
    known = asked(shared)
    for name, one in load_all().items():
        if one.kernel.__module__.startswith("engine.features."):
            assert set(one.covers) <= set(known), name


def test_the_page_is_up_to_date() -> None:
    """`python -m engine.features.components` writes it."""
    assert PAGE.read_text("utf-8") == page()


def test_every_wish_is_served_by_a_feature_or_a_part_that_is_there() -> None:
    missing = {wish for wish, names in served().items() if not names and wish not in PARTS}
    assert not missing, f"nothing serves {', '.join(sorted(missing))}"
    for file, _ in PARTS.values():
        assert (ROOT / file).is_file(), file
