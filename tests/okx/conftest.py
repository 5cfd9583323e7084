"""Property tests leave no example database and no character tables in the working directory."""

from __future__ import annotations

import atexit
import tempfile

from hypothesis.configuration import set_hypothesis_home_dir

_home = tempfile.TemporaryDirectory(prefix="okxdoctor-hypothesis-")
atexit.register(_home.cleanup)
set_hypothesis_home_dir(_home.name)
