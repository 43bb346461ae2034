"""Prints a Parquet file as JSON: columns with their types, compression, sizes of groups, and rows."""

import json
import sys

import pyarrow.parquet as parquet

file = parquet.ParquetFile(sys.argv[1])
meta = file.metadata
columns = range(meta.num_columns)
groups = [meta.row_group(n) for n in range(meta.num_row_groups)]
print(
    json.dumps(
        {
            "schema": {f.name: [str(f.type), f.nullable] for f in file.schema_arrow},
            "codecs": sorted({g.column(c).compression for g in groups for c in columns}),
            "groups": [g.num_rows for g in groups],
            "rows": file.read().to_pylist()[: int(sys.argv[2])],
        },
        default=str,
    )
)
