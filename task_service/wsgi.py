import gc
import os
import threading

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "task_service.settings")
application = get_wsgi_application()

from common.keys import key_set  # noqa: E402 - needs the settings
from common.revocations import revoked  # noqa: E402

# Fetched before the first token comes: user_service may be away by then.
threading.Thread(target=key_set.warm, daemon=True).start()
revoked.watch()

# What is loaded now stays: the collector need not walk through it again and again.
gc.freeze()
