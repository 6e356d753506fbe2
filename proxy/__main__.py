"""Lets `python -m proxy` be the command `headrace`."""

import sys

from proxy.cli import main

sys.exit(main())
