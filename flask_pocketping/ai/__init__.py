"""The AI, which answers visitors when nobody else does. `target.py` says when; `answering.py` says how.

It writes to conversations only through `chat/`, and calls models only through a `Provider`.
"""
