"""LIS-200, the dialect of Elster's gas converters and loggers: data sets in and out.

No line, no clock, no file: what is asked is a text for a command, what is answered is
the text between STX and ETX.  The session that carries both is ``lis200session``.
"""
