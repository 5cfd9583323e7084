"""What a run is told: flags > environment > profile file > defaults, every value with its source."""

from __future__ import annotations

from okxdoctor.settings.flags import Flags
from okxdoctor.settings.problem import UsageProblem, suggestion
from okxdoctor.settings.resolve import resolve
from okxdoctor.settings.values import Addresses, Given, SettingRow, Settings

__all__ = ["Addresses", "Flags", "Given", "SettingRow", "Settings", "UsageProblem", "resolve", "suggestion"]
