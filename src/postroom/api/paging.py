"""The shared parameters of lists: which part, and in which order."""

from typing import Annotated, Literal

from msgspec import Meta

MAX_LIMIT = 1000

Start = Annotated[int, Meta(ge=0, le=2**63 - 1, description="Rows of the list to leave out.", examples=[0])]
Limit = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_LIMIT,
        description="Most rows to answer with; by default the page size of the account.",
        examples=[50],
    ),
]
Direction = Annotated[
    Literal["ASC", "DESC"],
    Meta(description="By default the one last asked for in this session, else DESC.", examples=["DESC"]),
]
