# Vårdkase as an image: one program. Which node it is, its settings say.
#
#   docker build --tag vardkase:0.1.0 .
#
# Behind a proxy or a package registry of your own, as secrets that stay out of the image, each of them if it is needed:
#   --secret id=pip,src=/etc/pip.conf --secret id=uv,src=uv.toml
#   --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt    the authorities that downloads are trusted by
#
# BuildKit is needed (Docker 20.10 or later).
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
ARG UV_VERSION=0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/vardkase UV_CACHE_DIR=/var/cache/uv \
    PIP_CONFIG_FILE=/run/secrets/pip PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_NO_CACHE_DIR=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
RUN --mount=type=secret,id=pip \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --disable-pip-version-check "uv==${UV_VERSION}"
WORKDIR /src
# What it needs, by the lock file: this layer is made anew when that changes, not with every change of ours.
COPY pyproject.toml uv.lock ./
COPY contracts/pyproject.toml contracts/
RUN --mount=type=secret,id=uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/var/cache/uv \
    if [ -f /run/secrets/uv ]; then export UV_CONFIG_FILE=/run/secrets/uv; fi; \
    /opt/uv/bin/uv sync --locked --no-dev --no-install-workspace
COPY README.md LICENSE ./
COPY contracts contracts
COPY services services
RUN --mount=type=secret,id=uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/var/cache/uv \
    if [ -f /run/secrets/uv ]; then export UV_CONFIG_FILE=/run/secrets/uv; fi; \
    /opt/uv/bin/uv sync --locked --no-dev --no-editable \
    && find /opt/vardkase -depth -type d -path '*/site-packages/*/tests' -exec rm -r {} +

FROM ${PYTHON}
LABEL org.opencontainers.image.title="Vårdkase" \
      org.opencontainers.image.licenses="EUPL-1.2"
RUN groupadd --gid 10001 vardkase \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/vardkase --shell /usr/sbin/nologin vardkase \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/vardkase
COPY --from=build /opt/vardkase /opt/vardkase
ENV PATH=/opt/vardkase/bin:$PATH PYTHONDONTWRITEBYTECODE=1 \
    VARDKASE_DATA_DIR=/var/lib/vardkase VARDKASE_HTTP_HOST=0.0.0.0
USER 10001:10001
# The only place that is written, but for /tmp.
VOLUME /var/lib/vardkase
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=8s --start-period=60s CMD ["vardkase", "ready"]
ENTRYPOINT ["vardkase"]
CMD ["up"]
