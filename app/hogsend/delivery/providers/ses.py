"""Amazon SES: `ses://KEY_ID:SECRET@REGION?topic=ARN`, by its API of version 2.

Facts are from Amazon's documentation: SES API v2 reference (SendEmail), SES Developer Guide (email
sending errors, sending quotas, event publishing). docs/providers/ses.md has the table of errors.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from botocore.auth import SigV4Auth  # pyright: ignore[reportMissingTypeStubs]
from botocore.awsrequest import AWSRequest  # pyright: ignore[reportMissingTypeStubs]
from botocore.credentials import Credentials  # pyright: ignore[reportMissingTypeStubs]

from ...clock import Clock
from ...errors import ConfigError
from ..message import Message
from .api_client import ApiAnswer, ApiTimeouts, HandoverRequest
from .api_provider import SEND_TAG, ApiProvider
from .port import (
    Accepted,
    DeliveryError,
    Feedback,
    InDoubt,
    ProviderStopped,
    Rejected,
    TryLater,
    WebhookRequest,
)
from .ses_events import read_event
from .sns import SnsReader
from .webhook_reading import read_text

_REGION = re.compile(r"[a-z]{2,8}(-[a-z]{2,12}){1,3}-\d")
_QUOTA_WAIT = timedelta(hours=1)
_THROTTLED = frozenset(
    ["TooManyRequestsException", "ThrottlingException", "LimitExceededException"]
)
_STOPPED = frozenset(
    [
        *("AccountSuspendedException", "SendingPausedException", "NotFoundException"),
        *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException"),
        *("SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken"),
        *("AccessDeniedException", "ExpiredTokenException", "OptInRequired"),
    ]
)


class Ses(ApiProvider):
    """Hands mails to Amazon SES as they are; SES does not recognize repeats."""

    name = "ses"
    form = "ses://KEY_ID:SECRET@REGION?topic=ARN"
    options = frozenset({"topic", "configuration_set"})
    webhook_option = "topic"
    default_base = "https://email.amazonaws.com"

    def __init__(self, mail: str, clock: Clock, timeouts: ApiTimeouts | None = None) -> None:
        super().__init__(mail, clock, timeouts)
        if not _REGION.fullmatch(self.url.host):
            raise ConfigError(
                "HOGSEND_MAIL names a region of Amazon that does not exist.",
                "Write it as eu-west-1 after the @.",
            )
        self.base = self.url.choose_base(f"https://email.{self.url.host}.amazonaws.com")
        self._credentials = Credentials(self.url.key, self.url.secret)
        self._sns = SnsReader(
            self.url.options.get("topic", ""), self.client, self.base if self.url.is_local else None
        )

    def build_request(self, message: Message) -> HandoverRequest:
        destination = {
            "ToAddresses": [address.email for address in message.to],
            "CcAddresses": [address.email for address in message.cc],
            "BccAddresses": [address.email for address in message.bcc],
        }
        payload: dict[str, Any] = {
            "FromEmailAddress": str(message.from_),
            "Destination": {name: emails for name, emails in destination.items() if emails},
            "Content": {"Raw": {"Data": base64.b64encode(message.mime_bytes).decode()}},
            "EmailTags": [{"Name": SEND_TAG, "Value": str(message.send_id)}],
        }
        if name := self.url.options.get("configuration_set"):
            payload["ConfigurationSetName"] = name
        url = f"{self.base}/v2/email/outbound-emails"
        return self._sign(url, json.dumps(payload).encode())

    def read_acceptance(self, answer: ApiAnswer) -> Accepted:
        provider_id = answer.get("MessageId")
        if not isinstance(provider_id, str):
            raise InDoubt(f"the answer has no MessageId: {answer.reply}")
        return Accepted(provider_id, answer.reply)

    def build_error(self, answer: ApiAnswer, message: Message) -> DeliveryError:
        name, details = _read_error_name(answer), answer.text
        reply = f"{answer.status} {name}: {details[:500]}"
        if name in _THROTTLED:
            retry_at = self.read_retry_time(answer)
            if retry_at is None and "quota" in details.lower():
                retry_at = self.clock.now() + _QUOTA_WAIT
            return TryLater(reply, retry_at=retry_at, throttled=True)
        if name in _STOPPED:
            return ProviderStopped(reply)
        if name == "MailFromDomainNotVerifiedException":
            return Rejected(reply, "policy")
        if name == "MessageRejected" and "not verified" in details:
            is_sandbox = any(address.email in details for address in message.to)
            return ProviderStopped(reply) if is_sandbox else Rejected(reply, "policy")
        if name and answer.status >= 500:
            # "If the call fails, Amazon SES returns an error and does not send the email."
            return TryLater(reply, retry_at=self.read_retry_time(answer))
        return super().build_error(answer, message)

    async def read_webhook(self, request: WebhookRequest) -> Sequence[Feedback]:
        notification = await self._sns.read(request.body, self.clock.now())
        if notification is None:
            return ()
        return read_event(notification)

    def _sign(self, url: str, body: bytes) -> HandoverRequest:
        """Sign a request with Signature Version 4."""
        request: Any = AWSRequest(
            "POST", url, headers={"Content-Type": "application/json"}, data=body
        )
        signer: Any = SigV4Auth(self._credentials, "ses", self.url.host)
        signer.add_auth(request)
        return HandoverRequest(url, dict(request.headers.items()), body)


def _read_error_name(answer: ApiAnswer) -> str:
    """Return the type of an error; empty if the answer is not one of Amazon."""
    name = answer.headers.get("x-amzn-errortype", "") or read_text(answer.get("__type"))
    return name.partition(":")[0].rpartition("#")[2]
