"""Every windowed feature in DuckDB's SQL: RANGE frames for transaction windows, a range join for label windows."""

import duckdb

PAST = "RANGE BETWEEN {width} PRECEDING AND 1 PRECEDING"
CURRENT = "RANGE BETWEEN {width} - 1 PRECEDING AND CURRENT ROW"
ALL_PAST = "RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"

EXPRESSIONS = {
    "count": "count(*) OVER w",
    "amount_sum": "coalesce(sum(amount_minor) OVER w, 0) / {scale}",
    "amount_mean": "avg(amount_minor) OVER w / {scale}",
    "amount_max": "max(amount_minor) OVER w / {scale}",
    "amount_min": "min(amount_minor) OVER w / {scale}",
    "amount_std": "stddev_samp(amount_minor) OVER w / {scale}",
    "amount_zscore": "(amount_minor - avg(amount_minor) OVER w) / nullif(stddev_samp(amount_minor) OVER w, 0)",
    "amount_ratio": "amount_minor / nullif(avg(amount_minor) OVER w, 0)",
    "seconds_since_last": "(time - max(time) OVER w) / 1e6",
    "first_seen": "CASE WHEN count(*) OVER w = 0 THEN 1 ELSE 0 END",
}
RUN = "length(regexp_extract(string_agg(past.label::TEXT, '' ORDER BY past.available, past.label), '1*$'))"
LABEL_EXPRESSIONS = {
    "label_count": "count(past.label)",
    "fraud_count": "coalesce(sum(past.label), 0)",
    "fraud_rate": "avg(past.label)",
    "last_label": "last(past.label ORDER BY past.available, past.label)",
    "seconds_since_last_fraud": "(any_value(now.time) - max(past.available) FILTER (past.label = 1)) / 1e6",
    "fraud_run_length": f"coalesce({RUN}, 0)",
    "fraud_run_seconds": "(any_value(now.time) - list(past.available ORDER BY past.available, past.label)"
    f"[-nullif({RUN}, 0)]) / 1e6",
}


def sql_features(transactions, spec):
    """Values per entity column, None where missing, in row order."""
    with duckdb.connect() as connection:
        connection.register("given", transactions.drop_columns(["event_time", "label_available_at"]))
        connection.register("times", times_of(transactions))
        connection.execute(
            "CREATE TABLE rows AS SELECT * FROM (SELECT *, row_number() OVER () AS row FROM given) "
            "JOIN (SELECT *, row_number() OVER () AS row FROM times) USING (row)"
        )
        return {
            column.name: [value for (value,) in connection.execute(query(column, spec.amount_scale)).fetchall()]
            for column in spec.columns
            if column.entity
        }


def times_of(transactions):
    import pyarrow as pa

    return pa.table(
        {
            "time": transactions["event_time"].cast(pa.int64()),
            "available": transactions["label_available_at"].cast(pa.int64()),
        }
    )


def query(column, scale):
    known = " AND ".join(f"{name} IS NOT NULL" for name in column.entity)
    if column.of == "label":
        same = " AND ".join(f"past.{name} = now.{name}" for name in column.entity)
        known = " AND ".join(f"now.{name} IS NOT NULL" for name in column.entity)
        return (
            f"SELECT CASE WHEN {known} THEN {LABEL_EXPRESSIONS[column.aggregate]} END "
            f"FROM rows now LEFT JOIN rows past ON {same} AND past.label IS NOT NULL "
            f"AND past.available >= now.time - {column.window} AND past.available < now.time "
            f"GROUP BY now.row, {', '.join('now.' + name for name in column.entity)} ORDER BY now.row"
        )
    frame = ALL_PAST if column.window is None else PAST if column.closed == "left" else CURRENT
    expression = EXPRESSIONS.get(column.aggregate, f"count(DISTINCT {column.of}) OVER w").format(scale=scale)
    return (
        f"SELECT CASE WHEN {known} THEN {expression} END FROM rows "
        f"WINDOW w AS (PARTITION BY {', '.join(column.entity)} ORDER BY time {frame.format(width=column.window)}) "
        "ORDER BY row"
    )
