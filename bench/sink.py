"""A mail server that discards email: ``python -m bench.sink [ms per email] [ms per round trip]``.

Delays each email and each reply by these times. Offers PIPELINING (RFC 2920). Prints its port on
the first line, and runs until killed.
"""

import asyncio
import sys


class _Answers:
    """Sends replies in order, each after ``travel`` seconds."""

    def __init__(self, writer: asyncio.StreamWriter, travel: float) -> None:
        self._writer = writer
        self._travel = travel

    def send(self, answer: bytes) -> None:
        if not self._travel:
            self._write(answer)
        else:
            asyncio.get_running_loop().call_later(self._travel, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(answer)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, thinks: float, travel: float
) -> None:
    answers = _Answers(writer, travel)
    answers.send(b"220 sink\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"EHLO":
            answers.send(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
            answers.send(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            if thinks:
                await asyncio.sleep(thinks)
            answers.send(b"250 taken\r\n")
        elif verb == b"QUIT":
            answers.send(b"221 bye\r\n")
            await asyncio.sleep(travel)
            break
        else:
            answers.send(b"250 fine\r\n")
    writer.close()


async def _main(thinks: float, travel: float) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _serve(reader, writer, thinks, travel),
        "127.0.0.1",
        0,
        limit=1024 * 1024,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    given = [int(text) / 1000 for text in sys.argv[1:]]
    asyncio.run(_main(*given, *[0.0] * (2 - len(given))))
