"""The models that can answer, behind one protocol (`protocol.py`): three kinds of servers, and the host's own."""
