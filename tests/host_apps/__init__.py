"""Four apps as people write them, with their own tests, and the lines that put the chat into each."""
