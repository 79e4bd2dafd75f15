"""Every call passes here: it is counted, authenticated, and delayed or refused if a test asks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import grpc


class Interceptor(grpc.aio.ServerInterceptor):
    """Checks the token of calls, counts them, and delays or refuses them.

    `token` is the one that is accepted, set once the ports are known. `refuse` and `delay` are the
    faults. `calls` counts the calls by method or path.
    """

    def __init__(self) -> None:
        self.token = ""
        self.refuse = False
        self.delay = 0.0
        self.calls: Counter[str] = Counter()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Pass a call on, or replace its handler by one that refuses it."""
        name = handler_call_details.method.rsplit("/", 1)[-1]
        self.calls[name] += 1
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.refuse:
            return _refusal(handler, grpc.StatusCode.UNAVAILABLE, "unavailable")
        metadata = dict(handler_call_details.invocation_metadata or ())
        if str(metadata.get("authorization", "")).split(" ")[-1] != self.token:
            return _refusal(handler, grpc.StatusCode.UNAUTHENTICATED, "invalid auth token")
        return handler

    async def http(self, path: str, authorization: str) -> tuple[int, Any] | None:
        """Return the status and body of a refusal, or None for a request that may pass."""
        self.calls[path] += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.refuse:
            return 503, {"message": "unavailable"}
        if path in ("/api/ready", "/api/live", "/api/v1/version"):
            return None
        if authorization.split(" ")[-1] != self.token:
            return 403, {"message": "Please provide valid credentials"}
        return None


def _refusal(
    handler: grpc.RpcMethodHandler, code: grpc.StatusCode, message: str
) -> grpc.RpcMethodHandler:
    async def refuse(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        await context.abort(code, message)

    async def refuse_stream(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        await context.abort(code, message)
        yield  # A streaming handler must be a generator.

    if handler.request_streaming and handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(
            refuse_stream, handler.request_deserializer, handler.response_serializer
        )
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(
            refuse_stream, handler.request_deserializer, handler.response_serializer
        )
    return grpc.unary_unary_rpc_method_handler(
        refuse, handler.request_deserializer, handler.response_serializer
    )
