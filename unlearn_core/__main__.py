"""`python -m unlearn_core`: the command line of the dashboard's core."""

import sys

from unlearn_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
