"""Hands out rights and uses them through the generated bindings; a failed expectation ends with 1.

usage: access_bindings.py API_URL USERNAME PASSWORD
"""

import sys

from pulpcore.client import pulp_file, pulpcore

api_url, username, password = sys.argv[1:]
SECRET = "long enough for anybody"
CREATOR, VIEWER = "file.filerepository_creator", "file.filerepository_viewer"
OWNER = "file.filerepository_owner"


class As:
    """The APIs of the tour, as somebody."""

    def __init__(self, name, secret=SECRET):
        def client(module):
            configuration = module.Configuration(host=api_url, username=name, password=secret)
            return module.ApiClient(configuration)

        core = client(pulpcore)
        self.users = pulpcore.UsersApi(core)
        self.user_roles = pulpcore.UsersRolesApi(core)
        self.groups = pulpcore.GroupsApi(core)
        self.group_roles = pulpcore.GroupsRolesApi(core)
        self.members = pulpcore.GroupsUsersApi(core)
        self.roles = pulpcore.RolesApi(core)
        self.policies = pulpcore.AccessPoliciesApi(core)
        self.tasks = pulpcore.TasksApi(core)
        self.repositories = pulp_file.RepositoriesFileApi(client(pulp_file))


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, not {wanted!r}")


def refused(status, call, *args):
    """The call must end with this status."""
    try:
        call(*args)
    except (pulpcore.exceptions.ApiException, pulp_file.exceptions.ApiException) as error:
        expect(f"status of {call.__qualname__}{args}", error.status, status)
    else:
        sys.exit(f"{call.__qualname__}{args} was not refused")


def names(repositories):
    return sorted(one.name for one in repositories.list().results)


admin = As(username, password)
users = {
    name: admin.users.create({"username": name, "password": SECRET})
    for name in ("maker", "watcher", "member", "stranger")
}
maker, watcher, member, stranger = (As(name) for name in users)
group = admin.groups.create({"name": "crew"})
admin.members.create(group.pulp_href, {"username": "member"})
expect("members", [m.username for m in admin.members.list(group.pulp_href).results], ["member"])
patcher = admin.roles.create(
    {"name": "patcher", "permissions": ["file.view_filerepository", "file.change_filerepository"]}
)
expect("own role", (patcher.locked, len(patcher.permissions)), (False, 2))

# Everywhere: the creator of repositories sees their own, the viewer all, others none.
given = admin.user_roles.create(users["maker"].pulp_href, {"role": CREATOR, "content_object": None})
admin.user_roles.create(users["watcher"].pulp_href, {"role": VIEWER, "content_object": None})
expect("level", (given.content_object, given.domain), (None, None))
refused(403, stranger.repositories.create, {"name": "no"})
refused(403, watcher.repositories.create, {"name": "no"})
admin.repositories.create({"name": "of-admin"})
mine = maker.repositories.create({"name": "of-maker"})
href = mine.pulp_href
expect("creator sees", names(maker.repositories), ["of-maker"])
expect("viewer sees", names(watcher.repositories), ["of-admin", "of-maker"])
expect("stranger sees", names(stranger.repositories), [])
expect("viewer reads", watcher.repositories.read(href).name, "of-maker")
refused(403, watcher.repositories.partial_update, href, {"description": "x"})
refused(403, watcher.repositories.delete, href)
refused(404, stranger.repositories.read, href)
refused(404, stranger.repositories.partial_update, href, {"description": "x"})
refused(401, As("maker", "wrong").repositories.read, href)
maker.repositories.partial_update(href, {"description": "mine"})

# On an object: the owner hands out a role to a user and to a group, and takes it again.
expect("creator became owner", OWNER in [r.role for r in maker.repositories.list_roles(href).roles], True)
permissions = maker.repositories.my_permissions(href).permissions
expect("owner may", "file.manage_roles_filerepository" in permissions, True)
nested = {"role": "patcher", "users": ["stranger"], "groups": ["crew"]}
refused(403, watcher.repositories.add_role, href, nested)
maker.repositories.add_role(href, nested)
held = {r.role: (r.users, r.groups) for r in maker.repositories.list_roles(href).roles}
expect("roles", held["patcher"], (["stranger"], ["crew"]))
for other in (stranger, member):
    expect("sees", names(other.repositories), ["of-maker"])
    expect(
        "may",
        sorted(other.repositories.my_permissions(href).permissions),
        ["file.change_filerepository", "file.view_filerepository"],
    )
    other.repositories.partial_update(href, {"description": "ours"})
    refused(403, other.repositories.delete, href)
admin.members.delete(f"{group.pulp_href}users/{users['member'].pulp_href.split('/')[-2]}/")
refused(404, member.repositories.read, href)
maker.repositories.remove_role(href, {"role": "patcher", "users": ["stranger"]})
refused(404, stranger.repositories.read, href)

# By assignment of an administrator, on the same object.
on_object = admin.user_roles.create(
    users["stranger"].pulp_href, {"role": "patcher", "content_object": href}
)
expect("object", on_object.content_object, href)
expect("permissions", len(on_object.permissions), 2)
expect("reads again", stranger.repositories.read(href).name, "of-maker")
admin.roles.partial_update(patcher.pulp_href, {"permissions": ["file.view_filerepository"]})
refused(403, stranger.repositories.partial_update, href, {"description": "y"})
admin.user_roles.delete(on_object.pulp_href)
refused(404, stranger.repositories.read, href)

# A policy is read, changed and reset.
[policy] = admin.policies.list(viewset_name="repositories/file/file").results
expect("shipped", policy.customized, False)
closed = [{"action": ["*"], "principal": "admin", "effect": "allow"}]
changed = admin.policies.partial_update(policy.pulp_href, {"statements": closed})
expect("customized", changed.customized, True)
refused(403, maker.repositories.read, href)
refused(403, watcher.repositories.list)
refused(403, maker.policies.reset, policy.pulp_href)
expect("reset", admin.policies.reset(policy.pulp_href).customized, False)
expect("as shipped", admin.policies.read(policy.pulp_href).statements, policy.statements)
expect("open again", maker.repositories.read(href).name, "of-maker")

# Everything goes, and who was logged in is nobody.
maker.repositories.delete(href)
[left] = admin.repositories.list(name="of-admin").results
admin.repositories.delete(left.pulp_href)
admin.roles.delete(patcher.pulp_href)
admin.groups.delete(group.pulp_href)
for user in users.values():
    admin.users.delete(user.pulp_href)
refused(401, maker.repositories.list)
expect("users", [u.username for u in admin.users.list().results], [username])
print("all expectations met")
