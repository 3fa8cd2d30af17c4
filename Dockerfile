# syntax=docker/dockerfile:1
# A job's image: dependencies, the wheel, and nothing that a job does not run. Its default command is tonight's retrain.
# A package index of your own comes as a secret, so that neither its name nor its password stays in a layer:
#   docker build --secret id=pip,src=pip.conf --tag harbor-fraud .

FROM docker.io/library/python:3.11-slim AS packages
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --no-install-recommends --yes binutils && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /opt/harbor \
 && python3 -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    extras = project["optional-dependencies"]; \
    print(*project["dependencies"], *extras["postgres"], *extras["serve"], sep="\n")' > needed.txt \
 && /opt/harbor/bin/pip install --no-cache-dir --no-compile --constraint constraints.txt --requirement needed.txt
WORKDIR /opt/harbor/lib/python3.11/site-packages
# Without torch for CUDA nothing trains on several GPUs, which is all that XGBoost asks NCCL for. The rest is what
# packages carry for their own developers: tests, C++ headers, the tools of torch's build, symbols.
RUN if ! find /opt/harbor -name libtorch_cuda.so | grep --quiet .; then \
      /opt/harbor/bin/pip uninstall --yes nvidia-nccl-cu12; \
    fi \
 && find torch/bin -type f -not -name torch_shm_manager -delete \
 && rm -rf torch/include torch/share torch/test pyarrow/include onnx/backend/test \
 && find . -type d -name tests -not -path '*/numpy/*' -prune -exec rm -rf {} + \
 && strip --strip-unneeded torch/lib/*.so xgboost/lib/*.so llvmlite/binding/*.so

FROM docker.io/library/python:3.11-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY pipeline pipeline
COPY features features
COPY models models
COPY evaluation evaluation
COPY data/presets data/presets
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM docker.io/library/python:3.11-slim
LABEL org.opencontainers.image.title="Harbor" \
      org.opencontainers.image.description="Trains card-fraud models whose probabilities can be trusted" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 harbor \
 && useradd --uid 10001 --gid harbor --home-dir /srv/harbor --no-create-home harbor \
 && install -d -o harbor -g harbor /srv/harbor/runs \
 && install -d /srv/harbor/config /srv/harbor/data
COPY --from=packages /opt/harbor /opt/harbor
RUN --mount=type=bind,from=wheel,source=/dist,target=/dist \
    /opt/harbor/bin/pip install --no-cache-dir --no-compile --no-deps --no-index /dist/*.whl
# Runs, tracking store and caches lie in the one volume that is written to; the root may be read-only with a /tmp.
ENV PATH=/opt/harbor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONPYCACHEPREFIX=/srv/harbor/runs/.cache/python \
    HOME=/srv/harbor/runs/.cache \
    NUMBA_CACHE_DIR=/srv/harbor/runs/.cache/numba \
    MPLCONFIGDIR=/srv/harbor/runs/.cache/matplotlib \
    MLFLOW_DISABLE_TELEMETRY=true \
    GIT_PYTHON_REFRESH=quiet \
    HARBOR_HEARTBEAT=/tmp/harbor.heartbeat
USER 10001:10001
WORKDIR /srv/harbor
VOLUME ["/srv/harbor/runs"]
# Healthy until a job has said nothing for an hour; commands that have no heartbeat are healthy as long as they live.
HEALTHCHECK --interval=60s --timeout=5s CMD ["sh", "-c", "test -z \"$(find $HARBOR_HEARTBEAT -mmin +60 2>/dev/null)\""]
ENTRYPOINT ["harbor"]
CMD ["retrain", "--config", "config/retrain.toml"]
