"""The conversations: the only code that changes them, each change in one transaction with its event.

Knows no Flask, no HTTP and no sockets. Functions take a `Database` first and return frozen values.
"""
