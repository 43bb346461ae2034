"""Steers the generated requests: towards objects that exist, and away from the caller's own account.

`FUZZ_OBJECTS` is JSON: path of a collection → keys of objects made before the run. `FUZZ_DOMAINS`
are the names of the domains, if the server has them.
"""

import json
import os
import random

import schemathesis

OBJECTS = json.loads(os.environ["FUZZ_OBJECTS"])
DOMAINS = json.loads(os.environ.get("FUZZ_DOMAINS", "[]"))
CALLER = os.environ["FUZZ_CALLER"]
chance = random.Random(int(os.environ.get("FUZZ_SEED", "1")))


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path.endswith("/login/") and isinstance(case.body, dict):
        case.body.pop("username", None)
    steer_store(case)
    parameters = case.path_parameters
    if not parameters:
        return
    if str(parameters.get("id")) == CALLER:
        parameters["id"] = 2_000_000_000
    path = case.operation.path
    if "pulp_domain" in parameters and chance.random() < 0.9:
        parameters["pulp_domain"] = chance.choice(DOMAINS)
    path = path.replace("{pulp_domain}", str(parameters.get("pulp_domain")))
    for name in ("pulp_id", "repository_pk", "id"):
        keys = OBJECTS.get(path.split("{" + name + "}")[0])
        if name in parameters and keys and chance.random() < 0.6:
            parameters[name] = chance.choice(keys)
    if "number" in parameters and chance.random() < 0.5:
        parameters["number"] = chance.randint(0, 2)


def steer_store(case):
    """A store below the server's own root: what is made up would be refused, or lie anywhere."""
    if isinstance(case.body, dict) and "storage_settings" in case.body and chance.random() < 0.7:
        case.body["storage_class"] = "pulpcore.app.models.storage.FileSystem"
        case.body["storage_settings"] = {"location": ""}
