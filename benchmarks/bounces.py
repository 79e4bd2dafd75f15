"""How many mails of the corpus of bounces are classified as labelled, and how long one takes."""

from __future__ import annotations

import time

from report import report
from server import ROOT

from hogsend.delivery.feedback.reading import read_mail

CORPUS = ROOT / "tests" / "delivery" / "bounces"


def main() -> None:
    files = sorted(CORPUS.rglob("*.eml"))
    mails = [(file.parent.name, file.read_bytes()) for file in files]
    begun = time.perf_counter()
    readings = [(label, read_mail(raw)) for label, raw in mails]
    seconds = time.perf_counter() - begun
    right = sum(
        label == (reading.reports[0].kind if reading.reports else reading.kind)
        for label, reading in readings
    )
    report(
        "bounces of the corpus that are classified as labelled",
        f"{right / len(mails):.1%}",
        "≥ 98 %",
        detail=f"{right} of {len(mails)}; {seconds / len(mails) * 1000:.2f} ms each",
    )


if __name__ == "__main__":
    main()
