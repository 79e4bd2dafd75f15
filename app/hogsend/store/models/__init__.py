"""The tables as Tortoise models, from which migrations are made.

Models never leave `store`: the rest of the program sees domain values.
"""

from __future__ import annotations

from .access import AuditRow, KeyRow, OperatorRow, SessionRow, SignInLinkRow
from .conditions import (
    DUE,
    HAS_PROVIDER_ID,
    HELD,
    JOURNALED,
    LIVE,
    PRESENT,
    RESENT,
    RETRIED,
    UNFINISHED_IMPORT,
    UNMATCHED,
    WAITS,
)
from .contacts import (
    ConsentRow,
    ContactRow,
    ErasedAddressRow,
    ErasureRow,
    IdentityRow,
    MergeRow,
    OptInRow,
    SuppressionRow,
)
from .deliverability import DkimKeyRow, FeedbackRow, LinkTotalRow, SendingStopRow, SoftBounceRow
from .events import EventRow, IdempotencyRow, RefusalRow
from .imports import ImportRemarkRow, ImportRow
from .installation import CounterRow, MetaRow
from .journeys import AnswerRow, EnrollmentRow, JourneyRow, StepRow, TurnRow
from .sends import (
    AttachmentRow,
    BlockedMailRow,
    DirectMailRow,
    EngagementRow,
    InboxRow,
    MessageRow,
    SendRow,
)
from .workers import HatchetRunRow, HatchetWaitRow, WorkerRow

# The modules that Tortoise and aerich read.
MODULES = tuple(
    f"{__name__}.{part}"
    for part in (
        "installation",
        "contacts",
        "events",
        "journeys",
        "sends",
        "access",
        "workers",
        "imports",
        "deliverability",
    )
)

__all__ = [
    "DUE",
    "HAS_PROVIDER_ID",
    "HELD",
    "JOURNALED",
    "LIVE",
    "MODULES",
    "PRESENT",
    "RESENT",
    "RETRIED",
    "UNFINISHED_IMPORT",
    "UNMATCHED",
    "WAITS",
    "AnswerRow",
    "AttachmentRow",
    "AuditRow",
    "BlockedMailRow",
    "ConsentRow",
    "ContactRow",
    "CounterRow",
    "DirectMailRow",
    "DkimKeyRow",
    "EngagementRow",
    "EnrollmentRow",
    "ErasedAddressRow",
    "ErasureRow",
    "EventRow",
    "FeedbackRow",
    "HatchetRunRow",
    "HatchetWaitRow",
    "IdempotencyRow",
    "IdentityRow",
    "ImportRemarkRow",
    "ImportRow",
    "InboxRow",
    "JourneyRow",
    "KeyRow",
    "LinkTotalRow",
    "MergeRow",
    "MessageRow",
    "MetaRow",
    "OperatorRow",
    "OptInRow",
    "RefusalRow",
    "SendRow",
    "SendingStopRow",
    "SessionRow",
    "SignInLinkRow",
    "SoftBounceRow",
    "StepRow",
    "SuppressionRow",
    "TurnRow",
    "WorkerRow",
]
