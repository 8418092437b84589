"""Stored runs name `python -m neuroevo run` as the command that made them: say what it is called today."""

import sys

if __name__ == "__main__":
    words = " ".join(sys.argv[1:]) or "run NAME"
    print(f"error: this is `python3 course.py {words}` now, in the course's folder", file=sys.stderr)
    sys.exit(2)
