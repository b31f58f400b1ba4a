"""Build a data set of one file and print the most anonymous memory held meanwhile, in MiB: ``FILE OUT``."""

import sys
import threading
from pathlib import Path

from holdfast.data.build import build, read_parts


def held_mib() -> float:
    """Mapped pages of files are the system's to drop, so only anonymous memory counts."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def main() -> None:
    most, done = [held_mib()], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            most[0] = max(most[0], held_mib())

    before, watcher = most[0], threading.Thread(target=watch)
    watcher.start()
    build(read_parts([Path(sys.argv[1])]), Path(sys.argv[2]))
    done.set()
    watcher.join()
    sys.stdout.write(f"{most[0] - before:.1f}\n")


if __name__ == "__main__":
    main()
