from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id at 46 MiB, one pass, one lane: OWASP's first choice, a third of the time of Django's default."""

    time_cost = 1
    memory_cost = 47_104
    parallelism = 1
