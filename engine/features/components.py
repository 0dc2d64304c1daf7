"""`docs/components.md`, written from the registry: which wish is served by which feature.

python -m engine.features.components
"""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "components.md"
AREAS = {
    "2.3": "Signals", "2.4": "Annotation", "3.1": "Indicators", "3.2": "Context", "3.3": "Windows and time frames",
    "3.4": "Candles", "3.6": "Sequences", "3.7": "Versions", "4.7": "Systems",
}  # fmt: skip
COMPONENTS = {
    "2.3.1": "Noise Filter", "2.3.2": "Data Smoother", "2.3.3": "Adaptive Signal Weighting Engine",
    "2.3.4": "Signal Decomposition Module", "2.3.5": "Z-Score Normalizer", "2.3.6": "Volume Normalizer",
    "2.4.1": "Price Action Annotator", "2.4.2": "Market Phase Classifier", "2.4.3": "Event Mapper",
    "2.4.4": "Event Impact Scaler", "2.4.5": "Context Enricher", "2.4.6": "Behavioral Pattern Anomaly Detector",
    "3.1.1": "Technical Indicator Generator", "3.1.2": "Momentum Calculator", "3.1.3": "Trend Strength Analyzer",
    "3.1.4": "Volatility Band Mapper", "3.1.5": "Ratio & Spread Calculator", "3.1.6": "Cycle Strength Analyzer",
    "3.1.7": "Relative Position Encoder", "3.1.8": "Price Action Density Mapper",
    "3.1.9": "Microstructure Feature Extractor", "3.1.10": "Market Depth Analyzer",
    "3.2.1": "Time-of-Day Encoder", "3.2.2": "Session Tracker", "3.2.3": "Trend Context Tagger",
    "3.2.4": "Volatility Spike Marker", "3.2.5": "Cycle Phase Encoder", "3.2.6": "Market Regime Classifier",
    "3.2.7": "Volatility Regime Tagger", "3.3.1": "Multi-Timeframe Feature Merger", "3.3.2": "Lag Feature Engine",
    "3.3.3": "Rolling Window Statistics", "3.3.4": "Rolling Statistics Calculator", "3.3.5": "Volume Tick Aggregator",
    "3.3.6": "Pattern Window Slicer", "3.3.7": "Feature Aggregator", "3.3.8": "Candle Series Comparator",
    "3.4.1": "Candlestick Pattern Extractor", "3.4.2": "Candlestick Shape Analyzer", "3.4.3": "Pattern Encoder",
    "3.4.4": "Price Cluster Mapper", "3.4.5": "Pattern Sequence Embedder", "3.6.1": "Sequence Constructor",
    "3.6.2": "Temporal Encoder", "3.7.1": "Feature Version Control", "4.7.1": "Ichimoku Cloud Analyzer",
    "4.7.2": "SuperTrend Signal Extractor",
}  # fmt: skip
"""The wishes of these areas by number; what their names say in brackets is left out."""
PARTS = {
    "3.3.1": ("engine/features/spec.py", 'another time frame, closed or forming: `on("H1", rsi(14), live=True)`'),
    "3.3.5": ("engine/feeds/kinds/__init__.py", "bars of ticks, volume or money; `features.ticks.tick_flow`"),
    "3.1.10": ("engine/features/books.py", "imbalance, slope, cost to fill and flow of a book's levels, on arrays"),
    "3.4.5": ("engine/features/fused.py", "principal scores of a window of lags, their loads frozen (`principal`)"),
    "3.3.6": ("engine/features/slices.py", "the last rows of chosen columns as a view, at every bar or on an event"),
    "3.6.1": ("engine/features/slices.py", "windows of rows, normalised or not, with a mask"),
    "3.7.1": ("engine/features/identity.py", "every feature's identity: name, parameters, inputs and compiled text"),
}
"""Wishes that a part of the engine serves instead of, or beside, a feature: its file, and what it does."""
SHOWN = 24
"""Features named of a wish; the table of features has all."""


def served() -> dict[str, list[str]]:
    """The features that say that they serve a wish, in the order of their families."""
    from engine.features import FAMILIES, load_all

    modules = [f"engine.features.{family}" for family in FAMILIES]
    shipped = [f for _, f in load_all().items() if f.kernel.__module__ in modules]
    shipped.sort(key=lambda f: modules.index(f.kernel.__module__))
    found: dict[str, list[str]] = {wish: [] for wish in COMPONENTS}
    for feature in shipped:
        for wish in feature.covers:
            if wish in found:
                found[wish].append(feature.name)
    return found


def page() -> str:
    """The whole page: a table per area, a line per wish."""
    found = served()
    text = ["# Components", "", "Which wish is served by what. Written from the registry by "
            "`python -m engine.features.components`; what a feature serves stands in its declaration.", ""]  # fmt: skip
    for area, title in AREAS.items():
        text += [f"## {area} {title}", "", "| wish | name | served by |", "| --- | --- | --- |"]
        for wish, name in COMPONENTS.items():
            if wish.rsplit(".", 1)[0] == area:
                text.append(f"| {wish} | {name} | {by(wish, found[wish])} |")
        text.append("")
    return "\n".join(text)


def by(wish: str, names: list[str]) -> str:
    told = [f"`{name}`" for name in names[:SHOWN]]
    more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    parts = [f"{PARTS[wish][1]} (`{PARTS[wish][0]}`)"] if wish in PARTS else []
    return ", ".join([*parts, *told, *more]) or "not built yet"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
