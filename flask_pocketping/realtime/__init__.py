"""Live updates: the hub of this process, the tail of the log that feeds it, and the bus between processes."""
