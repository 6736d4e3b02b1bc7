"""As torchrun: starts the training in a session of its own and passes an interrupt on to it, once."""

import contextlib
import subprocess
import sys

child = subprocess.Popen(sys.argv[1:], start_new_session=True)
while child.poll() is None:
    with contextlib.suppress(KeyboardInterrupt):
        child.wait()
        break
    child.send_signal(2)
sys.exit(abs(child.returncode))
