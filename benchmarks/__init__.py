"""What Flask-PocketPing costs, measured beside others in one run on one machine. Run by `python -m benchmarks`."""
