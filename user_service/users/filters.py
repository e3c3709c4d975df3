import django_filters

from user_service.users.models import User, UserQuerySet


class PeopleFilter(django_filters.FilterSet):
    search = django_filters.CharFilter(method="matches", max_length=150, label="The start of words of a name")

    class Meta:
        model = User
        fields: list[str] = []

    def matches(self, queryset: UserQuerySet, name: str, value: str) -> UserQuerySet:
        return queryset.matching(value)
