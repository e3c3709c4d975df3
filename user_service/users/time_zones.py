from zoneinfo import available_timezones

from django.core.exceptions import ValidationError


def validate_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError("This is not a time zone of the IANA database.", code="invalid")
