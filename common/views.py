"""What every API view does with query parameters and Idempotency-Key, and the door for events that come by HTTP."""

from collections.abc import Set
from functools import partial
from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import failures, idempotency, inbox, page_parameters
from common.authentication import ServiceAuthentication

FORMAT_PARAMETERS = {"format"}  # the browsable API's


class HonestQueryMixin:
    """Refuses query parameters that the view does not know, or that are given twice.

    A POST that names an Idempotency-Key has its effect once, and its answer is given again for `replayed_for`.
    """

    replayed_for = idempotency.KEPT
    post: Any  # where there is one

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        key = idempotency.key_of(request)
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.query_params:
            self.check_query_parameters(request)
        if key is not None and hasattr(self, "post"):
            # DRF looks it up after this, in the view that is of this call only.
            self.post = partial(idempotency.answer_once, self, key, self.post)

    def check_query_parameters(self, request: Request) -> None:
        known = self.known_query_parameters() | FORMAT_PARAMETERS
        errors: dict[str, list[Any]] = {}
        for name, values in request.query_params.lists():
            if name not in known:
                errors[name] = [ErrorDetail("This parameter is not known here.", "unknown")]
            elif len(values) > 1:
                errors[name] = [ErrorDetail("This parameter is given more than once.", "repeated")]
        if errors:
            raise ValidationError(errors)

    def known_query_parameters(self) -> Set[str]:
        """Only lists take parameters: those of the pages, and the filters of the view's `filterset_class`."""
        if getattr(self, "action", None) != "list":
            return frozenset()
        filterset = getattr(self, "filterset_class", None)
        return page_parameters.PARAMETERS | (filterset.base_filters.keys() if filterset else frozenset())


@extend_schema(exclude=True)
class ReceiveEvents(APIView):
    """POST a JSON array of CloudEvents; answered 204 when each of them is committed, or kept as failed."""

    authentication_classes = [ServiceAuthentication]
    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        try:
            bodies = [bytes(raw) for raw in msgspec.json.decode(request._request.read(), type=list[msgspec.Raw])]
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ParseError(str(error)) from error
        ours = [body for body in bodies if inbox.is_for_us(body)]
        failures.keep(zip(ours, inbox.receive(ours), strict=True))
        return Response(status=204)
