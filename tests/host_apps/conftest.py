"""The apps' own tests run in processes of their own, in a copy of the app."""

collect_ignore = ["apps"]
