"""A local server of AWS's public price files: a region index for each service, and the file that it names.

Layout, attribute names and usage types are those of the published files (spaces around the colons, products before
terms, on demand before reserved). The prices are invented, so that none can come from the packaged table.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VERSION = "20261120180000"
PREFIXES = {"us-east-1": {"AWSSecretsManager": "USE1-", "AmazonVPC": "USE1-"}, "eu-west-1": {}}
"""Region -> service -> what stands before its usage types; a region's own prefix stands in ``_prefix``."""
PRODUCTS: tuple[tuple[str, str, str, dict[str, str], tuple[tuple[str, str], ...]], ...] = (
    # service, product family, usage type, further attributes, tiers (begin, dollars)
    ("AmazonEC2", "CPU Credits", "CPUCredits:t3", {"operatingSystem": "Linux"}, (("0", "0.0611"),)),
    ("AmazonEC2", "CPU Credits", "CPUCredits:t3", {"operatingSystem": "Windows"}, (("0", "0.0999"),)),
    ("AmazonEC2", "Storage", "EBS:VolumeUsage.gp3", {"volumeApiName": "gp3"}, (("0", "0.0911"),)),
    ("AWSELB", "Load Balancer-Application", "LoadBalancerUsage", {}, (("0", "0.0311"),)),
    ("AWSELB", "Load Balancer-Network", "LoadBalancerUsage", {}, (("0", "0.0999"),)),
    ("AWSELB", "Load Balancer-Application", "TS-LoadBalancerUsage", {}, (("0", "0.0055"),)),
    ("AWSELB", "Load Balancer-Application", "LCUUsage", {}, (("0", "0.0091"),)),
    ("AmazonVPC", "", "PublicIPv4:InUseAddress", {}, (("0", "0.0061"),)),
    ("AmazonVPC", "", "PublicIPv4:IdleAddress", {}, (("0", "0.0099"),)),
    (
        "AWSDataTransfer",
        "Data Transfer",
        "DataTransfer-Out-Bytes",
        {"transferType": "AWS Outbound", "toLocation": "External"},
        (("10240", "0.085"), ("0", "0.0911"), ("51200", "0.07")),
    ),
    (
        "AWSDataTransfer",
        "Data Transfer",
        "Global-DataTransfer-Out-Bytes",
        {"transferType": "AWS Outbound", "toLocation": "External"},
        (("0", "0.0000000000"),),
    ),
    ("AmazonCloudWatch", "Data Payload", "DataProcessing-Bytes", {}, (("0", "0.5711"),)),
    ("AmazonCloudWatch", "Storage Snapshot", "TimedStorage-ByteHrs", {}, (("0", "0.0311"),)),
    ("AmazonCloudWatch", "Alarm", "CW:AlarmMonitorUsage", {}, (("0", "0.1111"),)),
    ("AmazonCloudWatch", "Metric", "CW:MetricMonitorUsage", {}, (("0", "0.3111"), ("10000", "0.1"))),
    ("AmazonECR", "EC2 Container Registry", "TimedStorage-ByteHrs", {}, (("0", "0.1211"),)),
    ("AmazonS3", "Storage", "TimedStorage-ByteHrs", {"volumeType": "Standard"}, (("0", "0.0241"),)),
    ("AmazonS3", "Storage", "TimedStorage-ByteHrs", {"volumeType": "Express"}, (("0", "0.16"),)),
    ("AWSSecretsManager", "Secret", "AWSSecretsManager-Secrets", {}, (("0", "0.4111"),)),
    ("AWSSecretsManager", "API Request", "AWSSecretsManagerAPIRequest", {}, (("0", "0.0000061"),)),
    ("AWSLambda", "Serverless", "Request", {}, (("0", "0.00000021"),)),
    ("AWSLambda", "Serverless", "Request-ARM", {}, (("0", "0.0000009"),)),
    ("AWSLambda", "Serverless", "Lambda-GB-Second", {}, (("6000000000", "0.000015"), ("0", "0.0000171111"))),
    ("AWSLambda", "Serverless", "Lambda-Provisioned-Concurrency", {}, (("0", "0.0000042222"),)),
    ("AWSLambda", "Serverless", "Lambda-Provisioned-GB-Second", {}, (("0", "0.0000098888"),)),
    ("AWSLambda", "Serverless", "Lambda-SnapStart-Cached-GB-S", {}, (("0", "0.0000016666"),)),
    ("AWSLambda", "Serverless", "Lambda-SnapStart-Restored-GB", {}, (("0", "0.0001411111"),)),
)
INSTANCES = {
    "t3.micro": (2, 1, 0.0111),
    "t3.small": (2, 2, 0.0222),
    "t3.medium": (2, 4, 0.0444),
    "t3.large": (2, 8, 0.0888),
    "t3.xlarge": (4, 16, 0.1776),
    "t3.2xlarge": (8, 32, 0.3552),
    "c7i.large": (2, 4, 0.0911),
    "c7i.xlarge": (4, 8, 0.1822),
    "c7i.2xlarge": (8, 16, 0.3644),
    "c7i.4xlarge": (16, 32, 0.7288),
    "c7a.medium": (1, 2, 0.0522),
    "c7a.large": (2, 4, 0.1044),
    "c7a.xlarge": (4, 8, 0.2088),
    "c7a.2xlarge": (8, 16, 0.4176),
    "m7i.large": (2, 8, 0.1111),
    "m7i.xlarge": (4, 16, 0.2222),
    "m7i.2xlarge": (8, 32, 0.4444),
    "c8i.large": (2, 4, 0.0955),
    "u7i-12tb.224xlarge": (896, 12288, 152.88),
}
"""Type -> vCPUs, GiB, dollars an hour."""


