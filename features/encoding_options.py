"""How categories become codes and numbers become knots (section [features.encoding])."""

from pydantic import BaseModel, ConfigDict, Field


class EncodingConfig(BaseModel):
    """How categories become codes and numbers become quantile knots, both fitted on train alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_count: int = Field(10, ge=1, le=10**9, description="a category seen less often in train is unknown")
    max_categories: int = Field(
        20_000, ge=1, le=10_000_000, description="categories with a code of their own, per column"
    )
    hash_buckets: int = Field(
        1_024, ge=1, le=10_000_000, description="codes that all further categories of a column share"
    )
    knots: int = Field(24, ge=2, le=65_536, description="quantile knots per numeric column")
