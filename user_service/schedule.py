"""What user_service does by itself: how often → what."""

from datetime import timedelta

from common import failures, mirror_runs
from common.management.commands.run_schedule import Job
from user_service.erasure import services as erasure
from user_service.exports import services as exports
from user_service.lockout import services as lockout
from user_service.mail import services as mail
from user_service.tokens import rotation
from user_service.tokens import services as tokens
from user_service.users import services as users

SCHEDULE = [
    Job(timedelta(seconds=1), failures.retry_due),
    Job(timedelta(seconds=1), mirror_runs.begin_requested),
    Job(timedelta(hours=1), mirror_runs.request_due),
    Job(timedelta(seconds=1), erasure.expire_overdue),
    Job(timedelta(seconds=1), users.answer_password_reset_requests),
    Job(timedelta(seconds=1), mail.send_due),
    Job(timedelta(seconds=1), exports.make_archives),
    Job(timedelta(minutes=1), exports.purge_exports),
    Job(timedelta(minutes=1), tokens.purge_sessions),
    Job(timedelta(minutes=1), lockout.purge_attempts),
    Job(timedelta(minutes=1), mail.purge),
    Job(timedelta(days=1), rotation.rotate),
]
