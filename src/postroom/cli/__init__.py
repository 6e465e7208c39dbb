"""The command line: `postroom COMMAND`. Each module holds the commands of one subject.

Commands are loaded when they are called, so that `postroom --help` is there at once. They return an exit status or
None for 0; what goes wrong is raised as PostroomError, and :mod:`postroom.cli.app` turns it into one line.
"""
