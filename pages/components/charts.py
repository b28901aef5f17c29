"""The charts of a triage: what broke since when, and for whom. In both, one colour stands for the same error.

Their legend is our own list above them: the charts' own one is cut off in a narrow window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ekm_core.triage.results import OTHERS, Affected, Summary
from pages.components.markup import esc

if TYPE_CHECKING:
    import altair as alt

MOST_CUSTOMERS = 12
NOT_GIVEN = "(not given)"
# Each stands out from the light and from the dark background by more than 3 to 1.
_COLOURS = ("#2f7fd1", "#d9650b", "#12937a", "#9461c9", "#d4437c", "#8a7d12", "#7a8783")


class Parts:
    """What the bars are made of: the most frequent errors, each by itself, and all further ones together."""

    def __init__(self, by_error: Mapping[str, int]) -> None:
        """by_error: messages by error, the most frequent first."""
        ids = list(by_error)
        alone = len(_COLOURS) if len(ids) <= len(_COLOURS) else len(_COLOURS) - 1
        rest = ids[alone:]
        self._others = f"{len(rest)} further errors"
        self._counts = {id: by_error[id] for id in ids[:alone]}
        if rest:
            self._counts[self._others] = sum(by_error[id] for id in rest)

    def name(self, error_id: str) -> str:
        """The part that an error belongs to."""
        return error_id if error_id in self._counts else self._others

    def legend(self) -> str:
        """The parts with their colours and counts."""
        items = "".join(
            f'<li><span style="background:{colour}"></span>{esc(name)} · {count:,}</li>'
            for (name, count), colour in zip(self._counts.items(), _COLOURS, strict=False)
        )
        return f'<ul class="ekm-legend">{items}</ul>'

    def rows(self, counted: Iterable[tuple[str, str, int]], head: str) -> list[dict[str, object]]:
        """One row for each bar and part; ``head`` names the bar's column. counted: bar, error and messages."""
        sums: Counter[tuple[str, str]] = Counter()
        for bar, error_id, count in counted:
            sums[bar, self.name(error_id)] += count
        order = list(self._counts)
        return [
            {head: bar, "Error": part, "Messages": count, "Order": order.index(part)}
            for (bar, part), count in sums.items()
        ]

    def colour(self) -> alt.Color:
        """The colours as the charts take them."""
        import altair as alt

        names = list(self._counts)
        return alt.Color("Error:N", scale=alt.Scale(domain=names, range=list(_COLOURS[: len(names)])), legend=None)


def over_time(found: Summary, parts: Parts) -> alt.Chart:
    """Messages of each hour or day, whose bars are as wide as it lasts."""
    import altair as alt
    import pandas as pd

    points = pd.DataFrame(parts.rows(((point.start, point.error_id, point.count) for point in found.over_time), "Time"))
    # Without a zone the browser would take them for times of its own.
    points["Time"] = pd.to_datetime(points["Time"], utc=True)
    unit = "utcyearmonthdatehours" if found.bucket == "hour" else "utcyearmonthdate"
    day = "utcFormat(datum.value, '%b %d')"
    label = f"utchours(datum.value) ? utcFormat(datum.value, '%H:%M') : {day}" if found.bucket == "hour" else day
    axis = alt.Axis(labelExpr=label, labelOverlap=True, tickCount=8, title=None, grid=False)
    return (
        alt.Chart(points)
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("Time:T", timeUnit=unit, axis=axis),
            y=alt.Y("Messages:Q", axis=_whole()),
            color=parts.colour(),
            order="Order:Q",
            tooltip=[
                alt.Tooltip("Time:T", timeUnit=unit, title="From (UTC)", format="%Y-%m-%d %H:%M"),
                "Error:N",
                "Messages:Q",
            ],
        )
    )


def largest(affected: Sequence[Affected]) -> tuple[list[str], int]:
    """The customers with the most messages, the largest first and the nameless last; and how many have a name."""
    sums: Counter[str] = Counter()
    for item in affected:
        sums[item.customer] += item.count
    named = [name for name, _ in sums.most_common() if name not in ("", OTHERS)]
    nameless = [name for name in (OTHERS, "") if name in sums]
    return [*named[:MOST_CUSTOMERS], *nameless], len(named)


def by_customer(affected: Sequence[Affected], shown: Sequence[str], parts: Parts) -> alt.Chart:
    """Messages with a known error of the customers ``shown``, one bar for each."""
    import altair as alt
    import pandas as pd

    names = {name: name or NOT_GIVEN for name in shown}
    counted = ((names[item.customer], item.error_id, item.count) for item in affected if item.customer in names)
    return (
        alt.Chart(pd.DataFrame(parts.rows(counted, "Customer")))
        .mark_bar()
        .encode(
            x=alt.X("Messages:Q", axis=_whole(6)),
            y=alt.Y("Customer:N", sort=list(names.values()), title=None, axis=alt.Axis(labelLimit=150)),
            color=parts.colour(),
            order="Order:Q",
            tooltip=["Customer:N", "Error:N", "Messages:Q"],
        )
    )


def _whole(ticks: int = 8) -> alt.Axis:
    import altair as alt

    return alt.Axis(format=",d", tickMinStep=1, tickCount=ticks)


def height(bars: int) -> int:
    """Pixels of a chart with so many bars that lie."""
    return 70 + 26 * bars
