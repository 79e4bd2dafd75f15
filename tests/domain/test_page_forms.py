"""A person's press of a button counts; a program's is answered with a question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hogsend.domain.page_forms import FormToken, is_by_person

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36"


def token(seconds: float, *, asks_again: bool = False) -> FormToken:
    return FormToken(NOW - timedelta(seconds=seconds), asks_again)


@pytest.mark.parametrize(
    ("form", "agent", "sent", "forms", "verdict"),
    [
        (token(5), BROWSER, 300, 1, True),
        (token(5), BROWSER, None, 1, True),
        (token(86_400 * 365), BROWSER, 300, 1, True),
        (None, BROWSER, 300, 1, False),
        (token(0.2), BROWSER, 300, 1, False),
        (token(5), BROWSER, 20, 1, False),
        (token(5), BROWSER, 300, 3, False),
        (token(5), "Barracuda scanner", 300, 1, False),
        (token(5), "", 300, 1, False),
        # A person who answers the question is never locked out.
        (token(3, asks_again=True), "", 5, 9, True),
        (token(0.2, asks_again=True), BROWSER, 300, 1, False),
    ],
)
def test_a_form_is_judged(
    form: FormToken | None, agent: str, sent: float | None, forms: int, verdict: bool
) -> None:
    sent_at = None if sent is None else NOW - timedelta(seconds=sent)
    names = [str(number) for number in range(forms)]

    assert is_by_person(form, agent, NOW, sent_at=sent_at, forms=names) is verdict
