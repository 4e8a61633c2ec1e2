"""The command line; the only place with Click.  It starts in ``main.run``."""
