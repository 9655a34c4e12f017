"""The GPU reference run: models of published shapes with random weights, and each figure beside its physical bound."""
