# One recipe for both services: docker build --build-arg SERVICE=user_service .
FROM python:3.13-slim AS packages
RUN python -m venv --without-pip /venv
COPY requirements/base.txt /tmp/base.txt
RUN pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/base.txt

FROM python:3.13-slim
ARG SERVICE
ENV SERVICE=$SERVICE \
    PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/srv/static \
    SIGNING_KEYS_DIR=/srv/signing_keys
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tandem \
    && install -d -m 700 -o tandem -g tandem /srv/signing_keys
WORKDIR /srv/tandem
COPY --from=packages /venv /venv
COPY common common
COPY $SERVICE $SERVICE
RUN python -m compileall -q common "$SERVICE" \
    && ENVIRONMENT=local SECRET_KEY=local-only-build SERVICE_CREDENTIAL=local-only-build \
       DATABASE_URL=postgres://build@localhost/build BROKER_URL=amqp://localhost JWKS_URL=http://localhost/ \
       python "$SERVICE/manage.py" collectstatic --noinput
USER 10001:10001
EXPOSE 8000
ENV GRANIAN_INTERFACE=wsgi \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_HTTP=1 \
    GRANIAN_WEBSOCKETS=false \
    GRANIAN_BLOCKING_THREADS=1 \
    GRANIAN_BACKPRESSURE=256 \
    GRANIAN_RESPAWN_FAILED_WORKERS=true \
    GRANIAN_RESPAWN_INTERVAL=1 \
    GRANIAN_WORKERS_KILL_TIMEOUT=10
CMD ["sh", "-c", "exec granian --workers \"${WEB_WORKERS:-$(nproc)}\" \"$SERVICE.wsgi:application\""]
