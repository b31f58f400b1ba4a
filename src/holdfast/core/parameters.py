"""A parameter's annotation is its specification: what it may be is written once, checked, and said in words."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeGuard, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from holdfast.core.errors import ConfigError, did_you_mean

__all__ = [
    "Count",
    "Positive",
    "Share",
    "ShareBelowOne",
    "Size",
    "check_fields",
    "check_values",
    "checked",
    "in_words",
    "parameter_types",
    "read_page",
]

# More than a million units, filters or tasks is a slip of the finger, and more memory than there is.
Size = Annotated[int, Field(ge=1, le=1_000_000)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]

P = ParamSpec("P")
Page = TypeVar("Page", bound=BaseModel)

_PLAIN = {int: "a whole number", float: "a number", str: "a word", bool: "true or false", NoneType: "nothing"}
_LONGEST_VALUE = 80


def check_values(constructor: Callable[..., Any], values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return values as a constructor's annotations have them, refusing those that do not fit.

    Values are taken as a YAML file gives them: a list stands for a tuple, a whole number for a number, nothing else is
    converted. Numbers of numpy count as Python's, infinity and not-a-number never fit. Where a class of our own is
    expected, that is all that is asked.

    Parameters
    ----------
    constructor
        A class or function; parameters without an annotation take anything.
    values
        By parameter's name.
    what
        What is built, for the message.

    Raises
    ------
    ConfigError
        Naming the parameter, what was given and what it may be.

    Examples
    --------
    >>> def pool(width: Size, share: Share = 0.5) -> None: ...
    >>> check_values(pool, {"width": 3, "share": 1}, "layer 'pool'")
    {'width': 3, 'share': 1.0}
    >>> check_values(pool, {"width": 0}, "layer 'pool'")
    Traceback (most recent call last):
    ...
    holdfast.core.errors.ConfigError: layer 'pool': width is 0; expected a whole number from 1 to 1000000
    """
    return {name: _checked(value, constructor, name, what) for name, value in values.items()}


def checked(init: Callable[P, None]) -> Callable[P, None]:
    """Return an ``__init__`` that refuses arguments that do not fit their annotations.

    Raises
    ------
    ConfigError
        As :func:`check_values`; the constructor's own name stands for what is built.

    Examples
    --------
    >>> class Pool:
    ...     @checked
    ...     def __init__(self, width: Size) -> None:
    ...         self.width = width
    >>> Pool(0)
    Traceback (most recent call last):
    ...
    holdfast.core.errors.ConfigError: Pool: width is 0; expected a whole number from 1 to 1000000
    """
    signature = inspect.signature(init)

    @functools.wraps(init)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        given = signature.bind(*args, **kwargs)
        itself, *values = given.arguments.items()
        given.arguments |= check_values(init, dict(values), type(itself[1]).__name__)
        init(*given.args, **given.kwargs)

    return run


def check_fields(record: Any, what: str) -> None:
    """Refuse a dataclass whose fields do not fit their annotations; numbers of numpy become Python's.

    For ``__post_init__``: what a file may not say, a script may not say either.

    Raises
    ------
    ConfigError
        As :func:`check_values`.
    """
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    fitting = check_values(type(record), values, what)
    for name, value in values.items():
        if hasattr(value, "tolist"):
            object.__setattr__(record, name, fitting[name])


