"""The conversations. Only this code changes them, and each change is one transaction with an event.

This package knows no Flask, no HTTP and no sockets. Its functions take a `Database` first and return frozen values.
"""
