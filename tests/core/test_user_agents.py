"""The browser and the system behind a User-Agent header."""

import pytest

from invites.core import user_agents

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari iOS",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/126.0.0.0 Safari/537.36 "
            "Edg/126.0.0.0",
            "Edge Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/121.0.0.0 Mobile Safari/537.36",
            "Chrome Android",
        ),
        ("", " "),
        ("\0<script>", " "),
    ],
)
def test_browsers_and_systems_have_their_usual_names(said: str, words: str) -> None:
    assert " ".join(user_agents.describe(said)) == words
