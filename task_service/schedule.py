"""What task_service does by itself: how often → what."""

from datetime import timedelta

from common.management.commands.run_schedule import Job
from task_service.erasure import services as erasure

SCHEDULE = [
    Job(timedelta(seconds=10), erasure.sweep),
]
