"""What a check looks at when the user names nothing: instruments that always exist and always move.

Our own choice: the busiest pair. Sites list different quote currencies, so there is a second and a third choice, and
only on the global site does the absence of the first say anything.
"""

from __future__ import annotations

CONTROL_INSTRUMENTS = ("BTC-USDT", "BTC-USDC", "BTC-EUR")
CERTAIN_ON = "global"
