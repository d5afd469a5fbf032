"""Marshmallow schemas: the form of all that goes in and out, for the back office, the visitor and the sockets."""
