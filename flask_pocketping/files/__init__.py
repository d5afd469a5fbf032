"""Files of conversations: where their bytes are, what they are by their content, and how they come and go."""
