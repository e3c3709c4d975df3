import gc
import os

from django.core.wsgi import get_wsgi_application

from user_service.tokens.keys import active_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "user_service.settings")
application = get_wsgi_application()
active_key()  # stops the start where there is none: nobody could sign in

from common.revocations import revoked  # noqa: E402 - needs the settings

revoked.watch()

# What is loaded now stays: the collector need not walk through it again and again.
gc.freeze()
