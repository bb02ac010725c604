# The whole of docproc in one image: embedded by default (`docproc serve`), or one part of it, see compose.yaml.
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends poppler-utils \
 && rm -rf /var/lib/apt/lists/*
RUN --mount=from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir "$(echo /wheels/docproc-*.whl)[postgres,redis,s3]"
RUN useradd --uid 10001 --create-home docproc && install --directory --owner=docproc --mode=0700 /data
USER docproc
ENV DOCPROC_DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["docproc", "serve", "--host", "0.0.0.0"]
