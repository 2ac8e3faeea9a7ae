"""The program ``ser``, which is inside this package."""

import signal
import sys

from ser_speech import _native


def main() -> None:
    """Does what the command line asks for, and ends the process."""
    # What Python does on Ctrl-C waits for Python, which is not asked again.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _native.program(["ser", *sys.argv[1:]])
