"""Django's settings, all derived from the typed environment of `config/env.py`."""

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from marketable.config import env

ENVIRONMENT = env.read()
PACKAGE = Path(__file__).resolve().parent.parent

SECRET_KEY = env.secret_key(ENVIRONMENT)
DEBUG = False
BASE_URL = ENVIRONMENT.base_url
CONTACT_LIMIT = ENVIRONMENT.contact_limit
DATA_DIR = ENVIRONMENT.data_dir

# Links in mails name the host of the request, so only names of this server are answered.
ALLOWED_HOSTS = env.host_names(ENVIRONMENT)
CSRF_TRUSTED_ORIGINS = [BASE_URL] if BASE_URL else []
HTTPS = bool(BASE_URL and BASE_URL.startswith("https:"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS else 0
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "heroicons",
    "procrastinate.contrib.django",
    "marketable.history",
    "marketable.accounts",
    "marketable.billing",
    "marketable.properties",
    "marketable.marketing_status",
    "marketable.contacts",
    "marketable.segments",
    "marketable.transfers",
    "marketable.bulk_actions",
    "marketable.web",
]

MIDDLEWARE = [
    "marketable.config.health.Health",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "marketable.web.middleware.ContentSecurityPolicy",
    "marketable.web.middleware.Utf8Forms",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "marketable.web.middleware.ChosenLanguage",
    "marketable.web.middleware.RefusalPages",
]

ROOT_URLCONF = "marketable.config.urls"
WSGI_APPLICATION = "marketable.config.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketable.web.context.frame",
            ],
            "builtins": ["heroicons.templatetags.heroicons", "marketable.web.templatetags.show"],
        },
    }
]

# `DATABASE_URL` is set by the command that started the process: either by the operator, or by
# `commands/` after it has joined the embedded server.
DATABASES = {"default": env.database(ENVIRONMENT.database_url or "postgresql:///marketable")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # people come by invitation, to the address invited
ACCOUNT_ADAPTER = "marketable.web.sign_in.InvitedOnly"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "10/m/ip,5/5m/key"}
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to whoever somebody typed in
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if HTTPS else 0  # whose address the limits are kept by
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "marketable"
MFA_TOTP_TOLERANCE = 1  # a telephone's clock may be half a minute off

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pl", _("Polish"))]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = False  # ids and form values are numbers too; pages use `show`

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entry",
    }
}

PROCRASTINATE_ON_APP_READY = None
PROCRASTINATE_IMPORT_PATHS = ["marketable.jobs.tasks"]
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "procrastinate_tasks"

for _name, _value in env.email(ENVIRONMENT.email_url).items():
    globals()[_name] = _value
DEFAULT_FROM_EMAIL = "marketable <no-reply@localhost>"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Whoever asks under a wrong name gets a page that says so; the log says nothing new.
    "loggers": {"django.security.DisallowedHost": {"propagate": False}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}
