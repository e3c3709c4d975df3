import pytest

from tests.protected_fields import PROTECTED, accepted, doors, serializers, writable

DOORS = {f"{method} {path}": view for path, method, view in doors()}
SERIALIZERS = sorted(set(serializers("user_service")), key=lambda found: found.__qualname__)


@pytest.mark.parametrize("door", DOORS)
def test_no_door_takes_what_the_service_alone_may_set(db, door):
    assert accepted(DOORS[door]) == set()


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_no_serializer_writes_it(serializer):
    assert writable(serializer()) & set(PROTECTED) == set()
