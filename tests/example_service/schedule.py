"""What example_service does by itself: how often → what."""

from datetime import timedelta

from common import failures
from common.management.commands.run_schedule import Job

SCHEDULE = [Job(timedelta(seconds=1), failures.retry_due)]
