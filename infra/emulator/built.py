"""Takes from the template that `sam build` wrote what the emulator cannot take. All
else is deployed there as it is on AWS; template.py holds template.yaml to both.

built.py FILE     changes the file in place, and fails where there is nothing to change
"""

import sys

from samcli.yamlhelper import yaml_dump, yaml_parse

TLS = {"Bool": {"aws:SecureTransport": "false"}}


def statements(value):
    """Yields every list of statements, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("Statement"), list):
            yield value["Statement"]
        value = list(value.values())
    for part in value if isinstance(value, list) else []:
        yield from statements(part)


def adapt(template):
    """Returns how many statements it took, and how many it changed.

    The emulator speaks plain HTTP: what refuses calls without TLS refuses all. It
    checks SendTaskSuccess against '*': it does not find the state machine by the
    task token, as AWS does.
    """
    taken = changed = 0
    for listed in statements(template["Resources"]):
        kept = [s for s in listed if s.get("Condition") != TLS]
        taken += len(listed) - len(kept)
        listed[:] = kept
        for statement in (s for s in kept if s.get("Action") == "states:SendTaskSuccess"):
            statement["Resource"] = "*"
            changed += 1
    return taken, changed


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        template = yaml_parse(file.read())
    if not all(adapt(template)):
        sys.exit(f"{sys.argv[1]}: nothing to adapt to the emulator; is built.py still needed?")
    with open(sys.argv[1], "w") as file:
        file.write(yaml_dump(template))
