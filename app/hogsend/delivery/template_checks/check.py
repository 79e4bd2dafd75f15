"""All checks of a finished mail."""

from __future__ import annotations

from itertools import chain

from .contrast import check_contrast
from .finding import CheckedMail, Finding
from .links import check_links
from .words import check_words


def check_mail(mail: CheckedMail) -> list[Finding]:
    """Return what is wrong with a mail, errors first."""
    findings = chain(check_words(mail), check_links(mail), check_contrast(mail.html))
    return sorted(findings, key=lambda finding: finding.level)
