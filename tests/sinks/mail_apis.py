"""The HTTP APIs of mail providers on loopback, written from the providers' documentation.

One server stands in for all of them, because their paths differ. Each handler checks what the API
checks, remembers idempotency keys as long as the API does, and counts the mails of each send.
"""

from __future__ import annotations

import asyncio
import base64
import json
import mimetypes
import re
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from types import TracebackType
from typing import Any, Literal

from aiohttp import web

from hogsend.delivery.providers.port import Address, Attachment
from tests.delivery.providers.contract import ArrivedMail, normalize, read_mime

KEY = "k3y"
SEND_TAG = "hogsend_send"
Action = Literal["answer", "drop", "take and drop", "hang", "drip", "huge"]
# What providers are told in headers of the mail, besides its own.
_PROTOCOL_HEADERS = frozenset(["message-id", "x-pm-keepid", "x-mailin-custom", "idempotencykey"])
_BREVO_FILES = frozenset(["pdf", "txt", "csv", "docx", "xlsx", "png", "jpg", "gif", "zip", "ics"])


@dataclass(frozen=True, slots=True)
class Fault:
    """What the server does to one request instead of accepting the mail."""

    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    action: Action = "answer"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request that has arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class MailApis:
    """The server, for `async with`.

    Attributes:
        faults: what happens to the next requests.
        calls: the requests that have arrived.
        mails: the accepted mails, the oldest first.
        taken: how many mails of each send were accepted.
        files: what `GET` answers, by path.
        has_arrived: set when the first request has arrived.
    """

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.calls: list[ApiCall] = []
        self.mails: list[ArrivedMail] = []
        self.taken: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}
        self.url = ""
        self.has_arrived = asyncio.Event()
        self._keys: dict[str, tuple[Any, str]] = {}
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> MailApis:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", self._serve)
        app.router.add_get("/{path:.*}", self._serve_file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening and end the requests that hang."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(ApiCall(request.path_qs, dict(request.headers), b""))
        content = self.files.get(request.path_qs)
        return web.Response(status=404) if content is None else web.Response(body=content)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = ApiCall(request.path, headers, body)
        self.calls.append(call)
        self.has_arrived.set()
        fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return self._accept(call)
        if fault.action == "take and drop":
            self._accept(call)
        if fault.action in ("drop", "take and drop"):
            assert request.transport is not None
            request.transport.abort()
        if fault.action == "hang":
            await self._released.wait()
        if fault.action in ("drip", "huge"):
            return await self._stream(request, fault.action)
        return web.Response(status=fault.status, headers=fault.headers, text=fault.body)

    async def _stream(self, request: web.Request, action: Action) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        piece = b"x" if action == "drip" else b"x" * 500_000
        for _ in range(1000 if action == "drip" else 8):
            if self._released.is_set():
                break
            try:
                await response.write(piece)
            except ConnectionError:
                break
            await asyncio.sleep(0.01 if action == "drip" else 0)
        return response

    def _accept(self, call: ApiCall) -> web.Response:
        match call.path:
            case "/email":
                return self._accept_postmark(call, [call.json])
            case "/email/batch":
                return self._accept_postmark(call, call.json)
            case path:
                accept = {
                    "/emails": self._accept_resend,
                    "/v2/email/outbound-emails": self._accept_ses,
                    "/v3/mg.example.org/messages.mime": self._accept_mailgun,
                    "/v3/mail/send": self._accept_sendgrid,
                    "/v3/smtp/email": self._accept_brevo,
                }.get(path)
                return accept(call) if accept else web.Response(status=404)

    def _take(self, send_id: str, mail: ArrivedMail) -> str:
        self.mails.append(mail)
        self.taken[send_id] += 1
        return f"mail-{len(self.mails)}"

    def _accept_resend(self, call: ApiCall) -> web.Response:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _answer(401, name="validation_error", message="API key is invalid")
        mail, key = call.json, call.headers["idempotency-key"]
        if key in self._keys:
            payload, provider_id = self._keys[key]
            if payload != mail:
                return _answer(409, name="invalid_idempotent_request", message="Same key")
            return _answer(200, id=provider_id)
        tags = {tag["name"]: tag["value"] for tag in mail["tags"]}
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value) for value in tags.values())
        files = [
            Attachment(
                file["filename"], file["content_type"], _decode(file), file.get("content_id")
            )
            for file in mail.get("attachments", ())
        ]
        groups = [parse_addresses(mail.get(name, ())) for name in ("to", "cc", "bcc")]
        provider_id = self._take(
            tags[SEND_TAG],
            build_mail(
                groups,
                from_=parse_addresses([mail["from"]])[0],
                reply_to=parse_addresses(mail.get("reply_to", ())),
                subject=mail["subject"],
                html=mail.get("html", ""),
                text=mail["text"],
                headers=mail.get("headers", {}).items(),
                files=files,
            ),
        )
        self._keys[key] = mail, provider_id
        return _answer(200, id=provider_id)

    def _accept_postmark(self, call: ApiCall, mails: list[Any]) -> web.Response:
        if call.headers.get("x-postmark-server-token") != KEY:
            return _answer(401, ErrorCode=10, Message="No Account or Server API tokens")
        results = [self._accept_postmark_mail(mail) for mail in mails]
        return web.json_response(results if call.path == "/email/batch" else results[0])

    def _accept_postmark_mail(self, mail: dict[str, Any]) -> dict[str, Any]:
        if mail["To"].startswith("inactive"):
            return {"ErrorCode": 406, "Message": "inactive addresses: inactive@example.com"}
        assert (mail["TrackOpens"], mail["TrackLinks"]) == (False, "None")
        headers = [(header["Name"], header["Value"]) for header in mail["Headers"]]
        assert ("X-PM-KeepID", "true") in headers
        files = [
            Attachment(
                file["Name"],
                file["ContentType"],
                _decode(file, "Content"),
                file["ContentID"].removeprefix("cid:") if "ContentID" in file else None,
            )
            for file in mail.get("Attachments", ())
        ]
        groups = [parse_addresses([mail.get(name, "")]) for name in ("To", "Cc", "Bcc")]
        provider_id = self._take(
            mail["Metadata"][SEND_TAG],
            build_mail(
                groups,
                from_=parse_addresses([mail["From"]])[0],
                reply_to=parse_addresses([mail.get("ReplyTo", "")]),
                subject=mail["Subject"],
                html=mail.get("HtmlBody", ""),
                text=mail["TextBody"],
                headers=headers,
                files=files,
            ),
        )
        return {"ErrorCode": 0, "Message": "OK", "MessageID": provider_id, "To": mail["To"]}

    def _accept_ses(self, call: ApiCall) -> web.Response:
        if f"Credential={KEY}/" not in call.headers.get("authorization", ""):
            return web.json_response(
                {"message": "The security token included in the request is invalid."},
                status=403,
                headers={"x-amzn-errortype": "UnrecognizedClientException"},
            )
        mail = call.json
        recipients = [email for emails in mail["Destination"].values() for email in emails]
        tags = {tag["Name"]: tag["Value"] for tag in mail["EmailTags"]}
        content = _decode(mail["Content"]["Raw"], "Data")
        return _answer(
            200, MessageId=self._take(tags[SEND_TAG], read_mime_mail(content, recipients))
        )

    def _accept_mailgun(self, call: ApiCall) -> web.Response:
        expected = base64.b64encode(f"api:{KEY}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {expected}":
            return web.Response(status=401, text="Forbidden")
        _, _, boundary = call.headers["content-type"].partition("boundary=")
        fields: dict[str, list[bytes]] = {}
        for part in call.body.split(b"--" + boundary.strip('"').encode())[1:-1]:
            head, _, content = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
            name = re.search(rb'; name="([^"]+)"', head)
            assert name is not None
            fields.setdefault(name[1].decode(), []).append(content)
        assert fields["o:tracking"] == [b"no"]
        recipients = [email.decode() for email in fields["to"]]
        send_id = fields[f"v:{SEND_TAG}"][0].decode()
        provider_id = self._take(send_id, read_mime_mail(fields["message"][0], recipients))
        return _answer(200, id=f"<{provider_id}>", message="Queued. Thank you.")

    def _accept_sendgrid(self, call: ApiCall) -> web.Response:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _answer(401, errors=[{"message": "invalid, expired, or revoked"}])
        mail = call.json
        (group,) = mail["personalizations"]
        content = {part["type"]: part["value"] for part in mail["content"]}
        assert all(content.values()) and next(iter(content)) == "text/plain"
        files = [
            Attachment(file["filename"], file["type"], _decode(file), file.get("content_id"))
            for file in mail.get("attachments", ())
        ]
        provider_id = self._take(
            group["custom_args"][SEND_TAG],
            build_mail(
                [_read_mailboxes(group.get(name, ())) for name in ("to", "cc", "bcc")],
                from_=_read_mailboxes([mail["from"]])[0],
                reply_to=_read_mailboxes(mail.get("reply_to_list", ())),
                subject=mail["subject"],
                html=content.get("text/html", ""),
                text=content["text/plain"],
                headers=mail["headers"].items(),
                files=files,
            ),
        )
        return web.Response(status=202, headers={"X-Message-Id": provider_id})

    def _accept_brevo(self, call: ApiCall) -> web.Response:
        if call.headers.get("api-key") != KEY:
            return _answer(401, code="unauthorized", message="Key not found")
        mail = call.json
        key = mail["headers"]["idempotencyKey"]
        if key in self._keys:
            return _answer(400, code="duplicate_parameter", message="idempotencyKey was used")
        files = [
            Attachment(file["name"], guess_type(file["name"]), _decode(file))
            for file in mail.get("attachment", ())
        ]
        if any(file.filename.rpartition(".")[2] not in _BREVO_FILES for file in files):
            return _answer(400, code="invalid_parameter", message="Unsupported file format")
        reply_to = [mail["replyTo"]] if "replyTo" in mail else []
        provider_id = self._take(
            mail["headers"]["X-Mailin-custom"].removeprefix(f"{SEND_TAG}:"),
            build_mail(
                [_read_mailboxes(mail.get(name, ())) for name in ("to", "cc", "bcc")],
                from_=_read_mailboxes([mail["sender"]])[0],
                reply_to=_read_mailboxes(reply_to),
                subject=mail["subject"],
                html=mail.get("htmlContent", ""),
                text=mail["textContent"],
                headers=mail["headers"].items(),
                files=files,
            ),
        )
        self._keys[key] = mail, provider_id
        return _answer(201, messageId=f"<{provider_id}>")


def build_mail(
    groups: Sequence[tuple[Address, ...]],
    *,
    from_: Address,
    reply_to: tuple[Address, ...],
    subject: str,
    html: str,
    text: str,
    headers: Any,
    files: Sequence[Attachment],
) -> ArrivedMail:
    """Return what a mail means whose recipients are `to`, `cc` and `bcc`."""
    return ArrivedMail(
        recipients=frozenset(address.email for group in groups for address in group),
        from_=from_,
        cc=groups[1],
        reply_to=reply_to,
        subject=subject,
        html=normalize(html),
        text=normalize(text),
        headers=frozenset(
            (name.lower(), value)
            for name, value in headers
            if name.lower() not in _PROTOCOL_HEADERS
        ),
        attachments=tuple(files),
    )


def read_mime_mail(content: bytes, recipients: Sequence[str]) -> ArrivedMail:
    """Return what a mail in MIME means, its images with their content ids included."""
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    arrived = read_mime(content, recipients)
    files = tuple(
        Attachment(
            part.get_filename() or "",
            part.get_content_type(),
            part.get_content(),
            str(part["Content-ID"]).strip("<>") if part["Content-ID"] else None,
        )
        for part in mail.walk()
        if part.get_content_disposition()
    )
    return ArrivedMail(
        arrived.recipients,
        arrived.from_,
        arrived.cc,
        arrived.reply_to,
        arrived.subject,
        arrived.html,
        arrived.text,
        arrived.headers,
        files,
    )


def parse_addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    """Return the mailboxes that are written as `"Ada" <ada@example.com>`."""
    return tuple(Address(email, name) for name, email in getaddresses(list(texts)))


def _read_mailboxes(mailboxes: Any) -> tuple[Address, ...]:
    return tuple(Address(mailbox["email"], mailbox.get("name", "")) for mailbox in mailboxes)


def _decode(file: Mapping[str, str], name: str = "content") -> bytes:
    return base64.b64decode(file[name], validate=True)


def _answer(status: int, **body: Any) -> web.Response:
    return web.json_response(body, status=status)


def guess_type(filename: str) -> str:
    """Return the type of a file by its name."""
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"
