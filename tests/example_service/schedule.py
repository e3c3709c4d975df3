"""What example_service does by itself: how often → what."""

from datetime import timedelta

from common import failures, mirror_runs
from common.management.commands.run_schedule import Job

SCHEDULE = [
    Job(timedelta(seconds=1), failures.retry_due),
    Job(timedelta(seconds=1), mirror_runs.begin_requested),
    Job(timedelta(hours=1), mirror_runs.request_due),
]
