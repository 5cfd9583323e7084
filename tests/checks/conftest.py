"""Lets the tests of the checks import the scripted world beside them."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import strategies as st

_HERE = str(Path(__file__).parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

# Facts survive JSON, which has no infinity and no NaN: a probe never puts one there.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
