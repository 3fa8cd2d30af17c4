# Builds Harbor's wheel and its locked dependencies, then copies the finished environment into a slim, non-root image.
FROM docker.io/library/python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY pipeline pipeline
COPY features features
COPY models models
COPY evaluation evaluation
COPY data data
RUN python -m venv /opt/harbor \
 && /opt/harbor/bin/pip install --constraint constraints.txt .

FROM docker.io/library/python:3.11-slim
# Compiled kernels, figures' font cache and runs all go to one writable volume; nothing else in the image is written to.
ENV PATH=/opt/harbor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/srv/harbor/.numba_cache \
    MPLCONFIGDIR=/srv/harbor/.matplotlib \
    MLFLOW_DISABLE_TELEMETRY=true \
    HOME=/srv/harbor
RUN groupadd --gid 10001 harbor && useradd --uid 10001 --gid harbor --home-dir /srv/harbor --no-create-home harbor \
 && mkdir -p /srv/harbor && chown harbor:harbor /srv/harbor
COPY --from=build /opt/harbor /opt/harbor
USER 10001:10001
WORKDIR /srv/harbor
VOLUME ["/srv/harbor"]
ENTRYPOINT ["harbor"]
CMD ["run", "--config", "harbor.toml"]
