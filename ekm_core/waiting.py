"""Wait, or wrong? The time of the last change against the time that such a change may take to spread.

Standard library only. Times are aware datetimes; sentences give the clock of the zone that the caller passes in.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ekm_core.model import Propagation, Ruling, Verdict

_AGO = re.compile(
    r"(?:about |around |~ ?)?(?P<count>\d{1,4}|an?|one|a few|half an) ?"
    r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?: ago)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?:at |today )?(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d)", re.IGNORECASE)
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_UNITS |= {"d": timedelta(days=1), "w": timedelta(weeks=1)}
_COUNTS = {"a": 1.0, "an": 1.0, "one": 1.0, "a few": 5.0, "half an": 0.5}


class WhenError(ValueError):
    """A time that cannot be read; the message says what to write instead."""


def parse(text: str, now: datetime) -> datetime:
    """When something was changed, in the zone of ``now``.

    text: "now", "10 minutes", "2 hours ago", "yesterday", "14:05" (the last one that was) or an ISO date and time.
    Raises WhenError for anything else and for a time to come.
    """
    words = " ".join(text.split())
    if words.lower() in ("now", "just now"):
        return now
    if words.lower() == "yesterday":
        return now - timedelta(days=1)
    ago = _AGO.fullmatch(words)
    if ago:
        count = _COUNTS.get(ago["count"].lower())
        return now - (float(ago["count"]) if count is None else count) * _UNITS[ago["unit"][0].lower()]
    clock = _CLOCK.fullmatch(words)
    if clock:
        today = now.replace(hour=int(clock["hour"]), minute=int(clock["minute"]), second=0, microsecond=0)
        return today if today <= now else today - timedelta(days=1)
    try:
        when = datetime.fromisoformat(words)
        when = when.replace(tzinfo=now.tzinfo) if when.tzinfo is None else when.astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        raise WhenError(
            f"“{words[:40]}” is not a time that we can read. Write “now”, “10 minutes ago”, “14:05” or "
            f"“{now:%Y-%m-%d %H:%M}”."
        ) from None
    if when > now:
        raise WhenError(f"“{words[:40]}” is still to come. Give the time of the last change that you made.")
    return when


def rule(wait: Propagation, changed: datetime, now: datetime) -> Ruling:
    """Whether a change made at ``changed`` may still be spreading at ``now``."""
    until = changed + timedelta(minutes=wait.minutes)
    shown = (f"Your last change: {_clock(changed, now)}.",)
    if now < until:
        return Ruling(
            Verdict.CANNOT_TELL,
            f"Likely still spreading until about {_clock(until, now)}: {wait.what}. Try again then, and change nothing "
            "meanwhile.",
            shown=shown,
        )
    return Ruling(
        Verdict.RULED_OUT,
        f"This is not propagation: your change is older than the {wait.minutes} minutes that such a change may take.",
        shown=shown,
    )


def _clock(when: datetime, now: datetime) -> str:
    """The time of day, with the date where it is another day's."""
    when = when.astimezone(now.tzinfo)
    return f"{when:%H:%M}" if when.date() == now.date() else f"{when:%H:%M on %Y-%m-%d}"
