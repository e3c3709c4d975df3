"""Honest input: a field that is unknown or can't be written is refused, not ignored."""

from collections.abc import Mapping
from copy import copy
from functools import cache
from typing import Any

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


class ModelSerializer(HonestSerializerMixin, serializers.ModelSerializer[Any]):
    @cached_property
    def fields(self) -> BindingDict:
        """Copies of fields built once a class: DRF asks the model anew for every instance, a third of a create."""
        fields = BindingDict(self)
        for name, prototype in prototypes(type(self)).items():
            field: Any = copy(prototype)
            fields.fields[name] = field
            field.parent = self
            if hasattr(field, "child_relation"):
                field.child_relation = copy(field.child_relation)
                field.child_relation.parent = field
        return fields


@cache
def prototypes(serializer_class: type[ModelSerializer]) -> BindingDict:
    fields: BindingDict = super(ModelSerializer, serializer_class()).fields
    return fields
