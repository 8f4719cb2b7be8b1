"""Functions that really run: each version's zip is unpacked and answers in a process of its own."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from moto.awslambda import models, responses

from emulator.types import Made, client

LOOP = """
import json, sys
sys.path.insert(0, sys.argv[1])
import function
for line in sys.stdin:
    print("answer " + json.dumps(function.handler(json.loads(line))), flush=True)
"""
WORK = None
PROCESSES = {}
LOCK = threading.Lock()


def install(work):
    global WORK
    WORK = work
    models.LambdaFunction._invoke_lambda = _invoke
    param = responses.LambdaResponse._get_param
    # moto looks for the version that is asked under a name that no client sends, and would always run the latest.
    responses.LambdaResponse._get_param = lambda self, name, *rest: param(
        self, "Qualifier" if name == "qualifier" else name, *rest
    )
    original = models.LambdaStorage.publish_version

    def publish(self, name_or_arn, description=""):
        """Number versions as Lambda does: a number never comes again."""
        function = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
        versions = self._functions[function.function_name]["versions"]
        last = max([int(item.version) for item in versions], default=getattr(function, "last_version", 0))
        made = original(self, name_or_arn, description)
        if str(made.version) not in {str(item.version) for item in versions[:-1]} and int(made.version) > last:
            function.last_version = int(made.version)
        elif (
            made in versions
            and int(made.version) <= last
            and versions[-1] is made
            and len(versions) == int(made.version)
        ):
            function.last_version = max(last, getattr(function, "last_version", 0))
        return made

    models.LambdaStorage.publish_version = publish


def _invoke(self, event):
    process = _process(self)
    with LOCK:
        process.stdin.write(json.dumps(event) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            if line.startswith("answer "):
                return line.removeprefix("answer ").strip(), False, ""
    error = process.stderr.read() if process.stderr else ""
    PROCESSES.pop(_name(self), None)
    return json.dumps({"errorType": "Runtime.ExitError", "errorMessage": error[-300:]}), True, error


def _name(function):
    return (function.function_name, str(function.version), function.code_sha_256, str(function.environment_vars))


def _process(function):
    name = _name(function)
    with LOCK:
        if name not in PROCESSES:
            folder = WORK / "functions" / f"{function.function_name}-{len(PROCESSES)}"
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                archive.extractall(folder)
            environment = {**function.environment_vars, "PATH": os.defpath, "LAMBDA_TASK_ROOT": str(folder)}
            python = os.environ["FUNCTION_PYTHON"]
            PROCESSES[name] = subprocess.Popen(
                [python, "-S", "-c", LOOP, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=open(folder.with_suffix(".err"), "w+"),  # noqa: SIM115
                text=True,
                env=environment,
                cwd=folder,
            )
        return PROCESSES[name]


class Alias(Made):
    kind = "AWS::Lambda::Alias"

    def make(self, properties):
        self._check(properties)
        found = client("lambda").create_alias(**self._arguments(properties))
        self.name = found["AliasArn"]

    def change(self, properties):
        self._check(properties)
        client("lambda").update_alias(**self._arguments(properties))

    def remove(self):
        client("lambda").delete_alias(FunctionName=self.properties["FunctionName"], Name=self.properties["Name"])

    @staticmethod
    def _check(properties):
        versions = client("lambda").list_versions_by_function(FunctionName=properties["FunctionName"])["Versions"]
        known = {item["Version"] for item in versions}
        weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights", [])
        for version in [properties["FunctionVersion"], *(item["FunctionVersion"] for item in weights)]:
            if version not in known:
                raise ValueError(f"Function not found: version {version}")

    @staticmethod
    def _arguments(properties):
        weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights", [])
        return {
            "FunctionName": properties["FunctionName"],
            "Name": properties["Name"],
            "FunctionVersion": properties["FunctionVersion"],
            "RoutingConfig": {
                "AdditionalVersionWeights": {item["FunctionVersion"]: item["FunctionWeight"] for item in weights}
            },
        }


class Url(Made):
    kind = "AWS::Lambda::Url"

    def make(self, properties):
        function = properties["TargetFunctionArn"].rpartition(":")[2]
        client("lambda").create_function_url_config(FunctionName=function, AuthType=properties["AuthType"])
        self.name, self.function = properties["TargetFunctionArn"], function
        handler = type("Handler", (_Handler,), {"function": function, "auth": properties["AuthType"]})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.attributes["FunctionUrl"] = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def change(self, properties):
        self.server.RequestHandlerClass.auth = properties["AuthType"]
        client("lambda").update_function_url_config(FunctionName=self.function, AuthType=properties["AuthType"])

    def remove(self):
        self.server.shutdown()
        self.server.server_close()
        client("lambda").delete_function_url_config(FunctionName=self.function)


class _Handler(BaseHTTPRequestHandler):
    function = auth = ""

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if self.auth == "AWS_IAM" and "AWS4-HMAC-SHA256" not in self.headers.get("authorization", ""):
            self._send(403, {}, '{"Message":"Forbidden"}')
            return
        event = {
            "version": "2.0",
            "rawPath": self.path,
            "requestContext": {"http": {"method": self.command, "path": self.path}},
            "headers": {key.lower(): value for key, value in self.headers.items()},
            "body": body,
        }
        answer = client("lambda").invoke(
            FunctionName=self.function, Qualifier=self._version(), Payload=json.dumps(event).encode()
        )
        content = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            self._send(502, {}, "Internal Server Error")
            return
        self._send(content["statusCode"], content["headers"], content["body"])

    def _version(self):
        alias = client("lambda").get_alias(FunctionName=self.function, Name="live")
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})
        for version, weight in weights.items():
            if random.random() < weight:
                return version
        return alias["FunctionVersion"]

    def _send(self, status, headers, body):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        content = body.encode()
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *args):
        pass
