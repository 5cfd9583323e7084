"""``python -m okxdoctor``: the command line, where no script directory is on the path."""

import sys

from okxdoctor.cli.main import main

sys.exit(main())
