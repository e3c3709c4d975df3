"""Lists of events and what an operator does there: all that changes goes through deliveries.act."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from common import deliveries
from common.admin import ReadOnlyAdmin
from common.deliveries import Direction
from common.events_admin import words
from common.events_admin.filters import AgeFilter, BoundedPaginator, ErrorFilter, StateFilter, TypeFilter, state_of
from common.events_admin.forms import FORMS


def block(text: str, kind: str) -> str:
    return format_html('<pre class="message-text message-{}" tabindex="0">{}</pre>', kind, text)


class LongListAdmin(ReadOnlyAdmin):
    """A list that counts and offers only as far as it can see, in an order that an index has."""

    paginator = BoundedPaginator
    show_full_result_count = False
    sortable_by: list[str] = []
    since = ""

    def youngest(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.order_by(f"-{self.since}")
        return rows


class DeliveryAdmin(LongListAdmin):
    """Of one direction. All that changes goes through deliveries.act, also from a message's own page."""

    direction: Direction
    orders: dict[str, str] = {}  # of states that have an index of their own
    list_filter = [StateFilter, TypeFilter, AgeFilter, ErrorFilter]
    list_filter_sheet = False
    list_per_page = 50
    search_fields = ["=event_id"]
    search_help_text = "The id of an event, an aggregate, a request or a trace"
    actions = ["redrive", "reschedule", "discard"]
    change_form_outer_before_template = "common/admin/message_actions.html"
    change_form_outer_after_template = "common/admin/message_history.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.direction.rows

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """A next attempt has what is tried again."""
        again = state_of(request, self.direction) in ("retrying", "all")
        return [name for name in self.list_display if again or name != "next_attempt_at"]

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return [self.orders.get(state_of(request, self.direction), "-id")]

    def youngest(self, request: HttpRequest) -> QuerySet[Any]:
        state = self.direction.standings.get(state_of(request, self.direction), Q())
        return self.direction.model.objects.filter(state).order_by(*self.get_ordering(request))

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.direction.permission)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        term = search_term.strip()
        return (queryset.filter(self.mentions(term)) if term else queryset), False

    def mentions(self, term: str) -> Q:
        """Whether one of the event's ids is the term."""
        try:
            return Q(event_id=UUID(term)) | Q(aggregate_id=UUID(term))
        except ValueError:
            return Q(pk__in=[])

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST" and not self.has_manage_permission(request):
            raise PermissionDenied
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = context["original"]
        context |= {
            "direction": self.direction.name,
            "meaning": words.MEANING[self.direction.name][row.standing],
            "colour": words.COLOURS[row.standing],
            "offered": words.offered(row) if self.has_manage_permission(request) else [],
            "entries": deliveries.history(row)[:20],
        }
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    # --- Actions, of the list and of a message's page

    @admin.action(description="Redrive now", permissions=["manage"])
    def redrive(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        return self.change(request, rows, "redrive")

    @admin.action(description="Reschedule …", permissions=["manage"])
    def reschedule(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        return self.change(request, rows, "reschedule")

    @admin.action(description="Discard …", permissions=["manage"])
    def discard(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        return self.change(request, rows, "discard")

    def change(self, request: HttpRequest, rows: QuerySet[Any], action: str) -> HttpResponse:
        """Do it, or first ask what it takes."""
        form = FORMS[action](request.POST if action == "redrive" or "confirmed" in request.POST else None)
        if not form.is_valid():
            return self.ask(request, rows, action, form)
        changed = deliveries.act(
            self.direction, action, rows, by=request.user, limit=deliveries.MOST, **form.cleaned_data
        )
        done = deliveries.DONE[action]
        self.message_user(request, f"{done}: {changed}." if changed else f"{done}: nothing was to be done.")
        return HttpResponseRedirect(self.origin(request))

    def origin(self, request: HttpRequest) -> str:
        """Return where the operator came from: a message's own page, or the list."""
        if "of_page" not in request.POST:
            return request.get_full_path()
        key = request.POST[helpers.ACTION_CHECKBOX_NAME]
        return reverse(f"admin:common_{self.opts.model_name}_change", args=[key])

    def ask(self, request: HttpRequest, rows: QuerySet[Any], action: str, form: Any) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "media": self.media,
            "title": words.QUESTION[action],
            "action": action,
            "meaning": words.CONSEQUENCE[self.direction.name][action],
            "count": deliveries.count(rows),
            "most": deliveries.MOST,
            "examples": rows[:5],
            "form": form,
            "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
            "back": self.origin(request),
        }
        return render(request, "common/admin/ask.html", context)

    # --- What is shown

    @display(description="state", label=words.COLOURS)  # type: ignore[untyped-decorator]  # unfold has no types
    def standing(self, row: Any) -> str:
        return str(row.standing)

    @admin.display(description="error")
    def short_error(self, row: Any) -> str:
        first = row.error.partition("\n")[0]
        return f"{first[:159]}…" if len(first) > 160 else first

    @admin.display(description="age")
    def age(self, row: Any) -> str:
        moment = getattr(row, self.since)
        return format_html('<time title="{}">{}</time>', f"{moment:%Y-%m-%d %H:%M:%S} UTC", words.age(moment))

    @admin.display(description="error")
    def whole_error(self, row: Any) -> str:
        return block(row.error, "error") if row.error else "-"
