# The course on two CPU cores. Built from the course's folder:
#   docker build -f environment/containers/cpu.Dockerfile -t servelab/student:0.1.0-cpu .
#   docker build -f environment/containers/cpu.Dockerfile -t servelab/instructor:0.1.0-cpu --target instructor .
# The first has what `servelab release --students` writes, the second the whole course: keep that one private.
ARG BASE=docker.io/library/debian:bookworm-20250520-slim

FROM ${BASE} AS runtime
# bubblewrap is the sandbox of `servelab check`, tini ends what a notebook leaves behind, g++ is the engine's compiler.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        bubblewrap ca-certificates g++ git make python3 python3-dev python3-venv tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 --shell /bin/bash student
ENV SERVELAB_RUNTIME=cpu \
    SERVELAB_ROOT=/opt/servelab \
    SERVELAB_CACHE=/home/student/.cache/servelab \
    SERVELAB_GRADEBOOK=/home/student/.local/share/servelab \
    SERVELAB_WORK=/home/student/work \
    JUPYTER_CONFIG_PATH=/opt/servelab/environment/containers/jupyter:/opt/servelab/environment/servelab/jupyter/config:/opt/servelab \
    JUPYTER_PATH=/opt/servelab/environment/servelab/jupyter/share \
    LANG=C.UTF-8 \
    PATH=/opt/servelab/.venv/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /opt/servelab
# First what the installation depends on: a changed lab or module does not install everything anew.
COPY pyproject.toml README.md LICENSE ./
COPY environment/bootstrap.py environment/
COPY environment/locks environment/locks
COPY environment/servelab/__init__.py environment/servelab/
# As `make setup` on any machine, from the lock and its hashes. `apt-get update`: programs come out of Debian's packages.
RUN apt-get update \
    && SERVELAB_CACHE=/tmp/setup python3 environment/bootstrap.py \
    && rm -rf /tmp/setup /root/.cache /var/lib/apt/lists/*
ENTRYPOINT ["tini", "--"]
CMD ["jupyter", "lab", "--no-browser"]
EXPOSE 8888
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8888/api', timeout=4)"]

# What a class may see, which is all that the last image takes from here.
FROM runtime AS release
COPY . /course
# From a folder that is a class's already, there is nothing to take away.
RUN if [ ! -d /course/solutions ]; then cp -a /course /release; \
    else SERVELAB_ROOT=/course PYTHONPATH=/course/environment servelab release --students /release; fi

# The whole course. Formgrader shows notebooks below the server's root only, and nbgrader writes releases into labs/.
FROM runtime AS instructor
COPY . .
RUN python -m compileall -q environment/servelab && chown -R student labs solutions
ENV SERVELAB_SERVER_ROOT=/
USER 1000:1000
WORKDIR /home/student

FROM runtime AS student
COPY --from=release /release/ ./
RUN python -m compileall -q environment/servelab
USER 1000:1000
WORKDIR /home/student
