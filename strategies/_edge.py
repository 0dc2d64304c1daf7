"""What the last trades say about a strategy's edge, and how much of its size that leaves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Edge:
    """Wins and losses as evidence on a Beta prior, which fades: after `memory` trades half of it is left.

    prior   trades' worth of belief that the odds are even with what is needed to break even
    memory  trades after which what was seen counts half
    """

    prior: float = 10.0
    memory: float = 50.0
    wins: float = 0.0
    losses: float = 0.0
    won: float = 0.0
    lost: float = 0.0

    def see(self, profit: float) -> None:
        """A trade is over; its profit in money (a trade of exactly 0 says nothing)."""
        fade = 0.5 ** (1.0 / self.memory)
        self.wins, self.losses, self.won, self.lost = (x * fade for x in (self.wins, self.losses, self.won, self.lost))
        if profit > 0.0:
            self.wins, self.won = self.wins + 1.0, self.won + profit
        elif profit < 0.0:
            self.losses, self.lost = self.losses + 1.0, self.lost - profit

    def rest(self) -> None:
        """A trade was not taken: what was seen fades, so that a strategy that was stopped is tried again."""
        self.see(0.0)

    @property
    def breakeven(self) -> float:
        """The share of wins at which nothing is earned, by the average win and the average loss so far."""
        if not self.wins or not self.losses:
            return 0.5
        win, loss = self.won / self.wins, self.lost / self.losses
        return loss / (win + loss)

    @property
    def value(self) -> float:
        """Posterior mean of the share of wins, less what is needed to break even: -1 to 1."""
        even = self.breakeven
        return (self.prior * even + self.wins) / (self.prior + self.wins + self.losses) - even

    def factor(self, half: float, stop: float) -> float:
        """1, or 0.5 when the edge is below -half, or 0 when it is below -stop: never more than what was asked for."""
        return 0.0 if self.value < -stop else 0.5 if self.value < -half else 1.0
