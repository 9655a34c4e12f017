"""The error whose text is meant for the person at the keyboard."""


class CourseError(Exception):
    """Bad input or a missing thing: one clear line that says what happened, where, and what to do.

    The command line prints it without a traceback and exits with 2.
    """
