"""What task_service does by itself: how often → what."""

from datetime import timedelta

from common import failures, mirror_runs
from common.management.commands.run_schedule import Job
from task_service.erasure import services as erasure
from task_service.exports import services as exports

SCHEDULE = [
    Job(timedelta(seconds=1), failures.retry_due),
    Job(timedelta(seconds=1), mirror_runs.begin_requested),
    Job(timedelta(hours=1), mirror_runs.request_due),
    Job(timedelta(seconds=1), erasure.erase_committed),
    Job(timedelta(seconds=1), exports.tell_requested),
    Job(timedelta(seconds=10), erasure.sweep),
]
