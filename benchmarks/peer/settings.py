from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str  # postgresql+asyncpg://…
    secret_key: str
    access_token_minutes: int = 60
    pool_size: int = 5  # connections per worker; on two cores more of them only lengthen the tail
    argon2_memory_kib: int = 47104
    argon2_time_cost: int = 1
    argon2_parallelism: int = 1


settings = Settings()  # type: ignore[call-arg]