def price_file(service: str, region: str, *, without: str = "", fillers: int = 0) -> str:
    """Write the file of a service and region.

    Args:
        service: Its code.
        region: Its code.
        without: Usage type that is left out.
        fillers: Products that nobody asks for, to make the file large.
    """
    products: dict[str, Any] = {}
    terms: dict[str, Any] = {}
    for number, (family, usage, attributes, tiers) in enumerate(_products(service, region)):
        if usage.endswith(without) and without:
            continue
        _add(products, terms, f"{service[-4:].upper()}{number:012d}", family, {"usagetype": usage, **attributes}, tiers)
    for number in range(fillers):
        tiers = (("0", "1.0"),)
        _add(
            products, terms, f"FILLER{number:010d}", "Other", {"usagetype": f"Other:{number}", "note": "é" * 50}, tiers
        )
    content = {
        "formatVersion": "v1.0",
        "disclaimer": 'This pricing list is for informational purposes only; "prices" {may} change.',
        "offerCode": service,
        "version": VERSION,
        "publicationDate": "2026-11-20T18:00:00Z",
        "products": products,
        "terms": {"OnDemand": terms, "Reserved": {"SKU": {"SKU.TERM": {"termAttributes": {}}}}},
        "attributesList": {},
    }
    return json.dumps(content, indent=2, separators=(",", " : "), ensure_ascii=False)


def _add(
    products: dict[str, Any],
    terms: dict[str, Any],
    sku: str,
    family: str,
    attributes: Mapping[str, str],
    tiers: tuple[tuple[str, str], ...],
) -> None:
    products[sku] = {"sku": sku, **({"productFamily": family} if family else {}), "attributes": dict(attributes)}
    dimensions = {
        f"{sku}.JRTCKXETXF.{number:010d}": {
            "unit": "unit",
            "beginRange": begin,
            "endRange": "Inf",
            "pricePerUnit": {"USD": usd},
            "appliesTo": [],
        }
        for number, (begin, usd) in enumerate(tiers)
    }
    terms[sku] = {f"{sku}.JRTCKXETXF": {"offerTermCode": "JRTCKXETXF", "sku": sku, "priceDimensions": dimensions}}


def _products(service: str, region: str) -> Iterator[tuple[str, str, dict[str, str], tuple[tuple[str, str], ...]]]:
    prefix = "EU-" if region == "eu-west-1" else PREFIXES["us-east-1"].get(service, "")
    for of, family, usage, attributes, tiers in PRODUCTS:
        if of == service:
            yield family, usage if usage.startswith("Global-") else prefix + usage, attributes, tiers
    if service != "AmazonEC2":
        return
    for name, (vcpus, gib, usd) in INSTANCES.items():
        if region == "eu-west-1" and name.startswith("c7a"):
            continue
        common = {"instanceType": name, "vcpu": str(vcpus), "memory": f"{gib:,} GiB", "tenancy": "Shared"}
        linux = {**common, "operatingSystem": "Linux", "preInstalledSw": "NA", "capacitystatus": "Used"}
        yield "Compute Instance", f"{prefix}BoxUsage:{name}", linux, (("0", str(usd)),)
        windows = {**linux, "operatingSystem": "Windows"}
        yield "Compute Instance", f"{prefix}BoxUsage:{name}", windows, (("0", str(9 * usd)),)
        unused = {**linux, "capacitystatus": "UnusedCapacityReservation"}
        yield "Compute Instance", f"{prefix}UnusedBox:{name}", unused, (("0", str(usd)),)


@contextmanager
def price_server(changed: Mapping[str, bytes | int] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve the price files of us-east-1 and eu-west-1.

    Args:
        changed: Path -> the bytes that are sent in place of what is there, or a status.

    Yields:
        The server's address, and the paths that were asked for.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with an index, a price file, or what was given in its place."""
            asked.append(self.path)
            body = (changed or {}).get(self.path, _body(self.path))
            self.send_response(body if isinstance(body, int) else 200)
            content = b"" if isinstance(body, int) else body
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # a reader that has seen enough
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _body(path: str) -> bytes | int:
    match path.strip("/").split("/"):
        case ["offers", "v1.0", "aws", service, "current", "region_index.json"]:
            regions = {
                region: {
                    "regionCode": region,
                    "currentVersionUrl": f"/offers/v1.0/aws/{service}/{VERSION}/{region}/index.json",
                }
                for region in PREFIXES
            }
            return json.dumps({"formatVersion": "v1.0", "regions": regions}).encode()
        case ["offers", "v1.0", "aws", service, _, region, "index.json"] if region in PREFIXES:
            return price_file(service, region).encode()
        case _:
            return 404
