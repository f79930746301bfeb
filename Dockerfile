# Two stages: the first has the tools that install, the second only what runs. Everything that comes from outside is
# checked against the hashes in requirements/. The image runs as 10001, with a read-only root and no capabilities:
#
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -v handover:/data -p 8000:8000 handover

FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=1

WORKDIR /build

COPY requirements/build.lock requirements/run.lock requirements/
RUN python -m venv /opt/tools \
    && /opt/tools/bin/pip install --quiet --require-hashes -r requirements/build.lock \
    && /opt/tools/bin/uv venv --quiet --python /usr/local/bin/python /opt/handover \
    && /opt/tools/bin/uv pip sync --quiet --python /opt/handover/bin/python --require-hashes requirements/run.lock

COPY pyproject.toml README.md ./
COPY migrations migrations
COPY src src
RUN /opt/tools/bin/uv pip install --quiet --python /opt/handover/bin/python --no-deps \
    --build-constraints requirements/build.lock .


FROM python:3.11-slim-bookworm

RUN groupadd --gid 10001 handover \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin handover \
    && install -d -o 10001 -g 10001 -m 0750 /data

COPY --from=build /opt/handover /opt/handover

ENV PATH=/opt/handover/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HANDOVER_HOST=0.0.0.0 \
    HANDOVER_PORT=8000 \
    HANDOVER_DATABASE_URL=sqlite:////data/handover.sqlite3

# Also where temporary files fall back to when the root is read-only.
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000

HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['HANDOVER_PORT'] + '/healthz', timeout=4)"]

# The shell would swallow SIGTERM; in exec form it reaches the service, which closes its feeds and stops.
STOPSIGNAL SIGTERM
ENTRYPOINT ["handover", "serve"]
