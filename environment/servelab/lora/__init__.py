"""Low-rank adapters: the tickets to train on, the training itself, and what an adapter is worth."""
