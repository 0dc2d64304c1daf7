"""Series of wins and losses, as the strategy tester of MetaTrader 5 reports them."""

from __future__ import annotations

import math

import numpy as np

Figures = dict[str, float | int | None]


def streaks(nets: np.ndarray, scale: int = 1) -> Figures:
    """Figures of series of wins and losses from the nets of trades in the order of closing (minor units).

        max_consecutive_wins     trades in the longest series of wins, and what it made; likewise of losses
        max_consecutive_profit   the most a series of wins made, and its trades; likewise the worst of losses
        average_consecutive_...  mean length of a series
        z_score                  how far the number of series R lies from chance, in standard deviations: above 0 wins
                                 and losses alternate, below 0 they cluster (beyond 1.96: 95 % sure). With
                                 P = 2 W L: (N (R - 0.5) - P) / sqrt(P (P - N) / (N - 1)). Wald and Wolfowitz, On a
                                 test whether two samples are from the same population, Ann. Math. Stat. 11 (1940);
                                 the form with 0.5 is that of the MetaTrader 5 help, "Testing report"

    A trade that ends at 0 is neither and ends a series; it does not count for the Z-score.

    >>> found = streaks(np.array([5, 3, -2, 4, -1, -1, -6]))
    >>> found["max_consecutive_wins"], found["max_consecutive_wins_amount"], found["max_consecutive_losses"]
    (2, 8.0, 3)
    >>> found["average_consecutive_wins"], round(found["z_score"], 3)
    (1.5, 0.061)
    """
    kind = np.sign(nets).astype(np.int64)
    starts = np.flatnonzero(np.diff(kind, prepend=2))
    sums = np.add.reduceat(nets, starts) / scale if len(nets) else np.zeros(0)
    counts, kinds = np.diff(starts, append=len(nets)), kind[starts]
    out: Figures = {}
    for side, word, amount in ((1, "wins", "profit"), (-1, "losses", "loss")):
        mine = kinds == side
        n, money = counts[mine], sums[mine]
        longest = np.lexsort((-side * money, -n))[:1]  # of equally long ones the larger
        largest = np.lexsort((-n, -side * money))[:1]
        out[f"max_consecutive_{word}"] = int(n[longest].sum())
        out[f"max_consecutive_{word}_amount"] = float(money[longest].sum())
        out[f"max_consecutive_{amount}"] = float(money[largest].sum())
        out[f"max_consecutive_{amount}_trades"] = int(n[largest].sum())
        out[f"average_consecutive_{word}"] = float(n.mean()) if len(n) else None
    out["z_score"] = z_score(kind[kind != 0])
    return out


def z_score(kind: np.ndarray) -> float | None:
    """Of a row of +1 and -1; None where there is no telling."""
    n, wins = len(kind), int((kind > 0).sum())
    p, runs = 2 * wins * (n - wins), 1 + int((np.diff(kind) != 0).sum())
    return (n * (runs - 0.5) - p) / math.sqrt(p * (p - n) / (n - 1)) if n > 2 and p > n else None
