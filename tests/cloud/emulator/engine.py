"""CloudFormation's own work: see the package."""

from __future__ import annotations

import json
import re
import threading
import traceback

from moto.cloudformation import models, parsing, responses
from moto.core.responses import EmptyResult

from textwright.deploy.cloud.templates import resolve
from textwright.deploy.cloud.templates import parse

EVENTS = models.Event
SECRET = re.compile(
    r"\{\{resolve:secretsmanager:(?P<id>[^}]*?)(?::SecretString::(?P<stage>[^:}]*):(?P<version>[^:}]*))?\}\}"
)


def install(work):
    backend = models.CloudFormationBackend
    backend.create_change_set = _create_change_set(backend.create_change_set)
    backend.execute_change_set = _execute
    responses.CloudFormationResponse.signal_resource = _signal
    models.Stack.parameter_list = property(_parameter_list)
    parsing.resource_class_from_type = _known_type(parsing.resource_class_from_type)
    backend.delete_stack = _delete_stack(backend.delete_stack)


def _known_type(original):
    def find(kind):
        found = original(kind)
        if found is None:
            raise ValueError(f"{kind} is neither moto's nor ours")
        return found

    return find


def _parameter_list(stack):
    given = getattr(stack, "given_parameters", {})
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]


def _full(template, parameters):
    """Add the defaults of a template to the parameters that were given."""
    slots = parse(template).get("Parameters", {})
    if unknown := set(parameters) - set(slots):
        raise models.ValidationError(message=f"Parameters: {sorted(unknown)} do not exist in the template")
    return {name: str(parameters.get(name, slot.get("Default", ""))) for name, slot in slots.items()}


def _create_change_set(original):
    def create(self, stack_name, change_set_name, template, parameters, *args, **keywords):
        if keywords.get("change_set_type") == "CREATE":
            # A stack that is only planned, or is gone, may be planned again.
            for key, stack in list(self.stacks.items()):
                if stack.name == stack_name and stack.status == "REVIEW_IN_PROGRESS":
                    del self.stacks[key]
        full = _full(template, parameters)
        for name, slot in parse(template).get("Parameters", {}).items():
            _check(name, slot, full[name])
        made = original(self, stack_name, change_set_name, template, {}, *args, **keywords)
        change_set = self.change_sets[made[0]]
        change_set.raw_template, change_set.raw_parameters = template, full
        change_set.triggers = getattr(self, "next_triggers", [])
        stack = change_set.stack
        if (getattr(stack, "raw_template", None), getattr(stack, "given_parameters", None)) == (template, full):
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.status_reason = "The submitted information didn't contain changes."
        else:
            change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"
        return made

    return create


def _check(name, slot, value):
    """Refuse what CloudFormation would refuse."""
    if slot.get("AllowedPattern") and not re.fullmatch(slot["AllowedPattern"], value):
        raise models.ValidationError(message=f"Parameter {name} failed to satisfy constraint: {slot['AllowedPattern']}")
    if slot.get("AllowedValues") and value not in map(str, slot["AllowedValues"]):
        raise models.ValidationError(message=f"Parameter {name} must be one of {slot['AllowedValues']}")
    if slot["Type"] == "Number":
        low, high = slot.get("MinValue", float("-inf")), slot.get("MaxValue", float("inf"))
        if not low <= float(value) <= high:
            raise models.ValidationError(message=f"Parameter {name} must be a number from {low} to {high}")


def _execute(self, change_set_name, stack_name=None):
    change_set = self.describe_change_set(change_set_name)
    stack = change_set.stack
    is_new = change_set.change_set_type == "CREATE"
    word = "CREATE" if is_new else "UPDATE"
    stack.status = f"{word}_IN_PROGRESS"
    stack._add_stack_event(stack.status, resource_status_reason="User Initiated")
    if change_set.tags is not None:
        stack.tags = change_set.tags
    # As CloudFormation does, answer at once and go on working.
    threading.Thread(target=_work, args=(stack, change_set, word), daemon=True).start()


def _work(stack, change_set, word):
    before = (getattr(stack, "raw_template", None), getattr(stack, "given_parameters", None))
    try:
        _apply(stack, change_set.raw_template, change_set.raw_parameters)
        stack._add_stack_event(f"{word}_COMPLETE")
        stack.status = f"{word}_COMPLETE"
    except Exception:
        traceback.print_exc()
        undone = "ROLLBACK" if word == "CREATE" else "UPDATE_ROLLBACK"
        stack.status = f"{undone}_IN_PROGRESS"
        stack._add_stack_event(stack.status)
        try:
            _undo(stack, before if word == "UPDATE" else None)
        except Exception:
            traceback.print_exc()
            stack.status = f"{undone}_FAILED"
        else:
            stack.status = f"{undone}_COMPLETE"
        stack._add_stack_event(stack.status)


def _undo(stack, before):
    if before is not None:
        _apply(stack, *before)
        return
    stack.resource_map.delete()
    # moto's map makes what it is asked for.
    stack.resource_map._resource_json_map = {}
    stack.resolved, stack.raw_template = {"Resources": {}}, None


