"""The peer: the items of FastAPI's full-stack template as tasks, on async SQLAlchemy."""

from typing import Annotated
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, status
from fastapi.security import OAuth2PasswordRequestForm
from sqlalchemy import ColumnElement, func, or_, select

from benchmarks.peer.deps import CurrentUser, SessionDep
from benchmarks.peer.models import Task, User
from benchmarks.peer.schemas import TaskCreate, TaskPublic, TasksPublic, Token
from benchmarks.peer.security import create_access_token, verify_password

router = APIRouter(prefix="/api/v1")
passwords = CapacityLimiter(1)  # per process: several at once would only fight for its core and memory


def visible_to(user: User) -> ColumnElement[bool]:
    return or_(Task.created_by == user.id, Task.assignees.contains([user.id]))


@router.post("/login/access-token")
async def log_in(session: SessionDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    user = await session.scalar(select(User).where(User.username == form.username))
    hashed = user.hashed_password if user else None
    await session.commit()  # gives the connection back while the password is checked
    right = await to_thread.run_sync(verify_password, form.password, hashed, limiter=passwords)
    if not user or not right:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "Incorrect username or password")
    if not user.is_active:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "Inactive user")
    return Token(access_token=create_access_token(user.id))


@router.get("/tasks/")
async def read_tasks(
    session: SessionDep,
    user: CurrentUser,
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TasksPublic:
    count = await session.scalar(select(func.count()).select_from(Task).where(visible_to(user)))
    page = select(Task).where(visible_to(user)).order_by(Task.created_at.desc()).offset(skip).limit(limit)
    tasks = await session.scalars(page)
    return TasksPublic(data=[TaskPublic.model_validate(task) for task in tasks], count=count or 0)


@router.get("/tasks/{task_id}")
async def read_task(session: SessionDep, user: CurrentUser, task_id: UUID) -> TaskPublic:
    task = await session.get(Task, task_id)
    if not task or (task.created_by != user.id and user.id not in task.assignees):
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return TaskPublic.model_validate(task)


@router.post("/tasks/", status_code=status.HTTP_201_CREATED)
async def create_task(session: SessionDep, user: CurrentUser, task_in: TaskCreate) -> TaskPublic:
    task = Task(**task_in.model_dump(), created_by=user.id)
    session.add(task)
    await session.commit()
    return TaskPublic.model_validate(task)


app = FastAPI(title="Peer")
app.include_router(router)
