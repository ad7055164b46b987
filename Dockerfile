# One image for web, click server, the two workers and beat; docker-compose.yml says which is which.
FROM node:22-slim AS front
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --require-hashes --no-deps -r requirements.txt

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /home/tributary tributary \
    && install -d -o tributary -g tributary -m 700 /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TRIBUTARY_DATA=/data DJANGO_SETTINGS_MODULE=config.settings
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=front /app/node_modules ./node_modules
COPY . .
RUN python -m config.runtime.translations compile
USER tributary
VOLUME /data
EXPOSE 8000 8001
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", "--workers", "2", "--respawn-failed-workers", "config.wsgi:application"]
