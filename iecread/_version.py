"""The version, read from here by the build too, so that nothing looks it up."""

__version__ = "0.1.0"
