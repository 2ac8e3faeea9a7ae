"""The program ``ser``, which this package contains."""

import signal
import sys

from ser_speech import _native


def main() -> None:
    """Runs the command line, and ends the process."""
    # Python handles Ctrl-C only when its interpreter runs again, and the program never returns to it.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _native.program(["ser", *sys.argv[1:]])
