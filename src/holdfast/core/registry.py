"""A registry maps names to constructors; the constructor's signature is the schema of its parameters."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from holdfast.core.errors import ConfigError, HoldfastError, did_you_mean

__all__ = ["Registry", "Spec"]

T = TypeVar("T")

# What constructors (torch's too) raise on a value of the wrong kind, sign, length or size.
_REFUSALS = (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError, AttributeError, MemoryError)


class Spec(BaseModel):
    """A registered name and the parameters to build it with, as an experiment file spells them.

    Examples
    --------
    >>> Spec.parse("holdfast").name
    'holdfast'
    >>> Spec.parse({"name": "pap_megyeri", "params": {"padding": "valid"}}).params
    {'padding': 'valid'}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    params: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def parse(cls, value: str | Mapping[str, Any] | Spec) -> Spec:
        """Return a Spec from a bare name, a mapping or a Spec.

        Raises
        ------
        ConfigError
            If it is anything else.
        """
        if isinstance(value, Spec):
            return value
        try:
            return cls(name=value) if isinstance(value, str) else cls.model_validate(value)
        except ValidationError as error:
            raise ConfigError(f"expected a name, or a mapping with name and params; got {value!r}") from error


class Registry(Generic[T]):
    """Names to constructors of one kind of thing.

    Parameters
    ----------
    kind
        What the entries are, for error messages ("model", "attack").
    entries
        One line per entry.

    Examples
    --------
    >>> shapes = Registry("shape", {"complex": complex})
    >>> shapes.build(Spec(name="complex", params={"real": 1.0}))
    (1+0j)
    >>> shapes["komplex"]
    Traceback (most recent call last):
    ...
    holdfast.core.errors.ConfigError: unknown shape 'komplex': did you mean 'complex'?
    """

    def __init__(self, kind: str, entries: Mapping[str, Callable[..., T]]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Callable[..., T]:
        if name not in self._entries:
            raise ConfigError(f"unknown {self.kind} '{name}': {did_you_mean(name, self._entries)}")
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def _checked(self, name: str, key: str, value: Any) -> Any:
        """Return a parameter's value as the constructor's annotation has it: a list of YAML may be a tuple there."""
        hint = self.parameters(name)[key].annotation
        if hint is inspect.Parameter.empty:
            return value
        try:
            return TypeAdapter(hint).validate_json(json.dumps(value, default=str), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigError(
                f"{self.kind} '{name}': {key}: {first['msg'][0].lower()}{first['msg'][1:]} (got {value!r})"
            ) from error

    def parameters(self, name: str) -> dict[str, inspect.Parameter]:
        """Return the constructor's parameters by name."""
        return {
            key: parameter
            for key, parameter in inspect.signature(self[name], eval_str=True).parameters.items()
            if parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        }

    def resolve(self, spec: Spec, *, without: tuple[str, ...] = ()) -> Spec:
        """Return the spec with the constructor's defaults written out, so that it means the same when they change.

        Parameters
        ----------
        spec
            Name and parameters.
        without
            Parameters that are known only at run time.

        Examples
        --------
        >>> Registry("shape", {"complex": lambda real=0.0, imag=0.0: complex(real, imag)}).resolve(
        ...     Spec(name="complex", params={"imag": 2.0})
        ... ).params
        {'real': 0.0, 'imag': 2.0}
        """
        defaults = {
            name: list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
            for name, parameter in self.parameters(spec.name).items()
            if parameter.default is not parameter.empty and name not in without
        }
        return Spec(name=spec.name, params=defaults | spec.params)

    def build(self, spec: Spec, **context: Any) -> T:
        """Construct the named entry.

        Parameters
        ----------
        spec
            Name and parameters; parameters the constructor does not have are refused.
        context
            Values known only at run time (a shift, a number of tasks); the constructor gets those it takes.

        Raises
        ------
        ConfigError
            Unknown name, unknown parameter, or a value the constructor refuses.
        """
        constructor, known = self[spec.name], self.parameters(spec.name)
        for key in spec.params:
            if key not in known:
                raise ConfigError(f"{self.kind} '{spec.name}' has no parameter '{key}': {did_you_mean(key, known)}")
        given = {key: value for key, value in context.items() if key in known and key not in spec.params}
        params = {key: self._checked(spec.name, key, value) for key, value in spec.params.items()}
        try:
            return constructor(**given, **params)
        except HoldfastError:
            raise
        except _REFUSALS as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(f"{self.kind} '{spec.name}' cannot be built from {spec.params}: {words}") from error
