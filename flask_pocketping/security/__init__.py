"""Handles, tokens and rate limits: what proves who is asking, and how often they may."""
