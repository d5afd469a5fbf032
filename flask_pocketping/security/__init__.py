"""Handles and tokens, which prove who sends a request, and rate limits."""
