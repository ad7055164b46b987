"""Settings of the naive click view: the project's, without the middlewares and pages that it does not need."""

from config.settings import *  # noqa: F403

MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]  # allauth refuses to start without it
ROOT_URLCONF = "benchmarks._naive"
ALLOWED_HOSTS = ["*"]
