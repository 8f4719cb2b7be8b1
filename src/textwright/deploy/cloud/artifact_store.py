"""Where packages are kept on AWS: images in ECR, zips in S3. What is there already is not sent again."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from textwright.core.files import sha256_of
from textwright.deploy import OnStep
from textwright.deploy.cloud import templates
from textwright.deploy.cloud.stack import NAME_TAG, Stack, StackState
from textwright.deploy.package.engine import ContainerEngine
from textwright.deploy.package.packaging import Package
from textwright.errors import CloudNotFoundError

if TYPE_CHECKING:
    from textwright.deploy.cloud.session import Cloud


def template_of(package: str) -> str:
    """Read the template of the store for zips or for images."""
    return templates.read(f"store-{package}.yaml")


def parameters_of(package: str, name: str) -> dict[str, str]:
    """Return its parameters."""
    return {"Name": name} if package == "image" else {}


def upload(cloud: Cloud, stack: Stack, name: str, package: Package, engine: str, report: OnStep) -> dict[str, str]:
    """Make the store if it is not there, and send a package to it.

    Args:
        cloud: The account.
        stack: The store's stack.
        name: Name of the deployment.
        package: The package.
        engine: Program of the container engine that has built an image.
        report: Called with what is done.

    Returns:
        The parameters of a template that name the package.
    """
    kind = "zip" if package.image is None else "image"
    store = stack.apply(template_of(kind), parameters_of(kind, name), {NAME_TAG: name}, report)
    if package.image is None:
        bucket = store.outputs["Bucket"]
        return {"CodeBucket": bucket, "CodeKey": put_zip(cloud, bucket, package.path, package.version, report)}
    return {"Image": put_image(cloud, store, ContainerEngine(engine), package.image, package.path, report)}


def put_zip(cloud: Cloud, bucket: str, path: Path, version: str, report: OnStep) -> str:
    """Upload a zip under a name that follows from its bytes.

    Args:
        cloud: The account.
        bucket: Where to.
        path: The zip.
        version: Version of the artifact in it, for people.
        report: Called with what is done.

    Returns:
        The key.
    """
    key = f"{version}-{sha256_of(path)[:16]}.zip"
    try:
        if cloud.call("s3", "head_object", Bucket=bucket, Key=key)["ContentLength"] == path.stat().st_size:
            report(f"s3://{bucket}/{key} is there already")
            return key
    except CloudNotFoundError:
        pass
    report(f"uploading {path.stat().st_size / 1e6:.1f} MB to s3://{bucket}/{key}")
    cloud.upload(str(path), bucket, key)
    return key


def put_image(
    cloud: Cloud, store: StackState, engine: ContainerEngine, image: str, context: Path, report: OnStep
) -> str:
    """Push an image under a tag that follows from the context that it was built from.

    Args:
        cloud: The account.
        store: The store's stack.
        engine: The engine that has built it.
        image: Its tag there.
        context: The build context.
        report: Called with what is done.

    Returns:
        The image in ECR by its digest.
    """
    repository, name = store.outputs["Repository"], store.outputs["RepositoryName"]
    tag = f"{image.rpartition(':')[2]}-{context_digest(context)[:16]}"
    try:
        images = cloud.call("ecr", "describe_images", repositoryName=name, imageIds=[{"imageTag": tag}])
        report(f"{repository}:{tag} is there already")
        return f"{repository}@{images['imageDetails'][0]['imageDigest']}"
    except CloudNotFoundError:
        pass
    report(f"pushing {repository}:{tag}")
    user, password = _login(cloud)
    return engine.push(image, f"{repository}:{tag}", user, password)


def context_digest(folder: Path) -> str:
    """Hash a build context: names and bytes of all its files."""
    lines = [f"{path.relative_to(folder)} {sha256_of(path)}" for path in sorted(folder.rglob("*")) if path.is_file()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def empty_bucket(cloud: Cloud, bucket: str) -> None:
    """Remove every version of every object, so that the bucket can be deleted."""
    for kind in ("Versions", "DeleteMarkers"):
        objects = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in cloud.pages("s3", "list_object_versions", kind, Bucket=bucket)
        ]
        for start in range(0, len(objects), 1000):
            cloud.call("s3", "delete_objects", Bucket=bucket, Delete={"Objects": objects[start : start + 1000]})


def _login(cloud: Cloud) -> tuple[str, str]:
    data = cloud.call("ecr", "get_authorization_token")["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return user, password
