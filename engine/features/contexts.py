"""Everything about the surroundings of a bar in one row."""

from __future__ import annotations

from engine.features.clocks import session
from engine.features.contract import feature
from engine.features.phases import phase, regime, spike, vol_regime
from engine.features.scaling import scale
from engine.features.spec import column
from engine.features.swings import swing_way


@feature(
    gives="stage trend quiet jumpy cost event london newyork day structure", range=(1.0, 4.0), pane="below",
    unit="event event event event ratio event time time ratio event", covers="2.4.5", source="its parts",
)  # fmt: skip
def context(
    lo, hi, close, stage, trend, quiet, jumpy, cost, event, london, newyork, day, structure,
    a=phase().phase, b=regime().regime, c=vol_regime().vol_regime, d=spike().spike,
    e=scale(250, "rank", close="spread"), f=session("london").minutes, g=session("newyork").minutes,
    release=column("close") * 0.0, top=session("fx_day").top, bottom=session("fx_day").bottom, way=swing_way(),
):  # fmt: skip
    """The context of a bar as one vector: no new number, but the same ones in the same order for every model.

    `stage` phase, `trend` regime, `quiet` regime of volatility, `jumpy` spikes, `cost` rank of the spread, `event` 1
    around a release of a calendar, `london` and `newyork` minutes since their opening (-1: closed), `day` where the
    close lies in the FX day so far (0 to 1), `structure` the way the swings point (1, 0, -1). Which calendar, say by
    `context(release=news("forexfactory/calendar").in_window)`: without one there are no releases.
    """
    for i in range(lo, hi):
        stage[i], trend[i], quiet[i], jumpy[i], cost[i], event[i] = a[i], b[i], c[i], d[i], e[i], release[i]
        london[i], newyork[i], structure[i] = f[i], g[i], way[i]
        day[i] = (close[i] - bottom[i]) / (top[i] - bottom[i]) if top[i] > bottom[i] else 0.5
