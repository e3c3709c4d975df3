"""Honest input: a field that is unknown or can't be written is refused, not ignored."""

from collections.abc import Mapping
from datetime import UTC
from functools import cache
from typing import Any

from django.db import models
from django.http import QueryDict
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.utils.serializer_helpers import BindingDict

FORM_FIELDS = {"csrfmiddlewaretoken"}  # what an HTML form sends along, JSON never


class HonestSerializerMixin:
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            self.refuse_unwritable(data)
        return super().to_internal_value(data)  # type: ignore[misc]

    def refuse_unwritable(self, data: Mapping[str, Any]) -> None:
        fields: Mapping[str, serializers.Field[Any, Any, Any, Any]] = self.fields  # type: ignore[attr-defined]
        errors = {}
        for name in data:
            if name in FORM_FIELDS and isinstance(data, QueryDict):
                continue
            if name not in fields:
                errors[name] = [ErrorDetail("This field is not known here.", "unknown")]
            elif fields[name].read_only:
                errors[name] = [ErrorDetail("This field can't be written.", "read_only")]
        if errors:
            raise serializers.ValidationError(errors)


class Serializer(HonestSerializerMixin, serializers.Serializer[Any]):
    pass


class DateTimeField(serializers.DateTimeField):
    timezone = UTC  # else DRF asks Django for the current one with every value


class ModelSerializer(HonestSerializerMixin, serializers.ModelSerializer[Any]):
    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.DateTimeField: DateTimeField
    }

    @cached_property
    def fields(self) -> BindingDict:
        """Copies of fields built once a class: DRF asks the model anew for every instance, a third of a create."""
        fields = BindingDict(self)
        for name, prototype in prototypes(type(self)).items():
            field = fields.fields[name] = shallow_copy(prototype)
            field.parent = self
            if "child_relation" in field.__dict__:
                field.child_relation = shallow_copy(field.child_relation)
                field.child_relation.parent = field
        return fields


def shallow_copy(field: Any) -> Any:
    """copy.copy() asks for what a field has none of, at four times the cost."""
    twin = object.__new__(type(field))
    twin.__dict__.update(field.__dict__)
    return twin


@cache
def prototypes(serializer_class: type[ModelSerializer]) -> BindingDict:
    fields: BindingDict = super(ModelSerializer, serializer_class()).fields
    return fields
