"""Drives the registry through the generated bindings; any failed expectation ends with status 1.

usage: container_bindings.py API_URL USERNAME PASSWORD DIGEST
"""

import sys
import time

from pulpcore.client import pulp_container, pulpcore

api_url, username, password, digest = sys.argv[1:]


def client(module):
    configuration = module.Configuration(host=api_url, username=username, password=password)
    return module.ApiClient(configuration)


core, container = client(pulpcore), client(pulp_container)
tasks = pulpcore.TasksApi(core)
repositories = pulp_container.RepositoriesContainerApi(container)
versions = pulp_container.RepositoriesContainerVersionsApi(container)
remotes = pulp_container.RemotesContainerApi(container)
caches = pulp_container.RemotesPullThroughApi(container)
distributions = pulp_container.DistributionsContainerApi(container)
pull_through = pulp_container.DistributionsPullThroughApi(container)
namespaces = pulp_container.PulpContainerNamespacesApi(container)
manifests = pulp_container.ContentManifestsApi(container)
tags = pulp_container.ContentTagsApi(container)


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
    sys.exit(f"task {response.task} does not end")


manifest = manifests.list(digest=digest).results[0]
expect("type", manifest.type, "image")
expect("labels", manifest.labels, {"layer": "one"})

repository = repositories.create({"name": "by-bindings"})
href = repository.pulp_href
done(repositories.add(href, {"content_units": [manifest.pulp_href]}))
done(repositories.tag(href, {"tag": "tagged", "digest": digest}))
latest = repositories.read(href).latest_version_href
found = tags.list(repository_version=latest).results
expect("tags", [tag.name for tag in found], ["tagged"])
expect("tagged manifest", found[0].tagged_manifest, manifest.pulp_href)
summary = versions.read(latest).content_summary.present
expect("manifests", summary["container.manifest"]["count"], 1)

copy = repositories.create({"name": "copied-by-bindings"})
done(repositories.copy_tags(copy.pulp_href, {"source_repository": href, "names": ["tagged"]}))
expect("version", repositories.read(copy.pulp_href).latest_version_href[-3:], "/1/")
done(repositories.untag(href, {"tag": "tagged"}))
done(repositories.remove(href, {"content_units": ["*"]}))

body = {"name": "by-bindings", "base_path": "bindings/app", "repository": href}
task = done(distributions.create(body))
distribution = distributions.read(task.created_resources[0])
namespace = namespaces.read(distribution.namespace)
expect("namespace", namespace.name, "bindings")
done(distributions.partial_update(distribution.pulp_href, {"private": True}))
expect("private", distributions.read(distribution.pulp_href).private, True)

remote = remotes.create(
    {"name": "by-bindings", "url": "https://a.example", "upstream_name": "x", "includes": ["1*"]}
)
expect("includes", remote.includes, ["1*"])
cache = caches.create({"name": "cache-by-bindings", "url": "https://a.example"})
expect("policy", cache.policy, "on_demand")
through = {"name": "cache", "base_path": "bindings-cache", "remote": cache.pulp_href}
task = done(pull_through.create(through))
expect("distributions", pull_through.read(task.created_resources[0]).distributions, [])
done(pull_through.delete(task.created_resources[0]))

done(namespaces.delete(namespace.pulp_href))
expect("repositories", repositories.list(name="by-bindings").count, 0)
for made in (remotes, remote), (caches, cache):
    done(made[0].delete(made[1].pulp_href))
done(repositories.delete(copy.pulp_href))
print("all expectations met")
