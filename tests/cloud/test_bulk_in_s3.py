"""Bulk scoring from S3 to S3: the bytes that this machine's disk gets; refused and resumed as there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from rehearsal import REGION
from scoring_process import contents

from textwright.bulk.ledger import LEDGER
from textwright.bulk.run import score_files
from textwright.bulk.settings import ScoreSettings
from textwright.errors import DataError, NotFoundError

TARGET = "ec2"
SMALL = ScoreSettings(workers=1, fragment_rows=7)
TEXTS = [f"a good film {number}" for number in range(30)]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two files in folders of this machine."""
    (tmp_path / "in" / "2024").mkdir(parents=True)
    (tmp_path / "in" / "2024" / "a.csv").write_text("id,text\n" + "".join(f'{n},"{t}"\n' for n, t in enumerate(TEXTS)))
    parquet.write_table(pa.table({"text": TEXTS}), tmp_path / "in" / "b.parquet")
    return tmp_path / "in"


@pytest.fixture
def bucket(aws, folder):
    s3 = aws("s3")
    s3.create_bucket(Bucket="reviews", CreateBucketConfiguration={"LocationConstraint": REGION})
    for path in folder.rglob("*.*"):
        s3.upload_file(str(path), "reviews", f"raw/{path.relative_to(folder).as_posix()}")
    return s3


def objects(s3, prefix):
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="reviews", Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket="reviews", Key=key)["Body"].read() for key in keys}


def test_the_output_is_that_of_a_disk(tmp_path, bucket, folder, first):
    score_files(first, str(folder), str(tmp_path / "out"), settings=SMALL)
    summary = score_files(first, "s3://reviews/raw", "s3://reviews/scored", settings=SMALL)
    assert summary.num_rows == 60
    scored = objects(bucket, "scored/")
    assert scored.pop(LEDGER)
    assert scored == contents(tmp_path / "out")
    bucket.delete_object(Bucket="reviews", Key="scored/b-00001.parquet")
    assert score_files(first, "s3://reviews/raw", "s3://reviews/scored", settings=SMALL).num_scored == 7
    assert score_files(first, "s3://reviews/raw/*/a.csv", str(tmp_path / "disk"), settings=SMALL).num_rows == 30


def test_what_is_not_as_it_was_is_refused(bucket, folder, first):
    score_files(first, "s3://reviews/raw", "s3://reviews/scored", settings=SMALL)
    bucket.put_object(Bucket="reviews", Key="raw/2024/a.csv", Body=b"id,text\n1,other\n")
    with pytest.raises(DataError, match=r"raw/2024/a\.csv has changed"):
        score_files(first, "s3://reviews/raw", "s3://reviews/scored", settings=SMALL)
    with pytest.raises(NotFoundError, match="no file or folder s3://reviews/nothing"):
        score_files(first, "s3://reviews/nothing", "s3://reviews/scored", settings=SMALL)
    with pytest.raises(DataError, match="check the address, the credentials and AWS_REGION"):
        score_files(first, str(folder), "s3://nobody/scored", settings=SMALL)
