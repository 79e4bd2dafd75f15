"""`ctx.send`: send an email."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.addressee import Addressee
from ...domain.ids import new_id
from ...domain.journal import Step, decode, encode
from ...domain.journey import BUILT_IN_LIST_ID
from ...domain.send_policy import Queue, Send, compute_send_time, decide_send
from ...errors import JourneyCodeError
from ..argument_checks import (
    ArgumentCheck,
    check_mapping,
    check_optional_text,
    check_text,
    find_addressee_problem,
)
from ..turn import AddresseeFacts
from ..turn_state import TurnState
from .addressee_read import AddresseeRead
from .call import Call, Resource, Suspension
from .description import Description, Link, RecordedCall, Wording, parse_id, read_object
from .read import Read
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class SendMail(Call):
    """Send an email; the label is the template unless the author chose one.

    Args:
        template: the key of the template.
        subject: replaces the template's subject.
        props: values for the template.
        list_id: the list that the email belongs to, instead of the journey's.
        to: another person whom the email goes to; None for the contact.
    """

    kind: ClassVar[str] = "send"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("send",),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "template": check_text,
        "subject": check_optional_text,
        "props": check_mapping,
    }

    template: str
    subject: str | None
    props: Mapping[str, Any]
    list_id: str | None
    to: Addressee | None = None

    def describe(self) -> str:
        return f"{self.template}, {self.subject}, {dict(self.props)}, {self.list_id}, {self.to}"

    def start(self, turn: TurnState, key: str) -> Any:
        if self.to is not None:
            return Suspension.NEEDS_INPUT
        return self.complete(turn, key, None)

    def skip(self, turn: TurnState, key: str) -> Any:
        send_id = str(new_id(turn.now))
        answer = {"status": "skipped", "reason": "passed", "sendId": send_id}
        return self.record_skipped(turn, key, answer)

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        assert self.to is not None  # noqa: S101 (`start` needs no input without `to`)
        return AddresseeRead(self.to, turn.journey.id if turn.journey.suppress else None)

    def complete(self, turn: TurnState, key: str, value: AddresseeFacts | None) -> Any:
        is_self = value is None or (value.contact and value.contact.id == turn.contact.id)
        addressee = None if is_self else value
        send = self._decide(turn, key, addressee)
        turn.add_send(send, addressee)
        answer: dict[str, Any] = {"status": send.status, "sendId": str(send.id)}
        detail = {"to": str(self.to)} if addressee is not None else None
        reason = {"reason": send.reason} if send.reason else {}
        return self.record(turn, key, answer | reason, detail)

    def _decide(self, turn: TurnState, key: str, addressee: AddresseeFacts | None) -> Send:
        """Return the row for the ledger, queued or refused with the reason.

        Args:
            turn: the turn that sends.
            key: the journal key of this call.
            addressee: the person whom the email goes to; None for the contact. When the person has
                no contact yet, the commit replaces the row's `contact_id`.

        Raises:
            JourneyCodeError: the template or the list does not exist.
            ValueNotStorable: the props cannot be stored.
        """
        journey, enrollment, now = turn.journey, turn.inputs.enrollment, turn.now
        list_id = self._choose_list(turn)
        contact = turn.contact if addressee is None else addressee.contact
        facts = turn.find_send_facts(addressee)
        verdict = decide_send(turn.environment.lists[list_id], facts, gap=journey.suppress, now=now)
        is_queued = isinstance(verdict, Queue)
        properties: Mapping[str, Any] = contact.properties if contact else {}
        return Send(
            id=new_id(now),
            contact_id=contact.id if contact else enrollment.contact_id,
            template=self.template,
            list_id=list_id,
            status="queued" if isinstance(verdict, Queue) else verdict.status,
            created_at=now,
            enrollment_id=enrollment.id,
            journey_id=enrollment.journey_id,
            step_key=key,
            reason=None if isinstance(verdict, Queue) else verdict.reason,
            to_email=facts.email,
            subject=None if self.subject is None else self.subject.replace("\0", ""),
            props=decode(encode(self.props)),
            due_at=compute_send_time(journey, properties, now) if is_queued else None,
            on_behalf_of=enrollment.contact_id if addressee is not None else None,
        )

    def _choose_list(self, turn: TurnState) -> str:
        """Return the list that the email belongs to.

        Raises:
            JourneyCodeError: the template or the list does not exist.
        """
        environment, journey = turn.environment, turn.journey
        if self.template not in environment.templates:
            raise JourneyCodeError(
                f"There is no template {self.template!r} that can be used.",
                f"Add journeys/emails/{self.template}.html, or correct it: `hogsend journeys "
                "check` names what is wrong with it.",
            )
        # The list of a template applies in journeys that name no list.
        has_own_list = journey.list_id != BUILT_IN_LIST_ID
        template_list_id = None if has_own_list else environment.templates[self.template]
        list_id = self.list_id or template_list_id or journey.list_id
        environment.check_list(list_id)
        return list_id

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        answer = read_object(record.step.answer)
        send_id = parse_id(answer.get("sendId"))
        send = record.sends.get(send_id) if send_id else None
        if send is None:
            status, reason = str(answer.get("status", "queued")), answer.get("reason")
            yield describe_send(None, record, wording, status, reason)
        else:
            yield describe_send(send, record, wording, send.status, send.reason)

    @classmethod
    def summarize(cls, step: Step) -> str:
        return f"{step.answer['status']}, {step.answer.get('reason')}".removesuffix(", None")

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        what = site.format_argument(0, "template")
        step = site.build_step(cls.kind, what, site.evaluate_text(0, "template"))
        return replace(step, condition=f"{what} is queued")

    @classmethod
    def find_resources(cls, site: CallSite) -> Iterable[Resource]:
        yield Resource("template", site.evaluate(0, "template"))
        yield Resource("list", site.evaluate(-1, "list"))

    @classmethod
    def find_problem(cls, site: CallSite) -> JourneyCodeError | None:
        return find_addressee_problem(site)


def describe_send(
    send: Send | None, record: RecordedCall, wording: Wording, status: str, code: str | None
) -> Description:
    """Describe an email by its present status.

    Args:
        send: the row in the ledger; None when the row was removed.
        record: the journal entry.
        wording: formats values for the reader.
        status: the present status of the email.
        code: why the email was refused or has failed.
    """
    reason, name = wording.describe_reason(code), send.template if send else record.step.label
    links = (Link("send", send.id, "view email"),) if send else ()
    title = f"“{send.subject}”" if send and send.subject else name
    template = name if title != name else ""
    to = (record.step.detail or {}).get("to")
    if to:
        title, name = f"{title} to {to}", f"{name} to {to}"
    if status in ("suppressed", "skipped", "cancelled"):
        verb = "Cancelled" if status == "cancelled" else "Did not send"
        links = tuple(replace(link, text="view record") for link in links)
        return Description(f"{verb} {name}", "no", reason or status, "bad", links=links)
    if status == "failed":
        return Description(
            f"Could not send {title}", "bad", "failed", "bad", (template, reason), links
        )
    if status == "blocked":
        return Description(
            f"Cannot make {title} yet", "bad", "blocked", "odd", (template, reason), links
        )
    if status == "in_doubt":
        return Description(
            f"{title} may or may not have been sent",
            "no",
            "in doubt",
            "odd",
            (reason,),
            links,
        )
    if status in ("queued", "sending"):
        due = send.due_at if send else None
        leaves = f"leaves {wording.format_time_beside(due, record.at)}" if due else ""
        return Description(f"Queued {title}", "act", status, "run", (template, leaves), links)
    has_arrived = status in ("sent", "delivered")
    tag, tone = ("", "") if has_arrived else (status, "bad")
    facts = _delivery_facts(send, wording) if send else ()
    return Description(f"Sent {title}", "sent", tag, tone, (template, *facts), links)


def _delivery_facts(send: Send, wording: Wording) -> Iterator[str]:
    if send.sent_at:
        yield f"sent {wording.format_time_beside(send.sent_at, send.created_at)}"
    if send.opened_at:
        yield f"opened {wording.format_time_beside(send.opened_at, send.created_at)}"
    if send.clicked_at:
        yield f"clicked {wording.format_time_beside(send.clicked_at, send.created_at)}"
