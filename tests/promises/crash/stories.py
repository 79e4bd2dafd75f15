"""What happens to people in the crash test: journeys, what they are told, what must come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

JOURNEYS = """\
from datetime import timedelta
from hogsend import MailList, StepFailed, hours, journey
from tests.promises.crash.posting import post, post_without_waiting

news = MailList("news", "News", "What is new.")
NEVER = hours(1000)
fallen = set()

def moment(n):
    return timedelta(milliseconds=n)

@journey("letters", trigger="letters.begun", list="news")
async def letters(user, ctx):
    await ctx.send("letter-1")
    await ctx.sleep(moment(40), label="a moment")
    await ctx.send("letter-2")
    await ctx.wait_for("never", timeout=moment(20))
    await ctx.send("letter-3")

@journey("questions", trigger="questions.begun", list="news")
async def questions(user, ctx):
    await ctx.send("question")
    if await ctx.wait_for("answered", timeout=NEVER):
        await ctx.send("thanks")

@journey("leavers", trigger="leavers.begun", exit_on=["left"], list="news")
async def leavers(user, ctx):
    await ctx.send("stay")
    await ctx.wait_for("never", timeout=NEVER)
    await ctx.send("never")

@journey("relays", trigger="relays.begun", list="news")
async def relays(user, ctx):
    await ctx.trigger("relayed")
    await ctx.sleep(moment(10), label="a moment")

@journey("receivers", trigger="relayed", list="news")
async def receivers(user, ctx):
    await ctx.send("relayed")

@journey("clumsy", trigger="clumsy.begun", list="news")
async def clumsy(user, ctx):
    # Each life of the process lets each of them fall once.
    if user.user_id not in fallen:
        fallen.add(user.user_id)
        raise RuntimeError("let fall")
    await ctx.send("clumsy")

@journey("readers", trigger="readers.begun", list="news")
async def readers(user, ctx):
    await ctx.send("read-me")
    if await ctx.wait_for("email.clicked", timeout=NEVER):
        await ctx.send("read")

@journey("sleepers", trigger="sleepers.begun", list="news")
async def sleepers(user, ctx):
    await ctx.sleep(NEVER, label="long")
    await ctx.send("awake")

@journey("patients", trigger="patients.begun", list="news")
async def patients(user, ctx):
    await ctx.sleep(NEVER, label="long")
    await ctx.send("never")

@journey("strangers", trigger="strangers.begun", list="news")
async def strangers(user, ctx):
    if await ctx.wait_for("signed.up", timeout=NEVER):
        await ctx.send("known")

@journey("crowds", trigger="crowds.begun", list="news")
async def crowds(user, ctx):
    await ctx.sleep(NEVER, label="long")
    await ctx.send("never")

@journey("bookers", trigger="bookers.begun", list="news")
async def bookers(user, ctx):
    who = user.user_id
    number = await ctx.step("book", lambda step_id: post(f"/book/{who}", step_id))
    await ctx.send("booked", props={"number": number})
    number = await ctx.step("tell", lambda step_id: post_without_waiting(f"/tell/{who}", step_id))
    await ctx.send("told", props={"number": number})

@journey("unlucky", trigger="unlucky.begun", list="news")
async def unlucky(user, ctx):
    who = user.user_id
    try:
        await ctx.step("refuse", lambda step_id: post(f"/refuse/{who}", step_id), retries=1)
    except StepFailed:
        await ctx.send("sorry")

@journey("gatherers", trigger="gatherers.begun", list="news")
async def gatherers(user, ctx):
    notes = await ctx.digest(NEVER, "noted", max_events=3)
    await ctx.send("notes", props={"count": len({note.id for note in notes})})
