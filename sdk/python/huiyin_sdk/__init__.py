"""Write Huiyin plugins in Python: one function a kind, in the shape of the Rust SDK.

    Info, Classifier = classifier(about, config, classify)

Nothing here offers a clock, chance or the order of a set: a pure plugin's call, repeated, gives the same result.
"""

# Imported at the build: what is imported later is not there.
import _strptime  # noqa: F401
import datetime as _datetime
import decimal  # noqa: F401
import encodings.gb18030  # noqa: F401
import encodings.gbk  # noqa: F401
import encodings.utf_16_le  # noqa: F401
import encodings.utf_8  # noqa: F401
import json as _json
import logging  # noqa: F401
import math as _math
import random as _random
import sys as _sys
import time as _time
import uuid as _uuid

import wit_world
import wit_world.exports
from componentize_py_types import Err, Ok
from wit_world.imports import types as _types

from ._schema import check as _check
from .contract import Context, Document, Item, Verdict

__all__ = [
    "Context", "Document", "InvalidConfig", "InvalidInput", "Item", "PluginError", "RateLimited", "Transient",
    "Unknown", "Verdict", "classifier", "reporter", "step",
]


class PluginError(Exception):
    """Why a call gives no result. Anything else that is raised becomes `Unknown`, with its message and place."""


class Transient(PluginError):
    """Not done, and may succeed later. It asserts that nothing happened."""


class RateLimited(PluginError):
    """Not done; try again after this many seconds."""


class InvalidInput(PluginError):
    """The input is at fault: repeating the call cannot help."""


class InvalidConfig(PluginError):
    """The configuration is at fault: repeating the call cannot help."""


class Unknown(PluginError):
    """Tried, and whether it was done is not known."""


def text(value):
    """A text without halves of surrogate pairs, which no UTF-8 has."""
    return str(value).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# --- time, chance and output ---

_now = 0


_time.time = lambda: _now / 1000
_time.time_ns = lambda: _now * 1_000_000
_time.monotonic = _time.perf_counter = lambda: _now / 1000
_time.monotonic_ns = _time.perf_counter_ns = lambda: _now * 1_000_000


class _CallDatetime(_datetime.datetime):
    """`datetime` whose now is the call's."""

    @classmethod
    def now(cls, tz=None):
        zone = tz or _datetime.timezone.utc
        moment = cls.fromtimestamp(_now / 1000, zone)
        return moment if tz else moment.replace(tzinfo=None)

    @classmethod
    def utcnow(cls):
        return cls.now()

    @classmethod
    def today(cls):
        return cls.now()


_datetime.datetime = _CallDatetime


def _no_chance(*_, **__):
    raise RuntimeError("a plugin has no random numbers; derive what has to differ from ctx.idempotency_key")


for _name in ("random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "uniform", "getrandbits"):
    setattr(_random, _name, _no_chance)
_uuid.uuid1 = _uuid.uuid4 = _no_chance


class _Nowhere:
    """`print` in a pure plugin: there is nothing to write to."""

    encoding = "utf-8"

    def write(self, value):
        return len(value)

    def flush(self):
        pass

    def isatty(self):
        return False


_sys.stdout = _sys.stderr = _Nowhere()


# --- the edge ---


def _place(error):
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" (at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""


def _raised(error):
    """What the contract takes as an error, of whatever was raised."""
    why = text(error)
    if isinstance(error, RateLimited):
        seconds = error.args[0] if error.args else None
        if isinstance(seconds, int) and 0 <= seconds <= 0xFFFFFFFF:
            return Err(_types.Error_RateLimited(seconds))
        return Err(_types.Error_Unknown(text(f"RateLimited of {seconds!r}: not a number of seconds")))
    if isinstance(error, Transient):
        return Err(_types.Error_Transient(why))
    if isinstance(error, InvalidInput):
        return Err(_types.Error_InvalidInput(why))
    if isinstance(error, InvalidConfig):
        return Err(_types.Error_InvalidConfig(why))
    if isinstance(error, Unknown):
        return Err(_types.Error_Unknown(why))
    return Err(_types.Error_Unknown(text(f"{type(error).__name__}: {error}{_place(error)}")))


def _edge(ctx, work):
    global _now
    _now = ctx.now
    try:
        return work(Context(ctx.call_id, ctx.attempt, ctx.unit, ctx.now, ctx.idempotency_key))
    except Exception as error:  # noqa: BLE001 - whatever is not caught here is a trap without a reason
        raised = _raised(error)
    raise raised


def _read(source, schema, fault):
    try:
        value = _json.loads(source)
    except ValueError as error:
        raise fault(str(error)) from None
    why = _check(schema, value) if schema else None
    if why:
        raise fault(why)
    return value


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _schema_text(schema):
    return _json.dumps({"$schema": _DIALECT, **schema}, ensure_ascii=False, allow_nan=False)


def _info(kind, about, config, input=None, output=None):
    exported = wit_world.exports
    wire = exported.info if hasattr(exported, "info") else __import__("wit_world.exports.info", fromlist=["info"])
    step = kind == "step"

    class Info(exported.Info):
        def describe(self):
            return wire.Manifest(
                name=about["name"],
                version=about["version"],
                kind=getattr(wire.Kind, kind.upper()),
                summary=about["summary"],
                config_schema=_schema_text(config),
                input_schema=_schema_text(input or {}) if step else "",
                output_schema=_schema_text(output or {}) if step else "",
                capabilities=[],
                idempotent=about.get("idempotent", False) is True,
            )

    return Info


_OBJECT = {"type": "object"}


def _number(value, what):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _math.isfinite(value):
        raise TypeError(f"{what} has to be a number, it is {value!r}")
    return float(value)


def _texts(value, what):
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"{what} has to be a list of texts")
    return [text(one) for one in value]


