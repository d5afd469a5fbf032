"""From the log to the outside: the worker, its leases, the retry schedule and the guarded HTTP client.

Knows no target by name; `extension.py` hands them in.
"""
