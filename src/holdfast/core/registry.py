"""A registry maps names to constructors; the constructor's signature is the schema of its parameters.

What a parameter may be is its annotation (:mod:`holdfast.core.parameters`): no constructor has to check by hand.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdfast.core.errors import ConfigError, did_you_mean
from holdfast.core.parameters import check_values, in_words, parameter_types

__all__ = ["Registry", "Spec"]

T = TypeVar("T")


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
            If it is none of them.
        """
        if isinstance(value, Spec):
            return value
        try:
            return cls.model_validate({"name": value} if isinstance(value, str) else value)
        except ValidationError as error:
            raise ConfigError(f"{value!r}: expected a name, or a mapping with the keys name and params") from error


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

    def parameters(self, name: str) -> dict[str, inspect.Parameter]:
        """Return the constructor's parameters by name."""
        return {
            key: parameter
            for key, parameter in inspect.signature(self[name]).parameters.items()
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

        A constructor with a static method ``resolved_parameters`` writes out the defaults inside its own values.

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
        inner = self._each_nested(spec, lambda part: self.resolve(part, without=without).model_dump())
        params = defaults | spec.params | inner
        # A constructor whose parameters have defaults of their own, such as a list of blocks, writes those out itself.
        write_out = getattr(self[spec.name], "resolved_parameters", dict)
        return Spec(name=spec.name, params=write_out(params))

    def build(self, spec: Spec, **context: Any) -> T:
        """Construct the named entry.

        Parameters
        ----------
        spec
            Name and parameters; parameters the constructor does not have are refused.
        context
            Values known only at run time (a shift, a number of tasks); the constructor gets those it takes.

        A constructor may name parameters in an attribute ``nested``: specs given for them, one or a list, are built
        from this registry first, in the same context.

        Raises
        ------
        ConfigError
            Unknown name, unknown parameter, a value the constructor refuses, or none where one is needed.
        """
        params = self.check(spec) | self._each_nested(spec, lambda part: self.build(part, **context))
        known = self.parameters(spec.name)
        arguments = {key: value for key, value in context.items() if key in known} | params
        for key, parameter in known.items():
            if parameter.default is parameter.empty and key not in arguments:
                words = self._expected(spec, key)
                raise ConfigError(f"{self.kind} '{spec.name}': {key} is not given; expected {words}")
        return self[spec.name](**arguments)

    def check(self, spec: Spec) -> dict[str, Any]:
        """Return the parameters as the constructor's annotations have them, without building anything.

        Parameters
        ----------
        spec
            Name and parameters, perhaps not all.

        Raises
        ------
        ConfigError
            Unknown name, unknown parameter, or a value that its annotation does not allow.
        """
        constructor, known = self[spec.name], self.parameters(spec.name)
        for key in spec.params:
            if key not in known:
                raise ConfigError(f"{self.kind} '{spec.name}' has no parameter '{key}': {did_you_mean(key, known)}")
        nested = _nested(constructor)
        plain = {key: value for key, value in spec.params.items() if key not in nested}
        for key in nested & set(spec.params):
            for part in self._parts(spec, key):
                self.check(part)
        return check_values(constructor, plain, f"{self.kind} '{spec.name}'")

    def _each_nested(self, spec: Spec, change: Callable[[Spec], Any]) -> dict[str, Any]:
        """Return the parameters that hold specs of this registry, each spec changed."""
        changed: dict[str, Any] = {}
        for key in _nested(self[spec.name]) & set(spec.params):
            parts = [change(part) for part in self._parts(spec, key)]
            changed[key] = parts if _takes_several(self[spec.name], key) else parts[0]
        return changed

    def _parts(self, spec: Spec, key: str) -> list[Spec]:
        """Return the specs, one or several, that a nested parameter holds."""
        value, several = spec.params[key], _takes_several(self[spec.name], key)
        try:
            if several and not isinstance(value, list | tuple):
                raise ConfigError("one is given where several are")
            return [Spec.parse(one) for one in (value if several else [value])]
        except ConfigError as error:
            words = self._expected(spec, key)
            raise ConfigError(f"{self.kind} '{spec.name}': {key} is {value!r}; expected {words}") from error

    def _expected(self, spec: Spec, key: str) -> str:
        """Return in words what a parameter may be."""
        if key not in _nested(self[spec.name]):
            return in_words(parameter_types(self[spec.name]).get(key, Any))
        words = f"a {self.kind} by name, or its name and params"
        return f"a list, each {words}" if _takes_several(self[spec.name], key) else words


def _nested(constructor: Callable[..., Any]) -> set[str]:
    return set(getattr(constructor, "nested", ()))


def _takes_several(constructor: Callable[..., Any], key: str) -> bool:
    return get_origin(parameter_types(constructor).get(key)) is not None
