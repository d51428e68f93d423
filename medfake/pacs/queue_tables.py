"""The tables of the queue."""

from typing import Final

import sqlalchemy as sql

TABLES: Final = sql.MetaData()
SERIES: Final = sql.Table(
    "pacs_series",
    TABLES,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("series_key", sql.String(64), nullable=False),
    sql.Column("origin", sql.String(8), nullable=False),
    sql.Column("caller", sql.String(16), nullable=False),
    sql.Column("modality", sql.String(16), nullable=False),
    sql.Column("state", sql.String(16), nullable=False),
    sql.Column("died", sql.String(16)),
    sql.Column("created", sql.Double, nullable=False),
    sql.Column("changed", sql.Double, nullable=False),
    sql.Column("next_try", sql.Double, nullable=False),
    sql.Column("files", sql.Integer, nullable=False),
    sql.Column("expected", sql.Integer),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("progress", sql.Text, nullable=False),
    sql.Column("model", sql.Text),
    sql.Column("verdict", sql.String(16)),
    sql.Column("p_tampered", sql.Double),
    sql.Column("reason", sql.Text),
    sql.Column("objects", sql.Integer, nullable=False),
    sql.Column("sent", sql.Integer, nullable=False),
    sql.Column("address", sql.Text),
    sql.Column("judged_key", sql.String(64)),
    sql.Column("results_key", sql.String(64)),
    sql.Column("owner", sql.String(32)),
    sql.Column("lease_until", sql.Double),
    sql.Index("pacs_series_by_state", "state", "created"),
    sql.Index("pacs_series_by_key", "series_key", "created"),
)
PIXELS: Final = sql.Table(
    "pacs_pixels",
    TABLES,
    sql.Column("series_key", sql.String(64), primary_key=True),
    sql.Column("instance_key", sql.String(64), primary_key=True),
    sql.Column("sha256", sql.String(64), nullable=False),
    sql.Column("seen", sql.Double, nullable=False),
)
FACTS: Final = sql.Table(
    "pacs_queue",
    TABLES,
    sql.Column("name", sql.String(32), primary_key=True),
    sql.Column("value", sql.String(64), nullable=False),
)
