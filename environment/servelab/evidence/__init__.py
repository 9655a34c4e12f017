"""The numbers that the course publishes: the suites that measure them, their comparison, and the pages drawn from them."""
