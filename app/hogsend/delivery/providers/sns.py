"""Verifies notifications of Amazon SNS, and confirms the subscription of one topic.

From the SNS Developer Guide: Verifying the signatures of Amazon SNS messages; HTTP/HTTPS
notification JSON formats.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .api_client import ApiClient
from .port import InvalidWebhook, UncheckedWebhook
from .webhook_reading import check_time, read_iso_time, read_json

# SNS repeats a notification with its first time for as long as the policy of the topic says.
_MAX_AGE = timedelta(days=1)
_MAX_CERTIFICATES = 8
# A notification has at most 256 KB, which JSON escapes.
_MAX_BYTES = 600_000
_HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)


class SnsReader:
    """Reads the notifications of one topic.

    Args:
        topic: the ARN of the topic, such as `arn:aws:sns:eu-west-1:123456789012:mail`.
        client: fetches certificates, and the URL that confirms the subscription.
        stand_in: the address of a server that is asked instead of Amazon's, in tests. URLs are
            checked before all the same.
    """

    def __init__(self, topic: str, client: ApiClient, stand_in: str | None) -> None:
        self._topic = topic
        self._client = client
        self._stand_in = stand_in
        self._certificates: dict[str, x509.Certificate] = {}

    async def read(self, body: bytes, now: datetime) -> Any:
        """Verify a notification and return its message; None if it is not about a mail.

        The subscription is confirmed if Amazon asks for it on behalf of the topic.

        Raises:
            InvalidWebhook: it is of another topic, or its signature is wrong or too old.
            DeliveryError: the certificate cannot be fetched.
        """
        if len(body) > _MAX_BYTES:
            raise InvalidWebhook("the notification is larger than those of Amazon SNS")
        message = read_json(body)
        if not self._topic or message["TopicArn"] != self._topic:
            raise InvalidWebhook("the notification is not of the topic in HOGSEND_MAIL")
        await self._verify(message, now)
        if message["Type"] == "SubscriptionConfirmation":
            await self._fetch(self._check_url(message["SubscribeURL"]))
            return None
        if message["Type"] != "Notification":
            return None
        text: str = message["Message"]
        # SES tells a new topic in plain words that it will be used.
        return read_json(text.encode()) if text.startswith("{") else None

    async def _verify(self, message: Mapping[str, Any], now: datetime) -> None:
        certificate = await self._load_certificate(self._check_url(message["SigningCertURL"]))
        is_valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        key = certificate.public_key()
        if not is_valid or not isinstance(key, rsa.RSAPublicKey):
            raise InvalidWebhook("the certificate of the signature is not valid")
        try:
            key.verify(
                base64.b64decode(message["Signature"], validate=True),
                build_signed_text(message),
                padding.PKCS1v15(),
                _HASHES[message["SignatureVersion"]](),
            )
        except InvalidSignature as error:
            raise InvalidWebhook("the signature is wrong") from error
        check_time(read_iso_time(message["Timestamp"]), now, _MAX_AGE)

    def _check_url(self, url: str) -> str:
        """Return a URL if it leads to SNS in the region of the topic.

        Raises:
            InvalidWebhook: it leads elsewhere.
        """
        _, partition, _, region, *_ = self._topic.split(":")
        suffix = ".cn" if partition == "aws-cn" else ""
        if urlsplit(url)[:2] != ("https", f"sns.{region}.amazonaws.com{suffix}"):
            raise InvalidWebhook("a URL in the notification does not lead to Amazon SNS")
        return url

    async def _load_certificate(self, url: str) -> x509.Certificate:
        certificate = self._certificates.get(url)
        if certificate is None:
            # The host also answers requests of any customer, whose texts must not pass for
            # certificates.
            parts = urlsplit(url)
            is_certificate = parts.path.startswith("/SimpleNotificationService-")
            if parts.query or parts.fragment or not is_certificate or parts.path.count("/") != 1:
                raise InvalidWebhook("the URL of the certificate is not one of Amazon SNS")
            if not parts.path.endswith(".pem"):
                raise InvalidWebhook("the URL of the certificate is not one of Amazon SNS")
            certificate = x509.load_pem_x509_certificate(await self._fetch(url))
            if len(self._certificates) >= _MAX_CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = certificate
        return certificate

    async def _fetch(self, url: str) -> bytes:
        if self._stand_in:
            parts = urlsplit(url)
            url = f"{self._stand_in.rstrip('/')}{parts.path}?{parts.query}".rstrip("?")
        answer = await self._client.get(url)
        if answer.status >= 500:
            raise UncheckedWebhook(f"Amazon SNS answered {answer.status}")
        if answer.status != 200:
            raise InvalidWebhook(f"Amazon SNS answered {answer.status}")
        return answer.text.encode()


def build_signed_text(message: Mapping[str, Any]) -> bytes:
    """Return the text that the signature of a notification covers."""
    names = _NOTIFICATION if message["Type"] == "Notification" else _CONFIRMATION
    pairs = [f"{name}\n{message[name]}\n" for name in names if name in message]
    return "".join(pairs).encode()
