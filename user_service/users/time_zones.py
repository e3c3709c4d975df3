from zoneinfo import available_timezones

from django.core.exceptions import ValidationError

OF_THE_HOST = {"localtime", "Factory", "posixrules"}  # files that lie there too, and mean something else everywhere


def validate_time_zone(value: str) -> None:
    if value not in available_timezones() - OF_THE_HOST:
        raise ValidationError("This is not a time zone of the IANA database.", code="invalid")
