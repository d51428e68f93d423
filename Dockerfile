# medfake with what serves: `python -m mlflow_server team`, `medfake serve`. Every package is held to its hash.
FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/medfake
COPY requirements-server.lock /build/
RUN /opt/medfake/bin/pip install --require-hashes -r /build/requirements-server.lock
COPY pyproject.toml README.md LICENSE /build/
COPY medfake /build/medfake
RUN /opt/medfake/bin/pip install --no-deps --no-build-isolation /build

FROM python:3.11.13-slim-bookworm
# any user may run it: compose.yaml names the one who owns the files of secrets
RUN useradd --uid 10001 --create-home --home-dir /home/medfake medfake \
    && chmod 755 /home/medfake \
    && install -d -m 1777 /var/lib/medfake
COPY --from=build /opt/medfake /opt/medfake
COPY mlflow_server /srv/medfake/mlflow_server
ENV PATH=/opt/medfake/bin:$PATH HOME=/home/medfake XDG_CACHE_HOME=/tmp/cache XDG_DATA_HOME=/var/lib/medfake/data \
    GIT_PYTHON_REFRESH=quiet PYTHONUNBUFFERED=1
WORKDIR /srv/medfake
USER 10001:10001
CMD ["medfake", "--help"]
