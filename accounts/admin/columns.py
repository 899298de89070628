"""How values look in lists and on pages, the same everywhere."""

from datetime import date, datetime

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

#: What Unfold's labels are called by the colours they have here.
GOOD, BAD, STALE, PLAIN, NOTE = "success", "danger", "warning", "", "info"


def number(value: int) -> str:
    """With thousands separators; the stylesheet aligns the columns to the right."""
    return f"{value:,}"


def badge(text: str, colour: str) -> SafeString:
    """A coloured label, one of the colours named here."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def status_badge(status: int) -> SafeString:
    """An HTTP status, coloured by its class."""
    return badge(str(status), {2: GOOD, 4: STALE, 5: BAD}.get(status // 100, PLAIN))


def code(text: str) -> SafeString:
    """In the typeface of things that are copied."""
    return format_html('<code class="platform-code">{}</code>', text)


def moment(at: datetime | date | None, *, otherwise: str = "never") -> str:
    """A time to the minute, or a day; the column's title says that it is UTC."""
    if at is None:
        return otherwise
    return f"{at:%Y-%m-%d %H:%M}" if isinstance(at, datetime) else f"{at:%Y-%m-%d}"
