"""The files of conversations: where they are stored, which type they have and how they are served."""
