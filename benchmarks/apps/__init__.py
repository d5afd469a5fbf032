"""The apps that are measured; each is served in a process of its own."""
