from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peer.settings import settings

# asyncpg prepares every statement once per connection and keeps it (SQLAlchemy's default cache of 100).
engine = create_async_engine(settings.database_url, pool_size=settings.pool_size, max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session
