"""Answers that do not arrive as they were made: cut off, held back, or in drops."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web
from multidict import CIMultiDict

from okxdoctor.exchange.core.protocol import Reply
from okxdoctor.exchange.net.tcp import linger_to_reset

FOR_EVER_S = 3_600.0
DROP_S = 1.0
PIECES = 8
"""In which a body comes that takes its time."""


async def send_half(request: web.BaseRequest, reply: Reply, headers: CIMultiDict[str]) -> web.StreamResponse:
    """The head and half of the body."""
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    return response


async def send_slowly(
    request: web.BaseRequest, reply: Reply, headers: CIMultiDict[str], seconds: float
) -> web.StreamResponse:
    """The head at once and the body in pieces, the last one after ``seconds``."""
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    size = max(1, -(-len(reply.body) // PIECES))
    for at in range(0, len(reply.body), size):
        await asyncio.sleep(seconds / PIECES)
        await response.write(reply.body[at : at + size])
    return response


async def drip(request: web.BaseRequest, reply: Reply, headers: CIMultiDict[str]) -> web.StreamResponse:
    """The head and one byte a second, until the client goes."""
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    for at in range(len(reply.body) - 1):
        await response.write(reply.body[at : at + 1])
        await asyncio.sleep(DROP_S)
    await asyncio.sleep(FOR_EVER_S)
    return response


async def cut(request: web.BaseRequest, *, reset: bool) -> web.StreamResponse:
    """End the connection, by RST or FIN, without (another) byte; the answer is for nobody."""
    transport = request.transport
    if transport is not None:
        # What was written goes out first: half an answer is to be half an answer.
        await asyncio.sleep(0.01)
        if reset:
            with contextlib.suppress(OSError):
                linger_to_reset(transport.get_extra_info("socket"))
        transport.abort()
    return web.Response(status=500)
