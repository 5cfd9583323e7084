"""One question to four layers: the flag, the environment, the profile, the default. The first that answers wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from okxdoctor.settings.problem import UsageProblem, suggestion
from okxdoctor.settings.profile import Profile
from okxdoctor.settings.values import Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The environment and the profile of a run; flags come with each question."""

    environ: Mapping[str, str]
    profile: Profile | None

    def text(
        self, flag: str | None, variables: tuple[str, ...] = (), members: tuple[str, ...] = ()
    ) -> Given[str] | None:
        """The first layer that has a text; a variable that is set and empty counts as not set."""
        if flag is not None:
            return Given(value=flag, source="flag")
        for name in variables:
            if self.environ.get(name):
                return Given(value=self.environ[name], source=f"env:{name}")
        for member in members:
            value = self.member(member)
            if value is None:
                continue
            if not isinstance(value, str):
                raise self.wrong(member, "text in quotes")
            return Given(value=value, source=self.source)
        return None

    def texts(self, flags: tuple[str, ...], members: tuple[str, ...] = ()) -> Given[tuple[str, ...]] | None:
        """A list: repeated flags, or in the profile an array or one text with commas."""
        if flags:
            return Given(value=flags, source="flag")
        for member in members:
            value = self.member(member)
            if value is None:
                continue
            if isinstance(value, str):
                value = [part.strip() for part in value.split(",") if part.strip()]
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise self.wrong(member, 'an array of texts, like ["a", "b"]')
            return Given(value=tuple(value), source=self.source)
        return None

    def seconds(self, flag: float | None, member: str, default: float, name: str) -> Given[float]:
        """A positive number of seconds."""
        value: object = flag
        source = "flag" if flag is not None else self.source
        if value is None:
            value = self.member(member)
        if value is None:
            return Given(value=default, source="default")
        where = name if flag is not None else self.where(member)
        try:
            number = float(str(value))
        except ValueError:
            number = 0.0
        if isinstance(value, bool) or not 0 < number <= 86_400:
            raise UsageProblem(f"{where}: {value!r} is not a time in seconds", "more than 0, at most 86400")
        return Given(value=number, source=source)

    def one_of(self, given: Given[str], known: tuple[str, ...], where: str, *, upper: bool = False) -> Given[str]:
        """The same, refused when it is no known word."""
        word = given.value.strip().upper() if upper else given.value.strip().lower()
        if word not in known:
            place = where if given.source == "flag" else given.source
            raise UsageProblem(f"{place}: {given.value!r} is not known", suggestion(word, known))
        return Given(value=word, source=given.source)

    def member(self, name: str) -> Any:
        return None if self.profile is None else self.profile.members.get(name)

    def where(self, member: str) -> str:
        return member if self.profile is None else self.profile.where(member)

    @property
    def source(self) -> str:
        return "" if self.profile is None else self.profile.source

    def wrong(self, member: str, form: str) -> UsageProblem:
        return UsageProblem(f"{self.where(member)}: must be {form}")
