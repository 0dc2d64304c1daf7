"""The table of features in `docs/features.md`, written from the registry: `python -m engine.features.docs`."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from engine.features.contract import Feature

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"
BEGIN, END = "<!-- written from the registry: python -m engine.features.docs -->", "<!-- end -->"
HEAD = ("feature", "what it is", "outputs", "first value", "rows back", "settles", "like", "serves")


def row(feature: Feature) -> tuple[str, ...]:
    """One line of the table: everything is read from the declaration."""
    params = ", ".join((*feature.required, *(f"{n}={p.default!r}" for n, p in feature.params.items())))
    first = dict.fromkeys(str(w) for w in feature.warmup)
    inner = ["inputs'"] if any(not isinstance(s, str) for s in feature.inputs.values()) else []
    warmup = " + ".join([*inner, *([", ".join(first)] if list(first) != ["0"] or not inner else [])])
    cells = (
        f"`{feature.name}({params})`", feature.summary.replace("|", "\\|"), " ".join(f"`{o}`" for o in feature.outputs),
        warmup, str(feature.lookback), str(feature.settle), " ".join(feature.like), " ".join(feature.covers),
    )  # fmt: skip
    return tuple(cell or " " for cell in cells)


def tables() -> str:
    """One Markdown table per family file, in the order of `engine.features.FAMILIES`."""
    from engine.features import FAMILIES, load_all

    text = []
    families = [f"engine.features.{family}" for family in FAMILIES]
    features = [f for _, f in load_all().items() if f.kernel.__module__ in families]
    features.sort(key=lambda f: families.index(f.kernel.__module__))
    for module, group in groupby(features, key=lambda f: f.kernel.__module__):
        about = (sys.modules[module].__doc__ or "").partition("\n")[0]
        lines = [HEAD, ("---",) * len(HEAD), *(row(f) for f in group)]
        text.append(f"### {about.rstrip('.')}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines))
    return "\n\n".join([*text, names(features)])


def names(features: list[Feature]) -> str:
    """TA-Lib's functions under our names, where those differ."""
    lines = ["| TA-Lib | here |", "| --- | --- |"]
    for feature in features:
        each = len(feature.like) == len(feature.outputs) > 1
        for like, output in zip(feature.like, feature.outputs if each else [""] * len(feature.like), strict=True):
            theirs = like.removeprefix("talib.")
            ours = f"{feature.name}().{output}" if output else f"{feature.name}()"
            if theirs not in ("-", feature.name.upper()) and not feature.name.startswith("cdl_"):
                lines.append(f"| `{theirs}` | `{ours}` |")
    return "### TA-Lib's names\n\n" + "\n".join(lines)


def page(old: str) -> str:
    """The page with its table brought up to date."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
