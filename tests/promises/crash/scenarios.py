"""What happens to customers in the crash test: journeys, follow-ups, and the expected result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

JOURNEYS = """\
from datetime import timedelta
from hogsend import MailList, StepFailed, hours, journey
from tests.promises.crash.step_functions import post_step_id, post_step_id_async

news = MailList("news", "News", "What is new.")
NEVER = hours(1000)
failed_once = set()

def milliseconds(n):
    return timedelta(milliseconds=n)

@journey("sequence", trigger="sequence.started", list="news")
async def sequence(user, ctx):
    await ctx.send("sequence-1")
    await ctx.sleep(milliseconds(40), label="short")
    await ctx.send("sequence-2")
    await ctx.wait_for("never", timeout=milliseconds(20))
    await ctx.send("sequence-3")

@journey("answer", trigger="answer.started", list="news")
async def answer(user, ctx):
    await ctx.send("question")
    if await ctx.wait_for("answered", timeout=NEVER):
        await ctx.send("thanks")

@journey("exit_event", trigger="exit_event.started", exit_on=["left"], list="news")
async def exit_event(user, ctx):
    await ctx.send("stay")
    await ctx.wait_for("never", timeout=NEVER)
    await ctx.send("never")

@journey("triggering", trigger="triggering.started", list="news")
async def triggering(user, ctx):
    await ctx.trigger("triggered")
    await ctx.sleep(milliseconds(10), label="short")

@journey("triggered", trigger="triggered", list="news")
async def triggered(user, ctx):
    await ctx.send("triggered")

@journey("error", trigger="error.started", list="news")
async def error(user, ctx):
    # Fails once for each user in each process.
    if user.user_id not in failed_once:
        failed_once.add(user.user_id)
        raise RuntimeError("fails once")
    await ctx.send("after-error")

@journey("click", trigger="click.started", list="news")
async def click(user, ctx):
    await ctx.send("click-here")
    if await ctx.wait_for("email.clicked", timeout=NEVER):
        await ctx.send("after-click")

@journey("wake", trigger="wake.started", list="news")
async def wake(user, ctx):
    await ctx.sleep(NEVER, label="long")
    await ctx.send("after-wake")

@journey("exit_action", trigger="exit_action.started", list="news")
async def exit_action(user, ctx):
    await ctx.sleep(NEVER, label="long")
    await ctx.send("never")

@journey("merge", trigger="merge.started", list="news")
async def merge(user, ctx):
    if await ctx.wait_for("signed.up", timeout=NEVER):
        await ctx.send("after-sign-up")

@journey("bulk_exit", trigger="bulk_exit.started", list="news")
async def bulk_exit(user, ctx):
    await ctx.sleep(NEVER, label="long")
    await ctx.send("never")

@journey("steps", trigger="steps.started", list="news")
async def steps(user, ctx):
    user_id = user.user_id
    number = await ctx.step("thread", lambda step_id: post_step_id(f"/thread/{user_id}", step_id))
    await ctx.send("after-thread", props={"number": number})
    number = await ctx.step(
        "coroutine", lambda step_id: post_step_id_async(f"/coroutine/{user_id}", step_id)
    )
    await ctx.send("after-coroutine", props={"number": number})

@journey("failing_step", trigger="failing_step.started", list="news")
async def failing_step(user, ctx):
    user_id = user.user_id
    try:
        await ctx.step(
            "refused", lambda step_id: post_step_id(f"/refused/{user_id}", step_id), retries=1
        )
    except StepFailed:
        await ctx.send("after-failure")

@journey("digest", trigger="digest.started", list="news")
async def digest(user, ctx):
    notes = await ctx.digest(NEVER, "noted", max_events=3)
    await ctx.send("notes", props={"count": len({note.id for note in notes})})
