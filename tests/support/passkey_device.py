"""A device that creates passkeys and signs with them, as browsers do (WebAuthn)."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _HAS_KEY, _HAS_EXTENSIONS = 0x01, 0x04, 0x40, 0x80


class Device:
    """Has one passkey.

    Tests can falsify ``origin``, ``flags``, ``count`` and ``extensions`` (CBOR).
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.domain = origin.partition("://")[2].partition(":")[0]
        self.flags = _PRESENT | _VERIFIED
        self.count = 0
        self.extensions = b""
        self.id = secrets.token_bytes(16)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: str) -> str:
        """The result of navigator.credentials.create, as JSON."""
        point = self._key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        has_key = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(key)
        data = self._data(self.flags | _HAS_KEY) + has_key + self.extensions
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options)
        return self._answer(clientDataJSON=client_data, attestationObject=attestation)

    def sign(self, options: str) -> str:
        """The result of navigator.credentials.get, as JSON."""
        self.count += 1
        data = self._data(self.flags) + self.extensions
        client_data = self._client_data("webauthn.get", options)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client_data, authenticatorData=data, signature=signature)

    def _data(self, flags: int) -> bytes:
        site = hashlib.sha256(self.domain.encode()).digest()
        flags |= _HAS_EXTENSIONS if self.extensions else 0
        return site + bytes([flags]) + self.count.to_bytes(4)

    def _client_data(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        client_data = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps(client_data).encode()

    def _answer(self, **response: bytes) -> str:
        encoded: dict[str, Any] = {name: encode(value) for name, value in response.items()}
        mine = encode(self.id)
        return json.dumps({"id": mine, "rawId": mine, "type": "public-key", "response": encoded})


def encode(value: bytes) -> str:
    """In base64url without padding, as everywhere in WebAuthn."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The inverse of ``encode``."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
