"""Takes the webhooks by which mail providers report the outcomes of mails."""

from __future__ import annotations

from ..delivery.providers.port import InvalidWebhook, UncheckedWebhook, WebhookRequest
from ..errors import NotFound, Overloaded, Unauthorized
from .context import ServiceContext

__all__ = ["WebhookRequest", "receive_feedback"]


async def receive_feedback(context: ServiceContext, provider: str, request: WebhookRequest) -> int:
    """Take a webhook of a mail provider; return how many of its reports are new.

    Nobody is signed in: the provider's signature, which it checks itself, is the permission.

    Args:
        context: the installation.
        provider: the name of the provider in `HOGSEND_MAIL`.
        request: the request as received.

    Raises:
        NotFound: no such provider is set up.
        Unauthorized: the signature is wrong, or the body cannot be read.
        Overloaded: the signature cannot be checked at present; the provider has to repeat it.
        StoreUnavailable: the database accepts no writes at present.
    """
    known = context.providers.get(provider) if context.providers is not None else None
    if known is None:
        raise NotFound("Unknown email provider", "HOGSEND_MAIL has no provider with this name.")
    try:
        reports = await known.feedback(request)
    except InvalidWebhook as error:
        raise Unauthorized("Webhook verification failed") from error
    except UncheckedWebhook as error:
        raise Overloaded("The signature cannot be checked now.", "Try again later.") from error
    return await context.feedback.handle(provider, reports)