"""


@dataclass(frozen=True)
class FollowUp:
    """What the product does after it has the answer to its last request, and a short delay.

    Args:
        kind: `event` sends an event; `wake` and `exit` are operator actions on the enrollment.
        event: the event's name.
        identities: the identities that the event carries: `user`, `email`, `anonymous`.
    """

    kind: Literal["event", "wake", "exit"] = "event"
    event: str = ""
    identities: Sequence[str] = ("user", "email")


@dataclass(frozen=True)
class Scenario:
    """What one kind of customer does, and what must be stored when all work is done.

    Args:
        events: how often each event of the customer is stored, by its name.
        ends: the final state of each enrollment, by journey. There are no other enrollments.
        mails: templates of the mails that must be sent or in doubt.
        optional_mails: templates of mails that may also be cancelled, or not exist.
        identities: the identities that the first event carries.
        follow_ups: what the product does after the first event.
        steps: the steps that post their id; each is the first part of its path.
    """

    events: Mapping[str, int]
    ends: Mapping[str, str]
    mails: Sequence[str] = ()
    optional_mails: Sequence[str] = ()
    identities: Sequence[str] = ("user", "email")
    follow_ups: Sequence[FollowUp] = ()
    steps: Sequence[str] = ()


SCENARIOS: Mapping[str, Scenario] = {
    "sequence": Scenario(
        events={"sequence.started": 1},
        ends={"sequence": "completed"},
        mails=["sequence-1", "sequence-2", "sequence-3"],
    ),
    "answer": Scenario(
        events={"answer.started": 1, "answered": 1},
        ends={"answer": "completed"},
        mails=["question", "thanks"],
        follow_ups=[FollowUp(event="answered")],
    ),
    "exit_event": Scenario(
        events={"exit_event.started": 1, "left": 1},
        ends={"exit_event": "exited"},
        optional_mails=["stay"],
        follow_ups=[FollowUp(event="left")],
    ),
    "triggering": Scenario(
        events={"triggering.started": 1, "triggered": 1},
        ends={"triggering": "completed", "triggered": "completed"},
        mails=["triggered"],
    ),
    "error": Scenario(
        events={"error.started": 1}, ends={"error": "completed"}, mails=["after-error"]
    ),
    "click": Scenario(
        events={"click.started": 1, "email.clicked": 1},
        ends={"click": "completed"},
        mails=["click-here", "after-click"],
    ),
    "wake": Scenario(
        events={"wake.started": 1},
        ends={"wake": "completed"},
        mails=["after-wake"],
        follow_ups=[FollowUp("wake")],
    ),
    "exit_action": Scenario(
        events={"exit_action.started": 1},
        ends={"exit_action": "exited"},
        follow_ups=[FollowUp("exit")],
    ),
    "merge": Scenario(
        events={"merge.started": 1, "profile.created": 1, "signed.up": 1},
        ends={"merge": "completed"},
        mails=["after-sign-up"],
        identities=["anonymous"],
        follow_ups=[
            FollowUp(event="profile.created"),
            FollowUp(event="signed.up", identities=["user", "anonymous"]),
        ],
    ),
    "bulk_exit": Scenario(events={"bulk_exit.started": 1}, ends={"bulk_exit": "exited"}),
    "steps": Scenario(
        events={"steps.started": 1},
        ends={"steps": "completed"},
        mails=["after-thread", "after-coroutine"],
        steps=["thread", "coroutine"],
    ),
    "failing_step": Scenario(
        events={"failing_step.started": 1},
        ends={"failing_step": "completed"},
        mails=["after-failure"],
        steps=["refused"],
    ),
    "digest": Scenario(
        events={"digest.started": 1, "noted": 3},
        ends={"digest": "completed"},
        mails=["notes"],
        follow_ups=[FollowUp(event="noted")] * 3,
    ),
}
# An operator ends all enrollments of this journey at once, again and again.
BULK_EXIT = "bulk_exit"
# The turns of this journey exceed their time limit in some workers, so it is parked.
PARKED = "sequence"
# The web server refuses every request of this step, and the first request of some others.
REFUSED = "refused"
# The step whose answer a mail carries in its props, by template.
STEP_BY_TEMPLATE = {"after-thread": "thread", "after-coroutine": "coroutine"}
# The template whose link is clicked.
CLICKED = "click-here"
TEMPLATES = sorted(
    {template for s in SCENARIOS.values() for template in (*s.mails, *s.optional_mails)}
)


def journey_files() -> Mapping[str, str]:
    """Return the files of the journeys folder: the journeys, and a mail for each template."""
    mail = "---\nsubject: {0}\n---\n<p>{0}: <a href='https://example.com/{0}'>more</a></p>\n"
    mails = {f"emails/{name}.html": mail.format(name) for name in (*TEMPLATES, "never")}
    return {"journeys.py": JOURNEYS, **mails}
