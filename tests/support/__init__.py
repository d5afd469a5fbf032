"""What the tests share: real servers, databases, receivers and clients."""
