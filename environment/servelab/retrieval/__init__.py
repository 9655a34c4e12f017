"""Searching text: a corpus from pinned packages, labelled questions, embeddings, one adapter over Qdrant, measures.

| module | what it holds |
|---|---|
| `corpus`, `reading` | passages and documents, read from installed packages; hash checked |
| `distribution` | an optional larger corpus: Python's documentation as the distribution installs it |
| `asking` | the questions, their labels, the division into development and test set, the lint |
| `embed`, `vectors`, `made` | MiniLM; the vectors that ship, and those that are made once |
| `pieces` | lab 06's larger set of vectors, with tenants and a skewed payload |
| `store` | one interface to Qdrant Edge, a Qdrant server, and the client's memory mode |
| `exact` | cosines without an engine |
| `elsewhere` | Qdrant Edge in a process of its own, for forks |
| `tap` | a Qdrant client that notes what it is asked, for the checks of lab 06 |
| `reranking`, `hub` | second stages behind one call; the models that only a hub has |
| `ranking`, `measures` | BM25, fusion, late interaction; recall, MRR, nDCG and intervals |
| `packing` | questions with their vectors as one line of text, for hidden tests |
| `bench` | `servelab bench retrieval` |
"""


def register_artefacts() -> None:
    """Make this room's artefacts known to `servelab artefacts`."""
    from servelab.retrieval import made  # noqa: F401  importing it registers them
