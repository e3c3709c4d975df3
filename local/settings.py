"""What the environment says about this run."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.errors import StartError

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("user_service", "task_service")
DATABASE_VARIABLES = {"user_service": "USER_DATABASE_URL", "task_service": "TASK_DATABASE_URL"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """An empty broker or database URL means: start our own. An empty password means: make one."""

    port: int
    data_dir: Path
    broker_url: str
    database_urls: dict[str, str]
    web_workers: int
    edge_rate_limit: str
    operator_username: str
    operator_password: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises StartError naming the variable."""
        return cls(
            port=_number(environment, "PORT", 8080, 65_535),
            data_dir=read_data_dir(environment),
            broker_url=_url(environment, "BROKER_URL", ("amqp", "amqps")),
            database_urls={
                service: _url(environment, variable, ("postgres", "postgresql"))
                for service, variable in DATABASE_VARIABLES.items()
            },
            web_workers=_number(environment, "WEB_WORKERS", len(os.sched_getaffinity(0)), 256),
            edge_rate_limit=_matching(environment, "EDGE_RATE_LIMIT", "", "off|[1-9][0-9]{0,5}", "a number or 'off'"),
            operator_username=_matching(
                environment, "OPERATOR_USERNAME", "operator", r"[\w.+-]{1,150}", "letters, digits and .+-_"
            ),
            operator_password=environment.get("OPERATOR_PASSWORD", ""),
        )


def read_data_dir(environment: Mapping[str, str]) -> Path:
    return (ROOT / (environment.get("DATA_DIR") or ".local")).resolve()


def _number(environment: Mapping[str, str], name: str, default: int, highest: int) -> int:
    value = environment.get(name) or str(default)
    if not re.fullmatch("[0-9]{1,6}", value) or not 1 <= int(value) <= highest:
        raise StartError(f"{name} must be a whole number from 1 to {highest}, not {value!r}")
    return int(value)


def _matching(environment: Mapping[str, str], name: str, default: str, pattern: str, meaning: str) -> str:
    value = environment.get(name) or default
    if value and not re.fullmatch(pattern, value):
        raise StartError(f"{name} must be {meaning}, not {value!r}")
    return value


def _url(environment: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    """The value may hold a password, so the error does not repeat it."""
    value = environment.get(name, "")
    if value and urlsplit(value).scheme not in schemes:
        raise StartError(f"{name} must be a URL that starts with {schemes[0]}://")
    return value
