"""Figures as a trader reads them: one list of label and text for the terminal and for the report."""

from __future__ import annotations

from engine.report.metrics import Figures
from engine.report.summary import Summary

NONE = "–"


def figures(summary: Summary) -> list[tuple[str, str]]:
    """Label and text of every figure of a run, in reading order; what is undefined shows as a dash."""
    f, s = summary.figures, summary
    rows = [
        ("Net profit", money(f.get("net_profit"), s)),
        ("Return", percent(f.get("return"), sign=True)),
        ("Start balance", money(f.get("start_balance"), s)),
        ("End balance", money(f.get("end_balance"), s)),
        ("Max drawdown", money(f.get("max_drawdown"), s)),
        ("Relative drawdown", percent(f.get("max_drawdown_share"))),
        ("Recovery factor", number(f.get("recovery_factor"))),
        (f"Sharpe (daily, × √{s.days_per_year})", number(f.get("sharpe"))),
        ("Profit factor", number(f.get("profit_factor"))),
        ("Expected payoff", money(f.get("expected_payoff"), s)),
        ("Gross profit", money(f.get("gross_profit"), s)),
        ("Gross loss", money(f.get("gross_loss"), s)),
        ("Trades", whole(f.get("trades"))),
        ("Won", percent(f.get("win_rate"))),
        ("Long (won)", f"{whole(f.get('long_trades'))} ({percent(f.get('long_win_rate'))})"),
        ("Short (won)", f"{whole(f.get('short_trades'))} ({percent(f.get('short_win_rate'))})"),
        ("Average win", money(f.get("average_win"), s)),
        ("Average loss", money(f.get("average_loss"), s)),
        ("Largest win", money(f.get("largest_win"), s)),
        ("Largest loss", money(f.get("largest_loss"), s)),
        ("Average time held", held(f.get("average_hold_s"))),
        ("Time in market", percent(f.get("time_in_market"))),
        ("Commission", money(f.get("commission"), s)),
        ("Spread", money(f.get("spread_cost"), s)),
        ("Slippage", money(f.get("slippage_cost"), s)),
        ("Longest series of wins", series(f, "wins", s)),
        ("Longest series of losses", series(f, "losses", s)),
        ("Largest series of wins", series(f, "profit", s)),
        ("Largest series of losses", series(f, "loss", s)),
        ("Z-score", number(f.get("z_score"))),
        (f"Sortino (daily, × √{s.days_per_year})", number(f.get("sortino"))),
        (f"Volatility (daily, × √{s.days_per_year})", percent(f.get("volatility"))),
        ("Growth a year", percent(f.get("cagr"), sign=True)),
        ("Calmar ratio", number(f.get("calmar"))),
    ]
    if f.get("open_profit"):
        rows.insert(4, ("Open positions at the end", money(f.get("open_profit"), s)))
    return rows + seldom(summary)


def series(f: Figures, what: str, summary: Summary) -> str:
    """`5 trades, 120.00 USD`: a series of wins or losses, the longest or the one that made most."""
    longest = what in ("wins", "losses")
    count = f.get(f"max_consecutive_{what}" if longest else f"max_consecutive_{what}_trades")
    amount = f.get(f"max_consecutive_{what}_amount" if longest else f"max_consecutive_{what}")
    return f"{whole(count)} trade{'s' if count > 1 else ''}, {money(amount, summary)}" if count else NONE


def seldom(summary: Summary) -> list[tuple[str, str]]:
    """What most runs have none of, and do not show."""
    f = summary.figures
    rows = [
        ("Swap", f.get("swap"), money(f.get("swap"), summary)),
        ("Margin calls", f.get("margin_calls"), whole(f.get("margin_calls"))),
        ("Stop-outs", f.get("stop_outs"), whole(f.get("stop_outs"))),
        ("Debt written off", f.get("corrections"), money(f.get("corrections"), summary)),
        ("Stop and target in one bar", f.get("ambiguous"), f"{whole(f.get('ambiguous'))} trades"),
    ]
    return [(label, text) for label, value, text in rows if value]


def money(amount: float | None, summary: Summary) -> str:
    """`1,234.50 USD` with the account currency's digits."""
    if amount is None:
        return NONE
    return f"{amount + 0.0:,.{summary.digits}f} {summary.currency}"


def percent(share: float | None, sign: bool = False) -> str:
    """
    >>> percent(0.1234), percent(0.05, sign=True), percent(None)
    ('12.34 %', '+5.00 %', '–')
    """
    return NONE if share is None else f"{share * 100:{'+' if sign else ''}.2f} %"


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:,.2f}"


def whole(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def held(seconds: float | None) -> str:
    """
    >>> held(5.0), held(3_720.0), held(200_000.0)
    ('5 s', '1 h 2 min', '2 d 7 h')
    """
    if seconds is None:
        return NONE
    minutes, hours, days = round(seconds) // 60, round(seconds) // 3600, round(seconds) // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {round(seconds) % 60} s" if minutes else f"{seconds:.3g} s"
