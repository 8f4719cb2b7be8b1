"""Where packages are kept on AWS: images in ECR, zips in S3. What is there already is not sent again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from textwright.core.files import sha256_of
from textwright.deploy.cloud import templates
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.cloud.stack import Stack, StackState, Tell
from textwright.deploy.package.engine import Engine
from textwright.errors import CloudNotFoundError


def template_of(package: str) -> str:
    """Read the template of the store for zips or for images."""
    return templates.read(f"store-{package}.yaml")


def parameters_of(package: str, name: str) -> dict[str, str]:
    """Tell its parameters."""
    return {"Name": name} if package == "image" else {}


def ensure(stack: Stack, package: str, name: str, tags: Mapping[str, str], tell: Tell) -> StackState:
    """Make the store, if it is not there."""
    return stack.bring_to(template_of(package), parameters_of(package, name), tags, tell)


def put_zip(cloud: Cloud, bucket: str, path: Path, version: str, tell: Tell) -> str:
    """Upload a zip under a name that follows from its bytes.

    Args:
        cloud: The account.
        bucket: Where to.
        path: The zip.
        version: Version of the artifact in it, for people.
        tell: Called with what is done.

    Returns:
        The key.
    """
    key = f"{version}-{sha256_of(path)[:16]}.zip"
    try:
        if cloud.call("s3", "head_object", Bucket=bucket, Key=key)["ContentLength"] == path.stat().st_size:
            tell(f"s3://{bucket}/{key} is there already")
            return key
    except CloudNotFoundError:
        pass
    tell(f"uploading {path.stat().st_size / 1e6:.1f} MB to s3://{bucket}/{key}")
    cloud.upload(str(path), bucket, key)
    return key


def put_image(cloud: Cloud, store: StackState, engine: Engine, image: str, context: Path, tell: Tell) -> str:
    """Push an image under a tag that follows from the context that it was built from.

    Args:
        cloud: The account.
        store: The store's stack.
        engine: The engine that has built it.
        image: Its tag there.
        context: The build context.
        tell: Called with what is done.

    Returns:
        The image in ECR by its digest.
    """
    repository, name = store.outputs["Repository"], store.outputs["RepositoryName"]
    tag = f"{image.rpartition(':')[2]}-{context_digest(context)[:16]}"
    try:
        found = cloud.call("ecr", "describe_images", repositoryName=name, imageIds=[{"imageTag": tag}])
        tell(f"{repository}:{tag} is there already")
        return f"{repository}@{found['imageDetails'][0]['imageDigest']}"
    except CloudNotFoundError:
        pass
    tell(f"pushing {repository}:{tag}")
    user, password = _login(cloud)
    return engine.push(image, f"{repository}:{tag}", user, password)


def context_digest(folder: Path) -> str:
    """Hash a build context: names and bytes of all its files."""
    lines = [f"{path.relative_to(folder)} {sha256_of(path)}" for path in sorted(folder.rglob("*")) if path.is_file()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def empty_bucket(cloud: Cloud, bucket: str) -> None:
    """Remove every version of every object, so that the bucket can be deleted."""
    for kind in ("Versions", "DeleteMarkers"):
        found = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in cloud.pages("s3", "list_object_versions", kind, Bucket=bucket)
        ]
        for start in range(0, len(found), 1000):
            cloud.call("s3", "delete_objects", Bucket=bucket, Delete={"Objects": found[start : start + 1000]})


def _login(cloud: Cloud) -> tuple[str, str]:
    data = cloud.call("ecr", "get_authorization_token")["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return user, password
