"""The contract's records as plain Python types."""

from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class Context:
    """Who calls, on whose behalf, and when; `now` in milliseconds since 1970."""

    call_id: str
    attempt: int
    unit: str
    now: int
    idempotency_key: str


@dataclass
class Item:
    """One observed post, article, message or call (舆情信息)."""

    id: str
    source: str = ""
    url: Optional[str] = None
    title: str = ""
    body: str = ""
    published: Optional[int] = None
    observed: int = 0
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Verdict:
    """The judgement of one item; `level` is I, II, III, IV or None."""

    level: Optional[str] = None
    score: float = 0.0
    factors: dict[str, float] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass
class Document:
    """A finished document; `bytes` or `text`."""

    media_type: str
    filename: str
    text: str = ""
    bytes: Optional[bytes] = None
