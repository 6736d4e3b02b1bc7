"""What of W&B is knowingly not served, and why. A new thing that a client asks for is either served or stands here.

`MUTATIONS` get one clear line instead of a null, which the client would take for success. `FIELDS` are null, and are
not counted among the unknown ones. `python -m tests.wire.documents` holds every document of a client against both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LAUNCH = "W&B Launch is not served"
REGISTRY = "the registry is not served"
AUTOMATIONS = "automations are not served"
PEOPLE = "there are no users and teams: the server has one API key, in the file `key` of its folder"
SCHEDULER = "the client's own sweep scheduler is not served: swept chooses the runs itself"
PROJECTS = "a project is a name, and is there as long as a run or a sweep of it"
REWIND = (
    "resume_from (rewinding a run) is not served, as it takes rows away: fork_from with the same RUN?_step=N begins a "
    "new run with the rows up to there"
)
CHARTS = "chart presets are not kept; those that wandb.plot brings along work"


def _by_name(by_reason: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    return {name: reason for reason, names in by_reason.items() for name in names}


MUTATIONS: Mapping[str, str] = _by_name(
    {
        "files are sent in one piece": ("completeMultipartUploadArtifact",),
        LAUNCH: (
            "ackRunQueueItem",
            "createDefaultResourceConfig",
            "createLaunchAgent",
            "createRunQueue",
            "deleteFromRunQueue",
            "deleteRunQueues",
            "failRunQueueItem",
            "popFromRunQueue",
            "pushToRunQueue",
            "pushToRunQueueByName",
            "updateLaunchAgent",
            "updateRunQueueItemWarning",
            "upsertRunQueue",
        ),
        REGISTRY: (
            "createProjectMembers",
            "deleteArtifactPortfolio",
            "deleteProjectMembers",
            "linkArtifact",
            "renameProject",
            "unlinkArtifact",
            "updateArtifactPortfolio",
            "updateProjectMember",
            "updateProjectTeamMember",
        ),
        AUTOMATIONS: (
            "createFilterTrigger",
            "createGenericWebhookIntegration",
            "deleteTrigger",
            "updateFilterTrigger",
        ),
        PEOPLE: (
            "createAnonymousEntity",
            "createInvite",
            "createServiceAccount",
            "createTeam",
            "createUser",
            "deleteApiKey",
            "deleteInvite",
            "generateApiKey",
        ),
        SCHEDULER: ("enqueueSweepRun",),
        PROJECTS: ("deleteModel",),
        CHARTS: ("createCustomChart",),
        REWIND: ("rewindRun",),
    }
)

FIELDS: Mapping[str, str] = _by_name(
    {
        LAUNCH: (
            "Entity.defaultResourceConfig",
            "Project.runQueue",
            "Project.runQueues",
            "Query.launchAgent",
            "Run.runInfo",
        ),
        REGISTRY: (
            "ArtifactPortfolio.*",
            "Entity.project",
            "Mutation.upsertModel(allowAllArtifactTypesInRegistry)",
            "Mutation.upsertModel(artifactTypes)",
            "Project.allowAllArtifactTypesInRegistry",
            "Project.artifactTypes",  # of a project that was changed just now; elsewhere they are served
            "Project.members",
            "Project.teamMembers",
        ),
        AUTOMATIONS: ("Entity.integrations", "Entity.projects", "Entity.triggers", "User.projects"),
        PEOPLE: (
            "Entity.available",
            "Entity.codeSavingEnabled",
            "Entity.defaultAccess",
            "Entity.entityType",
            "Entity.isPaid",
            "Entity.isTeam",
            "Entity.members",
            "Entity.organization",  # an id would make the client ask a cloud's metadata address
            "Entity.photoUrl",
            "Entity.privateOnly",
            "Entity.readOnly",
            "Entity.readOnlyAdmin",
            "Entity.storageBytes",
            "Entity.user",
            "Query.organization",
            "Query.users",
            "User.apiKeys",
            "User.teams",
        ),
        PROJECTS: (
            "Mutation.upsertModel(*)",
            "Project.access",
            "Project.dockerImage",
            "Project.repo",
            "Project.updatedAt",
        ),
        "reports are not served": ("Project.allViews", "Project.views"),
        "an unlisted type has no fields: old clients then leave out what is optional": (
            "__Type.fields",
            "__Type.inputFields",
        ),
        "optional parts of the client, each off": ("ServerInfo.features",),
        "what a very old client looked for a run by, beside its name": (
            "Project.bucket(desc)",
            "Project.run(desc)",
        ),
        "files go up in one piece, whatever their size": ("File.uploadMultipartUrls",),
        "artifacts do not expire, and have tags for labels": (
            "Mutation.createArtifact(ttlDurationSeconds)",
            "Mutation.updateArtifact(labels)",
            "Mutation.updateArtifact(ttlDurationSeconds)",
        ),
        "a sweep stays in its project": ("Mutation.upsertSweep(projectName)",),
        "given whole, and never thinned": (
            "Run.history(samples)",
            "Run.parquetHistory(liveKeys)",
            "Run.wandbConfig(keys)",
        ),
        "files are hashed as the client does it by default": ("Entity.xxhashDigestsEnabled",),
    }
)
"""`Type.field` or `Type.field(argument)` → why it is null, or what the argument is for. `Type.*`: all of that type,
`Type.field(*)`: all arguments that nobody reads."""


def declined(name: str) -> bool:
    """Whether `Type.field` or `Type.field(argument)` is known and left out on purpose."""
    kind, _, own = name.partition(".")
    whole, parenthesis, _ = own.partition("(")
    patterns = (name, f"{kind}.*", f"{kind}.{whole}(*)" if parenthesis else name)
    return not FIELDS.keys().isdisjoint(patterns)
