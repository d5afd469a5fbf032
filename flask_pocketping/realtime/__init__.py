"""Live updates: the hub of a process, the thread that feeds it from the log, and the bus between processes."""
