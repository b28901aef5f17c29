# Two stages: what installs the packages does not come along.
FROM python:3.11-slim-bookworm AS packages
WORKDIR /build
COPY requirements.txt .
# pytest stands in requirements.txt for whoever works on the app; the server needs none.
RUN grep -v '^pytest' requirements.txt > runtime.txt \
    && python -m venv /packages \
    && /packages/bin/pip install --no-cache-dir --only-binary :all: -r runtime.txt \
    && /packages/bin/python -m compileall -q /packages/lib \
    && /packages/bin/pip uninstall -y -q setuptools pip

FROM python:3.11-slim-bookworm
RUN pip uninstall -y -q wheel setuptools pip \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin ekm
COPY --from=packages /packages /packages
WORKDIR /app
COPY .streamlit/config.toml .streamlit/config.toml
COPY ekm_core ekm_core
COPY pages pages
COPY app.py .
RUN python -m compileall -q .
USER 10001
# XDG_CACHE_HOME: the compiled patterns of a large triage are kept in the one place that may be written, and not made anew
# each time. STREAMLIT_SERVER_ADDRESS: the container's own address must be listened on; the proxy alone reaches it.
ENV PATH=/packages/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"STREAMLIT_SERVER_PORT\"]}/_stcore/health', timeout=2)"]
CMD ["streamlit", "run", "app.py"]
