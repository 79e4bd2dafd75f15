"""Chooses the provider of a mail; a mail that may have left stays with its provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .send_policy import Send
from .sending_policy import SendingPolicy


def choose_provider(
    policy: SendingPolicy,
    names: Sequence[str],
    send: Send,
    *,
    sender: str,
    recipient: str,
    is_stopped: Callable[[str], bool],
) -> str:
    """Return the name of the provider that takes a mail.

    After each attempt that a provider asked to repeat later, the next provider of the mail's route
    is chosen. A mail that may have left is repeated by the provider that may have taken it, which
    recognizes it.

    Args:
        policy: routes mails to providers.
        names: the providers that are set up; the first one takes what no route names.
        send: the mail's row.
        sender: the domain of the sender.
        recipient: the domain of the recipient.
        is_stopped: returns whether a provider takes no mail at present.
    """
    outcomes = [attempt["outcome"] for attempt in send.attempts]
    if "in_doubt" in outcomes and send.provider is not None and send.provider in names:
        return send.provider
    route = policy.find_route(send.list_id, sender, recipient)
    order = [name for name in route.order(send.id.int) if name in names] if route else []
    order = order or [names[0]]
    usable = [name for name in order if not is_stopped(name)] or order[:1]
    return usable[outcomes.count("deferred") % len(usable)]
