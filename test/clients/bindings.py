"""Drives the server through the generated bindings; any failed expectation ends with status 1.

usage: bindings.py API_URL USERNAME PASSWORD MANIFEST_URL
"""

import hashlib
import os
import sys
import tempfile
import time

from pulpcore.client import pulp_file, pulpcore

api_url, username, password, manifest_url = sys.argv[1:]


def client(module):
    configuration = module.Configuration(host=api_url, username=username, password=password)
    return module.ApiClient(configuration)


core, file = client(pulpcore), client(pulp_file)
tasks = pulpcore.TasksApi(core)
repositories = pulp_file.RepositoriesFileApi(file)
versions = pulp_file.RepositoriesFileVersionsApi(file)
remotes = pulp_file.RemotesFileApi(file)
content = pulp_file.ContentFilesApi(file)


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, not {wanted!r}")


def done(response):
    """Waits for a task, which must complete."""
    for _ in range(600):
        task = tasks.read(response.task)
        if task.state in ("completed", "failed", "canceled", "skipped"):
            expect(f"state of {task.name} ({task.error})", task.state, "completed")
            return task
        time.sleep(0.05)
    sys.exit(f"{response.task} does not end")


def temporary(data):
    handle, path = tempfile.mkstemp()
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    return path


status = pulpcore.StatusApi(core).status_read()
expect("database", status.database_connection.connected, True)
expect("components", {"core", "file"} <= {v.component for v in status.versions}, True)

remote = remotes.create({"name": "b", "url": manifest_url, "policy": "on_demand"})
expect("policy", remote.policy, "on_demand")
repository = repositories.create({"name": "b", "remote": remote.pulp_href, "autopublish": True})
task = done(repositories.sync(repository.pulp_href, {"remote": remote.pulp_href, "mirror": False}))
expect("created resources", len(task.created_resources), 2)
expect("profile", task.name.endswith("synchronize"), True)
version = versions.read(repositories.read(repository.pulp_href).latest_version_href)
expect("units", version.content_summary.present["file.file"]["count"], 5)

data = os.urandom(3000)
digest = hashlib.sha256(data).hexdigest()
created = done(content.create(relative_path="one", file=temporary(data)))
unit = content.read(created.created_resources[0])
expect("sha256", unit.sha256, digest)
uploaded = content.upload(relative_path="two", file=temporary(data + b"2"))
expect("upload", uploaded.relative_path, "two")

big = os.urandom(2_500_000)
uploads = pulpcore.UploadsApi(core)
upload = uploads.create({"size": len(big)})
for start in (1_000_000, 0, 2_000_000):
    chunk = big[start : start + 1_000_000]
    header = f"bytes {start}-{start + len(chunk) - 1}/{len(big)}"
    checksum = hashlib.sha256(chunk).hexdigest()
    uploads.update(header, upload.pulp_href, temporary(chunk), sha256=checksum)
expect("chunks", len(uploads.read(upload.pulp_href).chunks), 3)
commit = done(uploads.commit(upload.pulp_href, {"sha256": hashlib.sha256(big).hexdigest()}))
artifact = pulpcore.ArtifactsApi(core).read(commit.created_resources[0])
expect("size", artifact.size, len(big))
direct = pulpcore.ArtifactsApi(core).create(temporary(b"direct"))
expect("artifact", direct.sha256, hashlib.sha256(b"direct").hexdigest())

done(repositories.modify(repository.pulp_href, {"add_content_units": [unit.pulp_href]}))
listed = content.list(repository_version=f"{repository.versions_href}2/", limit=3)
expect("count", listed.count, 6)
expect("page", len(listed.results), 3)
done(repositories.modify(repository.pulp_href, {"remove_content_units": ["*"]}))
expect("empty", versions.list(repository.pulp_href, ordering=["-number"]).results[0].number, 3)

distributions = pulp_file.DistributionsFileApi(file)
made = done(distributions.create({"name": "b", "base_path": "b", "repository": repository.pulp_href}))
distribution = distributions.read(made.created_resources[0])
expect("base_path", distribution.base_path, "b")
done(distributions.partial_update(distribution.pulp_href, {"base_path": "c"}))
expect("base_path", distributions.read(distribution.pulp_href).base_path, "c")
label = repositories.set_label(repository.pulp_href, {"key": "env", "value": "prod"})
expect("label", (label.key, label.value), ("env", "prod"))
expect("select", repositories.list(pulp_label_select="env=prod").count, 1)

try:
    repositories.create({"name": "b"})
    sys.exit("a second repository of one name was made")
except pulp_file.exceptions.BadRequestException as error:
    expect("message", "must be unique" in error.body, True)
try:
    tasks.tasks_cancel(task.pulp_href, {"state": "canceled"})
    sys.exit("a finished task was cancelled")
except pulpcore.exceptions.ApiException as error:
    expect("conflict", error.status, 409)

done(distributions.delete(distribution.pulp_href))
done(repositories.delete(repository.pulp_href))
done(remotes.delete(remote.pulp_href))
cleanup = done(pulpcore.OrphansCleanupApi(core).cleanup({"orphan_protection_time": 0}))
expect("reports", len(cleanup.progress_reports) >= 1, True)
expect("content left", content.list().count, 0)
print("all expectations met")