"""


@dataclass(frozen=True)
class Then:
    """What the product does next, when what came before is answered and a moment has passed.

    Args:
        what: `take` an event; or an operator's order, `wake` or `exit`, for the enrollment.
        event: its name.
        named: by what the person is named: user id, address, anonymous id.
    """

    what: str = "take"
    event: str = ""
    named: Sequence[str] = ("user", "email")


@dataclass(frozen=True)
class Story:
    """What one kind of person lives through, and what must be there at the end.

    Args:
        events: by name, how often each is stored for the person.
        ends: how each journey ends, by its id; exactly these were entered, once each.
        mails: templates of mails that must have left, or be in doubt.
        perhaps: of those that may also have been cancelled or never have been asked for.
        opening: how the person is named at first.
        then: what the product does next.
        steps: what is posted, by the first part of its path.
    """

    events: Mapping[str, int]
    ends: Mapping[str, str]
    mails: Sequence[str] = ()
    perhaps: Sequence[str] = ()
    opening: Sequence[str] = ("user", "email")
    then: Sequence[Then] = ()
    steps: Sequence[str] = ()


STORIES: Mapping[str, Story] = {
    "letters": Story(
        events={"letters.begun": 1},
        ends={"letters": "completed"},
        mails=["letter-1", "letter-2", "letter-3"],
    ),
    "questions": Story(
        events={"questions.begun": 1, "answered": 1},
        ends={"questions": "completed"},
        mails=["question", "thanks"],
        then=[Then(event="answered")],
    ),
    "leavers": Story(
        events={"leavers.begun": 1, "left": 1},
        ends={"leavers": "exited"},
        perhaps=["stay"],
        then=[Then(event="left")],
    ),
    "relays": Story(
        events={"relays.begun": 1, "relayed": 1},
        ends={"relays": "completed", "receivers": "completed"},
        mails=["relayed"],
    ),
    "clumsy": Story(events={"clumsy.begun": 1}, ends={"clumsy": "completed"}, mails=["clumsy"]),
    "readers": Story(
        events={"readers.begun": 1, "email.clicked": 1},
        ends={"readers": "completed"},
        mails=["read-me", "read"],
    ),
    "sleepers": Story(
        events={"sleepers.begun": 1},
        ends={"sleepers": "completed"},
        mails=["awake"],
        then=[Then("wake")],
    ),
    "patients": Story(
        events={"patients.begun": 1}, ends={"patients": "exited"}, then=[Then("exit")]
    ),
    "strangers": Story(
        events={"strangers.begun": 1, "profile.made": 1, "signed.up": 1},
        ends={"strangers": "completed"},
        mails=["known"],
        opening=["anonymous"],
        then=[
            Then(event="profile.made"),
            Then(event="signed.up", named=["user", "anonymous"]),
        ],
    ),
    "crowds": Story(events={"crowds.begun": 1}, ends={"crowds": "exited"}),
    "bookers": Story(
        events={"bookers.begun": 1},
        ends={"bookers": "completed"},
        mails=["booked", "told"],
        steps=["book", "tell"],
    ),
    "unlucky": Story(
        events={"unlucky.begun": 1},
        ends={"unlucky": "completed"},
        mails=["sorry"],
        steps=["refuse"],
    ),
    "gatherers": Story(
        events={"gatherers.begun": 1, "noted": 3},
        ends={"gatherers": "completed"},
        mails=["notes"],
        then=[Then(event="noted")] * 3,
    ),
}
# Those who are sent out by hand, everyone at once.
CROWD = "crowds"
# What is posted, by its path, is refused: always, or the first time for some.
REFUSED = "refuse"
# By the template: the step whose answer is in the mail.
ANSWERS = {"booked": "book", "told": "tell"}
# What is clicked in a mail, by its template.
CLICKED = "read-me"
TEMPLATES = sorted({m for story in STORIES.values() for m in (*story.mails, *story.perhaps)})


def files() -> Mapping[str, str]:
    """Return the author's folder: the journeys, and a mail for each template."""
    mail = "---\nsubject: {0}\n---\n<p>{0}: <a href='https://example.com/{0}'>more</a></p>\n"
    written = {f"emails/{name}.html": mail.format(name) for name in (*TEMPLATES, "never")}
    return {"journeys.py": JOURNEYS, **written}
