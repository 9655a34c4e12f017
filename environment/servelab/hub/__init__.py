"""A class on one machine: roster, accounts, a JupyterHub in which each student sees only their own, and final grades."""
