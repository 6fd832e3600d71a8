# The command `segue` and nothing else, as a user without rights.
FROM python:3.11-slim AS build
COPY requirements-run.lock /src/
RUN python -m venv /opt/segue && /opt/segue/bin/pip install --no-cache-dir --require-hashes -r /src/requirements-run.lock
COPY pyproject.toml README.md LICENSE /src/
COPY streams /src/streams
COPY online_models /src/online_models
COPY infra /src/infra
COPY evaluation /src/evaluation
COPY console /src/console
RUN /opt/segue/bin/pip install --no-cache-dir --no-deps --no-build-isolation /src

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home segue
COPY --from=build /opt/segue /opt/segue
# /tmp is the one writable place: compiled kernels go there.
ENV PATH=/opt/segue/bin:$PATH NUMBA_CACHE_DIR=/tmp/numba PYTHONDONTWRITEBYTECODE=1 SEGUE_DATA_DIR=/tmp/segue
USER segue
WORKDIR /tmp
ENTRYPOINT ["segue"]
CMD ["--help"]
