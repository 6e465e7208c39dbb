"""What domains say of their logos, by a scripted name server."""

from collections.abc import Sequence

import pytest

from postroom.domain.bimi_lookup import Found, NoAnswerError, look_up
from postroom.model.bimi import IndicatorKey

LOGO = "https://example.org/logo.svg"
OTHER = "https://example.org/other.svg"
REJECT = "v=DMARC1; p=reject"
Records = dict[str, str | list[str] | None]


class Names:
    """TXT records by name; None fails."""

    def __init__(self, *given: Records) -> None:
        self.records = {name: value for records in given for name, value in records.items()}
        self.asked: list[str] = []

    async def find_texts(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        found = self.records.get(name, [])
        if found is None:
            raise NoAnswerError(f"{name} cannot be looked up")
        return [found] if isinstance(found, str) else found


async def find(domain: str, *given: Records, selector: str = "default") -> Found:
    return await look_up(Names(*given), IndicatorKey(domain, selector))


def bimi(domain: str, location: str = LOGO, selector: str = "default") -> Records:
    return {f"{selector}._bimi.{domain}": f"v=BIMI1; l={location};"}


def dmarc(domain: str, record: str = REJECT) -> Records:
    return {f"_dmarc.{domain}": record}


async def test_a_domain_with_a_logo() -> None:
    assert await find("example.org", bimi("example.org"), dmarc("example.org")) == Found(LOGO, True)


async def test_a_domain_without() -> None:
    assert await find("example.org") == Found("", False)
    assert await find("example.org", dmarc("example.org")) == Found("", True)
    assert await find("example.org", bimi("example.org")) == Found(LOGO, False)


async def test_selectors() -> None:
    records = {**bimi("example.org"), **bimi("example.org", OTHER, "brand"), **dmarc("example.org")}
    assert await find("example.org", records, selector="brand") == Found(OTHER, True)
    assert await find("example.org", records, selector="none") == Found("", True)


async def test_the_organisation_speaks_for_subdomains() -> None:
    records = {**bimi("example.org"), **dmarc("example.org")}
    assert await find("news.mail.example.org", records) == Found(LOGO, True)
    own = bimi("news.example.org", OTHER)
    assert await find("news.example.org", records, own) == Found(OTHER, True)


async def test_a_subdomain_may_decline() -> None:
    records = {**bimi("example.org"), **dmarc("example.org"), **bimi("news.example.org", "")}
    assert await find("news.example.org", records) == Found("", True)


async def test_nobody_speaks_where_there_is_no_policy() -> None:
    assert await find("news.example.org", bimi("example.org")) == Found("", False)


@pytest.mark.parametrize(
    ("own", "above", "is_enforcing"),
    [
        ("v=DMARC1; p=reject", "v=DMARC1; p=reject", True),
        ("v=DMARC1; p=none", "v=DMARC1; p=reject", False),
        ("v=DMARC1; p=reject", "v=DMARC1; p=none", False),
        ("v=DMARC1; p=reject", "v=DMARC1; p=reject; sp=none", True),
        (None, "v=DMARC1; p=reject; sp=none", False),
        (None, "v=DMARC1; p=quarantine; pct=50", False),
        (None, "v=DMARC1; p=quarantine", True),
        (None, "v=DMARC1; p=none; sp=reject", False),
    ],
)
async def test_policies(own: str | None, above: str, is_enforcing: bool) -> None:
    records = dmarc("example.org", above)
    if own is not None:
        records |= dmarc("news.example.org", own)
    assert (await find("news.example.org", records)).is_enforcing is is_enforcing


async def test_a_policy_for_subdomains_that_is_not_enforced_is_the_domains_own_too() -> None:
    assert not (await find("example.org", dmarc("example.org", "v=DMARC1; p=reject; sp=none"))).is_enforcing


async def test_public_suffixes() -> None:
    records = {**dmarc("co.example", "v=DMARC1; p=reject; psd=y"), **bimi("co.example")}
    shop = {**bimi("shop.co.example", OTHER)}
    assert await find("news.shop.co.example", records, shop) == Found(OTHER, False)
    records = {**dmarc("shop.co.example"), **dmarc("co.example", "v=DMARC1; p=reject; psd=y"), **shop}
    assert await find("news.shop.co.example", records) == Found(OTHER, True)


async def test_domains_that_say_they_are_the_organisation() -> None:
    records = {
        **dmarc("shop.example.org", "v=DMARC1; p=reject; psd=n"),
        **dmarc("example.org", "v=DMARC1; p=none"),
        **bimi("shop.example.org", OTHER),
        **bimi("example.org"),
    }
    assert await find("news.shop.example.org", records) == Found(OTHER, True)


async def test_several_records_are_none() -> None:
    twice: Records = {"default._bimi.news.example.org": [f"v=BIMI1; l={LOGO}", f"v=BIMI1; l={OTHER}"]}
    others = {**dmarc("example.org"), **bimi("example.org")}
    assert await find("news.example.org", twice, others) == Found("", True)
    policies: Records = {"_dmarc.example.org": [REJECT, REJECT]}
    assert not (await find("example.org", policies)).is_enforcing


async def test_records_of_others() -> None:
    records: Records = {
        "default._bimi.example.org": ["v=spf1 -all", f"v=BIMI1; l={LOGO}"],
        "_dmarc.example.org": ["google-site-verification=x", REJECT],
    }
    assert await find("example.org", records) == Found(LOGO, True)


async def test_a_broken_record_is_none() -> None:
    broken: Records = {"default._bimi.news.example.org": "v=BIMI1; l=http://x.example/"}
    assert await find("news.example.org", broken, dmarc("example.org"), bimi("example.org")) == Found(
        "", True
    )


@pytest.mark.parametrize("name", ["_dmarc.example.org", "default._bimi.example.org", "_dmarc.org"])
async def test_no_answer(name: str) -> None:
    with pytest.raises(NoAnswerError):
        await find("example.org", bimi("example.org"), dmarc("example.org"), {name: None})


async def test_the_walk_is_bounded() -> None:
    names = Names(bimi("example.org"), dmarc("example.org"))
    assert await look_up(names, IndicatorKey("a." * 100 + "example.org", "default")) == Found(LOGO, True)
    assert len(names.asked) == 8 + 2
