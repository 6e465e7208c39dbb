"""A real OpenID Connect provider in a process of its own, on loopback: oidc-provider-mock, over authlib and flask."""

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx

CLIENT = "postroom-tests"
_REDIRECT = "http://localhost/back"


class RealProvider:
    """The provider, where it runs or ran."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.issuer = f"http://127.0.0.1:{port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it; each time it makes itself a new key."""
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(self.port)]
        environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                self._wait(process)
                yield
            finally:
                process.terminate()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert process.poll() is None, "the provider has ended"
            try:
                httpx.get(f"{self.issuer}/.well-known/openid-configuration", timeout=5, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError("the provider does not answer")

    def log_in(self, claims: dict[str, object]) -> str:
        """Have a user with these claims log in by the code flow; return the ID token."""
        subject = secrets.token_hex(8)
        with httpx.Client(base_url=self.issuer, timeout=20, trust_env=False) as browser:
            browser.put(f"/users/{subject}", json=claims).raise_for_status()
            asked = {
                "client_id": CLIENT,
                "redirect_uri": _REDIRECT,
                "response_type": "code",
                "scope": "openid email profile",
                "state": "s",
                "nonce": secrets.token_hex(8),
            }
            answer = browser.post("/oauth2/authorize", params=asked, data={"sub": subject})
            assert answer.status_code == 302, re.sub(r"<[^>]+>|\s+", " ", answer.text)
            [code] = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
            given = {"grant_type": "authorization_code", "code": code, "redirect_uri": _REDIRECT}
            token = browser.post("/oauth2/token", data=given, auth=(CLIENT, "secret"))
            assert token.status_code == 200, token.text
            return str(token.json()["id_token"])
