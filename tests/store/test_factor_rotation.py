"""Targets of methods are sealed anew when the server's keys are rotated."""

from tests.fixtures.factories import CHEAP_AUTH, AddOwner
from tests.fixtures.stores import data_dir_of

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.auth.vault import key_id_of
from postroom.config.root import Config
from postroom.domain.key_rotation import rotate
from postroom.store import Store


async def test_rotation(store: Store, add_owner: AddOwner) -> None:
    owner = await add_owner("anna")
    logins = owner.domain.logins
    session = await logins.login(owner.authorization, client="127.0.0.1")
    caller = await owner.caller(session)
    created = await owner.domain.security_methods.create(caller, "email", "anna@elsewhere.test")
    done = await rotate(store, data_dir_of(store))
    async with store.directory() as tables:
        method = await tables.methods.find(caller.account_id, created.method_id)
    assert method is not None
    assert key_id_of(method.target) == done.key_id
    config = Config(data_dir=data_dir_of(store), auth=CHEAP_AUTH)
    hasher = PasswordHasher(CHEAP_AUTH)
    fresh = await make_domain(store, config, hasher)
    assert fresh.security_methods.codes.open_target(method) == b"anna@elsewhere.test"
    hasher.close()
