"""The last rows of several columns as one matrix, for models that look at sequences: in batch and bar by bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean

STYLES = ("none", "first", "z", "minmax")


def windows(columns: np.ndarray, width: int) -> np.ndarray:
    """Every window of `width` rows of a matrix (rows, columns): shape (rows - width + 1, width, columns), no copy.

    Window j ends at row j + width - 1 and holds nothing later. ConfigError for a width below 1.

    >>> windows(np.arange(4.0).reshape(4, 1), 3)[:, :, 0].tolist()
    [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """
    if width < 1:
        raise ConfigError(f"a window has at least one row, not {width}")
    if len(columns) < width:
        return np.empty((0, width, columns.shape[1]))
    return np.lib.stride_tricks.sliding_window_view(columns, width, axis=0).swapaxes(1, 2)


def normalised(window: np.ndarray, style: str = "none") -> np.ndarray:
    """A window, or many of them, each column on its own scale: less its first value, as z-scores, or from 0 to 1.

    `none` hands back the view itself, the others a copy. A column that stands still becomes zeros.
    """
    if style not in STYLES:
        raise ConfigError(f"no way to normalise {style!r}: {did_you_mean(style, STYLES)}")
    if style == "none":
        return window
    if style == "first":
        return np.asarray(window - window[..., :1, :])
    low, high = window.min(axis=-2, keepdims=True), window.max(axis=-2, keepdims=True)
    centre, scale = (window.mean(axis=-2, keepdims=True), window.std(axis=-2, keepdims=True)) if style == "z" else (
        low, high - low,
    )  # fmt: skip
    moves = high > low
    return np.where(moves, (window - centre) / np.where(moves, scale, 1.0), 0.0)


def whole(window: np.ndarray) -> np.ndarray:
    """The mask: which rows of a window have all their values."""
    return ~np.isnan(window).any(axis=-1)


class Slices:
    """The last `width` rows, bar by bar: `push` a row; `view` is the window that ends with it, without a copy.

    Each row is written twice, one width apart, so that the last rows always lie in one piece. Later rows overwrite the
    view: copy what is to stay. `mask` says which rows are there and have all their values; before the first
    `width` rows the others are NaN.

    >>> slices = Slices(("close", "rsi"), 2)
    >>> for row in ((1.0, 50.0), (2.0, 55.0), (3.0, 60.0)):
    ...     slices.push(row)
    >>> slices.view.tolist(), slices.mask.tolist()
    ([[2.0, 55.0], [3.0, 60.0]], [True, True])
    """

    def __init__(self, columns: Sequence[str], width: int = 64) -> None:
        if width < 1 or not columns:
            raise ConfigError(f"a window has at least one row and one column, not {width} and {len(columns)}")
        self.columns, self.width = tuple(columns), width
        self._rows = np.full((2 * width, len(self.columns)), np.nan)
        self._at = 0

    def push(self, row: Sequence[float]) -> None:
        """The next row, its values in the order of `columns`."""
        self._rows[self._at] = self._rows[self._at + self.width] = row
        self._at = (self._at + 1) % self.width

    @property
    def view(self) -> np.ndarray:
        """float64 (width, columns), oldest row first; read-only."""
        found = self._rows[self._at : self._at + self.width]
        found.flags.writeable = False
        return found

    @property
    def mask(self) -> np.ndarray:
        return whole(self.view)

    def normalised(self, style: str = "none") -> np.ndarray:
        return normalised(self.view, style)
