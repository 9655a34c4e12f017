# The course on an NVIDIA GPU. As cpu.Dockerfile, with the GPU lock on Ubuntu 24.04, whose Python is the one that the lock is for:
#   docker build -f environment/containers/gpu.Dockerfile -t servelab/student:0.1.0-gpu .
# The machine needs NVIDIA's driver for CUDA 13 (580 or newer) and its container toolkit.
ARG BASE=docker.io/nvidia/cuda:13.0.2-base-ubuntu24.04

FROM ${BASE} AS runtime
# Triton compiles with gcc and Python's headers. The image's own user 1000 makes room.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        bubblewrap ca-certificates g++ git make python3 python3-dev python3-venv tini \
    && rm -rf /var/lib/apt/lists/* \
    && userdel --remove ubuntu \
    && useradd --create-home --uid 1000 --shell /bin/bash student
ENV SERVELAB_RUNTIME=gpu \
    SERVELAB_ROOT=/opt/servelab \
    SERVELAB_CACHE=/home/student/.cache/servelab \
    SERVELAB_GRADEBOOK=/home/student/.local/share/servelab \
    SERVELAB_WORK=/home/student/work \
    JUPYTER_CONFIG_PATH=/opt/servelab/environment/containers/jupyter:/opt/servelab/environment/servelab/jupyter/config:/opt/servelab \
    JUPYTER_PATH=/opt/servelab/environment/servelab/jupyter/share \
    LANG=C.UTF-8 \
    PATH=/opt/servelab/.venv/bin:/usr/local/nvidia/bin:/usr/local/cuda/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /opt/servelab
COPY pyproject.toml README.md LICENSE ./
COPY environment/bootstrap.py environment/
COPY environment/locks environment/locks
COPY environment/servelab/__init__.py environment/servelab/
RUN apt-get update \
    && SERVELAB_CACHE=/tmp/setup python3 environment/bootstrap.py \
    && rm -rf /tmp/setup /root/.cache /var/lib/apt/lists/*
ENTRYPOINT ["tini", "--"]
CMD ["jupyter", "lab", "--no-browser"]
EXPOSE 8888
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8888/api', timeout=4)"]

# What a class may see.
FROM runtime AS release
COPY . /course
RUN if [ ! -d /course/solutions ]; then cp -a /course /release; \
    else SERVELAB_ROOT=/course PYTHONPATH=/course/environment servelab release --students /release; fi

FROM runtime AS student
COPY --from=release /release/ ./
RUN python -m compileall -q environment/servelab
USER 1000:1000
WORKDIR /home/student
