"""A browser on a real server."""

import re
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from tests.support.people import PASSWORD
from tests.support.server import Server


class HttpClient:
    """Keeps cookies, and the form token of the last page."""

    def __init__(self, server: Server, email: str = "") -> None:
        self._server = server
        self._open = build_opener(HTTPCookieProcessor(CookieJar())).open
        self._token = ""
        self.text = ""  # of the page
        if email:
            self.get("/login")
            assert self.post("/login", email=email, password=PASSWORD) == 200

    def get(self, place: str) -> int:
        return self._ask(place, None)

    def post(self, place: str, **form: Any) -> int:
        return self._ask(place, urlencode(form | {"csrf_token": self._token}).encode())

    def _ask(self, place: str, data: bytes | None) -> int:
        url = place if place.startswith("http") else self._server.url + place
        try:
            answer = self._open(url, data, timeout=60)
        except HTTPError as error:
            answer = error
        with answer:
            self.text = answer.read().decode()
        found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', self.text)
        self._token = found[1] if found else self._token
        return int(answer.status)
