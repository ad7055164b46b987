"""Settings: one file for every place Tributary runs in; what differs comes from `config.env`."""

from pathlib import Path

import dj_database_url
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from config.env import environment, kept_secret

env = environment()
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.secret_key
SECRET_KEY_FALLBACKS = list(env.secret_key_fallbacks)  # what they signed or encrypted is still read
DEBUG = env.debug
BASE_URL = env.base_url
CLICK_BASE_URL = env.click_base_url
DATA_FOLDER = env.data
DEMO = env.demo
DEMO_SEED = kept_secret(env.data, "demo-password")  # what the demo people's password is made from
ALLOWED_HOSTS = ["*"] if DEBUG else sorted({"localhost", "127.0.0.1", "[::1]", env.host})
CSRF_TRUSTED_ORIGINS = [env.base_url]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the default would put its own site in place of ours; its templates come first
    "unfold.contrib.filters",
    "config.admin.TributaryAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "template_partials",
    "pgtrigger",
    "pghistory",
    "django_prometheus",
    "core",
    "programs",
    "accounts",
    "team",
    "affiliates",
    "channels",
    "knowledge",
    "ledger",
    "tracking",
    "commissions",
    "payouts",
    "intake",
    "support",
    "reports",
    "demo",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SeenMiddleware",
    "core.middleware.ReaderMiddleware",
    "core.middleware.ContentSecurityPolicyMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["core.templatetags.ui"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.ui.context",
            ],
        },
    }
]

