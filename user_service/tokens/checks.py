from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from user_service.tokens import keys


@register("security", deploy=True)
def signing_key_is_there(**_: Any) -> list[CheckMessage]:
    try:
        keys.active_key()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="manage.py create_signing_key", id="tokens.E001")]
    return []
