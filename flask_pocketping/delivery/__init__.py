"""Delivers events to targets outside of the app: the worker, leases, the retry schedule and the guarded HTTP client.

It does not know specific targets. `extension.py` passes them in.
"""
