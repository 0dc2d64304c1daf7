"""What these tests have found wrong in the venue, so that it stays right."""

from __future__ import annotations

import pytest

from engine.core.events import Canceled, Order, Rejected
from tests.venue.desk import SECOND, Desk


def test_an_order_that_expires_on_its_way_is_gone_by_its_expiry_and_not_later() -> None:
    desk = Desk(latency="7 s")
    desk.quote(1.1, 1.1)
    order = desk.buy(0.1, "limit", 1.09, expires=desk.now + 3 * SECOND)
    assert desk.quote(1.1, 1.1, after=2 * SECOND) == []
    assert desk.quote(1.1, 1.1) == [Canceled(desk.now, "hand", "EURUSD", order, "expired", desk.now)]
