"""The speed of django-invitations: ``PYTHON bench/django_peer.py PORT EMAILS``.

PYTHON is that of an environment with Django and django-invitations. Prints emails per second. The
database is in memory, so no disk slows it down.
"""

import sys
import time

urlpatterns: list[object] = []


def main(port: int, mails: int) -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sites",
            "invitations",
        ],
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        SITE_ID=1,
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        DEFAULT_FROM_EMAIL="invites@example.org",
    )
    django.setup()
    from django.core.management import call_command
    from django.test import RequestFactory
    from django.urls import include, path
    from invitations.utils import get_invitation_model

    urlpatterns.append(path("invitations/", include("invitations.urls", namespace="invitations")))
    call_command("migrate", verbosity=0)
    invitation, request = get_invitation_model(), RequestFactory().get("/")
    start = time.perf_counter()
    for n in range(mails):
        invitation.create(f"volunteer{n}@town.example").send_invitation(request)
    print(mails / (time.perf_counter() - start))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
