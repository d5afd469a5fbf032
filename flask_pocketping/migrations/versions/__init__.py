"""The revisions, oldest first; `migrations/__init__.py` says how to add one."""