DATABASES = {
    "default": {
        **dj_database_url.parse(env.database_url, conn_max_age=600, conn_health_checks=True),
        "ATOMIC_REQUESTS": False,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.redis_url,
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},  # a server that hangs holds up no page for long
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "after_login"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # whoever's password, address or second factor changes is told by mail
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True  # whoever holds the mail's link has shown who they are; a second factor is still asked
# Mails that strangers can cause: applications, invitations by affiliates. allauth's own limits stand as they are.
ACCOUNT_RATE_LIMITS = {"apply": "30/h/ip,5/h/key", "invite": "30/d/user"}
ACCOUNT_FORMS = {
    "login": "accounts.forms_sign_in.SignInForm",
    "add_email": "accounts.forms_sign_in.AddressForm",
    "reset_password": "accounts.forms_sign_in.ForgottenForm",
    "reset_password_from_key": "accounts.forms_sign_in.ChoosePasswordForm",
    "change_password": "accounts.forms_sign_in.NewPasswordForm",
    "reauthenticate": "accounts.forms_sign_in.ConfirmForm",
}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if env.secure else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = (
    1 if env.secure else 0
)  # https is a proxy's work here: rate limits count its visitors, not the proxy
USERSESSIONS_TRACK_ACTIVITY = True
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms_sign_in.CodeForm",
    "reauthenticate": "accounts.forms_sign_in.ConfirmCodeForm",
    "activate_totp": "accounts.forms_sign_in.AppForm",
    "add_webauthn": "accounts.forms_sign_in.KeyForm",
    "edit_webauthn": "accounts.forms_sign_in.KeyNameForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not env.secure

SESSION_COOKIE_NAME = f"tributary_{env.port}"  # cookies ignore ports: two copies on one host keep their sign-ins apart
CSRF_COOKIE_NAME = f"tributary_csrf_{env.port}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.secure
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.secure
SECURE_REDIRECT_EXEMPT = [r"^health/$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.secure else None
SECURE_HSTS_SECONDS = 31_536_000 if env.secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.secure
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
# Affiliates are written to in these as well: `locale/` holds for them the texts that go out by themselves, not the pages'.
LETTER_LANGUAGES = ["de"]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = env.data / "static"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("tabler", BASE_DIR / "node_modules/@tabler/core/dist/css"),
    ("inter", BASE_DIR / "node_modules/@fontsource-variable/inter"),
    ("chart", BASE_DIR / "node_modules/chart.js/dist"),
]
STATICFILES_FINDERS = [
    "config.static_files.OurFilesFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
ICON_FOLDER = BASE_DIR / "node_modules/@tabler/icons/icons"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": env.data / "files"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 3600  # of files by their bare names; those with a hash in theirs are kept for good

EMAIL_BACKEND = "core.mail.KeepingBackend"  # every mail becomes a row first; a worker carries it out
MAIL_SERVER = env.mail_server  # None: mails are kept, not sent
DEFAULT_FROM_EMAIL = env.mail_sender

CELERY_BROKER_URL = env.redis_url
if env.redis_url.startswith("unix://"):  # Celery's own words for a socket and its database number
    CELERY_BROKER_URL = env.redis_url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
# Workers wait for tasks a second at a time, so that five seconds without a word mean a broker that hangs.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_connect_timeout": 2, "socket_timeout": 5}
# What talks with the outside or is due within seconds does not wait behind long work (config.runtime.post).
CELERY_TASK_ROUTES = {
    "channels.tasks.*": {"queue": "post"},
    "support.tasks.*": {"queue": "post"},
    "core.tasks.*": {"queue": "post"},
}
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(env.data / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "end-better-terms": {"task": "support.tasks.end_better_terms", "schedule": 60.0},
    "sweep-escalations": {"task": "support.tasks.sweep_escalations", "schedule": 30.0},
    "deliver-events": {"task": "core.tasks.deliver_due_events", "schedule": 10.0},
    "send-mails": {"task": "core.tasks.send_due_mails", "schedule": 10.0},
    "make-click-partitions": {"task": "tracking.tasks.make_click_partitions", "schedule": 3600.0},
    "credit-late-clicks": {"task": "intake.tasks.credit_late_clicks", "schedule": 60.0},
    "resume-batches": {"task": "payouts.tasks.resume_stuck_batches", "schedule": 15.0},
    "file-received": {"task": "channels.tasks.file_received", "schedule": 5.0},
    "look-after-accounts": {"task": "channels.tasks.look_after_accounts", "schedule": 60.0},
    "poll-mailboxes": {"task": "channels.tasks.poll_mailboxes", "schedule": 15.0},
    "send-outgoing": {"task": "channels.tasks.send_due_outgoing", "schedule": 5.0},
    "propose-managers": {"task": "support.tasks.propose_personal_managers", "schedule": 3600.0},
    "sweep-tickets": {"task": "support.tasks.sweep_all_tickets", "schedule": 30.0},
    "wake-tickets": {"task": "support.tasks.wake_tickets", "schedule": 15.0},
    "notify-unread": {"task": "support.tasks.notify_unread_messages", "schedule": 30.0},
    "watch-clocks": {"task": "support.tasks.watch_clocks", "schedule": 15.0},
}

# Requests that affiliates write, and when one is another (docs/managers.md tells it)
TICKET_THREAD_DAYS = 14  # the same sender with the same subject: the same ticket
TICKET_REOPEN_DAYS = 14  # what is written to a resolved ticket opens it again; later it begins another, linked one
PORTAL_NOTIFY_MINUTES = 5  # what was not read in the portal by then is told by mail

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api_auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.DenyUnlessStated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api_auth.KeyThrottle"],
    "EXCEPTION_HANDLER": "core.api.problems.problem_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tributary API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [],  # choices stand where they are used
}

UNFOLD = {
    "SITE_TITLE": "Tributary",
    "SITE_HEADER": "Tributary",
    "SITE_SUBHEADER": "config.admin_site.clock",
    "SITE_URL": "/manage/",
    "SITE_ICON": lambda request: static("logo.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("logo.svg")}],
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
    "COLORS": {
        "primary": {
            str(step): f"oklch({light}% {chroma} 262)"
            for step, light, chroma in [
                (50, 97, 0.014),
                (100, 93, 0.032),
                (200, 88, 0.059),
                (300, 81, 0.105),
                (400, 71, 0.165),
                (500, 62, 0.214),
                (600, 55, 0.245),
                (700, 49, 0.243),
                (800, 42, 0.199),
                (900, 38, 0.146),
                (950, 28, 0.091),
            ]
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    # /health/ tells what is wrong to whoever asks; a line for each question would hide the others.
    "filters": {
        "asked": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(getattr(record, "request", None), "path", "") != "/health/",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["asked"]}},
    "root": {"handlers": ["console"], "level": "INFO" if DEBUG else "WARNING"},
    "loggers": {"django.request": {"level": "ERROR"}},  # what callers get wrong (4xx) is theirs, and the server's log has it
}
