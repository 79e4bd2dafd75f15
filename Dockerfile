# The server with Postgres or Hatchet beside it (compose.yaml). Alone, the binary needs no container.

# Named by version, not by digest. To pin it, use what `docker buildx imagetools inspect` prints:
# --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements/run.lock requirements/run.lock
RUN python -m venv /opt/hogsend \
    && /opt/hogsend/bin/pip install --no-cache-dir --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md compose.yaml ./
COPY app app
COPY web web
COPY migrations migrations
COPY journeys journeys
RUN /opt/hogsend/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --no-create-home hogsend \
    && install -d -o hogsend -g hogsend -m 0700 /srv/hogsend/data
COPY --from=build /opt/hogsend /opt/hogsend
COPY journeys /srv/hogsend/journeys
WORKDIR /srv/hogsend
USER hogsend
ENV PATH=/opt/hogsend/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOGSEND_BIND=0.0.0.0:3002
VOLUME /srv/hogsend/data
EXPOSE 3002
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD \
    ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:3002/readyz')"]
CMD ["hogsend", "serve", "--with-worker"]
