"""A value that must not be seen: it prints as ``***``, and no encoder accepts it."""

from __future__ import annotations

from typing import Any, NoReturn


class Secret:
    """A secret text. Only :meth:`reveal` gives it out; every other way out shows ``***`` or refuses.

    It compares by value (constant time), hashes by identity of value, and cannot be pickled, copied into
    JSON or formatted. ``bool(secret)`` is False for an empty one.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The text itself. Call it only where bytes leave for the exchange."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __len__(self) -> int:
        return len(self.__value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        import hmac

        # A variable whose bytes are no UTF-8 comes with lone surrogates in it.
        return isinstance(other, Secret) and hmac.compare_digest(
            self.__value.encode("utf-8", "surrogatepass"), other.__value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(("okxdoctor.secret", self.__value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self
