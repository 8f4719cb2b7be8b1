"""API keys of a function: which version of the secret is deployed, and that no rollback brings revoked ones back."""

from __future__ import annotations

import pytest

from textwright.deploy.cloud.common import KeysSecret, find_secret
from textwright.deploy.cloud.lifecycle import AwsDeployment
from textwright.deploy.cloud.stack import MODEL_TAG, NAME_TAG, TARGET_TAG, StackState
from textwright.deploy.targets.aws_lambda import FunctionSettings, LambdaDeployer
from textwright.errors import SettingsError

ALICE, BOB = f"alice {'a' * 64}", f"bob {'b' * 64}"
WATCH = FunctionSettings(api_keys_secret="keys")


class Account:
    """An account that answers what AWS answers; the emulator's tests ask a whole one."""

    region = "eu-central-1"

    def __init__(self, **answers):
        self._answers = answers

    def call(self, _, operation, **parameters):
        answer = self._answers[operation]
        return answer[parameters["Qualifier"]] if "Qualifier" in parameters else answer


class Standing:
    """A stack of a function whose version 2 answers and whose version 1 answered before."""

    def state(self):
        tags = {NAME_TAG: "demo", TARGET_TAG: "lambda", MODEL_TAG: "demo@1/fp32"}
        outputs = {"Function": "textwright-demo", "Live": "2", "Previous": "1"}
        return StackState("id", "textwright-demo", "UPDATE_COMPLETE", outputs, {}, tags)


def deployment(**answers):
    rules = LambdaDeployer.live_parameters, LambdaDeployer().check_rollback
    return AwsDeployment(Account(**answers), "demo", Standing(), Standing(), Standing(), *rules)


def published(**keys_by_version):
    return {
        version.removeprefix("v"): {"Environment": {"Variables": {"TEXTWRIGHT_LAMBDA_API_KEYS": keys} if keys else {}}}
        for version, keys in keys_by_version.items()
    }


def test_the_current_version_of_the_secret_is_deployed():
    stages = {"old": ["AWSPREVIOUS"], "new": ["AWSCURRENT"]}
    where = deployment(describe_secret={"ARN": "arn:keys", "VersionIdsToStages": stages})
    assert find_secret(where, WATCH) == KeysSecret("arn:keys", "new")
    assert find_secret(where, FunctionSettings()) is None


def test_a_secret_without_a_value_is_refused():
    where = deployment(describe_secret={"ARN": "arn:keys"})
    with pytest.raises(SettingsError, match="holds nothing"):
        find_secret(where, WATCH)


@pytest.mark.parametrize("before", [f"{ALICE}\n{BOB}\n", f"{ALICE},{BOB}", ALICE, ""])
def test_no_rollback_to_keys_that_are_revoked_or_to_none(before):
    where = deployment(get_function_configuration=published(v1=before, v2=f"{BOB}\n"))
    with pytest.raises(SettingsError, match="version 1 of textwright-demo would take API keys"):
        where.plan_rollback()


@pytest.mark.parametrize(("before", "now"), [(BOB, f"{BOB}\n"), (BOB, f"{ALICE}\n{BOB}"), ("", "")])
def test_a_rollback_to_the_same_or_fewer_keys(before, now):
    where = deployment(get_function_configuration=published(v1=before, v2=now))
    assert where.plan_rollback().previous == "1"
