"""A name server on a real socket, with the TXT records that a test sets."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT
from dns.resolver import Resolver


@dataclass
class NameServer:
    """``records``: TXT records by name. Other names don't exist."""

    records: Mapping[str, list[bytes]] = field(default_factory=dict)
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    is_silent: bool = False
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[Resolver]:
        """Yields a resolver that asks only this server."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(("127.0.0.1", 0))
            thread = threading.Thread(target=self._serve, args=(listener,))
            thread.start()
            resolver = Resolver(configure=False)
            resolver.nameservers = ["127.0.0.1"]
            resolver.port = listener.getsockname()[1]
            try:
                yield resolver
            finally:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopper:
                    stopper.sendto(b"", listener.getsockname())
                thread.join()

    def _serve(self, listener: socket.socket) -> None:
        while smtp_socket := (message := listener.recvfrom(4096))[0]:
            query = dns.message.from_wire(smtp_socket)
            name = query.question[0].name
            self.asked.append(name.to_text(omit_final_dot=True))
            if not self.is_silent:
                listener.sendto(self._answer(query, self.asked[-1]).to_wire(), message[1])

    def _answer(self, query: dns.message.Message, name: str) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        answer.set_rcode(self.rcode)
        if self.rcode == dns.rcode.NOERROR and name not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        texts = self.records.get(name, [])
        if texts and self.rcode == dns.rcode.NOERROR:
            answer.answer.append(
                dns.rrset.from_rdata_list(
                    query.question[0].name, 60, [_txt(text) for text in texts]
                )
            )
        return answer


def _txt(text: bytes) -> TXT:
    """A record, split into strings of at most 255 bytes as DNS requires."""
    strings = [text[start : start + 255] for start in range(0, len(text), 255)]
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)