def in_words(hint: Any) -> str:
    """Return what an annotation allows.

    Examples
    --------
    >>> in_words(tuple[Size, Size])
    'a list of 2, each a whole number from 1 to 1000000'
    >>> in_words(Literal["same", "valid"] | None)
    "'same' or 'valid' or nothing"
    >>> in_words(ShareBelowOne)
    'a number from 0 to below 1'
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return "a value"
    if origin is Annotated and get_origin(inner[0]) in (Union, UnionType):
        limited = (one if one is NoneType else Annotated[one, *inner[1:]] for one in get_args(inner[0]))
        return " or ".join(in_words(one) for one in limited)
    if origin is Annotated:
        return in_words(inner[0]) + _range_in_words(inner[1:])
    if origin in (Union, UnionType):
        return " or ".join(in_words(one) for one in inner)
    if origin is Literal:
        return " or ".join(repr(one) for one in inner)
    if origin is tuple and inner[-1] is not Ellipsis:
        words = list(dict.fromkeys(in_words(one) for one in inner))
        return f"a list of {len(inner)}, each {words[0]}" if len(words) == 1 else f"a list of {', '.join(words)}"
    if isinstance(origin or hint, type) and issubclass(origin or hint, Mapping):
        return "a mapping"
    if origin is not None and inner:
        return f"a list, each {in_words(inner[0])}"
    if _is_page(hint):
        return f"a mapping with the keys {', '.join(hint.model_fields)}"
    return _PLAIN.get(hint, f"a {getattr(origin or hint, '__name__', hint)}")


def read_page(page: type[Page], values: Mapping[str, Any], *, where: str) -> Page:
    """Return a page of settings from plain values; a refusal says where, what was given and what it may be.

    Raises
    ------
    ConfigError
        If a key is unknown or a value impossible.

    Examples
    --------
    >>> class Split(BaseModel, extra="forbid"):
    ...     share: Share = 0.5
    >>> read_page(Split, {"shear": 0.5}, where="split")
    Traceback (most recent call last):
    ...
    holdfast.core.errors.ConfigError: split: unknown key 'shear': did you mean 'share'?
    """
    try:
        return page.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_explained(error, page)}") from error


def _explained(error: ValidationError, page: type[BaseModel]) -> str:
    """Return the first complaint about a page."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "value_error":
        return f"{where}: {first['ctx']['error']}" if where else str(first["ctx"]["error"])
    if first["type"] == "extra_forbidden":
        known = _hint_at(page, first["loc"][:-1])
        keys = known.model_fields if _is_page(known) else ()
        return f"unknown key '{where}': {did_you_mean(str(first['loc'][-1]), keys)}"
    words = in_words(_hint_at(page, first["loc"]))
    if first["type"] == "missing":
        return f"{where} is not given; expected {words}"
    return f"{where or 'it'} is {_shown(first['input'])}; expected {words}"


def _hint_at(hint: Any, path: tuple[int | str, ...]) -> Any:
    """Return the annotation of a value inside a page; steps that only say which of several types was tried are left."""
    for step in path:
        if _is_page(hint) and step in hint.model_fields:
            field = hint.model_fields[step]
            hint = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        if get_origin(hint) in (Union, UnionType):
            hint = next(one for one in get_args(hint) if one is not NoneType)
        if isinstance(step, int) and get_origin(hint) is tuple:
            inner = get_args(hint)
            hint = inner[0] if inner[-1] is Ellipsis else inner[min(step, len(inner) - 1)]
    return hint


def _is_page(hint: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


@functools.cache
def parameter_types(constructor: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotation of each parameter that has one, by name.

    Examples
    --------
    >>> parameter_types(lambda width, *, share: None)
    {}
    """
    # A dataclass inherits fields from modules with other names in them than its own; the class resolves them all.
    is_plain_class = isinstance(constructor, type) and not dataclasses.is_dataclass(constructor)
    return get_type_hints(constructor.__init__ if is_plain_class else constructor, include_extras=True)


@functools.cache
def _adapter(constructor: Callable[..., Any], name: str) -> TypeAdapter[Any]:
    config = ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)
    return TypeAdapter(parameter_types(constructor)[name], config=config)


def _checked(value: Any, constructor: Callable[..., Any], name: str, what: str) -> Any:
    hint = parameter_types(constructor).get(name, Any)
    if hint is Any:
        return value
    if _is_foreign(hint):
        if not isinstance(value, hint):
            raise ConfigError(f"{what}: {name} is of type {type(value).__name__}; expected {hint.__name__}")
        return value
    try:
        return _adapter(constructor, name).validate_json(json.dumps(value, default=_plain), strict=True)
    except (ValidationError, TypeError) as error:  # no file can spell a value that json cannot
        raise ConfigError(f"{what}: {name} is {_shown(value)}; expected {in_words(hint)}") from error


def _is_foreign(hint: Any) -> TypeGuard[type]:
    """Return whether a hint is a class that no file can spell: a value is one of it, or is not."""
    return isinstance(hint, type) and hint.__module__ != "builtins" and get_origin(hint) is None


def _plain(value: Any) -> Any:
    """Return numpy's numbers and arrays as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no plain value")


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    words = repr(_plain(value) if hasattr(value, "tolist") else value)
    return words if len(words) <= _LONGEST_VALUE else f"{words[:_LONGEST_VALUE]}..."


def _range_in_words(metadata: tuple[Any, ...]) -> str:
    limits: dict[str, Any] = {}
    for one in metadata:
        for limit in one.metadata if isinstance(one, FieldInfo) else [one]:
            limits |= {key: getattr(limit, key) for key in ("ge", "gt", "le", "lt") if hasattr(limit, key)}
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if low is None and high is None:
        return ""
    if high is None:
        return f" of {low} or more" if "ge" in limits else f" above {low}"
    if low is None:
        return f" of at most {high}" if "le" in limits else f" below {high}"
    if "ge" in limits:
        return f" from {low} {'to' if 'le' in limits else 'to below'} {high}"
    return f" above {low} and {'at most' if 'le' in limits else 'below'} {high}"
