"""The pipeline's own sections of the configuration: pydantic models in a file that imports no worker."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.storage.addresses import holds_password
from pipeline.storage.errors import InputError

ADDRESSES = ("s3://", "gs://", "file://")


class RunsConfig(BaseModel):
    """Which run folders a scheduled job keeps ([runs])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: int = Field(30, ge=1, description="newest run folders of a configuration that `harbor retrain` keeps")
    store: str = Field(
        "", description="`s3://`, `gs://` or `file://` folder that keeps every run too, each under its name"
    )

    @field_validator("store")
    @classmethod
    def _address(cls, store: str) -> str:
        if store and holds_password(store):
            raise InputError("must not hold a password: credentials are taken from the environment")
        if store and not store.startswith(ADDRESSES):
            raise InputError(f"must be empty or an address that begins with {', '.join(ADDRESSES)}")
        return store.rstrip("/")
