"""Running the whole: incidents as replays and as faults in a live stack, a damaged index, and the course's figures.

| module | what it holds |
|---|---|
| `fleet` | replicas of an engine, simulated event by event: seats, a KV pool, a queue, and vLLM's metric names |
| `replays` | five incidents and none: metrics, log and spans of one simulated run each, from a seed |
| `indexes` | a search index that was kept badly, and what its passages are today |
| `door` | a small gateway with an access log, in front of engines that run |
| `faults` | the same five incidents, done to engines that run |
| `figures` | the course's ledger: the student's rows, and the committed runs for what is missing |
"""