def classifier(about, config=_OBJECT, classify=None):
    """A classifier: `classify(ctx, config, model, state, items)` gives one `Verdict`, or an exception, for each
    item; or `(verdicts, state)`. Gives the two classes that are exported."""
    import wit_world.exports.classifier as wire

    levels = {"I": _types.Level.I, "II": _types.Level.II, "III": _types.Level.III, "IV": _types.Level.IV}

    def verdict(one, at):
        if isinstance(one, Exception):
            return Err(text(one))
        what = f"verdicts[{at}]"
        if not isinstance(one, Verdict):
            raise TypeError(f"{what} has to be a Verdict or an exception, it is {type(one).__name__}")
        if one.level is not None and one.level not in levels:
            raise TypeError(f"{what}.level has to be I, II, III or IV")
        factors = [wire.Factor(text(name), _number(score, f"{what}.factors[{name}]")) for name, score in one.factors.items()]
        return Ok(wire.Verdict(
            level=None if one.level is None else levels[one.level],
            score=_number(one.score, f"{what}.score"),
            factors=factors,
            labels=_texts(one.labels, f"{what}.labels"),
            reasons=_texts(one.reasons, f"{what}.reasons"),
        ))

    class Classifier(wit_world.exports.Classifier):
        def classify(self, ctx, own_config, model, state, items):
            def work(own):
                read = [
                    Item(item.id, item.source, item.url, item.title, item.body, item.published, item.observed,
                         {field.name: field.value for field in item.fields})
                    for item in items
                ]
                outcome = classify(own, _read(own_config, config, InvalidConfig), model, state, read)
                verdicts, kept = outcome if isinstance(outcome, tuple) else (outcome, None)
                return wire.Outcome([verdict(one, at) for at, one in enumerate(verdicts)], kept)

            return _edge(ctx, work)

    return _info("classifier", about, config), Classifier


def reporter(about, config=_OBJECT, data=None, render=None):
    """A reporter: `render(ctx, config, data)` gives a list of `Document`. Gives the two classes that are exported."""

    def document(one, at):
        if not isinstance(one, Document):
            raise TypeError(f"documents[{at}] has to be a Document, it is {type(one).__name__}")
        bytes_ = one.bytes if one.bytes is not None else text(one.text).encode("utf-8")
        return _types.Document(text(one.media_type), text(one.filename), bytes_)

    class Reporter(wit_world.exports.Reporter):
        def render(self, ctx, own_config, own_data):
            def work(own):
                read = _read(own_data, data, InvalidInput)
                documents = render(own, _read(own_config, config, InvalidConfig), read)
                return [document(one, at) for at, one in enumerate(documents)]

            return _edge(ctx, work)

    return _info("reporter", about, config), Reporter


def step(about, config=_OBJECT, input=None, output=None, run=None):
    """A step: `run(ctx, config, input)` gives the output. Gives the two classes that are exported."""

    class Step(wit_world.exports.Step):
        def run(self, ctx, own_config, own_input):
            def work(own):
                read = _read(own_input, input, InvalidInput)
                result = run(own, _read(own_config, config, InvalidConfig), read)
                return text(_json.dumps(result, ensure_ascii=False, allow_nan=False))

            return _edge(ctx, work)

    return _info("step", about, config, input, output), Step
