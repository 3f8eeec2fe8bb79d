"""Every list method in pages, over both transports."""

import pytest

from support.clients import TRANSPORTS
from support.errors import invalid_page_token, refused
from support.schemas import AVRO, DEFINITIONS, REVISED

pytestmark = pytest.mark.parametrize("api", TRANSPORTS, indirect=True)
COUNT = 5


def topics(api, project):
    names = [project.topic().name for _ in range(COUNT)]
    return api.publisher.list_topics, {"project": project.path}, names


def subscriptions(api, project):
    topic = project.topic()
    names = [project.subscription(topic).name for _ in range(COUNT)]
    return api.subscriber.list_subscriptions, {"project": project.path}, names


def topic_subscriptions(api, project):
    topic = project.topic()
    names = [project.subscription(topic).name for _ in range(COUNT)]
    return api.publisher.list_topic_subscriptions, {"topic": topic.name}, names


def snapshots(api, project):
    _, sub = project.topic_with({})
    names = [project.snapshot(sub).name for _ in range(COUNT)]
    return api.subscriber.list_snapshots, {"project": project.path}, names


def topic_snapshots(api, project):
    topic, sub = project.topic_with({})
    names = [project.snapshot(sub).name for _ in range(COUNT)]
    return api.publisher.list_topic_snapshots, {"topic": topic.name}, names


def schemas(api, project):
    names = [project.schema("AVRO", AVRO).name for _ in range(COUNT)]
    return api.schemas.list_schemas, {"parent": project.path}, names


def schema_revisions(api, project):
    schema = project.schema("AVRO", AVRO)
    ids = [schema.revision_id]
    for n in range(1, COUNT):
        definition = [DEFINITIONS, REVISED][n % 2]["AVRO"]
        made = api.schemas.commit_schema(
            name=schema.name,
            schema={"name": schema.name, "type_": "AVRO", "definition": definition},
        )
        ids.append(made.revision_id)
    return api.schemas.list_schema_revisions, {"name": schema.name}, ids


LISTS = [
    topics,
    subscriptions,
    topic_subscriptions,
    snapshots,
    topic_snapshots,
    schemas,
    schema_revisions,
]
over_lists = pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.__name__)


def named(kind, item):
    if isinstance(item, str):
        return item
    return item.revision_id if kind is schema_revisions else item.name


@over_lists
def test_pages_make_up_the_whole(api, project, kind):
    method, request, names = kind(api, project)
    pages = list(method(request={**request, "page_size": 2}).pages)
    assert [bool(page.next_page_token) for page in pages] == [True, True, False]
    found = [named(kind, item) for item in method(request={**request, "page_size": 2})]
    assert sorted(found) == sorted(names)
    whole = [named(kind, item) for item in method(request=request)]
    assert whole == found, "the order does not depend on the size of the pages"


@over_lists
def test_one_page_that_is_full_and_one_that_is_larger(api, project, kind):
    method, request, _ = kind(api, project)
    for size in [COUNT, COUNT + 1, 1000]:
        pages = list(method(request={**request, "page_size": size}).pages)
        assert [bool(page.next_page_token) for page in pages] == [False]


@over_lists
def test_a_token_goes_on_where_the_page_ended(api, project, kind):
    method, request, _ = kind(api, project)
    first = next(method(request={**request, "page_size": 2}).pages)
    token = first.next_page_token
    rest = method(request={**request, "page_size": 1000, "page_token": token})
    assert len(list(rest)) == COUNT - 2
    again = method(request={**request, "page_size": 1000, "page_token": token})
    assert len(list(again)) == COUNT - 2, "a token can be used twice"


@over_lists
def test_bad_sizes_and_tokens_are_refused(api, project, kind):
    method, request, _ = kind(api, project)
    for size in [-1, 1001]:
        with refused("INVALID_ARGUMENT"):
            list(method(request={**request, "page_size": size}))
    for token in ["nonsense", "AAAA", "ü"]:
        with refused("INVALID_ARGUMENT", invalid_page_token(token)):
            list(method(request={**request, "page_token": token}))


def test_an_empty_list(api, project):
    pages = list(api.publisher.list_topics(project=project.path).pages)
    assert len(pages) == 1
    assert not pages[0].topics
    assert not pages[0].next_page_token


def test_more_than_one_default_page(api, project):
    topic = project.topic()
    names = [project.subscription(topic).name for _ in range(130)]
    found = [one.name for one in api.subscriber.list_subscriptions(project=project.path)]
    assert sorted(found) == sorted(names)
