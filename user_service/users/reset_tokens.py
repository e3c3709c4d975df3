"""One-time tokens that set a new password: the person's id, and Django's signature over what a new password changes."""

from uuid import UUID

from django.contrib.auth.tokens import default_token_generator

from user_service.users.models import User, UserQuerySet


def token_for(user: User) -> str:
    """Good for PASSWORD_RESET_TIMEOUT seconds, until the password or the e-mail address is another one."""
    return f"{user.pk.hex}-{default_token_generator.make_token(user)}"


def id_in(token: str) -> UUID | None:
    """Return whose token it claims to be."""
    try:
        return UUID(hex=token.partition("-")[0])
    except ValueError:
        return None


def owner_of(token: str, people: UserQuerySet) -> User | None:
    """Return which of the people may set a new password by it now."""
    user_id = id_in(token)
    user = people.filter(pk=user_id).first() if user_id else None
    return user if default_token_generator.check_token(user, token.partition("-")[2]) else None
