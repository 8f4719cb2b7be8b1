"""A load balancer closes an idle connection before the server does, or a request meets a closed one."""

from __future__ import annotations

from textwright.deploy.cloud import templates
from textwright.deploy.targets.ec2 import server_template
from textwright.server.settings import ServeSettings


def test_the_balancer_closes_idle_connections_first():
    balancer = templates.parse(server_template("balanced"))["Resources"]["LoadBalancer"]["Properties"]
    attributes = {item["Key"]: item["Value"] for item in balancer["LoadBalancerAttributes"]}
    assert int(attributes["idle_timeout.timeout_seconds"]) < ServeSettings().keep_alive_s
