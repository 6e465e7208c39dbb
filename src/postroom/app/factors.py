"""The use cases of second steps and recovery, put together."""

from typing import TypedDict

from postroom.auth.codes import CodeHasher
from postroom.auth.guessing import Guesses
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.config.sms import SmsConfig
from postroom.domain.clock import Clock
from postroom.domain.code_messages import CodeMessages, SmsSender
from postroom.domain.factor_codes import FactorCodes
from postroom.domain.logins import Logins
from postroom.domain.recovery import NameRules, Recovery
from postroom.domain.routing import Routing
from postroom.domain.second_steps import SecondSteps
from postroom.domain.security_methods import SecurityMethods
from postroom.domain.security_tokens import SecurityTokens
from postroom.domain.server_secrets import ServerSecrets
from postroom.store import Store


class FactorCases(TypedDict):
    """The use cases of second steps and recovery."""

    recovery: Recovery
    second_steps: SecondSteps
    security_methods: SecurityMethods
    security_tokens: SecurityTokens


async def make_factors(
    store: Store,
    config: Config,
    secrets: ServerSecrets,
    *,
    hasher: PasswordHasher,
    logins: Logins,
    clock: Clock,
) -> FactorCases:
    """Return the use cases. Raises: unavailable."""
    code_hasher = CodeHasher(await secrets.get_own("factor_key"))
    routing = Routing(store, has_relay=bool(config.relay.host))
    messages = CodeMessages(routing, clock=clock, send_sms=_make_sms(config.sms))
    codes = FactorCodes(store, secrets, code_hasher, messages=messages, clock=clock)
    methods = SecurityMethods(store, config.classes, codes, secrets=secrets, hasher=code_hasher, clock=clock)
    return FactorCases(
        recovery=Recovery(
            store,
            config.classes,
            methods,
            passwords=hasher,
            guesses=Guesses(config.auth, trusted=config.http.trusted_proxy_networks, now=clock.now),
            rules=NameRules(config.primary_domain, config.auth.alias_logins),
            clock=clock,
        ),
        second_steps=SecondSteps(store, config.classes, codes, hasher=code_hasher, clock=clock),
        security_methods=methods,
        security_tokens=SecurityTokens(store, hasher, logins.guesses.apart(), clock=clock),
    )


def _make_sms(config: SmsConfig) -> SmsSender | None:
    if not config.url:
        return None

    async def send(number: str, text: str) -> None:
        # The HTTP client is loaded with the first message.
        from postroom.app.sms_http import SmsGateway  # noqa: PLC0415

        await SmsGateway(config).send(number, text)

    return send