def _apply(stack, template, parameters):
    parsed = parse(template)
    slots = parsed.get("Parameters", {})
    typed = {name: _typed(stack, slots[name]["Type"], value) for name, value in parameters.items()}
    # As CloudFormation does, compare what is written and only then read secrets: a secret that has changed behind the
    # same reference changes nothing.
    new = resolve(parsed, typed)
    filled = _secrets(new, stack)
    # moto reads its own copy of the template anew now and then, so ours has a name of its own.
    old = getattr(stack, "resolved", {"Resources": {}})
    stack.template = stack.raw_template = template
    stack.given_parameters = parameters
    done = stack.resource_map if old["Resources"] else None
    if done is None:
        stack.template_dict = {"Resources": {}, "Outputs": {}}
        done = stack.resource_map = parsing.ResourceMap(
            stack.stack_id, stack.name, {}, stack.tags, stack.region_name, stack.account_id, stack.template_dict, {}
        )
        done.load()
        done.tags.update({"aws:cloudformation:stack-name": stack.name})
    stack.resolved, stack.template_dict = new, filled
    done._template, done._resource_json_map = filled, filled["Resources"]
    changed, replaced = set(), set()
    for name in _order(new["Resources"]):
        body = new["Resources"][name]
        if name not in old["Resources"]:
            _one(stack, name, body, "CREATE", lambda name=name: done[name])
            changed.add(name)
            replaced.add(name)
        elif body != old["Resources"][name] or _attributes(body) & changed or _references(body) & replaced:
            was = done._parsed_resources[name].physical_resource_id
            body = filled["Resources"][name]
            _one(stack, name, body, "UPDATE", lambda name=name, body=body: _update(stack, done, name, body))
            changed.add(name)
            if done._parsed_resources[name].physical_resource_id != was:
                replaced.add(name)
    for name in reversed(_order(old["Resources"])):
        if name not in new["Resources"]:
            _one(stack, name, old["Resources"][name], "DELETE", lambda name=name: _remove(done, name, old))
    stack.template_dict = filled
    stack.output_map = stack._create_output_map()


def _typed(stack, kind, value):
    if kind == "Number":
        return float(value) if "." in value else int(value)
    if kind.startswith("AWS::SSM::Parameter::"):
        return parsing.ssm_backends[stack.account_id][stack.region_name].get_parameter(value).value
    return value


def _secrets(template, stack):
    """Put secrets in where they are named, in the version that is named, as CloudFormation does."""
    from moto.secretsmanager.models import secretsmanager_backends

    backend = secretsmanager_backends[stack.account_id][stack.region_name]
    text = json.dumps(template)

    def fill(match):
        stage, version = match["stage"] or None, match["version"] or None
        return json.dumps(backend.get_secret_value(match["id"], version, stage)["SecretString"])[1:-1]

    return json.loads(SECRET.sub(fill, text))


def _references(part):
    """Name the resources that a resource leans on."""
    if isinstance(part, list):
        return set().union(*map(_references, part), set())
    if not isinstance(part, dict):
        return set()
    found = set()
    for key, value in part.items():
        if key in {"Ref", "DependsOn"} and isinstance(value, str):
            found.add(value)
        elif key == "DependsOn":
            found |= set(value)
        elif key == "Fn::GetAtt":
            found.add(value[0])
        elif key == "Fn::Sub":
            found |= set(re.findall(r"\$\{([A-Za-z0-9]+)[.}]", value if isinstance(value, str) else value[0]))
        else:
            found |= _references(value)
    return found


def _attributes(part):
    """Name the resources of which a resource reads an attribute, which may change while the resource stays."""
    if isinstance(part, list):
        return set().union(*map(_attributes, part), set())
    if not isinstance(part, dict):
        return set()
    own = {part["Fn::GetAtt"][0]} if "Fn::GetAtt" in part else set()
    return own.union(*map(_attributes, part.values()))


def _order(resources):
    done = []

    def visit(name, path):
        if name in path:
            raise ValueError(f"circular dependency: {path}")
        if name in done or name not in resources:
            return
        for other in sorted(_references(resources[name])):
            visit(other, [*path, name])
        done.append(name)

    for name in resources:
        visit(name, [])
    return done


def _one(stack, name, body, verb, act):
    _event(stack, name, body, f"{verb}_IN_PROGRESS")
    try:
        act()
    except Exception as error:
        _event(stack, name, body, f"{verb}_FAILED", str(error) or type(error).__name__)
        raise
    _event(stack, name, body, f"{verb}_COMPLETE")


def _event(stack, name, body, status, reason=None):
    found = stack.resource_map._parsed_resources.get(name)
    physical = getattr(found, "physical_resource_id", "")
    stack.events.append(EVENTS(stack.stack_id, stack.name, name, physical, body["Type"], status, reason, None))


def _update(stack, done, name, body):
    changed = parsing.parse_and_update_resource(name, body, done, stack.account_id, stack.region_name)
    if changed is not None:
        done._parsed_resources[name] = changed


def _remove(done, name, old):
    resource = done._parsed_resources.pop(name)
    done._delete_resource(resource, old["Resources"][name])


def _delete_stack(original):
    def delete(self, name_or_stack_id):
        for stack in self.stacks.values():
            if name_or_stack_id in {stack.name, stack.stack_id} and getattr(stack, "raw_template", None):
                old = stack.resolved
                for name in reversed(_order(old["Resources"])):
                    if name in stack.resource_map._parsed_resources:
                        _remove(stack.resource_map, name, old)
                stack.resource_map._resource_json_map = {}
        return original(self, name_or_stack_id)

    return delete


SIGNALS: dict[tuple[str, str], str] = {}


def _signal(self):
    SIGNALS[self._get_param("LogicalResourceId"), self._get_param("UniqueId")] = self._get_param("Status")
    return EmptyResult()
