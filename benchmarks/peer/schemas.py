from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["todo", "in_progress", "done", "cancelled"]
Priority = Literal["none", "low", "medium", "high", "urgent"]


class TaskBase(BaseModel):
    title: str = Field(min_length=1, max_length=500)
    description: str = ""
    status: Status = "todo"
    priority: Priority = "none"
    start_at: datetime | None = None
    due_at: datetime | None = None
    parent: UUID | None = None
    assignees: list[UUID] = []


class TaskCreate(TaskBase):
    pass


class TaskPublic(TaskBase):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_by: UUID
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class TasksPublic(BaseModel):
    data: list[TaskPublic]
    count: int


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"
