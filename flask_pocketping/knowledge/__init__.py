"""The knowledge base: texts of the site, cut into passages that a question finds. Only this room writes them."""
