"""Processes that are left alone or told to end: their reader goes away, or a signal comes.

Public reports: Textualize/rich#212 and #826 (output that is not UTF-8), LMCache/LMCache#4597.
"""

SCRIPT = (
    "import sys\n"
    "from pipeline.process.exits import run_command\n"
    "def work():\n"
    "    for number in range(20000):\n"
    "        print('line', number, file={where}, flush=True)\n"
    "    open({done!r}, 'w').close()\n"
    "    return 3\n"
    "sys.exit(run_command(work))\n"
)
"""Prints twenty thousand lines, leaves a file behind and ends with 3."""

INTERRUPTED = (
    "import os, signal, sys, time, typer\n"
    "from pipeline.process.exits import run_command\n"
    "app = typer.Typer()\n"
    "@app.command()\n"
    "def work() -> None:\n"
    "    {act}\n"
    "    time.sleep(20)\n"
    "sys.exit(run_command(lambda: app(args=[], standalone_mode=False)))\n"
)
"""A command that is interrupted while it works."""
