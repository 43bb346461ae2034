"""Steers the generated requests: towards objects that exist, and away from the caller's own account.

`FUZZ_OBJECTS` is JSON: path of a collection → keys of objects made before the run.
"""

import json
import os
import random

import schemathesis

OBJECTS = json.loads(os.environ["FUZZ_OBJECTS"])
CALLER = os.environ["FUZZ_CALLER"]
chance = random.Random(int(os.environ.get("FUZZ_SEED", "1")))


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path.endswith("/login/") and isinstance(case.body, dict):
        case.body.pop("username", None)
    parameters = case.path_parameters
    if not parameters:
        return
    if str(parameters.get("id")) == CALLER:
        parameters["id"] = 2_000_000_000
    path = case.operation.path
    for name in ("pulp_id", "repository_pk", "id"):
        keys = OBJECTS.get(path.split("{" + name + "}")[0])
        if name in parameters and keys and chance.random() < 0.6:
            parameters[name] = chance.choice(keys)
    if "number" in parameters and chance.random() < 0.5:
        parameters["number"] = chance.randint(0, 2)
