"""Why a person may not be erased now: each rule answers a sentence that the person may read, or None.

It is asked while the person's row is locked; what would make it refuse later must look at `services.promised`.
"""

from collections.abc import Callable
from uuid import UUID

from task_service.erasure.models import LegalHold


def legal_hold(user_id: UUID) -> str | None:
    held = LegalHold.objects.filter(person=user_id).exists()
    return "A legal hold keeps the data of this account." if held else None


RULES: list[Callable[[UUID], str | None]] = [legal_hold]


def refusal(user_id: UUID) -> str | None:
    return next((reason for rule in RULES if (reason := rule(user_id))), None)
